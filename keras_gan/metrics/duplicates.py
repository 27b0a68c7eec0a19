"""Fakes that repeat one another, and fakes that repeat the training set."""

from collections import Counter

import keras
import numpy as np

from keras_gan.checks import check_number
from keras_gan.metrics.neighbours import nearest
from keras_gan.metrics.samples import CollectedSamples
from keras_gan.metrics.samples import as_rows
from keras_gan.metrics.samples import check_same_shape


def duplicates(fake, tolerance=0.0):
    """Share of fakes that repeat another fake.

    Distances are root mean squares over the values of a sample, so that the
    tolerance is in the units of the data whatever the size: of images in
    [-1, 1], 0.02 is 2.5 of 255 grey levels.

    Args:
        fake: float array `(n, ...)`, n >= 2, samples of any rank.
        tolerance: number >= 0, the largest distance (`<=`) of a repetition.
            0: all values equal, found without distances.

    Returns:
        Float in [0, 1]. Both of a pair count.

    Raises:
        TypeError: `tolerance` is no number.
        ValueError: too few samples, NaN or infinity.

    Example:
    >>> fake = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.1], [1.0, 1.0]])
    >>> duplicates(fake), duplicates(fake, tolerance=0.1)
    (0.5, 0.75)

    Reference: the test for near-duplicates of Arora & Zhang, arXiv
    1706.08224, who look at them by eye.
    """
    check_number("tolerance", tolerance, minimum=0)
    fake = as_rows("fake", fake, at_least=2)
    if tolerance == 0:
        keys = bytes_of(fake)
        times = Counter(keys)
        return float(np.mean([times[key] > 1 for key in keys]))
    return share_within(nearest(fake)[1], fake, tolerance)


def copies(train, fake, tolerance=0.0):
    """Share of fakes that equal a training sample.

    Distances and tolerance are those of `duplicates`.

    Args:
        train: float array `(n, ...)`, n >= 1.
        fake: float array `(m, ...)`, m >= 1.
        tolerance: number >= 0, the largest distance (`<=`) of a copy.

    Returns:
        Float in [0, 1].

    Raises:
        TypeError: `tolerance` is no number.
        ValueError: no samples, shapes that differ, NaN or infinity.

    Example:
    >>> train = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> fake = np.array([[0.0, 0.0], [1.0, 1.1], [5.0, 5.0], [6.0, 6.0]])
    >>> copies(train, fake), copies(train, fake, tolerance=0.1)
    (0.25, 0.5)
    """
    check_number("tolerance", tolerance, minimum=0)
    check_same_shape(train=train, fake=fake)
    train, fake = as_rows("train", train), as_rows("fake", fake)
    if tolerance == 0:
        known = set(bytes_of(train))
        return float(np.mean([key in known for key in bytes_of(fake)]))
    return share_within(nearest(fake, train)[1], fake, tolerance)


def bytes_of(x):
    """The bytes of each row; both zeros have the same."""
    return [row.tobytes() for row in x + 0.0]


def share_within(squared, x, tolerance):
    """Share of squared distances whose root mean square is in reach."""
    return float(np.mean(np.sqrt(squared / x.shape[1]) <= tolerance))


@keras.saving.register_keras_serializable("keras_gan")
class Duplicates(CollectedSamples):
    """Fakes that repeat one another or the samples they are held against.

    The plainest sign of a collapse and of copying; of images it sees copies
    of pixels only, `Authenticity` sees others. Copies are looked for among
    the real samples that `evaluate` is given: give it the training data,
    and a `num_samples` as large. `duplicates` and `copies` have the
    definitions.

    Args:
        sample_shape: tuple of integers, the shape of one sample.
        tolerance: number >= 0, the root mean square distance in the units
            of the data up to which samples are near.
        num_samples: integer >= 2, samples kept of each kind.
        name: string, the prefix in the logs.

    Call arguments:
        real: float tensor `(batch, *sample_shape)`, real samples.
        fake: float tensor `(batch, *sample_shape)`, fakes.

    Returns:
        `result()` is a dictionary of four floats in [0, 1]: `<name>` and
        `<name>_near`, fakes that repeat another fake, `<name>_of_real` and
        `<name>_of_real_near`, fakes that equal a real sample; each to the
        last bit and within the tolerance.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of too few samples
            or of samples that are not finite.

    Example:
    >>> metric = Duplicates((2,))
    >>> x = np.array([[0.0, 0.0], [1.0, 1.0]], "float32")
    >>> metric.update_state(x, np.array([[1.0, 1.0], [3.0, 3.0]], "float32"))
    >>> result = metric.result()
    >>> result["duplicates"], result["duplicates_of_real"]
    (0.0, 0.5)
    """

    settings = ("tolerance",)

    def __init__(
        self,
        sample_shape,
        tolerance=0.02,
        num_samples=10_000,
        name="duplicates",
    ):
        super().__init__(sample_shape, num_samples, name)
        check_number("tolerance", tolerance, minimum=0)
        self.tolerance = tolerance

    def compare(self, real, fake):
        """The four shares, by their keys."""
        found = {}
        for end, tolerance in (("", 0.0), ("_near", self.tolerance)):
            found[self.name + end] = duplicates(fake, tolerance)
            of_real = copies(real, fake, tolerance)
            found[f"{self.name}_of_real{end}"] = of_real
        return found
