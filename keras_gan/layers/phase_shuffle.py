"""Random shifts in time between the layers of a discriminator of sound."""

import keras
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.seeds import ReplicaSeedGenerator


@keras.saving.register_keras_serializable("keras_gan")
class PhaseShuffle(keras.layers.Layer):
    """Shifts each sequence by a few steps in training, as in WaveGAN.

    Choose it after the strided convolutions of a discriminator of sound,
    which otherwise learns the phase of the artefacts of transposed
    convolutions: a test that is easy and teaches the generator nothing.

    `y[t] = x[reflect(t + shift)]`, one `shift` a sample, uniform over the
    integers in [-radius, radius]. Steps beyond an end are those before it,
    mirrored, the end itself not repeated. Outside training `y = x`.

    Args:
        radius: integer >= 0, the largest shift; 0 shifts nothing. Default 2.
        seed: integer >= 0, seed of the shifts; None for a random one.

    Call arguments:
        inputs: float tensor `(batch, time, channels)`, `time > radius`.
        training: whether to shift.

    Returns:
        Float tensor of the same shape.

    Raises:
        TypeError, ValueError: an argument or the input does not fit.

    Example:
    >>> x = ops.reshape(ops.arange(4.0), (1, 4, 1))
    >>> PhaseShuffle(1).shift(x, ops.array([1])).numpy().ravel().tolist()
    [1.0, 2.0, 3.0, 2.0]

    Reference: Donahue et al., arXiv 1802.04208, section 3.3. The authors'
    code shifts a whole batch alike, here each sample has its own shift.
    """

    def __init__(self, radius=2, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_integer("radius", radius, minimum=0)
        self.radius = radius
        if seed is not None:
            check_integer("seed", seed, minimum=0)
        self.seed = seed
        self.seed_generator = ReplicaSeedGenerator(seed)

    def build(self, input_shape):
        fits = len(input_shape) == 3 and None not in input_shape[1:]
        if not fits or input_shape[1] <= self.radius:
            raise ValueError(
                "PhaseShuffle takes (batch, time, channels) with a known "
                f"time > {self.radius}. "
                f"Received: input_shape={tuple(input_shape)}"
            )

    def call(self, inputs, training=False):
        if not training:
            return inputs
        shift = keras.random.randint(
            (ops.shape(inputs)[0],),
            -self.radius,
            self.radius + 1,
            seed=self.seed_generator,
        )
        return self.shift(inputs, shift)

    def shift(self, x, shift):
        """Each sample of `x` moved by its own of the integers `(batch,)`."""
        time, channels = x.shape[1:]
        last, shift = time - 1, ops.cast(shift, "int32")
        step = ops.abs(ops.arange(time)[None] + shift[:, None])
        step = last - ops.abs(last - step)
        # Rows of one long sequence: 10 times faster than take_along_axis.
        row = step + time * ops.arange(ops.shape(x)[0])[:, None]
        return ops.take(ops.reshape(x, (-1, channels)), row, axis=0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "radius": self.radius,
            "seed": self.seed,
        }
