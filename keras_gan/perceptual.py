"""How far images are from each other in the eyes of a network."""

import copy

import keras
from keras import ops
from keras import tree

from keras_gan.backbones import check_pyramid
from keras_gan.backbones import copied
from keras_gan.checks import check_flag
from keras_gan.checks import check_number
from keras_gan.layers.frozen import Frozen

EPSILON = 1e-10


@keras.saving.register_keras_serializable("keras_gan")
class Perceptual(keras.layers.Layer):
    """Distance of two images in the features of a pre-trained network.

    Choose it where a fake must look like one given image: to invert a
    generator, to repair or translate. Differences of pixels prefer blur.
    With `a` and `b` the maps of a tap for both images, summed over the taps:

        weight * mean over positions of |a / |a| - b / |b||^2    (normalize)
        weight * mean over positions and channels of (a - b)^2   (else)

    where `|a|` is the length of the vector of channels at one position.

    Args:
        pyramid: model made by `keras_gan.backbones.pyramid`; it is copied,
            and never trains here.
        weights: list of floats >= 0, one a map. Default: 1 each.
        normalize: whether channels count by direction, not by size; maps of
            all taps then weigh alike whatever their range.

    Call arguments:
        images: float tensor `(batch, height, width, channels)` in [-1, 1].
        fakes: the same, of other images. Gradients pass to both.

    Returns:
        Float32 tensor `(batch,)`.

    Raises:
        TypeError, ValueError: an argument does not fit.

    Example:
    >>> from keras_gan import backbones
    >>> from keras_gan.metrics import features
    >>> clothes = backbones.pyramid((28, 28, 1), features.fashion_mnist())
    >>> loss = Perceptual(clothes)
    >>> images = ops.ones((2, 28, 28, 1))
    >>> loss(images, images).numpy().tolist()
    [0.0, 0.0]

    Reference: Johnson et al., arXiv 1603.08155, equation 2, without
    `normalize`; with it Zhang et al., arXiv 1801.03924, equation 1, but for
    the learned weights of channels, which are 1 here: it is not LPIPS, and
    its numbers do not compare with those of papers. A config holds the
    network without its weights; they are saved with the model that the
    layer is part of.
    """

    def __init__(self, pyramid, weights=None, normalize=True, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        check_pyramid(pyramid)
        check_flag("normalize", normalize)
        count = len(pyramid.outputs)
        factors = [1.0] * count if weights is None else list(weights)
        for factor in factors:
            check_number("weights", factor, minimum=0)
        if len(factors) != count:
            raise ValueError(
                f"`weights` needs one number a map, {count} here. "
                f"Received: weights={factors}"
            )
        self.factors = factors
        self.normalize = normalize
        self.network = Frozen(copied(pyramid))
        self.built = True

    def call(self, images, fakes):
        return sum(
            factor * self.distance(a, b)
            for factor, a, b in zip(
                self.factors, self.maps(images), self.maps(fakes)
            )
        )

    def maps(self, images):
        """What the network finds in images, in float32."""
        found = tree.flatten(self.network(images))
        return [ops.cast(x, "float32") for x in found]

    def distance(self, a, b):
        """Distance of two maps, `(batch,)`."""
        if not self.normalize:
            return ops.mean(ops.square(a - b), axis=(1, 2, 3))
        squares = ops.square(unit(a) - unit(b))
        return ops.mean(ops.sum(squares, axis=-1), axis=(1, 2))

    def compute_output_shape(self, images_shape, fakes_shape=None):
        return (images_shape[0],)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "pyramid": keras.saving.serialize_keras_object(self.network.layer),
            "weights": self.factors,
            "normalize": self.normalize,
        }

    @classmethod
    def from_config(cls, config):
        """The layer that `get_config` describes."""
        # Keras takes parts out of the dict that it is given.
        found = copy.deepcopy(config["pyramid"])
        found = keras.saving.deserialize_keras_object(found)
        return cls(**{**config, "pyramid": found})


def unit(x):
    """Vectors of channels of length 1; those of zeros stay zeros."""
    squared = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x * ops.rsqrt(squared + EPSILON)
