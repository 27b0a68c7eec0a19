"""What the generator is fed: latent samplers."""

import math

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_shape


@keras.saving.register_keras_serializable("keras_gan")
class Normal:
    """Standard normal latents, the default of `keras_gan.GAN`.

    Args:
        shape: tuple of integers, the shape of one latent sample.

    Call arguments:
        batch_size: integer, number of samples.
        seed: integer or `keras.random.SeedGenerator`.

    Returns:
        Float tensor `(batch_size, *shape)`.

    Raises:
        TypeError, ValueError: `shape` holds no positive integers.

    Example:
    >>> Normal((64,))(2, seed=0).shape
    TensorShape([2, 64])
    """

    def __init__(self, shape):
        self.shape = check_shape("shape", shape)

    def __call__(self, batch_size, seed):
        """Draws a batch of latents."""
        return keras.random.normal((batch_size, *self.shape), seed=seed)

    def get_config(self):
        """Constructor arguments."""
        return {"shape": self.shape}

    @classmethod
    def from_config(cls, config):
        """The sampler that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan")
class Uniform(Normal):
    """Latents uniform in [-1, 1), as in the DCGAN paper.

    Args:
        shape: tuple of integers, the shape of one latent sample.

    Example:
    >>> float(abs(Uniform((8,))(4, seed=0)).numpy().max()) <= 1.0
    True

    Reference: Radford et al., arXiv 1511.06434.
    """

    def __call__(self, batch_size, seed):
        """Draws a batch of latents."""
        return keras.random.uniform(
            (batch_size, *self.shape), minval=-1.0, maxval=1.0, seed=seed
        )


@keras.saving.register_keras_serializable("keras_gan")
class Codes(Normal):
    """Noise, and behind it codes that mean something, for `InfoGAN`.

    A row is `[noise, one-hot categories of each categorical code, continuous
    codes]`: noise standard normal, categories equally likely, continuous
    codes uniform in [-1, 1). All come from one draw of normal numbers.

    Args:
        noise_dim: integer >= 1, length of the noise.
        categories: tuple of integers >= 2, number of categories of each
            categorical code. Default: one code of 10.
        num_continuous: integer >= 0, continuous codes. Default 2.

    Raises:
        TypeError, ValueError: an argument is out of range, or there is no
            code.

    Example:
    >>> draw = Codes(6, categories=(3,), num_continuous=1)
    >>> draw(2, seed=0).shape
    TensorShape([2, 10])
    >>> float(ops.sum(draw(2, seed=0)[:, 6:9]))
    2.0

    Reference: Chen et al., arXiv 1606.03657.
    """

    def __init__(self, noise_dim, categories=(10,), num_continuous=2):
        check_integer("noise_dim", noise_dim, minimum=1)
        check_integer("num_continuous", num_continuous, minimum=0)
        self.categories = check_categories(categories, num_continuous)
        self.noise_dim = noise_dim
        self.num_continuous = num_continuous
        super().__init__((noise_dim + self.num_codes,))

    @property
    def num_codes(self):
        """Integer, numbers behind the noise."""
        return sum(self.categories) + self.num_continuous

    def __call__(self, batch_size, seed):
        """Draws a batch of latents."""
        num_drawn = len(self.categories) + self.num_continuous
        drawn = keras.random.normal(
            (batch_size, self.noise_dim + num_drawn), seed=seed
        )
        shares = 0.5 + 0.5 * ops.erf(drawn[:, self.noise_dim :] / math.sqrt(2))
        codes = [
            ops.one_hot(category(shares[:, index], size), size)
            for index, size in enumerate(self.categories)
        ]
        rest = 2.0 * shares[:, len(self.categories) :] - 1.0
        noise = drawn[:, : self.noise_dim]
        return ops.concatenate([noise, *codes, rest], axis=1)

    def get_config(self):
        """Constructor arguments."""
        return {
            "noise_dim": self.noise_dim,
            "categories": self.categories,
            "num_continuous": self.num_continuous,
        }


def category(share, size):
    """The category, out of `size`, that a number in [0, 1] falls into."""
    return ops.minimum(ops.cast(share * size, "int32"), size - 1)


def check_categories(categories, num_continuous):
    """Sizes of the categorical codes as a tuple, or an error."""
    sizes = (categories,) if np.ndim(categories) == 0 else tuple(categories)
    for size in sizes:
        check_integer("categories", size, minimum=2)
    if not sizes and not num_continuous:
        raise ValueError(
            "There must be a code, categorical or continuous. Received: "
            f"categories={categories!r}, num_continuous={num_continuous}"
        )
    return sizes
