"""Downsampling behind a low-pass filter."""

import keras
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_integer


@keras.saving.register_keras_serializable("keras_gan")
class BlurPool(keras.layers.Layer):
    """Blurs each channel with a binomial filter and keeps every n-th value.

    Choose it in a discriminator in place of a strided convolution or a
    resize: it does not alias, and gradient penalties pass through it.

    Along each axis between batch and channels, the filter is a row of
    Pascal's triangle divided by its sum: `kernel_size` 2 gives `[1, 1] / 2`,
    3 `[1, 2, 1] / 4`, 4 `[1, 3, 3, 1] / 8`. Outside of the input are zeros,
    `(kernel_size - 1) // 2` before it and the rest behind it, so a constant
    stays the same where the filter does not reach the border.

    Args:
        kernel_size: integer >= 2, length of the filter. Even lengths are
            centred between two values, as pooling is.
        strides: integer >= 1, step from one kept value to the next. 1 only
            blurs.

    Call arguments:
        inputs: float tensor `(batch, ..., channels)` of rank 3, 4 or 5. On
            CPUs TensorFlow takes rank 5 in float32 and bfloat16 only.

    Returns:
        Float tensor `(batch, ..., channels)`, sizes `ceil(size / strides)`.

    Raises:
        TypeError, ValueError: an argument or the input does not fit.

    Example:
    >>> BlurPool()(ops.ones((1, 4, 1)))[0, :, 0].numpy().tolist()
    [0.75, 1.0]

    Reference: Zhang, arXiv 1904.11486, where borders are reflected. Average
    pools of size 2 in a row are the filter: about as fast on CPUs as a
    depthwise convolution, and many times faster there under XLA.
    """

    def __init__(self, kernel_size=3, strides=2, **kwargs):
        super().__init__(**kwargs)
        check_integer("kernel_size", kernel_size, minimum=2)
        check_integer("strides", strides, minimum=1)
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        if not 3 <= len(input_shape) <= 5:
            raise ValueError(
                "BlurPool takes (batch, ..., channels) with one to three axes "
                f"between. Received: input_shape={tuple(input_shape)}"
            )

    def call(self, inputs):
        check_floats("inputs", inputs)
        before = (self.kernel_size - 1) // 2
        border = (before, self.kernel_size - 1 - before)
        axes = len(inputs.shape) - 2
        x = ops.pad(inputs, [(0, 0), *[border] * axes, (0, 0)])
        for stride in [1] * (self.kernel_size - 2) + [self.strides]:
            x = ops.average_pool(x, 2, stride, data_format="channels_last")
        return x

    def compute_output_shape(self, input_shape):
        sizes = [
            None if size is None else -(-size // self.strides)
            for size in input_shape[1:-1]
        ]
        return (input_shape[0], *sizes, input_shape[-1])

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }
