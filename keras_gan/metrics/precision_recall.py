"""Precision and recall of a set of features."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.collected import CollectedFeatures
from keras_gan.metrics.neighbours import radii
from keras_gan.metrics.neighbours import squared_distances
from keras_gan.metrics.values import check_pair


def precision_recall(real, fake, k=3):
    """Share of fakes among the reals, and of reals among the fakes.

    A row is among a set if it lies within (`<=`) the distance of one of the
    set's rows to that row's own k-th nearest other row. Precision: share of
    fakes among the reals, how good samples look. Recall: share of reals
    among the fakes, how much of the data is covered. Both depend strongly
    on the number of samples and of features.

    Args:
        real: float array `(n, d)`, n > k.
        fake: float array `(m, d)`, m > k.
        k: integer >= 1.

    Returns:
        Two floats in [0, 1].

    Raises:
        ValueError: too few samples, sizes that differ, NaN or infinity.

    Example:
    >>> real, fake = np.array([[0.0], [1], [2], [9]]), np.array([[1.5], [20.0]])
    >>> precision_recall(real, fake, k=1)
    (0.5, 1.0)

    Reference: Kynkaanniemi et al., arXiv 1904.06991.
    """
    check_integer("k", k, minimum=1)
    real, fake = check_pair(real, fake, at_least=k + 1)
    real_radii, fake_radii = radii(real, k), radii(fake, k)
    among = share_within(fake, real, real_radii)
    return among, share_within(real, fake, fake_radii)


def share_within(x, y, reach):
    """Share of the rows of `x` that lie in a ball around a row of `y`."""
    inside = [
        (distances <= reach).any(axis=1)
        for _, distances in squared_distances(x, y)
    ]
    return float(np.concatenate(inside).mean())


@keras.saving.register_keras_serializable("keras_gan")
class PrecisionRecall(CollectedFeatures):
    """Precision and recall of fakes: quality and variety as two numbers.

    Tells a generator of few good samples (high precision, low recall) from
    one of many poor ones, which `FrechetDistance` cannot.
    `precision_recall` has the definition.

    Args:
        features: Keras model, samples to features.
        k: integer >= 1, the neighbour that gives a ball its radius.
        num_samples: integer > k, samples kept of each kind.
        name: string; the logs have `precision` and `recall`, with another
            name `<name>_precision` and `<name>_recall`.

    Call arguments:
        real: float tensor `(batch, ...)`, real samples.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a dictionary of two floats in [0, 1].

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of too few samples
            or of samples that are not finite.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> metric = PrecisionRecall(keras.Sequential(flat))
    >>> x = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    >>> metric.update_state(x, x)
    >>> metric.result()
    {'precision': 1.0, 'recall': 1.0}

    Reference: Kynkaanniemi et al., arXiv 1904.06991.
    """

    parts = ("precision", "recall")
    function = staticmethod(precision_recall)

    settings = ("k",)

    def __init__(
        self, features, k=3, num_samples=10_000, name="precision_recall"
    ):
        super().__init__(features, num_samples, name)
        check_integer("k", k, minimum=1)
        check_integer("num_samples", num_samples, minimum=k + 1)
        self.k = k

    def compare(self, real, fake):
        """Both numbers, by their keys."""
        values = self.function(real, fake, self.k)
        return dict(zip(self.keys(), values))

    def keys(self):
        """The names in the logs."""
        plain = "_".join(self.parts)
        prefix = "" if self.name == plain else f"{self.name}_"
        return [prefix + part for part in self.parts]
