"""What the generator is fed: latent samplers."""

import keras

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
