"""What becomes of the labels that a conditional generator is asked for."""

import numpy as np

from keras_gan import metrics


def by_label(labels, rows, logits=None):
    """Numbers for each label, beside those of real samples.

    Args:
        labels: `Labels`.
        rows: dictionary of float64 `(n, d)`, features of `fake`, `real` and
            `train`.
        logits: dictionary of float64 `(n, K)`, of `fake` and `real`, of a
            classifier of these labels; None: there is none.

    Returns:
        Dictionary of lists with one entry a label: `names`; `num_real`,
        `num_fake`, `num_floor`; `frechet_distance`, and `floor`, that of as
        many training samples, None where a label has fewer than two of any;
        with logits `as_asked` and `as_asked_floor`, the shares of fakes and
        of reals that the classifier gives their label, None where there are
        none.
    """
    sets = {
        "real": (rows["real"], labels.real),
        "fake": (rows["fake"], labels.fake),
        "floor": as_many(rows["train"], labels),
    }
    size = len(labels.names)
    counts = {k: np.bincount(y, minlength=size) for k, (_, y) in sets.items()}
    known = np.flatnonzero(np.min(list(counts.values()), axis=0) >= 2)
    sets = {k: among(*pair, known) for k, pair in sets.items()}
    found = {
        "names": list(labels.names),
        **{f"num_{name}": n.tolist() for name, n in counts.items()},
        "frechet_distance": distances(sets["real"], sets["fake"], size),
        "floor": distances(sets["real"], sets["floor"], size),
    }
    if logits is not None:
        found["as_asked"] = agreement(logits["fake"], labels.fake)
        found["as_asked_floor"] = agreement(logits["real"], labels.real)
    return found


def as_many(train, labels):
    """Of each label as many training rows as fakes, if there are."""
    places = [
        np.flatnonzero(labels.train == label)[:count]
        for label, count in enumerate(np.bincount(labels.fake))
    ]
    places = np.concatenate(places)
    return train[places], labels.train[places]


def among(x, y, known):
    """Rows and labels of the labels that are `known`."""
    kept = np.isin(y, known)
    return x[kept], y[kept]


def distances(real, other, size):
    """Frechet distance by label, as a list; None where there are no rows."""
    found = [None] * size
    if len(real[0]):
        values = metrics.frechet_distance_per_class(*real, *other)["values"]
        for label, value in values.items():
            found[label] = value
    return found


def agreement(logits, labels):
    """Share of rows whose largest logit is their label, by label, as a list."""
    right = logits.argmax(axis=1) == labels
    shares = (right[labels == label] for label in range(logits.shape[1]))
    return [float(part.mean()) if len(part) else None for part in shares]


def overall(found):
    """Pairs of a value and its floor, means over the labels that have both."""
    pairs = {
        "frechet_distance_per_class": ("frechet_distance", "floor"),
        "as_asked": ("as_asked", "as_asked_floor"),
    }
    means = {}
    for key, names in pairs.items():
        both = [
            pair
            for pair in zip(*(found.get(name, ()) for name in names))
            if None not in pair
        ]
        if both:
            means[key] = tuple(np.mean(both, axis=0).tolist())
    return means
