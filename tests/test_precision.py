"""What half precision must not touch, and steps that are left out."""

import keras
import numpy as np
import pytest
from conformance import batch_of
from conformance import compiled
from conformance import small_dcgan
from keras import layers
from keras import ops
from keras.optimizers import SGD
from keras.optimizers import LossScaleOptimizer

import keras_gan
from keras_gan import penalties
from keras_gan import tasks

TOO_LARGE = 2.0**120
IMAGES = batch_of(16, 16, 3)


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def assert_equal(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def changed(first, second):
    return [not np.array_equal(a, b) for a, b in zip(first, second)]


def half_gan():
    keras.config.set_dtype_policy("mixed_float16")
    return compiled(
        small_dcgan("both", 16), "hinge", [penalties.LeCam(0.3, start=0)]
    )


def sides(gan):
    """By player: the model, its optimizer, the state of its penalties."""
    lecam = gan.penalties[0].variables
    return {
        "discriminator": (gan.discriminator, gan.d_optimizer, lecam),
        "generator": (gan.generator, gan.g_optimizer, []),
    }


def everything(player, optimizer, state):
    return values(
        [*player.weights, *optimizer.inner_optimizer.variables, *state]
    )


@pytest.mark.parametrize("update", ["alternating", "shared"])
@pytest.mark.parametrize("skipped", ["discriminator", "generator"])
def test_overflow_skips_the_step_of_one_player(skipped, update):
    gan = half_gan()
    gan.compile_from_config({**gan.get_compile_config(), "update": update})
    (still,) = [side for name, side in sides(gan).items() if name == skipped]
    (moves,) = [side for name, side in sides(gan).items() if name != skipped]
    still[1].dynamic_scale.assign(TOO_LARGE)
    before = everything(*still), everything(*moves)
    gan.train_on_batch(IMAGES())
    assert_equal(before[0], everything(*still))
    assert float(still[1].dynamic_scale) == TOO_LARGE / 2
    assert int(still[1].iterations) == 0
    assert any(changed(before[1], everything(*moves)))
    assert float(moves[1].dynamic_scale) == 2.0**15
    assert int(moves[1].iterations) == 1
    statistics = moves[0].non_trainable_weights
    assert statistics and all(np.isfinite(v).all() for v in values(statistics))


def test_one_bad_batch_leaves_no_trace():
    """Infinity in a batch reaches moving statistics and running means."""
    gan = half_gan()
    sound = IMAGES()
    broken = sound.copy()
    broken[0, 0, 0, 0] = np.inf
    before = everything(*sides(gan)["discriminator"])
    gan.train_on_batch(broken)
    assert_equal(before, everything(*sides(gan)["discriminator"]))
    assert int(gan.g_optimizer.iterations) == 1
    logs = gan.train_on_batch(sound, return_dict=True)
    assert int(gan.d_optimizer.iterations) == 1
    after = everything(*sides(gan)["discriminator"])
    assert any(changed(before, after))
    assert all(np.isfinite(v).all() for v in [*after, *values(gan.weights)])
    assert "d_loss" in logs


def test_each_player_has_a_scale_of_its_own():
    keras.config.set_dtype_policy("mixed_float16")
    gan = keras_gan.GAN(*small_dcgan("both", 16), seed=0)
    fast = LossScaleOptimizer(SGD(1e-3), 8.0, dynamic_growth_steps=2)
    gan.compile("adam", fast)
    gan.fit(np.concatenate([IMAGES()] * 4), batch_size=8, verbose=0)
    assert gan.g_optimizer is fast
    assert float(gan.g_optimizer.dynamic_scale) == 32.0
    assert float(gan.d_optimizer.dynamic_scale) == 2.0**15


def dense(policy, units, inputs):
    policy = keras.DTypePolicy(policy)
    return keras.Sequential(
        [keras.Input((inputs,)), layers.Dense(units, dtype=policy)]
    )


@pytest.mark.parametrize(
    "generator, discriminator",
    [
        ("float32", "float32"),
        ("mixed_float16", "float32"),
        ("float32", "mixed_float16"),
        ("mixed_bfloat16", "mixed_bfloat16"),
    ],
)
def test_scaled_where_a_gradient_passes_float16(generator, discriminator):
    """The generator's gradient passes through the discriminator too."""
    gan = keras_gan.GAN(
        dense(generator, 3, 2), dense(discriminator, 1, 3), seed=0
    )
    gan.compile(SGD(), SGD())
    d_scaled, g_scaled = [
        isinstance(o, LossScaleOptimizer) for o in gan.optimizer.optimizers
    ]
    assert d_scaled == (discriminator == "mixed_float16")
    assert g_scaled == ("mixed_float16" in (generator, discriminator))


def moves(policy):
    """How far one step moves each weight, from a tiny loss."""
    keras.utils.set_random_seed(3)
    gan = keras_gan.GAN(dense(policy, 3, 2), dense(policy, 1, 3), seed=0)
    gan.compile(SGD(1e8), SGD(1e8), loss="wasserstein")
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
    before = values(gan.trainable_variables)
    gan.train_on_batch(x, np.zeros(4), np.full(4, 1e-9, "float32"))
    return [b - a for a, b in zip(before, values(gan.trainable_variables))]


def test_gradients_below_float16_arrive():
    """1e-9 is zero in float16; scaled by 2^15 it is not."""
    assert np.float16(1e-9) == 0
    expected, found = moves("float32"), moves("mixed_float16")
    assert all(np.abs(e).max() > 1e-3 for e in expected[::2])
    for a, b in zip(expected, found):
        np.testing.assert_allclose(a, b, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize(
    "policy, digits", [("mixed_bfloat16", 8), ("mixed_float16", 11)]
)
@pytest.mark.parametrize(
    "penalty",
    [
        penalties.R1(1.0),
        penalties.ZeroCentered(1.0),
        penalties.WGANGP(1.0),
        penalties.DRAGAN(1.0),
    ],
    ids=lambda p: p.name,
)
def test_penalties_are_as_exact_as_the_network(penalty, policy, digits):
    """Within some units in the last place of the network; float32 outside.

    The network is smooth: where a ReLU turns by rounding, so does the slope.
    Slopes are about 2: near 1 `(slope - 1)^2` would be all rounding.
    """
    twice = keras.initializers.VarianceScaling(4.0, "fan_avg", "uniform", 1)
    found = {}
    for name in ("float32", policy):
        keras.config.set_dtype_policy(name)
        keras.utils.set_random_seed(1)
        discriminator = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.Conv2D(8, 4, 2, activation="tanh"),
                layers.Flatten(),
                layers.Dense(1, kernel_initializer=twice, dtype="float32"),
            ]
        )
        penalty.seed_generator = keras.random.SeedGenerator(5)
        real = ops.convert_to_tensor(IMAGES())
        found[name] = penalty(discriminator, real, -real)
        assert found[name].dtype == "float32"
    expected = ops.convert_to_numpy(found["float32"])
    assert expected.min() > 0.1
    np.testing.assert_allclose(found[policy], expected, rtol=32 * 0.5**digits)


