"""Distances between rows, in blocks that fit memory."""

import numpy as np

from keras_gan.metrics.remembered import remembered

BLOCK = 1_000


def squared_distances(x, y):
    """Squared Euclidean distances of all pairs, a block of rows at a time.

    Args:
        x: float64 array `(n, d)`.
        y: float64 array `(m, d)`.

    Yields:
        A slice of the rows of `x` and their distances `(rows, m)`.
    """
    # The offset keeps the product form exact where values are far from 0; an
    # integer one, that equal distances of integers stay equal.
    centre = np.rint(y.mean(axis=0))
    x, y = x - centre, y - centre
    norms = np.square(y).sum(axis=1)
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        own = np.square(x[rows]).sum(axis=1)[:, None]
        yield rows, np.maximum(own + norms - 2 * x[rows] @ y.T, 0.0)


def to_others(x):
    """As `squared_distances(x, x)`, a row infinitely far from itself."""
    for rows, distances in squared_distances(x, x):
        places = np.arange(rows.start, rows.start + len(distances))
        distances[np.arange(len(distances)), places] = np.inf
        yield rows, distances


@remembered
def radii(x, k):
    """Squared distance of each row to its k-th nearest other row, `(n,)`."""
    found = np.empty(len(x))
    for rows, distances in to_others(x):
        found[rows] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return found


def nearest(x, y=None):
    """Nearest row of `y` to each row of `x`.

    Distances are those of the found rows, not of the product form: equal
    rows are at 0.

    Args:
        x: float64 array `(n, d)`.
        y: float64 array `(m, d)`; None: `x`, with each row's nearest other.

    Returns:
        Two arrays `(n,)`: indices into `y` and squared distances.
    """
    blocks = to_others(x) if y is None else squared_distances(x, y)
    y = x if y is None else y
    indices, apart = np.empty(len(x), int), np.empty(len(x))
    for rows, distances in blocks:
        indices[rows] = distances.argmin(axis=1)
        difference = x[rows] - y[indices[rows]]
        apart[rows] = np.square(difference).sum(axis=1)
    return indices, apart


@remembered
def to_nearest_other(x):
    """Squared distance of each row to its nearest other row, `(n,)`."""
    return nearest(x)[1]
