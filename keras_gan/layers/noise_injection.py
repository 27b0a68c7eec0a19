"""Noise for the details that the latents should not have to hold."""

import keras
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.seeds import ReplicaSeedGenerator


@keras.saving.register_keras_serializable("keras_gan")
class NoiseInjection(keras.layers.Layer):
    """Adds one image of noise to all channels, at a learned strength.

    Choose it after the convolutions of a style-based generator, for details
    such as hairs and pores. `y = x + strength * noise`; `strength` is one
    trainable number that starts at 0.

    In training the noise is N(0, 1), drawn anew for each sample and pixel.
    Outside training it is one map for all samples, drawn when the layer is
    built and saved with it: samples are then a function of the latents.

    Args:
        seed: integer >= 0, of the map and the draws; None for a random one.

    Call arguments:
        inputs: float tensor `(batch, ..., channels)` with one known spatial
            axis or more.
        training: whether the noise is drawn anew.

    Returns:
        Float tensor of the same shape.

    Raises:
        TypeError, ValueError: `seed` is out of range, or the input is not of
            floats or has no spatial axis of known size.

    Example:
    >>> layer = NoiseInjection(seed=0)
    >>> x = ops.zeros((2, 4, 4, 3))
    >>> float(ops.max(layer(x, training=True)))
    0.0

    Reference: Karras et al., arXiv 1912.04958, where the strength is one
    number a layer; in arXiv 1812.04948 it is one a channel.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        if seed is not None:
            check_integer("seed", seed, minimum=0)
        self.seed = seed
        # Another stream than that of the map.
        self.seed_generator = ReplicaSeedGenerator(seed, stream=1)

    def build(self, input_shape):
        spatial = tuple(input_shape[1:-1])
        if not spatial or None in spatial:
            raise ValueError(
                "NoiseInjection takes (batch, ..., channels) with spatial "
                f"axes of known size. Received: input_shape={input_shape}"
            )
        self.strength = self.add_weight(
            shape=(), initializer="zeros", name="strength"
        )
        self.noise = self.add_weight(
            shape=(1, *spatial, 1),
            initializer=keras.initializers.RandomNormal(
                stddev=1.0, seed=self.seed
            ),
            trainable=False,
            name="noise",
        )

    def call(self, inputs, training=False):
        check_floats("inputs", inputs)
        noise = self.noise
        if training:
            noise = keras.random.normal(
                (ops.shape(inputs)[0], *inputs.shape[1:-1], 1),
                dtype=inputs.dtype,
                seed=self.seed_generator,
            )
        return inputs + self.strength * noise

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
