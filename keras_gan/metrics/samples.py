"""Samples as they are: as images, as rows, and a metric that keeps them."""

import math

import keras
import numpy as np

from keras_gan.metrics import features
from keras_gan.metrics.collected import CollectedFeatures
from keras_gan.metrics.values import check_finite


class CollectedSamples(CollectedFeatures):
    """Keeps the first `num_samples` samples of each kind.

    Subclasses give `compare(real, fake)`, which takes two float64 NumPy
    arrays of samples. Memory: four bytes a value.

    Args:
        sample_shape: tuple of integers, the shape of one sample.
        num_samples: integer >= 2, samples kept; later ones are left out.
        name: string, the key in the logs.
    """

    def __init__(self, sample_shape, num_samples, name):
        super().__init__(features.raw(sample_shape), num_samples, name)
        self.sample_shape = tuple(self.features.input_shape[1:])

    def collected(self, kind):
        """The samples of one kind, float64 `(n, *sample_shape)`."""
        return super().collected(kind).reshape(-1, *self.sample_shape)

    def get_config(self):
        """Constructor arguments."""
        return {
            "sample_shape": self.sample_shape,
            "num_samples": self.num_samples,
            "name": self.name,
            **self.chosen(),
        }

    @classmethod
    def from_config(cls, config):
        """The metric that `get_config` describes."""
        return cls(**keras.saving.deserialize_keras_object(config))


def as_rows(name, x, at_least=1):
    """Samples of any rank as checked float64 rows.

    Args:
        name: name of the argument, for the message.
        x: array `(n, ...)`.
        at_least: integer, the fewest samples that do.

    Returns:
        NumPy array `(n, d)`, float64.

    Raises:
        ValueError: no axis besides that of the samples, too few samples,
            NaN or infinity.
    """
    x = np.asarray(x)
    if x.ndim < 2:
        raise ValueError(
            f"`{name}` must be an array of samples (n, ...). "
            f"Received: {name} of shape={x.shape}"
        )
    if len(x) < at_least:
        raise ValueError(
            f"`{name}` must hold at least {at_least} samples. "
            f"Received: {name} of {len(x)}"
        )
    return check_finite(name, x.reshape(len(x), math.prod(x.shape[1:])))


def as_images(name, x):
    """Checked float64 images.

    Args:
        name: name of the argument, for the message.
        x: array `(n, height, width, channels)`.

    Returns:
        NumPy array of the same shape, float64.

    Raises:
        ValueError: another rank, no image, NaN or infinity.
    """
    x = np.asarray(x)
    if x.ndim != 4:
        raise ValueError(
            f"`{name}` must be images (n, height, width, channels). "
            f"Received: {name} of shape={x.shape}"
        )
    return as_rows(name, x).reshape(x.shape)


def check_same_shape(**sets):
    """Raises unless the samples of all sets have one shape.

    Args:
        **sets: arrays of samples by the names of their arguments.

    Raises:
        ValueError: the shapes differ.
    """
    shapes = {name: np.shape(x)[1:] for name, x in sets.items()}
    if len(set(shapes.values())) > 1:
        names = " and ".join(f"`{name}`" for name in shapes)
        raise ValueError(
            f"{names} must hold samples of one shape. Received: {shapes}"
        )
