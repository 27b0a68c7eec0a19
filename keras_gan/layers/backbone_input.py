"""Images as a network trained elsewhere wants them."""

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_floats

# Means and deviations of the pixels of ImageNet, red first.
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])
MEAN_BYTES = np.array([123.68, 116.779, 103.939])
# By name: the factor and the offset of values in [-1, 1].
SCALES = {
    "tf": (1.0, 0.0),
    "pixels": (127.5, 127.5),
    "torch": (0.5 / DEVIATION, (0.5 - MEAN) / DEVIATION),
    "caffe": (127.5, 127.5 - MEAN_BYTES[::-1]),
}
COLOUR = ("torch", "caffe")


@keras.saving.register_keras_serializable("keras_gan")
class BackboneInput(keras.layers.Layer):
    """Brings images in [-1, 1] into the range a pre-trained network expects.

    A wrong range is no error and costs much of what the network knows. That
    of `keras.applications`: `"caffe"` for VGG and ResNet, `"torch"` for
    DenseNet, `"pixels"` for EfficientNet, EfficientNetV2, MobileNetV3 and
    ConvNeXt, whose first layers scale, `"tf"` for the rest.

    Args:
        preprocessing: `"tf"` or None: [-1, 1], as they are; `"pixels"`:
            [0, 255]; `"torch"`: mean 0 and deviation 1 on ImageNet;
            `"caffe"`: [0, 255] less the mean of ImageNet, blue first; or a
            callable on images in [-1, 1] that files can hold: a Keras layer,
            or a function under `keras.saving.register_keras_serializable`.
        channels: integer; grey images are repeated that many times. None: the
            channels stay.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)` in [-1, 1].

    Returns:
        Float tensor of the same height and width.

    Raises:
        TypeError, ValueError: an argument or the input does not fit.

    Example:
    >>> BackboneInput("pixels", 3)(ops.ones((1, 1, 1, 1))).numpy().tolist()
    [[[[255.0, 255.0, 255.0]]]]

    Reference: the modes of `preprocess_input` in `keras.applications`, which
    start from [0, 255].
    """

    def __init__(self, preprocessing=None, channels=None, **kwargs):
        super().__init__(**kwargs)
        check_preprocessing(preprocessing)
        self.preprocessing = preprocessing
        self.channels = channels

    def build(self, input_shape):
        found = input_shape[-1]
        wanted = self.channels or found
        if found not in (1, wanted):
            raise ValueError(
                f"Images must have {wanted} channels, or 1. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if self.preprocessing in COLOUR and wanted != 3:
            raise ValueError(
                f"`preprocessing={self.preprocessing!r}` is for three "
                f"channels. Received: channels={wanted}"
            )

    def call(self, inputs):
        check_floats("inputs", inputs)
        x = inputs
        if self.channels not in (None, x.shape[-1]):
            x = ops.repeat(x, self.channels, axis=-1)
        if callable(self.preprocessing):
            return self.preprocessing(x)
        if self.preprocessing == "caffe":
            x = ops.flip(x, axis=-1)
        factor, offset = SCALES[self.preprocessing or "tf"]
        return x * ops.cast(factor, x.dtype) + ops.cast(offset, x.dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels or input_shape[-1])

    def get_config(self):
        """Constructor arguments."""
        found = keras.saving.serialize_keras_object(self.preprocessing)
        return {
            **super().get_config(),
            "preprocessing": found,
            "channels": self.channels,
        }

    @classmethod
    def from_config(cls, config):
        """The layer that `get_config` describes."""
        found = keras.saving.deserialize_keras_object(config["preprocessing"])
        return cls(**{**config, "preprocessing": found})


def check_preprocessing(value):
    """Raises unless it is a known name, None or a callable to be saved."""
    if value is None or isinstance(value, (str, keras.layers.Layer)):
        if isinstance(value, str) and value not in SCALES:
            raise ValueError(
                f"`preprocessing` must be one of {sorted(SCALES)}, None or a "
                f"callable. Received: preprocessing={value!r}"
            )
        return
    # Others would be saved as code, which loading does not run.
    name = callable(value) and keras.saving.get_registered_name(value)
    if not name or keras.saving.get_registered_object(name) is not value:
        raise TypeError(
            "`preprocessing` must be a name, None, a Keras layer or a "
            "function registered by keras.saving."
            "register_keras_serializable. "
            f"Received: preprocessing={value!r}"
        )
