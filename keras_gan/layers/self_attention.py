"""Attention over the positions of an image."""

import keras
from keras import ops

from keras_gan.checks import check_flag
from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.layers.spectral_normalization import SpectralNormalization


@keras.saving.register_keras_serializable("keras_gan")
class SelfAttention(keras.layers.Layer):
    """Lets every position of an image see all others.

    Choose it in either player at one resolution, such as 32 pixels, where
    distant parts must agree. Memory grows as the positions squared.

    `y_j = x_j + gamma * v(sum over i of b[j, i] * h(x_i))`, where `b[j, i]`
    is the softmax over `i` of `f(x_i) . g(x_j)`, both in float32 or wider.
    `f`, `g`, `h`, `v` are 1x1 convolutions without bias, kept as `Dense`
    layers; `gamma` is one trainable number that starts at 0.

    Args:
        key_ratio: integer >= 1, `f` and `g` have `channels / key_ratio`
            filters. Default 8.
        value_ratio: integer >= 1, the same for `h`. Default 8.
        spectral: whether the four are spectrally normalised.

    Call arguments:
        inputs: float tensor `(batch, ..., channels)` with one spatial axis
            or more; both ratios divide `channels`.

    Returns:
        Float tensor of the same shape.

    Raises:
        TypeError, ValueError: a ratio or the input does not fit.

    Example:
    >>> x = ops.ones((2, 8, 8, 16))
    >>> bool(ops.all(SelfAttention()(x) == x))
    True

    Reference: Zhang et al., arXiv 1805.08318, section 3. The authors' code
    differs from it: `value_ratio=2`, and `f` and `h` pooled by 2.
    """

    def __init__(self, key_ratio=8, value_ratio=8, spectral=False, **kwargs):
        super().__init__(**kwargs)
        check_integer("key_ratio", key_ratio, minimum=1)
        check_integer("value_ratio", value_ratio, minimum=1)
        self.key_ratio = key_ratio
        self.value_ratio = value_ratio
        check_flag("spectral", spectral)
        self.spectral = spectral

    def build(self, input_shape):
        channels = input_shape[-1]
        if len(input_shape) < 3 or channels is None:
            raise ValueError(
                "SelfAttention takes (batch, ..., channels) with spatial "
                f"axes. Received: input_shape={tuple(input_shape)}"
            )
        for name in ("key_ratio", "value_ratio"):
            if channels % getattr(self, name):
                raise ValueError(
                    f"`{name}` must divide the number of channels, "
                    f"{channels}. Received: {name}={getattr(self, name)}"
                )
        keys, values = channels // self.key_ratio, channels // self.value_ratio
        self.f = self.projection("f", channels, keys)
        self.g = self.projection("g", channels, keys)
        self.h = self.projection("h", channels, values)
        self.v = self.projection("v", values, channels)
        self.gamma = self.add_weight(
            shape=(), initializer="zeros", name="gamma"
        )

    def projection(self, name, channels, filters):
        """A 1x1 convolution, built."""
        layer = keras.layers.Dense(
            filters, use_bias=False, dtype=self.dtype_policy, name=name
        )
        if self.spectral:
            layer = SpectralNormalization(layer, name=f"{name}_normalized")
        layer.build((None, None, channels))
        return layer

    def call(self, inputs):
        check_floats("inputs", inputs)
        shape, channels = ops.shape(inputs), inputs.shape[-1]
        x = ops.reshape(inputs, (shape[0], -1, channels))
        wide = keras.backend.result_type(x.dtype, "float32")
        f, g = ops.cast(self.f(x), wide), ops.cast(self.g(x), wide)
        attention = ops.softmax(ops.einsum("bic,bjc->bji", f, g), axis=-1)
        mixed = ops.matmul(ops.cast(attention, x.dtype), self.h(x))
        return inputs + self.gamma * ops.reshape(self.v(mixed), shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "key_ratio": self.key_ratio,
            "value_ratio": self.value_ratio,
            "spectral": self.spectral,
        }
