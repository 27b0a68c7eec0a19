"""The feature matrices that golden values of metrics are taken of.

`benchmarks/metric_peers.py` gives them to other programs,
`test_metrics_peers.py` to ours.
"""

import hashlib

import numpy as np


def matrix(seed, rows, columns, spread=1.0, shift=0.0, mix=0.0, floor=-np.inf):
    """Correlated features of unequal scale, float64 `(rows, columns)`.

    Uniform draws and elementwise arithmetic only, whose last bits are the
    same on every machine, as those of matrix products are not.
    """
    rng = np.random.default_rng(seed)
    noise = rng.random((rows, columns)) + rng.random((rows, columns)) - 1.0
    common = rng.random((rows, 1)) - 0.5
    scales = spread * (0.5 + np.arange(columns) / columns)
    features = scales * (noise + mix * np.roll(noise, 1, axis=1) + common)
    return np.maximum(features + shift, floor)


def sha256(array):
    """Of the values of a matrix as little-endian float64."""
    return hashlib.sha256(array.astype("<f8").tobytes()).hexdigest()
