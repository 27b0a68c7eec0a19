"""Resizing to any size that can be differentiated twice."""

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_integer


@keras.saving.register_keras_serializable("keras_gan")
class Resize(keras.layers.Layer):
    """Resizes images by linear interpolation, blurred where they shrink.

    Choose it in place of `keras.layers.Resizing`, whose second derivative
    does not exist: here penalties on gradients reach all weights. Enlarged
    by a whole factor it is `Upsample`.

    Along each axis, pixel `i` of the output is the mean of the pixels around
    `(i + 0.5) * size / target - 0.5`, weighted by a triangle that is 0 at the
    distance 1, or `size / target` where that is more. A constant stays the
    same everywhere.

    Args:
        height: integer >= 1, of the output.
        width: integer >= 1, of the output.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)` whose sizes
            are known.

    Returns:
        Float tensor `(batch, height, width, channels)`.

    Raises:
        TypeError, ValueError: a size or the input does not fit.

    Example:
    >>> x = ops.reshape(ops.convert_to_tensor([0.0, 4.0]), (1, 1, 2, 1))
    >>> Resize(1, 4)(x)[0, 0, :, 0].numpy().tolist()
    [0.0, 1.0, 3.0, 4.0]

    Reference: the bilinear filter of Pillow, in exact arithmetic.
    """

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        check_integer("height", height, minimum=1)
        check_integer("width", width, minimum=1)
        self.height = height
        self.width = width

    def build(self, input_shape):
        if len(input_shape) != 4 or None in input_shape[1:3]:
            raise ValueError(
                "Resize takes images (batch, height, width, channels) of a "
                f"known size. Received: input_shape={tuple(input_shape)}"
            )

    def call(self, inputs):
        check_floats("inputs", inputs)
        x = inputs
        for equation, axis, target in (
            ("ih,bhwc->biwc", 1, self.height),
            ("jw,bhwc->bhjc", 2, self.width),
        ):
            if x.shape[axis] != target:
                weights = triangles(x.shape[axis], target)
                x = ops.einsum(equation, ops.cast(weights, x.dtype), x)
        return x

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
        }


def triangles(size, target):
    """Matrix `(target, size)` of the weights of each pixel."""
    scale = size / target
    centre = (np.arange(target) + 0.5) * scale - 0.5
    distance = np.abs(centre[:, None] - np.arange(size))
    weights = np.maximum(1.0 - distance / max(scale, 1.0), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)
