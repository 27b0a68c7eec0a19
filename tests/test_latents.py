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
