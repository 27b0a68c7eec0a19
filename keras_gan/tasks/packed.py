"""Several samples judged at once, so that sameness shows."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan import players
from keras_gan.checks import check_integer
from keras_gan.gan import GAN
from keras_gan.shares import uneven_part

DIVIDES = (
    "`packing` must divide the number of samples in each batch, the last one "
    "too. Received: packing"
)


@keras.saving.register_keras_serializable("keras_gan")
class PackedGAN(GAN):
    """A GAN whose discriminator sees several samples at once.

    Choose it where samples become alike: of one sample a discriminator cannot
    tell that all others are the same, of several it can. Samples of a batch
    are taken in order, `packing` of them behind each other along the last
    axis; they are real together or fake together. Losses and penalties count
    packs: the gradient's norm is that of a pack.

        D sees [x_1, ..., x_m] against [G(z_1), ..., G(z_m)]

    Args:
        generator: Keras model, latents to samples.
        discriminator: Keras model, packs `(batch / packing, ..., packing *
            channels)` to logits.
        packing: integer >= 2, samples in a pack; divides the batch.
        **kwargs: `latents`, `augment` (of single samples), `ema_half_life`,
            `seed` and `name`, as for `GAN`.

    Raises:
        TypeError, ValueError: the players or an argument do not fit.

    Example:
    >>> from keras_gan import architectures
    >>> generator, _ = architectures.mlp((3,), 4)
    >>> _, discriminator = architectures.mlp((6,))
    >>> gan = PackedGAN(generator, discriminator, packing=2, seed=0)
    >>> gan.generate(5, seed=0).shape
    (5, 3)

    Reference: Lin et al., arXiv 1712.04086.
    """

    constructor_arguments = (*GAN.constructor_arguments, "packing")

    def __init__(self, generator, discriminator, packing=2, **kwargs):
        players.check_players(generator, discriminator)
        players.check_unconditional(generator, discriminator)
        check_integer("packing", packing, minimum=2)
        self.packing = packing
        if not discriminator.built:
            fake = generator(
                players.input_spec(generator, kwargs.get("latents"))
            )
            players.check_fit(fake, discriminator, packing)
            discriminator(self.packed_spec(fake))
        super().__init__(generator, discriminator, **kwargs)

    def packed_spec(self, fake):
        """Symbolic packs of symbolic fakes."""
        *sizes, channels = fake.shape
        return keras.KerasTensor((*sizes, self.packing * channels), fake.dtype)

    def shares(self, name, x, size=None, steps=None, split=0.0, weighted=False):
        """Data whose batches fall into packs, or an error."""
        x = super().shares(name, x, size, steps, split, weighted)
        count = self.packing * self.distribute_strategy.num_replicas_in_sync
        uneven = uneven_part(x, count, size, steps, split)
        if uneven is not None:
            rows, batch = uneven
            raise ValueError(
                f"{DIVIDES}={self.packing}, {name} with {rows} rows in "
                f"batches of {batch}"
            )
        return x

    def judged(self, x):
        """Samples in packs, `(batch / packing, ..., packing * channels)`."""
        rows, *sizes, channels = x.shape
        if rows is not None and rows % self.packing:
            raise ValueError(f"{DIVIDES}={self.packing} and {rows} samples")
        if rows is None:
            left = ops.shape(x)[0] % self.packing
            message = f"{DIVIDES}={self.packing}"
            with tf.control_dependencies(
                [tf.debugging.assert_equal(left, 0, message)]
            ):
                x = tf.identity(x)
        x = ops.reshape(x, (-1, self.packing, *sizes, channels))
        x = ops.moveaxis(x, 1, -2)
        return ops.reshape(x, (-1, *sizes, self.packing * channels))

    def single(self, x):
        """The samples in packs, `(batch, ..., channels)`."""
        _, *sizes, width = x.shape
        channels = width // self.packing
        x = ops.reshape(x, (-1, *sizes, self.packing, channels))
        return ops.reshape(ops.moveaxis(x, -2, 1), (-1, *sizes, channels))

    def split_batch(self, data):
        """Real samples in packs."""
        if keras.utils.unpack_x_y_sample_weight(data)[2] is not None:
            raise ValueError(
                "Packs have no weights. Received: batches with sample_weight"
            )
        return super().split_batch(data)

    def augmented(self, x):
        """Packs of samples, each of them augmented by itself."""
        if self.augment is None:
            return x
        return self.judged(super().augmented(self.single(x)))

    def measure(self, real, fake):
        """Feeds the metrics of `compile` with single samples."""
        super().measure(self.single(real), self.single(fake))
