"""Whether fakes are new, or copies of the training set."""

import keras
import numpy as np

from keras_gan.metrics.collected import CollectedFeatures
from keras_gan.metrics.neighbours import nearest
from keras_gan.metrics.neighbours import to_nearest_other
from keras_gan.metrics.samples import as_rows
from keras_gan.metrics.samples import check_same_shape


def authenticity(train, fake):
    """Share of fakes further from the training set than it is from itself.

    A fake is authentic if its distance to its nearest training sample
    exceeds (`>`) that sample's distance to its own nearest other one. 0 for
    the training set itself. Noise is authentic too, and a perfect generator
    is well below 1: take the share of held-out samples as the reference.

    Args:
        train: float array `(n, d)`, n >= 2, features of training samples.
        fake: float array `(m, d)`, m >= 1, features of fakes.

    Returns:
        Float in [0, 1].

    Raises:
        ValueError: too few samples, sizes that differ, NaN or infinity.

    Example:
    >>> train, fake = np.array([[0.0], [1], [5]]), np.array([[0.5], [7], [20]])
    >>> round(authenticity(train, fake), 3)
    0.333

    Reference: Alaa et al., arXiv 2102.08921; features of any network, not
    of one trained to map onto a ball.
    """
    check_same_shape(train=train, fake=fake)
    train, fake = as_rows("train", train, at_least=2), as_rows("fake", fake)
    owners, apart = nearest(fake, train)
    return float((apart > to_nearest_other(train)[owners]).mean())


def copying_score(train, held_out, fake):
    """Whether fakes are nearer to the training set than held-out samples.

    The Mann-Whitney statistic of the distances to the nearest training
    sample: the number of pairs of a fake and a held-out sample in which the
    fake is further away, ties by half, less its mean and divided by its
    standard deviation for equal distributions (corrected for ties). Far
    below 0: copies; near 0: as new as held-out samples; far above 0: fakes
    away from the data. It grows with the root of the numbers of samples.

    Args:
        train: float array `(n, d)`, n >= 1, features of training samples.
        held_out: float array `(k, d)`, k >= 1, of real samples not among
            them.
        fake: float array `(m, d)`, m >= 1, of fakes.

    Returns:
        Float; 0 where all distances are equal.

    Raises:
        ValueError: no samples, sizes that differ, NaN or infinity.

    Example:
    >>> rng = np.random.default_rng(0)
    >>> train, held_out, fake = rng.normal(size=(3, 500, 2))
    >>> abs(copying_score(train, held_out, fake)) < 3
    True
    >>> copying_score(train, held_out, train + 0.001) < -20
    True

    Reference: Meehan et al., arXiv 2004.05675; over the whole space here,
    they average over the cells of a clustering.
    """
    check_same_shape(train=train, held_out=held_out, fake=fake)
    train, held_out = as_rows("train", train), as_rows("held_out", held_out)
    fake = as_rows("fake", fake)
    return mann_whitney(nearest(fake, train)[1], nearest(held_out, train)[1])


def mann_whitney(first, second):
    """Standard score of the number of pairs in which `first` is larger."""
    both = np.concatenate([first, second])
    _, places, times = np.unique(both, return_inverse=True, return_counts=True)
    if len(times) == 1:
        return 0.0
    ranks = (np.cumsum(times) - (times - 1) / 2)[places]
    n, m, total = len(first), len(second), len(both)
    pairs = ranks[:n].sum() - n * (n + 1) / 2
    ties = (times**3.0 - times).sum() / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - ties)
    return float((pairs - n * m / 2) / variance**0.5)


@keras.saving.register_keras_serializable("keras_gan")
class Authenticity(CollectedFeatures):
    """Share of fakes that are no near copies of real samples.

    Sees copies that were changed a little, in the eyes of `features`; exact
    ones are seen by `Duplicates` without a network. `authenticity` has the
    definition. Copies are looked for among the real samples that `evaluate`
    is given: give it the training data, and a `num_samples` as large.
    `copying_score` takes held-out samples beside: call it on features.

    Args:
        features: Keras model, samples to features.
        num_samples: integer >= 2, samples kept of each kind.
        name: string, the key in the logs.

    Call arguments:
        real: float tensor `(batch, ...)`, training samples.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a float in [0, 1].

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of too few samples
            or of samples that are not finite.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> metric = Authenticity(keras.Sequential(flat))
    >>> x = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    >>> metric.update_state(x, x)
    >>> metric.result()
    0.0

    Reference: Alaa et al., arXiv 2102.08921.
    """

    def __init__(self, features, num_samples=10_000, name="authenticity"):
        super().__init__(features, num_samples, name)

    def compare(self, real, fake):
        """The share of authentic fakes."""
        return authenticity(real, fake)
