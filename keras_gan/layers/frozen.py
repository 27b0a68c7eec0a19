"""A part of a network that never trains."""

import copy

import keras


@keras.saving.register_keras_serializable("keras_gan")
class Frozen(keras.layers.Wrapper):
    """Runs a layer or model as it is, and keeps it so.

    Choose it for networks trained elsewhere. Its weights stay out of
    `trainable_variables`, whatever `trainable` of a model around it is set
    to, also after a file was loaded; it runs in inference mode in training
    too: batch normalisation by its moving statistics, no dropout. Gradients
    pass through to its inputs.

    Args:
        layer: Keras layer or model; it is frozen itself, not a copy of it.

    Call arguments:
        inputs: what the layer takes.

    Returns:
        What the layer gives in inference mode.

    Raises:
        TypeError: `layer` is no Keras layer.

    Example:
    >>> layer = Frozen(keras.layers.Dense(2))
    >>> model = keras.Sequential([keras.Input((3,)), layer])
    >>> model.trainable = True
    >>> len(model.trainable_weights), len(model.non_trainable_weights)
    (0, 2)
    """

    # Steps need not put its weights back, nor average them.
    frozen = True

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, keras.layers.Layer):
            raise TypeError(
                f"`layer` must be a Keras layer. Received: layer={layer!r}"
            )
        super().__init__(layer, **kwargs)
        # The wrapped layer casts what it takes.
        self.autocast = False
        self.dtype_policy = layer.variable_dtype
        set_trainable(layer, False)

    @property
    def trainable(self):
        """False; setting it changes nothing."""
        return False

    @trainable.setter
    def trainable(self, value):
        """Models set it for all of their layers."""

    def build(self, input_shape):
        super().build(input_shape)
        set_trainable(self.layer, False)

    def call(self, inputs):
        return self.layer(inputs, training=False)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs):
        return self.layer.compute_output_spec(inputs)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer that `get_config` describes."""
        # Keras takes parts out of the dict that it is given.
        return super().from_config(copy.deepcopy(config), custom_objects)


def set_trainable(layer, value):
    """Sets `trainable` of a layer and of all below it.

    Where a model has the value already, TensorFlow would not ask its layers.
    """
    layer.trainable = not value
    layer.trainable = value
