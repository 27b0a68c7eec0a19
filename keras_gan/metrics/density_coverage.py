"""Density and coverage of a set of features."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.neighbours import radii
from keras_gan.metrics.neighbours import squared_distances
from keras_gan.metrics.precision_recall import PrecisionRecall
from keras_gan.metrics.values import check_pair


def density_coverage(real, fake, k=5):
    """How densely fakes lie where the reals do, and how many reals they meet.

    Each real sample has a ball that reaches to its k-th nearest other one.
    Density: the mean number of balls that a fake lies in, by `k`; about 1
    for equal distributions, above it where fakes crowd. Coverage: the share
    of balls with a fake in them; for equal distributions `1 - ((n - 1) ...
    (n - k)) / ((m + n - 1) ... (m + n - k))` on average. Outliers among the
    reals count less than in `precision_recall`.

    Args:
        real: float array `(n, d)`, n > k.
        fake: float array `(m, d)`, m > k.
        k: integer >= 1.

    Returns:
        Two floats: density >= 0, coverage in [0, 1].

    Raises:
        ValueError: too few samples, sizes that differ, NaN or infinity.

    Example:
    >>> real, fake = np.array([[0.0], [1], [2], [9]]), np.array([[1.5], [20.0]])
    >>> density_coverage(real, fake, k=1)
    (1.0, 0.5)

    Reference: Naeem et al., arXiv 2002.09797; they compare by `<`, here `<=`
    as in `precision_recall`.
    """
    check_integer("k", k, minimum=1)
    real, fake = check_pair(real, fake, at_least=k + 1)
    reach = radii(real, k)
    hits = np.zeros(len(real))
    for _, distances in squared_distances(fake, real):
        hits += (distances <= reach).sum(axis=0)
    return float(hits.sum() / (k * len(fake))), float((hits > 0).mean())


@keras.saving.register_keras_serializable("keras_gan")
class DensityCoverage(PrecisionRecall):
    """Density and coverage of fakes: sturdier than precision and recall.

    Known values for equal distributions make them readable by themselves;
    `density_coverage` has them and the definition.

    Args:
        features: Keras model, samples to features.
        k: integer >= 1, the neighbour that gives a ball its radius.
        num_samples: integer > k, samples kept of each kind.
        name: string; the logs have `density` and `coverage`, with another
            name `<name>_density` and `<name>_coverage`.

    Call arguments:
        real: float tensor `(batch, ...)`, real samples.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a dictionary of two floats.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of too few samples
            or of samples that are not finite.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> metric = DensityCoverage(keras.Sequential(flat))
    >>> x = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    >>> metric.update_state(x, x + 100.0)
    >>> metric.result()
    {'density': 0.0, 'coverage': 0.0}

    Reference: Naeem et al., arXiv 2002.09797.
    """

    parts = ("density", "coverage")
    function = staticmethod(density_coverage)

    def __init__(
        self, features, k=5, num_samples=10_000, name="density_coverage"
    ):
        super().__init__(features, k, num_samples, name)
