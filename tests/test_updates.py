"""Each rule of the update equals its definition, re-derived in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

import keras_gan
from keras_gan import latents
from keras_gan import losses
from keras_gan import penalties
from keras_gan import seeds

ROWS, RATE = 5, 0.3
A = np.array([[0.5, -1.0], [1.5, 0.25]])
W = np.array([[1.0], [-0.5]])


def sigmoid(t):
    return 1.0 / (1.0 + np.exp(-t))


# Slopes of the losses by hand: (d D / d r, d D / d f, d G / d f).
SLOPES = {
    "non_saturating": lambda r, f: (-sigmoid(-r), sigmoid(f), -sigmoid(-f)),
    "minimax": lambda r, f: (-sigmoid(-r), sigmoid(f), -sigmoid(f)),
    "wasserstein": lambda r, f: (-np.ones_like(r), np.ones_like(f), -1.0),
    "relativistic": lambda r, f: (
        -sigmoid(f - r),
        sigmoid(f - r),
        -sigmoid(r - f),
    ),
}


def linear_gan(**kwargs):
    """G(z) = z A and D(x) = x W, both by plain gradient descent."""
    generator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2, use_bias=False)]
    )
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(1, use_bias=False)]
    )
    gan = keras_gan.GAN(generator, discriminator, ema_half_life=None, seed=7)
    generator.set_weights([A])
    discriminator.set_weights([W])
    gan.compile(
        keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), **kwargs
    )
    return gan


def real_rows():
    return np.random.default_rng(1).normal(size=(ROWS, 2))


def draws(count):
    """What the model draws for its half-steps, in order."""
    sampler, seed = latents.Normal((2,)), seeds.ReplicaSeedGenerator(7)
    return [np.array(sampler(ROWS, seed), "float64") for _ in range(count)]


def d_moved(w, a, z, slopes, gamma):
    x, fake = real_rows(), z @ a
    d_real, d_fake, _ = slopes(x @ w, fake @ w)
    gradient = (x.T @ d_real + fake.T @ d_fake) / ROWS
    # R1 and R2 of a linear discriminator: gamma / 2 ||w||^2 each.
    return w - RATE * (gradient + 2 * gamma * w)


def g_moved(a, w, z, slopes):
    fake = z @ a
    _, _, slope = slopes(real_rows() @ w, fake @ w)
    return a - RATE * z.T @ (slope * np.ones((ROWS, 1)) @ w.T) / ROWS


def by_hand(update, slopes, gamma, d_steps=1, g_steps=1):
    a, w = A, W
    z = draws(d_steps + g_steps)
    if update == "alternating":
        for index in range(d_steps):
            w = d_moved(w, a, z[index], slopes, gamma)
        for index in range(g_steps):
            a = g_moved(a, w, z[d_steps + index], slopes)
        return a, w
    moved = d_moved(w, a, z[0], slopes, gamma)
    seen = moved if update == "shared" else w
    return g_moved(a, seen, z[0], slopes), moved


def one_step(gan):
    """One step through `fit`; weights and logs after it."""
    x = real_rows().astype("float32")
    logs = gan.fit(x, batch_size=ROWS, verbose=0, shuffle=False).history
    a, w = (p.get_weights()[0] for p in (gan.generator, gan.discriminator))
    return a, w, logs


@pytest.mark.parametrize("gamma", [0.0, 0.4])
@pytest.mark.parametrize("loss", SLOPES)
@pytest.mark.parametrize("update", ["alternating", "shared", "one_stage"])
def test_rule_equals_its_definition(update, loss, gamma):
    rules = [penalties.ZeroCentered(gamma)] if gamma else []
    gan = linear_gan(loss=loss, penalties=rules, update=update)
    a, w, _ = one_step(gan)
    expected_a, expected_w = by_hand(update, SLOPES[loss], gamma)
    np.testing.assert_allclose(w, expected_w, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(a, expected_a, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("d_steps", "g_steps"), [(3, 1), (1, 2), (2, 3)])
def test_several_steps_of_each_player(d_steps, g_steps):
    gan = linear_gan(d_steps=d_steps, g_steps=g_steps)
    a, w, _ = one_step(gan)
    slopes = SLOPES["non_saturating"]
    expected = by_hand("alternating", slopes, 0.0, d_steps, g_steps)
    np.testing.assert_allclose(a, expected[0], rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(w, expected[1], rtol=2e-5, atol=1e-6)
    assert int(gan.images_seen) == ROWS


def nonlinear_gan(loss, rules, **kwargs):
    keras.utils.set_random_seed(3)
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(8, "tanh"),
            layers.BatchNormalization(),
            layers.Dense(4),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8), layers.LeakyReLU(0.2)]
        + [layers.Dropout(0.3, seed=1), layers.Dense(1)]
    )
    gan = keras_gan.GAN(generator, discriminator, ema_half_life=None, seed=7)
    gan.compile(
        keras.optimizers.SGD(RATE),
        keras.optimizers.SGD(RATE),
        loss=loss,
        penalties=rules,
        **kwargs,
    )
    return gan


@pytest.mark.parametrize("loss", SLOPES)
def test_one_stage_gradient_through_a_network(loss):
    """The generator's gradient equals that of a pass of its own."""
    rules = [penalties.Drift(0.1), penalties.R2(0.3), penalties.LeCam(start=0)]
    gan = nonlinear_gan(loss, rules, update="one_stage")
    gan.discriminator.layers[2].rate = 0.0
    x = np.random.default_rng(1).normal(size=(ROWS, 4)).astype("float32")
    z = latents.Normal((3,))(ROWS, seeds.ReplicaSeedGenerator(7))
    variables = gan.generator.trainable_variables
    with tf.GradientTape() as tape:
        fake = gan.generator(z, training=True)
        logits = gan.discriminator(x), gan.discriminator(fake)
        value = ops.mean(losses.get(loss).generator_loss(*logits))
    gradients = tape.gradient(value, [v.value for v in variables])
    expected = [
        ops.convert_to_numpy(v) - RATE * g for v, g in zip(variables, gradients)
    ]
    logs = gan.fit(x, batch_size=ROWS, verbose=0, shuffle=False).history
    for a, b in zip(expected, variables):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(logs["g_loss"], [value], rtol=1e-5)


