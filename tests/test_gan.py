import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import compiled
from conformance import labelled_players
from conformance import patch_players
from conformance import small
from keras import layers

import keras_gan
from keras_gan import penalties
from keras_gan import presets
from keras_gan.latents import Normal
from keras_gan.seeds import states

SGD = keras.optimizers.SGD


@keras.saving.register_keras_serializable("keras_gan_tests")
class FixedLatents(Normal):
    """The same latents at each call, a ramp over the batch."""

    def __call__(self, batch_size, seed):
        ramp = tf.linspace(-1.0, 1.0, batch_size)
        return tf.tile(ramp[:, None], (1, self.shape[0]))


def line():
    """G(z) = a z + b, D(x) = w x + c, all scalars."""
    generator = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    discriminator = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    generator.set_weights([np.array([[0.5]]), np.array([0.2])])
    discriminator.set_weights([np.array([[0.7]]), np.array([-0.1])])
    return generator, discriminator


def softplus(t):
    return np.logaddexp(0.0, t)


def sigmoid(t):
    return 1.0 / (1.0 + np.exp(-t))


def numpy_step(x, weight, rate, gamma):
    """One step of non-saturating + R1 by hand, in float64."""
    a, b, w, c = 0.5, 0.2, 0.7, -0.1
    z = np.linspace(-1.0, 1.0, len(x))
    fake = a * z + b
    r, f = w * x + c, w * fake + c
    logs = {"d_loss": np.mean(weight * (softplus(-r) + softplus(f)))}
    logs["r1"] = np.mean(weight * gamma / 2 * w**2)
    logs["d_real"], logs["d_fake"] = r.mean(), f.mean()
    logs["d_accuracy"] = np.mean(r > f)
    dr, df = -sigmoid(-r), sigmoid(f)
    w_gradient = np.mean(weight * (dr * x + df * fake + gamma * w))
    c_gradient = np.mean(weight * (dr + df))
    w, c = w - rate * w_gradient, c - rate * c_gradient
    f = w * fake + c
    logs["g_loss"] = np.mean(weight * softplus(-f))
    df = -sigmoid(-f) * weight
    a, b = a - rate * np.mean(df * w * z), b - rate * np.mean(df * w)
    logs["loss"] = logs["d_loss"] + logs["r1"] + logs["g_loss"]
    return (a, b, w, c), logs


@pytest.mark.parametrize("weighted", [False, True])
def test_one_step_by_hand(weighted):
    x = np.array([0.3, -0.8, 1.4, 0.9, -0.2])
    weight = np.array([1.0, 0.0, 2.0, 0.5, 1.5]) if weighted else np.ones(5)
    gan = keras_gan.GAN(*line(), latents=FixedLatents((1,)))
    gan.compile(SGD(0.1), SGD(0.1), penalties=[penalties.R1(0.4)])
    samples = x[:, None].astype("float32")
    history = gan.fit(
        samples,
        np.zeros(5),
        sample_weight=weight if weighted else None,
        batch_size=5,
        shuffle=False,
        verbose=0,
    ).history
    expected, logs = numpy_step(x, weight, rate=0.1, gamma=0.4)
    found = [*gan.generator.get_weights(), *gan.discriminator.get_weights()]
    np.testing.assert_allclose([w.item() for w in found], expected, rtol=2e-6)
    assert set(history) == set(logs)
    for name, value in logs.items():
        np.testing.assert_allclose(history[name], [value], rtol=2e-6)


