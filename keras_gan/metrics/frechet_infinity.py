"""Frechet distance without the bias of the number of fakes."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.collected import CollectedFeatures
from keras_gan.metrics.frechet_distance import as_moments
from keras_gan.metrics.frechet_distance import distance
from keras_gan.metrics.moments import moments
from keras_gan.metrics.values import check_finite


def frechet_distance_infinity(real, fake, num_sizes=15, smallest=5_000, seed=0):
    """Frechet distance for infinitely many fakes, extrapolated.

    Takes the distance of fakes in growing numbers to all of `real`, fits a
    line in `1 / n` and gives its value at 0: the part of the bias that comes
    from the number of fakes is gone, that of the number of reals stays.

    Args:
        real: float array `(n, d)`, or `Moments`.
        fake: float array `(m, d)`, m >= 4 and well above `2 d`.
        num_sizes: integer >= 2, how many numbers of fakes.
        smallest: integer >= 2, the smallest; at most `m / 2` is taken.
        seed: integer >= 0, seed of the choice of fakes.

    Returns:
        Float; may be below zero by the fit's error.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range, fewer than four fakes, and
            as `frechet_distance`.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(4_000, 8))
    >>> abs(frechet_distance_infinity(x, x[:400] + 1.0) - 8.0) < 1.0
    True

    Reference: Chong & Forsyth, arXiv 1911.07023; equally spaced sizes here.
    """
    check_sizes(num_sizes, smallest, seed)
    fake = check_finite("fake", fake)
    real = as_moments("real", real)
    if len(fake) < 4:
        raise ValueError(
            "`fake` must hold at least 4 samples. "
            f"Received: fake of {len(fake)}"
        )
    smallest = min(smallest, len(fake) // 2)
    sizes = np.unique(np.linspace(smallest, len(fake), num_sizes).astype(int))
    rng = np.random.default_rng(seed)
    values = [
        distance(real, moments(rng.choice(fake, size, replace=False)))
        for size in sizes
    ]
    return float(np.polyfit(1.0 / sizes, values, 1)[1])


def check_sizes(num_sizes, smallest, seed):
    """Raises unless the settings of the extrapolation are in range."""
    check_integer("num_sizes", num_sizes, minimum=2)
    check_integer("smallest", smallest, minimum=2)
    check_integer("seed", seed, minimum=0)


@keras.saving.register_keras_serializable("keras_gan")
class FrechetDistanceInfinity(CollectedFeatures):
    """Frechet distance of fakes, extrapolated to infinitely many.

    To compare numbers of different counts of fakes; `FrechetDistance`, which
    papers report, is cheaper and steadier. `frechet_distance_infinity` has
    the definition.

    Args:
        features: Keras model, samples to features.
        num_sizes: integer >= 2, how many numbers of fakes.
        smallest: integer >= 2, the smallest; at most half of the fakes.
        num_samples: integer >= 4, samples kept of each kind.
        seed: integer >= 0, seed of the choice of fakes.
        name: string, the key in the logs.

    Call arguments:
        real: float tensor `(batch, ...)`, real samples.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a float.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of too few samples
            or of samples that are not finite.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> metric = FrechetDistanceInfinity(keras.Sequential(flat))
    >>> x = np.random.default_rng(0).normal(size=(500, 4)).astype("float32")
    >>> metric.update_state(x, x + 1.0)
    >>> abs(metric.result() - 4.0) < 0.2
    True

    Reference: Chong & Forsyth, arXiv 1911.07023.
    """

    settings = ("num_sizes", "smallest", "seed")

    def __init__(
        self,
        features,
        num_sizes=15,
        smallest=5_000,
        num_samples=10_000,
        seed=0,
        name="frechet_distance_infinity",
    ):
        super().__init__(features, num_samples, name)
        check_integer("num_samples", num_samples, minimum=4)
        check_sizes(num_sizes, smallest, seed)
        self.num_sizes = num_sizes
        self.smallest = smallest
        self.seed = seed

    def compare(self, real, fake):
        """The extrapolated distance."""
        return frechet_distance_infinity(
            real, fake, self.num_sizes, self.smallest, self.seed
        )
