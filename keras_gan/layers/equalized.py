"""Layers whose weights all learn at the same rate."""

import math

import keras
from keras import ops

from keras_gan.checks import check_flag
from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.checks import check_shape

PADDINGS = ("same", "valid")


@keras.saving.register_keras_serializable("keras_gan")
class EqualizedDense(keras.layers.Layer):
    """A dense layer scaled in the call instead of at the start.

    Choose it where optimizers that divide by the gradient's size, as Adam
    does, should move all layers alike. Kernels start as
    `N(0, 1) / lr_multiplier`, biases as 0, and the call computes
    `activation(x W * gain * lr_multiplier / sqrt(fan_in) + b * lr_multiplier)`
    so that outputs start at variance `gain^2` for inputs of variance 1.

    Args:
        units: integer >= 1, length of the output.
        activation: name of an activation, callable or None.
        use_bias: whether a bias is added.
        gain: float >= 0; `sqrt(2)` makes up for a ReLU.
        lr_multiplier: float >= 1e-6; 0.01 in the mapping network of
            StyleGAN, which learns a hundred times more slowly.

    Call arguments:
        inputs: float tensor `(batch, ..., features)`.

    Returns:
        Float tensor `(batch, ..., units)`.

    Raises:
        TypeError, ValueError: an argument or an input does not fit.

    Example:
    >>> EqualizedDense(3)(ops.ones((2, 4))).shape
    TensorShape([2, 3])

    Reference: Karras et al., arXiv 1710.10196, section 4.1, and arXiv
    1912.04958, whose gain of `sqrt(2)` follows the activation instead.
    """

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        gain=1.0,
        lr_multiplier=1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_integer("units", units, minimum=1)
        check_number("gain", gain, minimum=0)
        check_number("lr_multiplier", lr_multiplier, minimum=1e-6)
        self.units = units
        self.activation = keras.activations.get(activation)
        check_flag("use_bias", use_bias)
        self.use_bias = use_bias
        self.gain = gain
        self.lr_multiplier = lr_multiplier

    def build(self, input_shape):
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                "EqualizedDense takes (batch, ..., features), the features "
                f"known. Received: input_shape={tuple(input_shape)}"
            )
        add_weights(self, (input_shape[-1], self.units), self.lr_multiplier)

    def call(self, inputs):
        check_floats("inputs", inputs)
        kernel = self.kernel * (scale(self) * self.lr_multiplier)
        outputs = ops.matmul(inputs, ops.cast(kernel, inputs.dtype))
        if self.use_bias:
            bias = self.bias * self.lr_multiplier
            outputs = outputs + ops.cast(bias, outputs.dtype)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "gain": self.gain,
            "lr_multiplier": self.lr_multiplier,
        }


@keras.saving.register_keras_serializable("keras_gan")
class EqualizedConv2D(keras.layers.Layer):
    """A convolution scaled in the call instead of at the start.

    Choose it as `EqualizedDense`. Kernels start as `N(0, 1)`, biases as 0,
    and the call computes `activation(conv(x, W * gain / sqrt(fan_in)) + b)`,
    `fan_in` being height times width of the kernel times input channels.

    Args:
        filters: integer >= 1, channels of the output.
        kernel_size: integer >= 1, or `(height, width)`.
        strides: integer >= 1, or `(vertical, horizontal)`.
        padding: `"same"` (zeros) or `"valid"`.
        activation: name of an activation, callable or None.
        use_bias: whether a bias is added.
        gain: float >= 0; `sqrt(2)` makes up for a ReLU.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, new_height, new_width, filters)`.

    Raises:
        TypeError, ValueError: an argument or an input does not fit.

    Example:
    >>> EqualizedConv2D(3, 5, strides=2)(ops.ones((2, 8, 8, 1))).shape
    TensorShape([2, 4, 4, 3])

    Reference: Karras et al., arXiv 1710.10196, section 4.1, and arXiv
    1912.04958. No `lr_multiplier`: theirs is 1 in every convolution.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="same",
        activation=None,
        use_bias=True,
        gain=1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_integer("filters", filters, minimum=1)
        check_number("gain", gain, minimum=0)
        if padding not in PADDINGS:
            raise ValueError(
                f"`padding` must be one of {PADDINGS}. "
                f"Received: padding={padding!r}"
            )
        self.filters = filters
        self.kernel_size = check_pair("kernel_size", kernel_size)
        self.strides = check_pair("strides", strides)
        self.padding = padding
        self.activation = keras.activations.get(activation)
        check_flag("use_bias", use_bias)
        self.use_bias = use_bias
        self.gain = gain

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                "EqualizedConv2D takes (batch, height, width, channels), the "
                f"channels known. Received: input_shape={tuple(input_shape)}"
            )
        add_weights(self, (*self.kernel_size, input_shape[-1], self.filters))

    def call(self, inputs):
        check_floats("inputs", inputs)
        outputs = ops.conv(
            inputs,
            ops.cast(self.kernel * scale(self), inputs.dtype),
            strides=self.strides,
            padding=self.padding,
            data_format="channels_last",
        )
        if self.use_bias:
            outputs = outputs + ops.cast(self.bias, outputs.dtype)
        return self.activation(outputs)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "gain": self.gain,
        }


def add_weights(layer, shape, lr_multiplier=1.0):
    """Adds `kernel` and, if asked for, `bias`; both read as stored."""
    layer.kernel = layer.add_weight(
        shape=shape,
        initializer=keras.initializers.RandomNormal(stddev=1 / lr_multiplier),
        autocast=False,
        name="kernel",
    )
    if layer.use_bias:
        layer.bias = layer.add_weight(
            shape=shape[-1:], initializer="zeros", autocast=False, name="bias"
        )


def scale(layer):
    """`gain / sqrt(fan_in)` of a layer with a kernel."""
    return layer.gain / math.sqrt(math.prod(layer.kernel.shape[:-1]))


def check_pair(name, value):
    """Two integers >= 1, of one for both or of two."""
    if not hasattr(value, "__iter__"):
        check_integer(name, value, minimum=1)
        return (int(value), int(value))
    sizes = check_shape(name, value)
    if len(sizes) != 2:
        raise ValueError(
            f"`{name}` must be one integer or two. Received: {name}={value!r}"
        )
    return sizes
