"""Distances between rows, in blocks that fit memory."""

import numpy as np

BLOCK = 1_000


def squared_distances(x, y):
    """Squared Euclidean distances of all pairs, a block of rows at a time.

    Args:
        x: float64 array `(n, d)`.
        y: float64 array `(m, d)`.

    Yields:
        A slice of the rows of `x` and their distances `(rows, m)`.
    """
    # The offset makes the product form exact where values are far from 0.
    centre = y.mean(axis=0)
    x, y = x - centre, y - centre
    norms = np.square(y).sum(axis=1)
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        own = np.square(x[rows]).sum(axis=1)[:, None]
        yield rows, np.maximum(own + norms - 2 * x[rows] @ y.T, 0.0)


def radii(x, k):
    """Squared distance of each row to its k-th nearest other row, `(n,)`."""
    found = np.empty(len(x))
    for rows, distances in squared_distances(x, x):
        # A row is nearest to itself, to the last bit.
        places = np.arange(rows.start, rows.start + len(distances))
        distances[np.arange(len(distances)), places] = -1.0
        found[rows] = np.partition(distances, k, axis=1)[:, k]
    return found
