"""Whether samples are new: repetitions, copies, the way to training samples."""

import numpy as np

from keras_gan import metrics
from keras_gan.metrics.authenticity import mann_whitney
from keras_gan.metrics.neighbours import nearest
from keras_gan.metrics.neighbours import squared_distances
from keras_gan.metrics.samples import as_rows

NEAR = 0.02


def repetitions(fake, train, new):
    """Shares of fakes that repeat one another, or training samples.

    Copies are those among `new`. For the floor it is held-out samples:
    training samples in place of the fakes would all be copies.
    """
    return {
        "duplicates": metrics.duplicates(fake),
        "duplicates_near": metrics.duplicates(fake, NEAR),
        "copies": metrics.copies(train, new),
        "copies_near": metrics.copies(train, new, NEAR),
    }


def novelty(train, held_out, fake):
    """Authenticity and copying score, and their floor.

    The values of `metrics.authenticity` and `metrics.copying_score`, with
    the neighbours, whose search takes long, found once for all.

    Args:
        train: float64 `(n, d)`, features of training samples, n >= 2.
        held_out: float64 `(k, d)`, of real samples not among them.
        fake: float64 `(m, d)`, of fakes.

    Returns:
        Two dictionaries, of the fakes and of held-out samples in their
        place, whose copying score is 0.

    Raises:
        ValueError: too few training samples, NaN or infinity among them.
    """
    train = as_rows("train", train, at_least=2)
    found = [nearest(x, train) for x in (fake, held_out)]
    places = np.unique(np.concatenate([owners for owners, _ in found]))
    own = np.full(len(train), np.nan)
    own[places] = apart_from_others(train, places)
    return [
        {
            "authenticity": float((apart > own[owners]).mean()),
            "copying_score": mann_whitney(apart, found[1][1]),
        }
        for owners, apart in found
    ]


def apart_from_others(x, places):
    """Squared distances of some rows of `x` to the nearest other of all."""
    apart = np.empty(len(places))
    for rows, distances in squared_distances(x[places], x):
        own = places[rows]
        distances[np.arange(len(own)), own] = np.inf
        difference = x[own] - x[distances.argmin(axis=1)]
        apart[rows] = np.square(difference).sum(axis=1)
    return apart


def least_score(num_held_out, num_fake):
    """Copying score of fakes that are all nearer than all held-out samples."""
    pairs = num_held_out * num_fake
    return -((3 * pairs / (num_held_out + num_fake + 1)) ** 0.5)