def test_regularizers_of_each_player_count():
    def player(size):
        dense = layers.Dense(
            1, kernel_regularizer=keras.regularizers.L2(0.5), use_bias=False
        )
        return keras.Sequential([keras.Input((size,)), dense])

    def kernels():
        generator, discriminator = player(1), player(1)
        generator.set_weights([np.array([[2.0]])])
        discriminator.set_weights([np.array([[3.0]])])
        gan = keras_gan.GAN(generator, discriminator, ema_half_life=0)

        class Nothing:
            def discriminator_loss(self, real_logits, fake_logits):
                return 0.0 * real_logits[:, 0]

            def generator_loss(self, real_logits, fake_logits):
                return 0.0 * fake_logits[:, 0]

        gan.compile(SGD(0.1), SGD(0.1), loss=Nothing())
        gan.fit(np.zeros((4, 1), "float32"), batch_size=4, verbose=0)
        return [
            float(p.get_weights()[0][0, 0]) for p in (generator, discriminator)
        ]

    # d/dw 0.5 w^2 = w, so w becomes 0.9 w.
    np.testing.assert_allclose(kernels(), [1.8, 2.7], rtol=1e-6)


class Column:
    """A user's loss whose values come as (batch, 1), or as a scalar."""

    def __init__(self, scalar=False):
        self.scalar = scalar

    def discriminator_loss(self, real_logits, fake_logits):
        values = fake_logits - real_logits
        return keras.ops.mean(values) if self.scalar else values

    def generator_loss(self, real_logits, fake_logits):
        return -fake_logits


def test_own_loss_with_weights():
    gan = keras_gan.GAN(*line(), latents=FixedLatents((1,)))
    gan.compile(SGD(0.0), SGD(0.0), loss=Column())
    x = np.array([[0.5], [9.0]], "float32")
    history = gan.fit(
        x,
        np.zeros(2),
        sample_weight=np.array([2.0, 0.0]),
        shuffle=False,
        verbose=0,
    ).history
    # First row: f = 0.7 (0.5 * -1 + 0.2) - 0.1, r = 0.7 * 0.5 - 0.1.
    np.testing.assert_allclose(history["d_loss"], [-0.31 - 0.25], rtol=1e-5)


def test_own_loss_that_gives_a_scalar_is_refused():
    gan = keras_gan.GAN(*line())
    gan.compile(SGD(), SGD(), loss=Column(scalar=True))
    with pytest.raises(ValueError, match="one value a sample.*a scalar"):
        gan.fit(np.zeros((4, 1), "float32"), verbose=0)


def test_penalty_objects_belong_to_one_model():
    rule = penalties.WGANGP()
    compiled(small((3,)), "hinge", [rule])
    other = keras_gan.GAN(*small((3,)))
    with pytest.raises(ValueError, match="penalty objects of its own"):
        other.compile(SGD(), SGD(), penalties=[rule])
    assert not other.compiled


def test_penalty_that_is_a_function_or_a_method():
    def drift(discriminate, real, fake):
        return keras.ops.square(discriminate(real))

    class Rules:
        def level(self, discriminate, real, fake):
            return discriminate(fake)

    gan = compiled(small((3,)), "hinge", [drift, Rules().level])
    history = gan.fit(rows(8), batch_size=4, verbose=0).history
    assert {"drift", "level"} <= set(history)


def test_frozen_player_is_refused():
    gan = compiled(small((3,)), "hinge")
    gan.discriminator.trainable = False
    with pytest.raises(ValueError, match="frozen after `compile`"):
        gan.fit(rows(8), batch_size=4, verbose=0)


def test_metric_with_several_values():
    class Pair(keras.metrics.Metric):
        def update_state(self, real, fake):
            pass

        def result(self):
            return {"low": keras.ops.zeros(()), "high": keras.ops.ones(())}

        def reset_state(self):
            pass

    gan = keras_gan.GAN(*small((3,)))
    gan.compile(SGD(), SGD(), metrics=[Pair(name="pair")])
    logs = gan.evaluate(rows(8), verbose=0, return_dict=True)
    assert (logs["low"], logs["high"]) == (0.0, 1.0)


