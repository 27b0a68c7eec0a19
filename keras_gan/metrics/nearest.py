"""The nearest row, and its distance to the last bit."""

import numpy as np

from keras_gan.metrics.neighbours import squared_distances


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
    alone = y is None
    y = x if alone else y
    indices, apart = np.empty(len(x), int), np.empty(len(x))
    for rows, distances in squared_distances(x, y):
        if alone:
            places = np.arange(rows.start, rows.start + len(distances))
            distances[np.arange(len(distances)), places] = np.inf
        indices[rows] = distances.argmin(axis=1)
        difference = x[rows] - y[indices[rows]]
        apart[rows] = np.square(difference).sum(axis=1)
    return indices, apart
