"""Channels of each position scaled to mean square one."""

import keras
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_number


@keras.saving.register_keras_serializable("keras_gan")
class PixelNorm(keras.layers.Layer):
    """Divides by the root mean square over the channels.

    Choose it after each convolution of a progressive generator, or on the
    latents before a mapping network. `x / sqrt(mean(x^2) + epsilon)`, the
    mean over the last axis, computed in float32 or wider.

    Args:
        epsilon: float in [1e-30, 1]. Default 1e-8.

    Call arguments:
        inputs: float tensor `(..., channels)`.

    Returns:
        Float tensor of the same shape, of mean square 1 over the channels.

    Raises:
        TypeError, ValueError: `epsilon` or the input does not fit.

    Example:
    >>> PixelNorm()(ops.convert_to_tensor([[2.0, -2.0]])).numpy().tolist()
    [[1.0, -1.0]]

    Reference: Karras et al., arXiv 1710.10196, section 4.2.
    """

    def __init__(self, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        check_number("epsilon", epsilon, minimum=1e-30, maximum=1)
        self.epsilon = epsilon

    def call(self, inputs):
        check_floats("inputs", inputs)
        wide = keras.backend.result_type(inputs.dtype, "float32")
        x = ops.cast(inputs, wide)
        power = ops.mean(ops.square(x), axis=-1, keepdims=True)
        return ops.cast(x * ops.rsqrt(power + self.epsilon), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