def test_float16_scales_the_loss_of_each_player():
    keras.config.set_dtype_policy("mixed_float16")
    gan = compiled(small((3,)), "non_saturating", [penalties.R1(0.1)])
    scaling = keras.optimizers.LossScaleOptimizer
    assert all(isinstance(o, scaling) for o in gan.optimizer.optimizers)
    before = gan.generator.get_weights()
    history = gan.fit(rows(8), batch_size=4, verbose=0).history
    assert all(np.isfinite(v).all() for v in history.values())
    assert not np.array_equal(before[0], gan.generator.get_weights()[0])
    again = keras_gan.GAN.from_config(gan.get_config())
    again.compile_from_config(gan.get_compile_config())
    assert isinstance(again.d_optimizer.inner_optimizer, keras.optimizers.Adam)


def test_samples_are_float32_under_reduced_precision(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    gan = keras_gan.GAN(generator, small((3,))[1])
    assert gan.generate(2, seed=0).dtype == np.float32
    assert gan(np.zeros((1, 2), "float32")).dtype == "float32"
    gan.export(str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    assert served.generate(2, 0, 1.0).dtype == "float32"


def test_numpy_integers_are_integers():
    gan = keras_gan.GAN(*small((3,)), seed=np.int64(3))
    assert gan.get_config()["seed"] == 3
    np.testing.assert_array_equal(
        gan.generate(np.int64(2), seed=np.int64(4)), gan.generate(2, seed=4)
    )


def test_streams_of_one_seed_differ():
    gan = keras_gan.GAN(*small((3,)), seed=3)
    drawn = [
        gan.latents(2, generator)
        for generator in (
            gan.seed_generator,
            gan.evaluation_seed_generator,
            gan.sampling_seed_generator,
        )
    ]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not np.array_equal(drawn[i], drawn[j])


def test_several_discriminator_steps():
    gan = compiled(small((3,)), "non_saturating", d_steps=3)
    gan.fit(np.zeros((16, 3), "float32"), batch_size=8, verbose=0)
    assert int(gan.d_optimizer.iterations) == 6
    assert int(gan.g_optimizer.iterations) == 2
    assert int(gan.images_seen) == 16


def averaging_gan(half_life):
    generator = keras.Sequential(
        [keras.Input((1,)), layers.Dense(1), layers.BatchNormalization()]
    )
    discriminator = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    return keras_gan.GAN(generator, discriminator, ema_half_life=half_life)


@pytest.mark.parametrize(
    ("seen", "keep"),
    [
        # 0.5 ** (64 / 10000) once 5 % of the samples seen exceed 10,000.
        (1_000_000, 0.995574),
        # 0.5 ** (64 / (0.05 * 6400)) = 0.5 ** 0.2 during the ramp-up.
        (6_400, 0.870551),
    ],
)
def test_average_after_one_step(seen, keep):
    gan = averaging_gan(10_000)
    gan.images_seen.assign(seen)
    for averaged, weight in zip(
        gan.averaged_generator.weights, gan.generator.weights
    ):
        averaged.assign(keras.ops.ones_like(averaged))
        weight.assign(3.0 * keras.ops.ones_like(weight))
    gan.update_average(64)
    assert len(gan.averaged_generator.weights) == 6
    for averaged in gan.averaged_generator.weights:
        np.testing.assert_allclose(averaged, 3.0 - 2.0 * keep, rtol=1e-5)


def test_average_starts_as_a_copy_and_follows():
    gan = averaging_gan(10_000)
    gan.compile(SGD(0.1), SGD(0.1))
    x = np.random.default_rng(0).normal(size=(8, 1)).astype("float32")
    gan.fit(x, batch_size=8, verbose=0)
    # 0.5 ** (8 / 0.4) = 1e-6: after one batch all but a copy.
    for averaged, weight in zip(
        gan.averaged_generator.weights, gan.generator.weights
    ):
        np.testing.assert_allclose(averaged, weight, rtol=1e-5, atol=1e-6)
    moving_mean = gan.averaged_generator.weights[-2]
    assert abs(float(moving_mean[0])) > 0
    assert not gan.averaged_generator.trainable_variables


def test_average_can_be_off():
    gan = averaging_gan(None)
    assert gan.averaged_generator is gan.generator
    gan.compile(SGD(0.1), SGD(0.1))
    gan.fit(np.zeros((8, 1), "float32"), batch_size=8, verbose=0)
    np.testing.assert_array_equal(
        gan.generate(3, seed=0), gan.generate(3, seed=0, averaged=False)
    )


def test_averaged_and_raw_samples_differ():
    gan = averaging_gan(10_000)
    gan.generator.layers[0].bias.assign([5.0])
    averaged = gan.generate(3, seed=0)
    raw = gan.generate(3, seed=0, averaged=False)
    np.testing.assert_allclose(raw - averaged, 5.0, rtol=1e-2)


def rows(n=10):
    return np.random.default_rng(0).uniform(-1, 1, (n, 3)).astype("float32")


def as_dataset(data, batch=4):
    return tf.data.Dataset.from_tensor_slices(data).batch(batch)


@pytest.mark.parametrize(
    "data",
    [
        rows(),
        as_dataset(rows()),
        as_dataset((rows(), np.zeros(10))),
        as_dataset((rows(), np.zeros(10), np.ones(10, "float32"))),
        as_dataset({"image": rows(), "label": np.zeros(10)}),
        as_dataset(rows().astype("float64")),
    ],
    ids=["numpy", "x", "x_y", "x_y_weight", "dict", "float64"],
)
def test_forms_of_batches_with_a_ragged_end(data):
    """All forms train alike: same rows, same weights after one epoch."""
    keras.utils.set_random_seed(5)
    gan = compiled(small((3,)), "non_saturating")
    keras.utils.set_random_seed(5)
    same = compiled(small((3,)), "non_saturating")
    gan.fit(
        data,
        batch_size=4 if isinstance(data, np.ndarray) else None,
        shuffle=False,
        verbose=0,
    )
    same.fit(as_dataset(rows()), shuffle=False, verbose=0)
    assert int(gan.images_seen) == 10
    for a, b in zip(gan.get_weights(), same.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_endless_data():
    gan = compiled(small((3,)), "non_saturating")
    endless = as_dataset(rows(8)).repeat()
    gan.fit(endless, steps_per_epoch=3, epochs=2, shuffle=False, verbose=0)
    assert int(gan.images_seen) == 24


def test_logs_are_means_over_rows():
    gan = keras_gan.GAN(*line(), latents=FixedLatents((1,)))
    gan.compile(SGD(0.0), SGD(0.0))
    x = np.array([[0.3], [-0.8], [1.4]], "float32")
    history = gan.fit(x, batch_size=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(
        history["d_real"], [np.mean(0.7 * x - 0.1)], rtol=1e-6
    )


def test_metrics_get_real_samples_and_fakes():
    class MeanGap(keras.metrics.Mean):
        def update_state(self, real, fake):
            super().update_state(keras.ops.mean(real) - keras.ops.mean(fake))

    gan = keras_gan.GAN(*line(), latents=FixedLatents((1,)), ema_half_life=0)
    gan.compile(SGD(0.0), SGD(0.0), metrics=[MeanGap(name="gap")])
    x = np.full((4, 1), 0.9, "float32")
    history = gan.fit(
        x, batch_size=4, validation_data=(x, np.zeros(4)), verbose=0
    ).history
    assert "gap" not in history
    np.testing.assert_allclose(history["val_gap"], [0.9 - 0.2], rtol=1e-6)
    assert gan.evaluate(x, verbose=0, return_dict=True)["gap"] > 0.69


def test_augment_is_seen_by_the_discriminator_in_training_only():
    @keras.saving.register_keras_serializable("keras_gan_tests")
    class Shift(layers.Layer):
        def call(self, x, training=False):
            return x + 10.0 if training else x

    gan = keras_gan.GAN(*line(), augment=Shift(), latents=FixedLatents((1,)))
    gan.compile(SGD(0.0), SGD(0.0))
    x = np.zeros((4, 1), "float32")
    history = gan.fit(x, batch_size=4, validation_data=x, verbose=0).history
    np.testing.assert_allclose(history["d_real"], [6.9], rtol=1e-5)
    np.testing.assert_allclose(history["d_fake"], [7.04], rtol=1e-5)
    np.testing.assert_allclose(history["val_d_real"], [-0.1], rtol=1e-5)


def test_subclassed_players_with_latents():
    @keras.saving.register_keras_serializable("keras_gan_tests")
    class Player(keras.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.dense = layers.Dense(units)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    with pytest.raises(ValueError, match="pass `latents`"):
        keras_gan.GAN(Player(2), Player(1))
    gan = compiled((Player(2), Player(1)), "hinge", latents=Normal((3,)))
    gan.fit(np.zeros((8, 2), "float32"), batch_size=4, verbose=0)
    assert gan.generate(5, seed=0).shape == (5, 2)


def test_seed_makes_training_repeatable():
    def train(seed):
        keras.utils.set_random_seed(1)
        gan = keras_gan.GAN(*small((3,)), seed=seed)
        keras.utils.set_random_seed(seed + 50)
        gan.compile(SGD(0.1), SGD(0.1), penalties=[penalties.WGANGP(1.0)])
        gan.fit(rows(8), batch_size=4, shuffle=False, verbose=0)
        return gan.generator.get_weights()[0]

    np.testing.assert_array_equal(train(3), train(3))
    assert not np.array_equal(train(3), train(4))


def noisy_players():
    """Noise, dropout and a layer with a seed of its own, in both players."""
    generator, discriminator = patch_players()
    x = keras.Input(generator.output_shape[1:])
    y = layers.Dropout(0.5, seed=9)(keras_gan.layers.NoiseInjection()(x))
    generator = keras.Sequential([generator, keras.Model(x, y)])
    generator.build((None, 3))
    return generator, discriminator


def test_seed_governs_what_layers_draw():
    """Equal weights and seeds, other random states of the process."""

    def train(seed, state):
        keras.utils.set_random_seed(1)
        weights = [player.get_weights() for player in noisy_players()]
        keras.utils.set_random_seed(state)
        players = noisy_players()
        for player, values in zip(players, weights):
            player.set_weights(values)
        gan = keras_gan.GAN(
            *players,
            augment=keras_gan.layers.DiffAugment("translation"),
            seed=seed,
        )
        # The strength starts at 0, where the noise is not seen.
        noise = next(x for x in gan.generator.weights if "strength" in x.path)
        noise.assign(1.0)
        gan.compile(SGD(0.1), SGD(0.1))
        x = np.random.default_rng(0).normal(size=(8, 6, 6, 2))
        x = x.astype("float32")
        gan.fit(x, batch_size=4, shuffle=False, verbose=0)
        return gan.generator.get_weights()[0]

    np.testing.assert_array_equal(train(3, 1), train(3, 2))
    assert not np.array_equal(train(3, 1), train(4, 1))
    assert not np.array_equal(train(None, 1), train(None, 2))


def test_seed_gives_each_layer_its_own_stream():
    gan = keras_gan.GAN(*noisy_players(), augment=layers.GaussianNoise(1.0))
    before = [int(state[0]) for state in states(gan)]
    again = keras_gan.GAN(gan.generator, gan.discriminator, seed=3)
    seeds = [int(state[0]) for state in states(again)]
    # Three of the model; dropout, noise, dropout in the generator and in its
    # average; dropout in the discriminator.
    assert len(seeds) == len(set(seeds)) == 10
    assert seeds[0] == 3 and 9 in before and 9 not in seeds


def test_loaded_models_keep_the_random_states_of_layers(tmp_path):
    gan = keras_gan.GAN(*noisy_players(), seed=3)
    gan.compile(SGD(0.1), SGD(0.1))
    x = np.zeros((8, 6, 6, 2), "float32")
    gan.fit(x, batch_size=4, verbose=0)
    drawn = [np.array(state) for state in states(gan)]
    assert all(state[1] > 0 for state in drawn[3:7])
    gan.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(drawn, states(loaded))


def test_compiling_again_keeps_slots():
    gan = compiled(small((3,)), "hinge")
    gan.fit(rows(8), batch_size=4, verbose=0)
    d_optimizer, g_optimizer = gan.d_optimizer, gan.g_optimizer
    gan.compile(d_optimizer, g_optimizer, loss="minimax")
    gan.fit(rows(8), batch_size=4, verbose=0)
    assert int(gan.d_optimizer.iterations) == 4
    assert gan.optimizer.optimizers == [d_optimizer, g_optimizer]


def test_state_tree_holds_both_optimizers():
    """What `get_state_tree` and other writers of Keras see."""
    gan = compiled(small((3,)), "hinge")
    both = [*gan.d_optimizer.variables, *gan.g_optimizer.variables]
    assert [id(v) for v in gan.optimizer.variables] == [id(v) for v in both]
    tree = gan.get_state_tree()["optimizer_variables"]
    assert set(tree) == {"adam", "adam_w"}


def test_xla_is_off_where_it_slows_down():
    gan = compiled(small((3,)), "hinge")
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("This machine has a GPU, where Keras decides otherwise.")
    assert gan.jit_compile is False


def test_variable_paths_are_unique():
    gan = compiled(small((3,)), "hinge")
    paths = [variable.path for variable in gan.weights]
    assert len(set(paths)) == len(paths)


def test_exported_model_needs_tensorflow_only(tmp_path):
    import subprocess
    import sys

    gan = compiled(small((3,)), "hinge")
    gan.export(str(tmp_path / "saved"))
    np.save(tmp_path / "expected.npy", gan.generate(4, seed=9, truncation=0.7))
    script = f"""
import sys
sys.modules["keras"] = sys.modules["keras_gan"] = None
import numpy as np, tensorflow as tf
model = tf.saved_model.load({str(tmp_path / "saved")!r})
expected = np.load({str(tmp_path / "expected.npy")!r})
first = model.generate(4, 9, 0.7)
np.testing.assert_allclose(first, expected, atol=1e-6)
np.testing.assert_array_equal(first, model.generate(4, 9, 0.7))
assert not np.allclose(first, model.generate(4, 8, 0.7))
assert model.serve(tf.zeros((2, 4))).shape == (2, 3)
served = model.signatures["generate"](
    n=tf.constant(4), seed=tf.constant(9), truncation=tf.constant(0.7))
np.testing.assert_array_equal(first, *served.values())
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert sum(f.stat().st_size for f in tmp_path.rglob("*")) < 300_000


SWAPPED = small((3,))[::-1]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: keras_gan.GAN(3, small((3,))[1]), TypeError, "generator=3"),
        (
            lambda: keras_gan.GAN(small((3,))[0], "d"),
            TypeError,
            "discriminator='d'",
        ),
        (lambda: keras_gan.GAN(*SWAPPED), ValueError, "order is GAN"),
        (
            lambda: keras_gan.GAN(small((3,))[0], small((4,))[1]),
            ValueError,
            r"output shape=\(3,\)",
        ),
        (
            lambda: keras_gan.GAN(SWAPPED[0], SWAPPED[0]),
            ValueError,
            "same object",
        ),
        (
            lambda: keras_gan.GAN(*small((3,)), ema_half_life=-1),
            ValueError,
            "ema_half_life=-1",
        ),
        (
            lambda: keras_gan.GAN(*small((3,)), latents=3),
            TypeError,
            "latents=3",
        ),
        (
            lambda: keras_gan.GAN(*small((3,)), latents=Normal((5,))),
            ValueError,
            r"\(4,\).*latents of shape=\(5,\)",
        ),
        (
            lambda: keras_gan.GAN(*small((3,)), augment=abs),
            TypeError,
            "augment=<built-in",
        ),
        (lambda: keras_gan.GAN(*small((3,)), seed="a"), TypeError, "seed='a'"),
        (lambda: Normal(64), TypeError, "shape=64"),
        (lambda: Normal((0, 2)), ValueError, r"shape=\(0, 2\)"),
        (lambda: Normal((None, 2)), TypeError, r"shape=\(None, 2\)"),
        (
            lambda: keras_gan.GAN(*labelled_players()),
            ValueError,
            r"ConditionalGAN.*generator input shapes=\[\(4,\), \(1,\)\], "
            r"discriminator input shapes=\[\(4, 4, 1\), \(1,\)\]",
        ),
    ],
)
def test_bad_constructor_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


ONE = SGD()
USED = SGD()
USED.build([keras.Variable([1.0])])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"d_optimizer": ONE, "g_optimizer": ONE}, ValueError, "two objects"),
        ({"d_optimizer": small((3,))[0]}, TypeError, "d_optimizer=<Func"),
        ({"g_optimizer": None}, TypeError, "g_optimizer=None"),
        ({"g_optimizer": USED}, ValueError, "already trains"),
        ({"d_optimizer": SGD(use_ema=True)}, ValueError, "ema_half_life"),
        ({"loss": "bce"}, ValueError, "loss='bce'"),
        ({"d_steps": 0}, ValueError, "d_steps=0"),
        ({"d_steps": 1.5}, TypeError, "d_steps=1.5"),
        ({"penalties": ["r1"]}, TypeError, "'r1'"),
        ({"penalties": [penalties.R1(), penalties.R1()]}, ValueError, "twice"),
        ({"penalties": [penalties.R1(name="d_loss")]}, ValueError, "twice"),
        ({"metrics": ["accuracy"]}, TypeError, "'accuracy'"),
    ],
)
def test_bad_compile_arguments(arguments, error, message):
    gan = keras_gan.GAN(*small((3,)))
    arguments = {"d_optimizer": SGD(), "g_optimizer": SGD(), **arguments}
    with pytest.raises(error, match=message):
        gan.compile(**arguments)
    assert not gan.compiled


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((8, 4), "float32"), r"\(batch, 3\).*shape=\(None, 4\)"),
        (np.zeros((8, 3, 1), "float32"), r"shape=\(None, 3, 1\)"),
        (np.zeros((8, 3), "uint8"), "dtype=uint8"),
        (np.zeros((8, 3), "int64"), "dtype=int64"),
        (as_dataset({"x": rows(8)}), r"keys=\['x'\]"),
    ],
)
def test_bad_batches_raise_before_a_step(data, message):
    gan = compiled(small((3,)), "hinge")
    before = gan.get_weights()
    with pytest.raises(ValueError, match=message):
        gan.fit(data, shuffle=False, verbose=0)
    for a, b in zip(before, gan.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"n_or_labels": 0}, ValueError),
        ({"n_or_labels": 2.0}, TypeError),
        ({"n_or_labels": True}, TypeError),
        ({"n_or_labels": 2, "seed": "a"}, TypeError),
        ({"n_or_labels": 2, "truncation": -0.1}, ValueError),
        ({"n_or_labels": 2, "batch_size": 0}, ValueError),
    ],
)
def test_bad_arguments_of_generate(arguments, error):
    gan = compiled(small((3,)), "hinge")
    with pytest.raises(error, match="Received: "):
        gan.generate(**arguments)


def test_weight_of_the_recipe_replaces_no_penalties():
    with pytest.raises(ValueError, match=r"penalty_weight=5, penalties=\[\]"):
        presets.r3gan_small((8, 8, 1), penalties=[], penalty_weight=5)
    assert presets.r3gan_small((8, 8, 1)).penalties[0].weight == 1.0
    gan = presets.r3gan_small((8, 8, 1), penalty_weight=5)
    assert gan.penalties[0].weight == 5
    assert presets.r3gan_small((8, 8, 1), penalties=[]).penalties == []


def test_file_of_another_model_is_refused(tmp_path):
    gan = compiled(small((3,)), "hinge")
    gan.save_weights(tmp_path / "a.weights.h5")
    other = compiled(small((3,)), "hinge", augment=layers.GaussianNoise(0.1))
    with pytest.raises(ValueError, match="does not belong to this model"):
        other.load_weights(tmp_path / "a.weights.h5")