@pytest.mark.parametrize(
    ("update", "d_passes", "g_passes"),
    [("alternating", 4, 2), ("shared", 4, 1), ("one_stage", 2, 1)],
)
def test_number_of_passes(update, d_passes, g_passes):
    gan = nonlinear_gan("non_saturating", [], update=update)
    passes = {"d": 0, "g": 0}
    outputs, synthesize = gan.outputs, gan.synthesize

    def count_d(*args, **kwargs):
        passes["d"] += 1
        return outputs(*args, **kwargs)

    def count_g(*args, **kwargs):
        passes["g"] += 1
        return synthesize(*args, **kwargs)

    gan.outputs, gan.synthesize = count_d, count_g
    gan.train_step(ops.ones((ROWS, 4)))
    assert passes == {"d": d_passes, "g": g_passes}


@pytest.mark.parametrize("update", ["shared", "one_stage"])
def test_generator_penalties_and_regularisers_count(update):
    """eta ||x||^2 adds 2 eta z^T z A / n to the gradient of A."""
    eta = 0.05
    gan = linear_gan(penalties=[penalties.SampleEnergy(eta)], update=update)
    a, _, logs = one_step(gan)
    slopes = SLOPES["non_saturating"]
    plain, _ = by_hand(update, slopes, 0.0)
    (z,) = draws(1)
    extra = RATE * 2 * eta * z.T @ (z @ A) / ROWS
    np.testing.assert_allclose(a, plain - extra, rtol=2e-5, atol=1e-6)
    energy = eta * np.square(z @ A).sum(1).mean()
    np.testing.assert_allclose(logs["sample_energy"], [energy], rtol=1e-5)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"update": "both"}, "Received: update='both'"),
        ({"update": "shared", "d_steps": 2}, "Received: d_steps=2"),
        ({"update": "one_stage", "g_steps": 2}, "g_steps=2"),
        ({"update": "one_stage", "loss": "hinge"}, "Received: loss="),
        (
            {"update": "one_stage", "loss": "relativistic_average"},
            "Received: loss=",
        ),
        (
            {
                "update": "one_stage",
                "loss": losses.Relativistic(label_noise=0.1),
            },
            "Received: label_noise=0.1",
        ),
        ({"g_steps": 0}, "Received: g_steps=0"),
        ({"g_steps": 1.5}, "Received: g_steps=1.5"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises((TypeError, ValueError), match=message):
        linear_gan(**kwargs)


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (
            [
                layers.BatchNormalization(name="bn"),
                layers.Dense(1, name="head"),
            ],
            "'bn'",
        ),
        (
            [
                keras_gan.layers.MinibatchDiscrimination(2, 2, name="m"),
                layers.Dense(1),
            ],
            "'m'",
        ),
        ([layers.Dense(3, name="three")], r"shape=\(None, 3\)"),
    ],
)
def test_networks_that_one_stage_cannot_serve(tail, message):
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(4)])
    discriminator = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4), *tail]
    )
    gan = keras_gan.GAN(generator, discriminator)
    optimizers = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)
    with pytest.raises(ValueError, match=message):
        gan.compile(*optimizers, update="one_stage")