def half_outputs(*units):
    """A discriminator in float16 whose outputs are parts of the sample."""
    x = keras.Input((sum(units),))
    hidden = layers.Dense(
        sum(units), kernel_initializer="identity", dtype="mixed_float16"
    )(x)
    ends = np.cumsum([0, *units])
    return keras.Model(x, [hidden[:, a:b] for a, b in zip(ends[:-1], ends[1:])])


def label_generator(size):
    z, y = keras.Input((2,)), keras.Input((1,), dtype="int32")
    code = layers.Flatten()(layers.Embedding(3, 2)(y))
    fake = layers.Dense(size)(layers.Concatenate()([z, code]))
    return keras.Model([z, y], fake)


class Half:
    """What a class loss asks of a half-step."""

    def __init__(self, gan, x, condition, latents=None):
        self.outputs = lambda _: gan.discriminator(x)
        self.condition = condition
        self.latents = latents


def log_softmax(x, labels):
    x = np.asarray(x, "float64")
    own = x[np.arange(len(x)), labels]
    return own - np.log(np.exp(x).sum(axis=1))


# Multiples of 1/8: exact in float16, what is computed of them is not.
X = np.array([[0.5, 1.25, -0.75, 4.125], [0.25, -3.5, 0.375, 9.0]], "float32")
Y = np.array([0, 2])


@pytest.mark.parametrize("task", [tasks.ACGAN, tasks.SemiSupervisedGAN])
def test_class_loss_of_half_outputs_is_in_float32(task):
    generator = label_generator(4)
    if task is tasks.SemiSupervisedGAN:
        generator = dense("float32", 4, 2)
    gan = task(generator, half_outputs(1, 3), 3, seed=0)
    half = Half(gan, X, ops.convert_to_tensor(Y))
    assert half.outputs(X)[1].dtype == "float16"
    found = gan.class_loss(half, X)
    assert found.dtype == "float32"
    expected = -log_softmax(X[:, 1:], Y)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    if task is tasks.SemiSupervisedGAN:
        logits = gan.logits(half.outputs(X))
        expected = np.log(np.exp(X[:, 1:].astype("float64")).sum(axis=1))
        np.testing.assert_allclose(logits[:, 0], expected, rtol=1e-5)


def test_code_loss_of_half_outputs_is_in_float32():
    gan = tasks.InfoGAN(
        dense("float32", 5, 7),
        half_outputs(1, 4),
        categories=(3,),
        num_continuous=1,
        code_weight=1.0,
        seed=0,
    )
    x = np.concatenate([X, [[0.125], [1.0]]], axis=1).astype("float32")
    codes = [[1, 0, 0, 0.7], [0, 0, 1, -0.3]]
    latents = np.concatenate([np.zeros((2, 3)), codes], axis=1)
    found = gan.code_loss(Half(gan, x, None, latents.astype("float32")), x)
    assert found.dtype == "float32"
    apart = np.array([0.7 - 0.125, -0.3 - 1.0])
    expected = (np.log(2 * np.pi) + apart**2) / 2 - log_softmax(x[:, 1:4], Y)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_reacgan_loss_of_half_outputs_is_in_float32():
    gan = tasks.ReACGAN(
        label_generator(6), half_outputs(1, 2, 3), 3, embedding_dim=2, seed=0
    )
    x = np.array(
        [[0.0, 1.0, 0.0, 0.25, 0.125, -0.5], [0.0, 0.0, 1.0, 0.5, 0.25, 0.75]],
        "float32",
    )
    found = gan.class_loss(Half(gan, x, ops.convert_to_tensor(Y)), x)
    expected = tasks.reacgan.data_to_data(
        x[:, 1:3], x[:, 3:], Y, gan.margin, gan.temperature
    )
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    logits = gan.class_logits(gan.discriminator(x))
    np.testing.assert_allclose(logits, x[:, 3:] / gan.temperature, rtol=1e-6)
