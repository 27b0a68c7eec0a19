"""The convolution of StyleGAN2, whose kernel a style scales."""

import math

import keras
from keras import ops

from keras_gan.checks import check_flag
from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.layers.adain import check_style
from keras_gan.layers.adain import two_shapes
from keras_gan.layers.equalized import EqualizedDense
from keras_gan.layers.equalized import check_pair

EPSILON = 1e-8


@keras.saving.register_keras_serializable("keras_gan")
class ModulatedConv2D(keras.layers.Layer):
    """A convolution with a kernel of its own for each sample.

    Choose it in the generator of StyleGAN2, where it takes the place of
    convolution and `AdaIN`. With kernel `w[u, v, i, j]`, input channels `i`,
    output channels `j` and `s = 1 + affine(style)`:

    `w' = s[i] * w`, `w'' = w' / sqrt(sum over u, v, i of w'^2 + 1e-8)`.

    Instead of the kernel the input is multiplied by `s` and the output
    divided by the root: the same for one ordinary convolution. The
    kernel starts at N(0, 1) and is used times
    `1 / sqrt(height * width * channels)` of it (equalised learning rate), as
    is the affine map. The input is padded with zeros to its own size.

    Args:
        filters: integer >= 1, output channels.
        kernel_size: integer >= 1 or two of them. Default 3.
        demodulate: whether to divide by the root; False in layers that give
            an image. Default True.
        use_bias: whether to add a trainable number a filter, 0 at the start.

    Call arguments:
        inputs: list of two float tensors: `x`, `(batch, height, width,
            channels)`, and the style, `(batch, style_dim)`.

    Returns:
        Float tensor `(batch, height, width, filters)`.

    Raises:
        TypeError, ValueError: an argument or the inputs do not fit.

    Example:
    >>> layer = ModulatedConv2D(filters=6, kernel_size=3)
    >>> layer([ops.ones((2, 8, 8, 4)), ops.zeros((2, 16))]).shape
    TensorShape([2, 8, 8, 6])

    Reference: Karras et al., arXiv 1912.04958, equations 1 to 3. Resampling
    is left to `Upsample` and `BlurPool`.
    """

    def __init__(
        self, filters, kernel_size=3, demodulate=True, use_bias=True, **kwargs
    ):
        super().__init__(**kwargs)
        check_integer("filters", filters, minimum=1)
        self.filters = filters
        self.kernel_size = check_pair("kernel_size", kernel_size)
        check_flag("demodulate", demodulate)
        self.demodulate = demodulate
        check_flag("use_bias", use_bias)
        self.use_bias = use_bias

    def build(self, input_shape):
        x_shape, style_shape = two_shapes(self, input_shape)
        if len(x_shape) != 4 or x_shape[-1] is None:
            raise ValueError(
                "ModulatedConv2D takes x of shape (batch, height, width, "
                "channels), the channels known. "
                f"Received: x of shape={tuple(x_shape)}"
            )
        check_style(self, style_shape)
        channels = x_shape[-1]
        wide = keras.backend.result_type(self.compute_dtype, "float32")
        self.affine = EqualizedDense(channels, dtype=wide, name="affine")
        self.affine.build(style_shape)
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, channels, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.filters,), initializer="zeros", name="bias"
            )

    def call(self, inputs):
        x, style = inputs
        check_floats("x", x)
        scale = 1.0 + self.affine(style)
        kernel = self.kernel / math.sqrt(math.prod(self.kernel.shape[:-1]))
        y = ops.conv(
            x * ops.cast(scale, x.dtype)[:, None, None],
            ops.cast(kernel, x.dtype),
            padding="same",
            data_format="channels_last",
        )
        if self.demodulate:
            power = ops.sum(ops.square(kernel), axis=(0, 1))
            power = ops.matmul(ops.square(scale), power) + EPSILON
            y = y * ops.cast(ops.rsqrt(power), y.dtype)[:, None, None]
        return y + self.bias if self.use_bias else y

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "demodulate": self.demodulate,
            "use_bias": self.use_bias,
        }
