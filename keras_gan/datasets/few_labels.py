"""Data of which only a few samples keep their label."""

import numpy as np

from keras_gan.checks import check_integer
from keras_gan.checks import check_number


def few_labels(x, y, per_class, share=0.5, seed=0):
    """Hides all labels but a few of each class, and repeats what is left.

    For `SemiSupervisedGAN`: hidden labels are -1. Rows with a label are
    repeated in turn until they make `share` of all rows, so that each batch
    of a shuffled order has some; every row is there without its label too.
    Give it training samples only, and `load` a test set of its own: a split
    made by `load` would put copies of one row into both sets.

    Args:
        x: array `(n, ...)` of samples.
        y: integer array `(n,)` or `(n, 1)`, their classes, 0 and up.
        per_class: integer >= 1, rows of each class that keep their label.
        share: float in [0, 0.95], share of labelled rows; each labelled row
            is there at least once. Where labels are as few as ten a class,
            0.2 shows them less often and did better on Fashion-MNIST.
        seed: integer >= 0, decides which rows these are.

    Returns:
        `(x, y)`, arrays of more rows, first those without a label.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: a class has fewer rows, or an argument is out of range.

    Example:
    >>> x, y = few_labels(np.zeros((20, 2)), np.arange(20) % 2, per_class=1)
    >>> len(x), np.unique(y, return_counts=True)[1].tolist()
    (40, [20, 10, 10])
    """
    check_integer("per_class", per_class, minimum=1)
    check_number("share", share, minimum=0, maximum=0.95)
    check_integer("seed", seed, minimum=0)
    x, y = np.asarray(x), np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind not in "iu" or y.shape != (len(x),) or not y.size:
        raise ValueError(
            "`y` must be one integer a sample. Received: y of "
            f"shape={y.shape} and dtype={y.dtype}, {len(x)} samples"
        )
    classes, counts = np.unique(y, return_counts=True)
    if classes[0] < 0 or counts.min() < per_class:
        raise ValueError(
            "Each class, 0 and up, must have `per_class` samples. Received: "
            f"per_class={per_class}, {counts.min()} samples of the smallest "
            f"class, classes from {classes[0]}"
        )
    rng = np.random.default_rng(seed)
    order = [rng.permutation(np.flatnonzero(y == k)) for k in classes]
    kept = np.stack([rows[:per_class] for rows in order]).T.reshape(-1)
    wanted = max(len(kept), round(share / (1.0 - share) * len(x)))
    rows = np.concatenate([np.arange(len(x)), np.resize(kept, wanted)])
    hidden = np.concatenate([np.full(len(x), -1), y[rows[len(x) :]]])
    return x[rows], hidden
