import numpy as np
import pytest
import tensorflow as tf

from keras_gan import latents
from keras_gan import seeds


@pytest.mark.parametrize(
    ("sampler", "deviation", "kurtosis"),
    [
        (latents.Normal((50,)), 1.0, 3.0),
        (latents.Uniform((50,)), 1 / np.sqrt(3), 1.8),
    ],
)
def test_moments(sampler, deviation, kurtosis):
    draws = np.array(sampler(4000, seed=0), "float64")
    assert draws.shape == (4000, 50)
    assert abs(draws.mean()) < 0.01
    np.testing.assert_allclose(draws.std(), deviation, rtol=0.01)
    fourth = np.mean(draws**4) / np.mean(draws**2) ** 2
    np.testing.assert_allclose(fourth, kurtosis, rtol=0.05)


@pytest.mark.parametrize("make", [latents.Normal, latents.Uniform])
def test_seed_decides(make):
    sampler = make((3,))
    np.testing.assert_array_equal(sampler(2, seed=1), sampler(2, seed=1))
    assert not np.array_equal(sampler(2, seed=1), sampler(2, seed=2))
    tensor_seed = seeds.TensorSeed(tf.constant(1))
    np.testing.assert_array_equal(sampler(2, tensor_seed), sampler(2, seed=1))


def test_seed_generator_moves_on():
    generator = seeds.ReplicaSeedGenerator(3)
    sampler = latents.Normal((3,))
    first, second = sampler(2, generator), sampler(2, generator)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(generator.state, [3, 2])


def slerp(a, b, t):
    """One vector to another, the textbook's formula, lengths evenly."""
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    a, b = a / lengths[0], b / lengths[1]
    angle = np.arccos(a @ b)
    way = np.sin((1 - t) * angle) * a + np.sin(t * angle) * b
    return way / np.sin(angle) * ((1 - t) * lengths[0] + t * lengths[1])


@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 2, 2, 3)])
@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_ways_between_latents(shape, method):
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, *shape))
    end = 3 * end
    way = latents.interpolate(start, end, 6, method)
    assert way.shape == (6, *shape) and way.dtype == "float64"
    np.testing.assert_array_equal(way[0], start)
    np.testing.assert_array_equal(way[-1], end)
    count = 1 if len(shape) == 1 else shape[0]
    rows = way.reshape(6, count, -1)
    for row in range(count):
        ends = rows[0, row], rows[-1, row]
        for step, t in enumerate(np.linspace(0, 1, 6)):
            straight = (1 - t) * ends[0] + t * ends[1]
            expected = straight if method == "linear" else slerp(*ends, t)
            np.testing.assert_allclose(rows[step, row], expected, atol=1e-12)


def test_spheres_are_kept_and_turned_evenly():
    start, end = np.random.default_rng(1).normal(size=(2, 4, 64))
    start, end = (
        8 * x / np.linalg.norm(x, axis=1, keepdims=True) for x in (start, end)
    )
    way = latents.interpolate(start, end, 9)
    np.testing.assert_allclose(np.linalg.norm(way, axis=2), 8, rtol=1e-12)
    cosines = np.sum(way[1:] * way[:-1], axis=2) / 64
    np.testing.assert_allclose(cosines, cosines[:1] + 0 * cosines, rtol=1e-10)
    middle = np.linalg.norm(
        latents.interpolate(start, end, 3, "linear")[1], axis=1
    )
    assert middle.max() < 7


def test_ways_of_ends_without_one_circle():
    up = np.array([3.0, 0.1, 4.0])
    opposite = latents.interpolate(up, -up, 5)
    size = np.linalg.norm(up)
    np.testing.assert_allclose(np.linalg.norm(opposite, axis=1), size)
    # A quarter, a half: at right angles, towards the second axis.
    assert abs(opposite[2] @ up) < 1e-12 and opposite[2, 1] > 0.99 * size
    np.testing.assert_allclose(
        opposite[1], (up + opposite[2]) / 2**0.5, atol=1e-12
    )
    nearly = latents.interpolate(up, -up * (1 + 1e-12), 5)
    np.testing.assert_allclose(nearly, opposite, atol=1e-6)
    np.testing.assert_allclose(
        latents.interpolate(up, 3 * up, 3), [up, 2 * up, 3 * up]
    )
    np.testing.assert_allclose(latents.interpolate(up, up, 3), [up] * 3)
    rows = np.stack([up, 0 * up]), np.stack([0 * up, 0 * up])
    expected = [[up, 0 * up], [up / 2, 0 * up], [0 * up, 0 * up]]
    np.testing.assert_array_equal(latents.interpolate(*rows, 3), expected)
    np.testing.assert_allclose(
        latents.interpolate([2.0], [-2.0], 3), [[2], [0], [-2]], atol=1e-12
    )


def test_ways_keep_the_type_and_round_once():
    start, end = latents.Normal((2, 40))(2, seed=0)
    way = latents.interpolate(start, end, 7)
    assert way.dtype == "float32"
    wide = [np.asarray(x, "float64") for x in (start, end)]
    expected = latents.interpolate(*wide, 7).astype("float32")
    np.testing.assert_array_equal(way, expected)
    assert latents.interpolate([1, 0], [0, 1], 3).dtype == "float64"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], [1.0], 1), ValueError, "steps=1"),
        (([1.0], [1.0], 2.0), TypeError, "steps=2.0"),
        (([1.0], [1.0], 2, "slerp"), ValueError, "method='slerp'"),
        (([1.0], [1.0, 2.0], 2), ValueError, r"end of shape=\(2,\)"),
        ((1.0, 1.0, 2), ValueError, r"start of shape=\(\)"),
        (([1.0], ["a"], 2), TypeError, "`end` must be an array of numbers"),
    ],
)
def test_ways_that_are_none(arguments, error, message):
    with pytest.raises(error, match=message):
        latents.interpolate(*arguments)


def test_nearest_latents():
    x = np.array([[2.0, -1.5, 0.2, 0.9, 0.1, -3.0, 1.5]], "float32")
    np.testing.assert_array_equal(latents.Normal((7,)).nearest(x), x)
    np.testing.assert_array_equal(
        latents.Uniform((7,)).nearest(x), np.clip(x, -1, 1)
    )
    codes = latents.Codes(1, (3, 2), 1)
    np.testing.assert_allclose(
        codes.nearest(x), [[2.0, 0, 0, 1, 1, 0, 1]], atol=0
    )
    # What is drawn is its own nearest.
    drawn = codes(50, seed=0)
    np.testing.assert_array_equal(codes.nearest(drawn), drawn)
    only = latents.Codes(2, (4,), 0)
    np.testing.assert_array_equal(only.nearest(x[:, :6])[0, :2], x[0, :2])
