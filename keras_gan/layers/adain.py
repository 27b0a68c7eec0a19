"""Adaptive instance normalisation: a style sets mean and deviation."""

import keras
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_number


@keras.saving.register_keras_serializable("keras_gan")
class AdaIN(keras.layers.Layer):
    """Gives each channel the mean and deviation that a style asks for.

    Choose it to put styles, or conditions as vectors, into a generator;
    `ModulatedConv2D` is its successor without droplet-shaped artefacts.

    `y = scale * (x - mean) / sqrt(variance + epsilon) + shift` with mean and
    variance over the spatial axes of each sample and channel, in float32 or
    wider. `scale - 1` and `shift` are an affine function of the style that
    is learned; its bias starts at 0.

    Args:
        epsilon: float > 0, added to the variance. Default 1e-5.

    Call arguments:
        inputs: list of two float tensors: `x`, `(batch, ..., channels)` with
            one spatial axis or more, and the style, `(batch, style_dim)`.

    Returns:
        Float tensor of the shape of `x`.

    Raises:
        TypeError, ValueError: `epsilon` or the inputs do not fit.

    Example:
    >>> x = keras.random.normal((2, 4, 4, 3), seed=0)
    >>> y = AdaIN()([x, ops.zeros((2, 8))])
    >>> bool(ops.max(ops.abs(ops.mean(y, axis=(1, 2)))) < 1e-5)
    True

    Reference: Huang & Belongie, arXiv 1703.06868, equation 8, where scale
    and shift are the deviation and mean of another image; as a learned
    function of a style, Karras et al., arXiv 1812.04948, equation 1.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        check_number("epsilon", epsilon, minimum=1e-30)
        self.epsilon = epsilon

    def build(self, input_shape):
        x_shape, style_shape = two_shapes(self, input_shape)
        if len(x_shape) < 3 or x_shape[-1] is None:
            raise ValueError(
                "AdaIN takes x of shape (batch, ..., channels) with spatial "
                "axes, the channels known. "
                f"Received: x of shape={tuple(x_shape)}"
            )
        check_style(self, style_shape)
        wide = keras.backend.result_type(self.compute_dtype, "float32")
        self.affine = keras.layers.Dense(
            2 * x_shape[-1], dtype=wide, name="affine"
        )
        self.affine.build(style_shape)

    def call(self, inputs):
        x, style = inputs
        check_floats("x", x)
        wide = keras.backend.result_type(x.dtype, "float32")
        axes = tuple(range(1, len(x.shape) - 1))
        mean, variance = ops.moments(ops.cast(x, wide), axes, keepdims=True)
        affine = ops.reshape(
            self.affine(style), (-1, *[1] * len(axes), 2 * x.shape[-1])
        )
        scale, shift = ops.split(affine, 2, axis=-1)
        y = (ops.cast(x, wide) - mean) * ops.rsqrt(variance + self.epsilon)
        return ops.cast((1.0 + scale) * y + shift, x.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def two_shapes(layer, input_shape):
    """The shapes of a layer's two inputs, or an error."""
    shapes = list(input_shape)
    if len(shapes) != 2 or not all(
        isinstance(shape, (list, tuple)) for shape in shapes
    ):
        raise ValueError(
            f"{type(layer).__name__} takes a list of two tensors. "
            f"Received: input_shape={input_shape}"
        )
    return shapes


def check_style(layer, shape):
    """Raises unless a style is one vector a sample, of known length."""
    if len(shape) != 2 or shape[-1] is None:
        raise ValueError(
            f"{type(layer).__name__} takes a style of shape (batch, "
            "style_dim), style_dim known. "
            f"Received: style of shape={tuple(shape)}"
        )
