"""Checks of the arrays that metrics are taken of."""

import numpy as np


def check_finite(name, features):
    """A float64 array of rows, or an error.

    Args:
        name: name of the argument, for the message.
        features: array `(n, d)`.

    Returns:
        NumPy array `(n, d)`, float64.

    Raises:
        ValueError: another rank, NaN or infinity.
    """
    features = np.asarray(features, "float64")
    if features.ndim != 2:
        raise ValueError(
            f"`{name}` must be an array (n, d). "
            f"Received: {name} of shape={features.shape}"
        )
    wrong = int((~np.isfinite(features)).sum())
    if wrong:
        raise ValueError(
            f"`{name}` must be finite. Received: {wrong} values of {name} "
            "that are NaN or infinite"
        )
    return features


def check_pair(real, fake, at_least):
    """Two float64 arrays with one number of features and enough rows.

    Args:
        real: array `(n, d)`.
        fake: array `(m, d)`.
        at_least: integer, the fewest rows that do.

    Returns:
        Both as NumPy float64.

    Raises:
        ValueError: too few rows, sizes that differ, NaN or infinity.
    """
    real, fake = check_finite("real", real), check_finite("fake", fake)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            "`real` and `fake` must have as many features. "
            f"Received: {real.shape[1]} and {fake.shape[1]}"
        )
    for name, x in (("real", real), ("fake", fake)):
        if len(x) < at_least:
            raise ValueError(
                f"`{name}` must hold at least {at_least} samples. "
                f"Received: {name} of {len(x)}"
            )
    return real, fake
