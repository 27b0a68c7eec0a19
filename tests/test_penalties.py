"""Closed forms of objectives.md, section 4."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

import keras_gan
from keras_gan import penalties
from keras_gan import schedules
from keras_gan.gradients import input_gradient
from keras_gan.penalties import penalty as rules

SHAPES = [(2,), (1, 2), (1, 2, 1), (2, 1, 1, 1)]
SLOPE = np.array([3.0, 4.0])


def linear(weights):
    def discriminate(x):
        flat = ops.reshape(x, (ops.shape(x)[0], -1))
        return ops.matmul(flat, ops.convert_to_tensor(weights)[:, None])

    return discriminate


def samples(shape, seed=0, rows=5):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.normal(size=(rows, *shape)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("penalty", "slope", "expected"),
    [
        (penalties.R1(2.0), SLOPE, 25.0),
        (penalties.R2(2.0), SLOPE, 25.0),
        (penalties.ZeroCentered(2.0), SLOPE, 50.0),
        (penalties.WGANGP(10.0), SLOPE, 160.0),
        (penalties.WGANGP(10.0), SLOPE / 10, 2.5),
        (penalties.WGANGP(10.0), SLOPE / 5, 0.0),
        (penalties.WGANGP(10.0, one_sided=True), SLOPE, 160.0),
        (penalties.WGANGP(10.0, one_sided=True), SLOPE / 10, 0.0),
        (penalties.DRAGAN(10.0), SLOPE, 160.0),
        (penalties.DRAGAN(10.0, symmetric=True), SLOPE / 10, 2.5),
        (penalties.DRAGAN(10.0, k=3.0), SLOPE, 40.0),
    ],
)
def test_linear_discriminator(penalty, slope, expected, shape):
    found = penalty(linear(slope), samples(shape), samples(shape, seed=1))
    assert found.shape == (5,)
    np.testing.assert_allclose(found, [expected] * 5, rtol=1e-6, atol=1e-6)


def test_quadratic_discriminator_tells_real_from_fake():
    def half_square(x):
        return ops.sum(ops.square(x), axis=(1, 2), keepdims=True) / 2

    real, fake = samples((3, 2)), samples((3, 2), seed=1)
    norms = [np.square(x).sum((1, 2)) for x in (real, fake)]
    r1 = penalties.R1(1.0)(half_square, real, fake)
    r2 = penalties.R2(1.0)(half_square, real, fake)
    both = penalties.ZeroCentered(1.0)(half_square, real, fake)
    np.testing.assert_allclose(r1, norms[0] / 2, rtol=1e-12)
    np.testing.assert_allclose(r2, norms[1] / 2, rtol=1e-12)
    np.testing.assert_allclose(both, (norms[0] + norms[1]) / 2, rtol=1e-12)


def test_augmentation_scales_the_gradient():
    real = samples((2,))
    plain = penalties.R1(1.0)(linear(SLOPE), real, None)
    halved = penalties.R1(1.0)(lambda x: linear(SLOPE)(x / 2), real, None)
    np.testing.assert_allclose(halved, plain / 4, rtol=1e-12)


def test_norm_is_per_sample():
    """A norm over the whole batch would give (sqrt(8) - 1)^2 = 3.34."""

    def discriminate(x):
        return x[:, :1]

    real = samples((3,), rows=8)
    found = penalties.WGANGP(1.0)(discriminate, real, real)
    np.testing.assert_allclose(found, np.zeros(8), atol=1e-9)


def test_patch_logits_are_averaged():
    def patches(x):
        return ops.stack([3.0 * x, 5.0 * x], axis=1)[..., None]

    found = penalties.R1(2.0)(patches, samples((1,)), None)
    np.testing.assert_allclose(found, [16.0] * 5, rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        penalties.R1,
        penalties.R2,
        penalties.ZeroCentered,
        penalties.WGANGP,
        penalties.DRAGAN,
    ],
)
def test_flat_discriminator_has_finite_gradient(make):
    weight = tf.Variable([0.0, 0.0], dtype="float64")
    x = samples((2,))
    with tf.GradientTape() as tape:
        value = ops.sum(make()(linear(weight), x, x))
    assert np.isfinite(value)
    assert np.isfinite(tape.gradient(value, weight)).all()


def test_gradient_reaches_the_weights():
    """d/dw of gamma/2 ||w||^2 is gamma w, for each sample."""
    weight = tf.Variable(SLOPE)
    with tf.GradientTape() as tape:
        value = ops.mean(penalties.R1(3.0)(linear(weight), samples((2,)), None))
    np.testing.assert_allclose(tape.gradient(value, weight), 3 * SLOPE)


def test_discriminator_that_ignores_its_input():
    gradient = input_gradient(lambda x: ops.ones((5, 1)), samples((2,)))
    np.testing.assert_array_equal(gradient, np.zeros((5, 2)))


def test_interpolation_is_uniform_and_one_draw_a_sample():
    penalty = penalties.WGANGP()
    penalty.seed_generator = keras.random.SeedGenerator(0)
    ones, zeros = tf.ones((4000, 2, 3)), tf.zeros((4000, 2, 3))
    t = np.array(penalty.interpolate(ones, zeros))
    np.testing.assert_array_equal(t, np.broadcast_to(t[:, :1, :1], t.shape))
    draws = np.sort(t[:, 0, 0])
    assert draws.min() >= 0.0 and draws.max() <= 1.0
    even = (np.arange(4000) + 0.5) / 4000
    assert np.abs(draws - even).max() < 0.03
    np.testing.assert_array_equal(penalty.interpolate(ones, ones), ones)


def test_round_trip_keeps_every_argument():
    for penalty in (
        penalties.R1(0.3, name="a"),
        penalties.R2(0.4, name="b"),
        penalties.ZeroCentered(0.5, name="c"),
        penalties.WGANGP(0.6, one_sided=True, epsilon=1e-3, name="d"),
        penalties.DRAGAN(0.6, 0.5, True, epsilon=1e-3, every=3, name="e"),
        penalties.LeCam(0.1, 0.9, 7, "relu", every=2, name="f"),
        penalties.Drift(schedules.Linear(1.0, 0.5, 9), name="g"),
        penalties.Consistency(
            0.1, schedules.Constant(0.2), keras.layers.Rescaling(2.0)
        ),
        penalties.ClassConsistency(
            0.1, keras.layers.Rescaling(2.0), every=2, name="g2"
        ),
        penalties.LatentConsistency(0.1, radius=0.2, name="h"),
        penalties.LatentDiversity(0.1, radius=0.2, name="i"),
        penalties.PathLength(0.1, rate=0.2, every=3, name="j"),
        penalties.SampleEnergy(0.1, every=2, name="k"),
        penalties.WeightDecay(0.1, player="generator", name="l"),
        penalties.Orthogonal(0.1, player="discriminator", name="m"),
        penalties.DiscriminatorEntropy(0.2, "discriminator", name="n"),
        penalties.LogCrossEntropy(0.2, name="o"),
    ):
        config = keras.saving.serialize_keras_object(penalty)
        again = keras.saving.deserialize_keras_object(config)
        assert type(again) is type(penalty)
        assert again.get_config() == penalty.get_config()


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_weight_out_of_range(weight):
    with pytest.raises(ValueError, match="Received: weight="):
        penalties.R1(weight)


def test_weight_that_is_no_number():
    with pytest.raises(TypeError, match="weight='1'"):
        penalties.R1("1")


@pytest.mark.parametrize("epsilon", [0.0, -1.0, 2.0])
def test_epsilon_out_of_range(epsilon):
    with pytest.raises(ValueError, match="Received: epsilon="):
        penalties.WGANGP(epsilon=epsilon)


@pytest.mark.parametrize("wrong", [[penalties.R1], ["r1"], [None]])
def test_what_is_no_penalty(wrong):
    with pytest.raises(TypeError, match="penalties.R1"):
        rules.check(wrong)


@pytest.mark.parametrize("update", ["alternating", "shared", "one_stage"])
def test_slopes_come_from_the_pass_of_the_loss(update):
    """Passes of a step: real and fake for the discriminator, and for the
    generator the same or none; `one_stage` has one more, for R2."""
    seen = []

    class Counting(keras_gan.GAN):
        def outputs(self, x, condition=None, training=False):
            seen.append(x)
            return super().outputs(x, condition, training)

    generator = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(4, "tanh"), layers.Dense(1)]
    )
    gan = Counting(generator, discriminator, seed=0)
    rules = [penalties.ZeroCentered(1.0), penalties.R1(2.0)]
    gan.compile("sgd", "sgd", "relativistic", rules, update=update)
    gan._reach_checked = True
    gan.train_step(ops.convert_to_tensor(samples((2,))))
    assert len(seen) == {"alternating": 4, "shared": 4, "one_stage": 3}[update]


def test_known_slope_equals_that_of_another_pass():
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(4, "tanh"), layers.Dense(3)]
    )
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    x = ops.convert_to_tensor(samples((2,)))
    fresh = gan.half_step(discriminator, None, None)
    known = gan.half_step(discriminator, None, None)
    known.judge(x)
    slopes = [half.slope(x).numpy() for half in (fresh, known)]
    np.testing.assert_array_equal(*slopes)
    kernel, bias, head = (w.numpy() for w in discriminator.weights[:3])
    steep = 1 - np.tanh(x @ kernel + bias) ** 2
    expected = (steep * head.mean(axis=1)) @ kernel.T
    np.testing.assert_allclose(slopes[0], expected, rtol=1e-5)
