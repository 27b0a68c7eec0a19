"""Mean and covariance of features, batch by batch, in float64."""

from typing import Any
from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """Number, mean and scatter of the rows of a feature array.

    NumPy arrays or tensors, float64. Parts merge to the whole whatever their
    sizes and order, so that a set is read in batches, or on many machines.

    Args:
        count: number of rows.
        mean: `(d,)`.
        scatter: `(d, d)`, sum of outer products of what is left after the
            mean is taken off.

    Example:
    >>> x = np.arange(12.0).reshape(6, 2)
    >>> whole = merge(moments(x[:2]), moments(x[2:]))
    >>> whole.mean.tolist(), whole.covariance.round(6).tolist()
    ([5.0, 6.0], [[14.0, 14.0], [14.0, 14.0]])

    Reference: Chan, Golub & LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances", 1979.
    """

    count: Any
    mean: Any
    scatter: Any

    @property
    def covariance(self):
        """Unbiased covariance `(d, d)`: divided by `count - 1`."""
        return self.scatter / (self.count - 1)


def moments(features):
    """Moments of an array.

    Args:
        features: float array `(n, d)`, n >= 1.

    Returns:
        `Moments` of NumPy float64 arrays.
    """
    features = np.asarray(features, "float64")
    mean = features.mean(axis=0)
    centred = features - mean
    return Moments(float(len(features)), mean, centred.T @ centred)


def merge(first, second):
    """Moments of the rows of both.

    Args:
        first: `Moments`, of no rows if `count` is 0.
        second: `Moments` of at least one row.

    Returns:
        `Moments`.
    """
    count = first.count + second.count
    change = second.mean - first.mean
    mean = first.mean + change * (second.count / count)
    between = change[:, None] * change[None, :]
    between = between * (first.count * second.count / count)
    return Moments(count, mean, first.scatter + second.scatter + between)
