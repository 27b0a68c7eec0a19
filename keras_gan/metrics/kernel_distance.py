"""Kernel distance of two sets of features."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.collected import CollectedFeatures
from keras_gan.metrics.values import check_pair


def kernel_distance(real, fake, num_subsets=100, subset_size=1_000, seed=0):
    """Unbiased squared maximum mean discrepancy with a cubic kernel.

    `k(x, y) = (x . y / d + 1)^3`; the mean over `num_subsets` pairs of
    subsets, each drawn without replacement. Its mean does not depend on the
    number of samples, so that it serves where samples are few. It may be
    below zero, and is 0 on average for equal distributions.

    Args:
        real: float array `(n, d)`.
        fake: float array `(m, d)`.
        num_subsets: integer >= 1.
        subset_size: integer >= 2, at most `n` and `m`.
        seed: integer, seed of the subsets.

    Returns:
        Two floats: the distance and its standard error, the standard
        deviation over the subsets by the root of their number, or of
        `min(n, m) / subset_size` where that is smaller: subsets that share
        samples tell nothing new. It is raised by the root of
        `1 - subset_size / min(n, m)`, as subsets of one set vary less than
        new samples would, and NaN for one subset or subsets of all samples.

    Raises:
        ValueError: too few samples, sizes that differ, NaN or infinity.

    Example:
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 5_000, 1))
    >>> value, error = kernel_distance(x, y + 1.0)
    >>> abs(value - 22.0) < 4 * error
    True

    Reference: Binkowski et al., arXiv 1801.01401. They report the standard
    deviation over the subsets.
    """
    check_integer("num_subsets", num_subsets, minimum=1)
    check_integer("subset_size", subset_size, minimum=2)
    real, fake = check_pair(real, fake, at_least=subset_size)
    rng = np.random.default_rng(seed)
    values = [
        discrepancy(
            rng.choice(real, subset_size, replace=False),
            rng.choice(fake, subset_size, replace=False),
        )
        for _ in range(num_subsets)
    ]
    fewest = min(len(real), len(fake))
    return float(np.mean(values)), standard_error(values, subset_size / fewest)


def standard_error(values, share):
    """Error of the mean over subsets that hold a share of all samples."""
    if len(values) == 1 or share == 1:
        return float("nan")
    independent = min(len(values), 1 / share)
    # Subsets of one set vary less than those of ever new samples.
    return float(np.std(values) / (independent * (1 - share)) ** 0.5)


def discrepancy(x, y):
    """Unbiased estimate from two arrays of one size `(n, d)`."""
    n = len(x)
    within = 0.0
    for part in (x, y):
        values = kernel(part, part)
        within += (values.sum() - np.trace(values)) / (n * (n - 1))
    return within - 2 * kernel(x, y).mean()


def kernel(x, y):
    """Cubic kernel of all pairs, `(n, m)`."""
    return (x @ y.T / x.shape[1] + 1.0) ** 3


@keras.saving.register_keras_serializable("keras_gan")
class KernelDistance(CollectedFeatures):
    """Kernel distance (KID) of fakes to real samples.

    As `FrechetDistance` low for fakes like the real samples, but unbiased:
    numbers of a few thousand samples mean something, and their error is
    known. `kernel_distance` has the formula.

    Args:
        features: Keras model, samples to features.
        num_subsets: integer >= 1.
        subset_size: integer >= 2; half of the samples if that is fewer.
        num_samples: integer >= 2, samples kept of each kind.
        seed: integer, seed of the subsets.
        name: string, the key in the logs; `<name>_error` is its standard
            error.

    Call arguments:
        real: float tensor `(batch, ...)`, real samples.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a dictionary of two floats.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of samples that
            are not finite.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> features = keras.Sequential(flat)
    >>> metric = KernelDistance(features)
    >>> x = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    >>> metric.update_state(x, x + 1.0)
    >>> sorted(metric.result())
    ['kernel_distance', 'kernel_distance_error']

    Reference: Binkowski et al., arXiv 1801.01401.
    """

    settings = ("num_subsets", "subset_size", "seed")

    def __init__(
        self,
        features,
        num_subsets=100,
        subset_size=1_000,
        num_samples=10_000,
        seed=0,
        name="kernel_distance",
    ):
        super().__init__(features, num_samples, name)
        check_integer("num_subsets", num_subsets, minimum=1)
        check_integer("subset_size", subset_size, minimum=2)
        check_integer("seed", seed, minimum=0)
        self.num_subsets = num_subsets
        self.subset_size = subset_size
        self.seed = seed

    def compare(self, real, fake):
        """The distance and its standard error."""
        size = self.size(min(len(real), len(fake)))
        value, error = kernel_distance(
            real, fake, self.num_subsets, size, self.seed
        )
        return {self.name: value, f"{self.name}_error": error}

    def size(self, fewest):
        """Samples a subset; of more than half of all its error is unknown."""
        return min(self.subset_size, max(2, fewest // 2))

    def protocol(self):
        """What the number depends on."""
        fewest = min(map(self.num_collected, self.counts))
        return {**super().protocol(), "subset_size": self.size(fewest)}
