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
    """
    found = {}
    for name in ("float32", policy):
        keras.config.set_dtype_policy(name)
        keras.utils.set_random_seed(1)
        discriminator = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.Conv2D(8, 4, 2, activation="tanh"),
                layers.Flatten(),
                layers.Dense(1, dtype="float32"),
            ]
        )
        penalty.seed_generator = keras.random.SeedGenerator(5)
        real = ops.convert_to_tensor(IMAGES())
        found[name] = penalty(discriminator, real, -real)
        assert found[name].dtype == "float32"
    expected = ops.convert_to_numpy(found["float32"])
    assert expected.min() > 0
    np.testing.assert_allclose(found[policy], expected, rtol=32 * 0.5**digits)
