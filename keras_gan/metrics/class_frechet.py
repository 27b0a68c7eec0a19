"""Frechet distance of fakes to reals, class by class."""

import numpy as np

from keras_gan.metrics.classified import integers
from keras_gan.metrics.frechet_distance import frechet_distance
from keras_gan.metrics.values import check_pair


def frechet_distance_per_class(real, real_labels, fake, fake_labels):
    """Frechet distance of the fakes of each class to the reals of it.

    For conditional generators: it sees classes that are mixed up, which one
    distance over all does not. The mean over classes is the intra-class
    Frechet distance. A class has few samples, so that the bias of
    `frechet_distance`, `d (d + 5) / (2 n)`, is large: compare numbers of one
    n for each class only, which is why they are part of the answer.

    Args:
        real: float array `(n, d)`, features of reals.
        real_labels: integer array `(n,)`, labels >= 0.
        fake: float array `(m, d)`, features of fakes.
        fake_labels: integer array `(m,)`, the labels asked for; the same
            classes, each at least twice.

    Returns:
        Dictionary: `frechet_distance`, float, the mean over classes, all
        with one weight; `values`, `num_real` and `num_fake`, dictionaries
        from label to the distance and the numbers of samples.

    Raises:
        TypeError: labels are no integers.
        ValueError: a class has fewer than two reals or fakes, sizes that
            differ, NaN or infinity.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> labels = np.arange(50) % 2
    >>> moved = x + 2.0 * labels[:, None]
    >>> found = frechet_distance_per_class(x, labels, moved, labels)
    >>> {label: round(v, 6) for label, v in found["values"].items()}
    {0: 0.0, 1: 12.0}
    >>> round(found["frechet_distance"], 6), found["num_fake"]
    (6.0, {0: 25, 1: 25})

    Reference: Miyato & Koyama, arXiv 1802.05637; Heusel et al., arXiv
    1706.08500.
    """
    real, fake = check_pair(real, fake, at_least=2)
    real_labels = row_labels("real", real, real_labels)
    fake_labels = row_labels("fake", fake, fake_labels)
    counts = [
        dict(zip(*(v.tolist() for v in np.unique(labels, return_counts=True))))
        for labels in (real_labels, fake_labels)
    ]
    check_classes(*counts)
    values = {
        label: frechet_distance(
            real[real_labels == label], fake[fake_labels == label]
        )
        for label in counts[0]
    }
    return {
        "frechet_distance": float(np.mean(list(values.values()))),
        "values": values,
        "num_real": counts[0],
        "num_fake": counts[1],
    }


def row_labels(name, x, labels):
    """Labels of the rows of `x`, or an error."""
    labels = integers(f"{name}_labels", labels, None)
    if len(labels) != len(x):
        raise ValueError(
            f"`{name}_labels` must have a label for each row. "
            f"Received: {len(labels)} for {name} of {len(x)}"
        )
    return labels


def check_classes(real, fake):
    """Raises unless each class has two reals and two fakes."""
    for label in sorted({*real, *fake}):
        numbers = real.get(label, 0), fake.get(label, 0)
        if min(numbers) < 2:
            raise ValueError(
                "Each class must have at least two reals and two fakes. "
                f"Received: class {label} with {numbers[0]} in `real_labels` "
                f"and {numbers[1]} in `fake_labels`"
            )
