"""Closed forms, and every place where a schedule may stand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_gan
from keras_gan import optimizers
from keras_gan import penalties
from keras_gan import schedules

ROWS = 4


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.Constant(0.3), {0: 0.3, 10**9: 0.3}),
        (
            schedules.Linear(2.0, 1.0, 1000),
            {0: 2.0, 250: 1.75, 1000: 1.0, 10**9: 1.0},
        ),
        # R3GAN's gamma on Stacked-MNIST: 1 -> 0.1 over 2 M images.
        (
            schedules.CosineBurnIn(1.0, 0.1, 2_000_000),
            {
                0: 1.0,
                500_000: 0.1 + 0.9 * (1 + np.sqrt(0.5)) / 2,
                1_000_000: 0.55,
                2_000_000: 0.1,
                10**7: 0.1,
            },
        ),
        (
            schedules.CosineBurnIn(0.0, 0.5, 100),
            {25: 0.5 * (1 - np.sqrt(0.5)) / 2, 50: 0.25},
        ),
        (
            schedules.Step([1.0, 0.5, 0.1], [10, 20]),
            {0: 1.0, 9: 1.0, 10: 0.5, 19: 0.5, 20: 0.1, 99: 0.1},
        ),
    ],
)
def test_closed_forms(schedule, expected):
    for step, value in expected.items():
        for form in (step, tf.constant(step, "int64")):
            found = schedule(form)
            assert found.dtype == "float32"
            np.testing.assert_allclose(found, value, rtol=1e-6)


def test_round_trip_without_the_counter():
    for schedule in (
        schedules.Constant(0.3),
        schedules.Linear(2.0, 1.0, 7),
        schedules.CosineBurnIn(1.0, 0.1, 9),
        schedules.Step([1.0, 2.0], [5]),
    ):
        config = keras.saving.serialize_keras_object(schedule)
        again = keras.saving.deserialize_keras_object(config)
        assert type(again) is type(schedule)
        assert again.get_config() == schedule.get_config()
        counter = keras.Variable(3, dtype="int64")
        bound = schedules.Counted(schedule, counter)
        config = keras.saving.serialize_keras_object(bound)
        again = keras.saving.deserialize_keras_object(config)
        assert type(again) is type(schedule)
        assert float(bound()) == float(schedule(3))


def test_value_before_a_model_binds_it():
    assert float(schedules.value(schedules.Linear(2.0, 1.0, 7))) == 2.0
    assert schedules.value(0.7) == 0.7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.Linear(1, 0, 0), "Received: duration=0"),
        (lambda: schedules.Linear("a", 0, 1), "Received: start='a'"),
        (lambda: schedules.Linear(1, float("nan"), 1), "Received: end=nan"),
        (lambda: schedules.Step([1, 2], [5, 6]), "Received: values="),
        (lambda: schedules.Step([1, 2, 3], [6, 5]), "must increase"),
        (lambda: schedules.Constant(None), "Received: value=None"),
        (
            lambda: penalties.R1(schedules.Linear(1.0, -1.0, 9)),
            "Received: weight=-1.0",
        ),
        (
            lambda: optimizers.Adam(beta_2=schedules.Constant(1.5)),
            "Received: beta_2=1.5",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def linear_gan(penalty=1.0, ema_half_life=None, d_optimizer=None, **kwargs):
    """Both players linear, all weights one."""
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, use_bias=False)]
    )
    discriminator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, use_bias=False)]
    )
    gan = keras_gan.GAN(
        generator, discriminator, ema_half_life=ema_half_life, seed=0
    )
    for player in (generator, discriminator):
        player.set_weights([np.ones_like(w) for w in player.get_weights()])
    gan.compile(
        d_optimizer or keras.optimizers.SGD(0.0),
        keras.optimizers.SGD(0.0),
        penalties=[penalties.R1(penalty)],
        **kwargs,
    )
    return gan


def rows(steps):
    return np.zeros((ROWS * steps, 2), "float32")


def fit(gan, steps):
    return gan.fit(rows(steps), batch_size=ROWS, verbose=0).history


@pytest.mark.parametrize("steps_per_execution", [1, 5])
def test_penalty_weight_follows_the_images_seen(steps_per_execution):
    """||w||^2 = 2, so R1 is the weight: 1, .9, ... at 0, 4, ... images."""
    gan = linear_gan(
        schedules.Linear(1.0, 0.0, 10 * ROWS),
        steps_per_execution=steps_per_execution,
    )
    np.testing.assert_allclose(fit(gan, 5)["r1"], [0.8], rtol=1e-5)
    np.testing.assert_allclose(fit(gan, 5)["r1"], [0.3], rtol=1e-5)


def test_schedule_goes_on_after_loading(tmp_path):
    gan = linear_gan(schedules.Linear(1.0, 0.0, 10 * ROWS))
    fit(gan, 5)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_allclose(fit(loaded, 5)["r1"], [0.3], rtol=1e-5)


@pytest.mark.parametrize(
    "make", [keras.optimizers.SGD, optimizers.Adam, keras.optimizers.AdamW]
)
@pytest.mark.parametrize("d_steps", [1, 3])
def test_learning_rate_follows_images_not_updates(make, d_steps):
    schedule = schedules.Step([0.5, 0.25], [2 * ROWS])
    gan = linear_gan(d_optimizer=make(schedule), d_steps=d_steps)
    fit(gan, 1)
    assert float(gan.d_optimizer.learning_rate) == 0.5
    fit(gan, 1)
    assert float(gan.d_optimizer.learning_rate) == 0.25


def test_scheduled_rate_moves_the_weights():
    """SGD on ||w||^2 / 2 times gamma 2: w <- w (1 - 2 rate)."""
    rate = schedules.Step([0.25, 0.0], [ROWS])
    gan = linear_gan(2.0, d_optimizer=keras.optimizers.SGD(rate))
    real = np.zeros((ROWS, 2), "float32")
    before = gan.discriminator.get_weights()[0]
    fake_mean = []

    def zeros(batch_size, seed):
        fake_mean.append(0)
        return ops.zeros((batch_size, 2))

    gan.latents = zeros
    gan.fit(real, batch_size=ROWS, verbose=0)
    after = gan.discriminator.get_weights()[0]
    np.testing.assert_allclose(after, before * 0.5, rtol=1e-6)
    gan.fit(real, batch_size=ROWS, verbose=0)
    np.testing.assert_array_equal(gan.discriminator.get_weights()[0], after)


def adam_by_hand(gradients, beta_1, betas_2, rate=0.1, epsilon=1e-7):
    """Kingma & Ba, algorithm 1, with the beta of each moment."""
    m = v = weight = 0.0
    for t, (gradient, beta_2) in enumerate(zip(gradients, betas_2), 1):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        # Keras adds epsilon before the correction of v.
        scale = np.sqrt(1 - beta_2**t)
        assert v_hat >= 0
        weight -= rate * m_hat * scale / (np.sqrt(v) + epsilon)
    return weight


def test_adam_with_a_scheduled_beta():
    gradients = [1.0, -2.0, 0.5, 3.0]
    schedule = schedules.Step([0.9, 0.95, 0.99], [1, 3])
    counter = keras.Variable(0, dtype="int64")
    optimizer = optimizers.Adam(0.1, beta_1=0.5, beta_2=schedule)
    schedules.bind(optimizer, counter)
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    step = tf.function(lambda g: optimizer.apply([g], [weight]))
    for gradient in gradients:
        step(tf.constant(gradient))
        counter.assign_add(1)
    expected = adam_by_hand(gradients, 0.5, [0.9, 0.95, 0.95, 0.99])
    np.testing.assert_allclose(float(weight), expected, rtol=1e-5)
    again = optimizers.Adam.from_config(optimizer.get_config())
    assert again.beta_2.get_config() == schedule.get_config()


def test_adam_with_numbers_is_keras_adam():
    weights = []
    for make in (optimizers.Adam, keras.optimizers.Adam):
        weight = keras.Variable([1.0, -2.0])
        optimizer = make(0.1, beta_1=0.3, beta_2=0.7)
        for gradient in ([1.0, 2.0], [3.0, -1.0]):
            optimizer.apply([tf.constant(gradient)], [weight])
        weights.append(weight.numpy())
    np.testing.assert_array_equal(*weights)


def test_half_life_schedule():
    """Half-life 0 is a copy; 5 % of 40 images cap it at 2: keep 1/4."""
    half_life = schedules.Step([0.0, 1e9], [9 * ROWS])
    gan = linear_gan(ema_half_life=half_life)
    for _ in range(8):
        fit(gan, 1)
    average = gan.averaged_generator.trainable_weights[:1]
    average = average or gan.averaged_generator.weights[:1]
    average[0].assign(np.full((2, 2), 5.0))
    gan.images_seen.assign(7 * ROWS)
    fit(gan, 1)
    np.testing.assert_allclose(average[0], np.ones((2, 2)), rtol=1e-6)
    average[0].assign(np.full((2, 2), 5.0))
    gan.images_seen.assign(9 * ROWS)
    fit(gan, 1)
    np.testing.assert_allclose(average[0], np.full((2, 2), 2.0), rtol=1e-6)


def test_augmentation_probability_is_bound():
    augment = keras_gan.layers.DiffAugment(
        "color", probability=schedules.Linear(0.0, 1.0, 100)
    )
    players = keras_gan.architectures.dcgan((8, 8, 1), latent_dim=2, width=2)
    gan = keras_gan.GAN(*players, augment=augment, seed=0)
    assert float(schedules.value(augment.probability)) == 0.0
    gan.images_seen.assign(50)
    assert float(schedules.value(augment.probability)) == 0.5
    again = keras_gan.GAN.from_config(gan.get_config())
    assert float(schedules.value(again.augment.probability)) == 0.0