@pytest.mark.parametrize("update", ["alternating", "shared", "one_stage"])
def test_batches_of_unknown_size_with_a_ragged_end(update):
    gan = linear_gan(update=update, penalties=[penalties.R1(0.1)])
    x = np.random.default_rng(0).normal(size=(7, 2)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices(x).batch(4)
    logs = gan.fit(data, verbose=0, shuffle=False).history
    assert all(np.isfinite(v).all() for v in logs.values())
    assert int(gan.images_seen) == 7


def test_one_stage_with_sample_weights():
    """Weights multiply the slopes of both players, row by row."""
    gan = linear_gan(update="one_stage")
    weights = np.linspace(0.5, 1.5, ROWS).astype("float32")
    x = real_rows().astype("float32")
    gan.fit(
        x,
        np.zeros(ROWS),
        sample_weight=weights,
        batch_size=ROWS,
        verbose=0,
        shuffle=False,
    )
    (z,) = draws(1)

    def slopes(r, f):
        each = SLOPES["non_saturating"](r, f)
        return tuple(weights[:, None] * slope for slope in each)

    expected_w = d_moved(W, A, z, slopes, 0.0)
    expected_a = g_moved(A, W, z, slopes)
    found = gan.generator.get_weights()[0], gan.discriminator.get_weights()[0]
    np.testing.assert_allclose(found[0], expected_a, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(found[1], expected_w, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("update", ["alternating", "shared", "one_stage"])
def test_weight_clip_holds_under_every_rule(update):
    clip = keras_gan.constraints.WeightClip(0.1)
    gan = linear_gan(loss="wasserstein", penalties=[clip], update=update)
    _, w, _ = one_step(gan)
    np.testing.assert_allclose(np.abs(w), 0.1, rtol=1e-6)


@pytest.mark.parametrize("update", ["shared", "one_stage"])
def test_which_discriminator_a_generator_penalty_sees(update):
    """-beta H has the slope beta f s(f) s(-f) in f; shared sees the new W."""
    beta = 2.0
    gan = linear_gan(
        penalties=[penalties.DiscriminatorEntropy(beta)], update=update
    )
    a, w, _ = one_step(gan)
    plain, moved = by_hand(update, SLOPES["non_saturating"], 0.0)
    (z,) = draws(1)
    seen = moved if update == "shared" else W
    f = z @ A @ seen
    slope = beta * f * sigmoid(f) * sigmoid(-f)
    expected = plain - RATE * z.T @ (slope @ seen.T) / ROWS
    np.testing.assert_allclose(a, expected, rtol=5e-5, atol=1e-6)
    np.testing.assert_allclose(w, moved, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("update", ["alternating", "shared", "one_stage"])
def test_statistics_move_once_however_many_penalties(update):
    """Batch normalisation of the generator sees its own pass only."""
    rules = [
        penalties.PathLength(0.0, every=1),
        penalties.LatentDiversity(0.0),
        penalties.LatentConsistency(0.0),
    ]
    gan = nonlinear_gan("non_saturating", rules, update=update)
    dense, norm = gan.generator.layers[:2]
    # Every latent gives tanh(1), and each update of momentum 0.99 adds 1 %.
    kernel, bias = dense.get_weights()
    dense.set_weights([0 * kernel, 0 * bias + 1.0])
    gan.fit(np.ones((ROWS, 4), "float32"), batch_size=ROWS, verbose=0)
    expected = np.full(8, 0.01 * np.tanh(1.0))
    np.testing.assert_allclose(norm.moving_mean, expected, rtol=1e-5)


def test_float16_is_too_narrow_for_one_stage():
    keras.config.set_dtype_policy("mixed_float16")
    with pytest.raises(ValueError, match="float16"):
        linear_gan(update="one_stage")


def test_patches_of_a_subclassed_discriminator():
    class Patches(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x, training=False):
            return self.dense(x)

    generator = keras.Sequential([keras.Input((2,)), layers.Dense(4)])
    gan = keras_gan.GAN(generator, Patches())
    gan.compile("adam", "adam", update="one_stage")
    with pytest.raises(ValueError, match="one logit a sample"):
        gan.fit(np.ones((4, 4), "float32"), verbose=0)
