"""Bilinear upsampling that can be differentiated twice."""

import math

import keras
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_integer


@keras.saving.register_keras_serializable("keras_gan")
class Upsample(keras.layers.Layer):
    """Enlarges each axis between batch and channels by linear interpolation.

    Choose it in place of `UpSampling2D("bilinear")`, whose second derivative
    does not exist: here penalties on gradients reach all weights.

    With `i` counted in pixels of the output, the output is read at
    `(i + 0.5) / factor - 0.5` of the input; beyond the outermost pixel
    centres it is that pixel's value. A constant stays the same everywhere.

    Args:
        factor: integer >= 1.

    Call arguments:
        inputs: float tensor `(batch, ..., channels)` of rank 3 or more.

    Returns:
        Float tensor `(batch, ..., channels)`, sizes times `factor`.

    Raises:
        TypeError, ValueError: `factor` or the input does not fit.

    Example:
    >>> x = ops.reshape(ops.convert_to_tensor([0.0, 4.0]), (1, 2, 1))
    >>> Upsample()(x)[0, :, 0].numpy().tolist()
    [0.0, 1.0, 3.0, 4.0]

    Reference: bilinear resizing with half-pixel centres, which is the filter
    `[1, 3, 3, 1]` of Karras et al., arXiv 1912.04958, but for the border,
    zeros there. One matrix product an axis: on CPUs faster than repeat and
    blur below 64 pixels, as fast at 64, slower from 128 on.
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        check_integer("factor", factor, minimum=1)
        self.factor = factor

    def build(self, input_shape):
        if len(input_shape) < 3:
            raise ValueError(
                "Upsample takes (batch, ..., channels) with an axis or more "
                f"between. Received: input_shape={tuple(input_shape)}"
            )

    def call(self, inputs):
        check_floats("inputs", inputs)
        x = inputs
        for axis in range(1, len(inputs.shape) - 1):
            before, after = ops.shape(x)[1:axis], ops.shape(x)[axis + 1 :]
            size = ops.shape(x)[axis]
            weights = interpolation(size, self.factor, x.dtype)
            x = ops.reshape(x, (-1, size, math.prod(after)))
            x = ops.matmul(weights, x)
            x = ops.reshape(x, (-1, *before, size * self.factor, *after))
        return x

    def compute_output_shape(self, input_shape):
        sizes = [
            None if size is None else size * self.factor
            for size in input_shape[1:-1]
        ]
        return (input_shape[0], *sizes, input_shape[-1])

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "factor": self.factor}


def interpolation(size, factor, dtype):
    """Matrix `(size * factor, size)` of linear interpolation."""
    wide = keras.backend.result_type(dtype, "float32")
    target = ops.arange(size * factor, dtype=wide)
    position = (target + 0.5) / factor - 0.5
    position = ops.clip(position, 0.0, ops.cast(size - 1, wide))
    distance = ops.abs(position[:, None] - ops.arange(size, dtype=wide))
    return ops.cast(ops.relu(1.0 - distance), dtype)
