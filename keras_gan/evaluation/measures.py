"""The numbers of an evaluation, each beside its floor."""

import numpy as np

from keras_gan import metrics
from keras_gan.evaluation import novelty
from keras_gan.evaluation import pixels
from keras_gan.evaluation.labels import overall

SETTINGS = {
    "ddof": 1,
    "kernel_subsets": 100,
    "kernel_subset_size": 1_000,
    "precision_recall_k": 3,
    "density_coverage_k": 5,
    "near": novelty.NEAR,
}
SPLITS = 10
# What a larger value means, and what a metric's spread is.
HIGHER_IS_BETTER = (
    *("precision", "recall", "density", "coverage", "authenticity"),
    *("inception_score", "modes", "as_asked"),
)
AS_THE_FLOOR = ("copying_score", "fine_detail", "multiscale_ssim")
# Shares, and what each is a share of: of fakes or of reals; then its floor.
SHARES = {
    "precision": ("fake", "floor"),
    "recall": ("real", "real"),
    "coverage": ("real", "real"),
    "duplicates": ("fake", "floor"),
    "duplicates_near": ("fake", "floor"),
    "copies": ("fake", "real"),
    "copies_near": ("fake", "real"),
    "authenticity": ("fake", "real"),
    "as_asked": ("fake", "real"),
}
SPREADS = {
    **dict.fromkeys(SHARES, "binomial standard error"),
    "kernel_distance": "standard error over subsets",
    "fine_detail": "standard error over images",
    "multiscale_ssim": "standard error over pairs",
    "inception_score": f"standard deviation over {SPLITS} parts",
}
# Whose floor is that of test samples: as training samples, they would be
# copies, or known to the classifier.
FLOOR_OF_TEST = (
    *("copies", "copies_near", "authenticity", "copying_score", "as_asked"),
)


def measure(sets, rows, logits=None, seed=0, by_label=None):
    """All numbers about fakes, and the same about their floor.

    Args:
        sets: `Sets`.
        rows: dictionary of float64 `(n, d)`, features of `fake`, `real` and
            `train`.
        logits: dictionary of float64 `(n, K)`, of `fake`, `real` and
            `floor`; None: no classifier.
        seed: integer, seed of the subsets, patches, pairs and parts.
        by_label: as `labels.by_label` gives it; None: no labels are asked
            for.

    Returns:
        `(measures, classes)`. `measures`: dictionary by name of `value`,
        `spread`, `spread_is`, `floor`, `floor_spread`, `ratio`, `better`,
        for shares `count` and `floor_count`, of how many they are, and for
        the copying score `least`, the lowest there can be. `classes`: None,
        or the counts `real` and `fake` of each predicted class.
    """
    values = distances(rows["real"], rows["fake"], seed)
    floors = distances(rows["real"], rows["train"][: len(sets.fake)], seed)
    values |= novelty.repetitions(sets.fake, sets.train, sets.fake)
    floors |= novelty.repetitions(sets.floor, sets.train, sets.real)
    new = novelty.novelty(rows["train"], rows["real"], rows["fake"])
    values |= new[0] | pixels.numbers(sets.real, sets.fake, seed)
    floors |= new[1] | pixels.numbers(sets.real, sets.floor, seed)
    classes = None
    if logits is not None:
        values |= by_classes(logits["real"], logits["fake"], seed)
        floors |= by_classes(logits["real"], logits["floor"], seed)
        classes = {name: histogram(logits[name]) for name in ("real", "fake")}
    for name, pair in overall(by_label or {}).items():
        values[name], floors[name] = pair
    sizes = {k: len(getattr(sets, k)) for k in ("fake", "real", "floor")}
    found = {
        name: entry(name, value, floors[name], counts(name, sizes))
        for name, value in values.items()
    }
    least = novelty.least_score(len(sets.real), len(sets.fake))
    found["copying_score"]["least"] = least
    return found, classes


def subset_size(num_real, num_fake):
    """Samples a subset of the kernel distance: at most half of the smaller.

    Subsets of all samples would be equal, and their standard error 0.
    """
    half = min(num_real, num_fake) // 2
    return max(2, min(SETTINGS["kernel_subset_size"], half))


def distances(real, fake, seed):
    """What features say of two sets."""
    kernel = metrics.kernel_distance(
        real,
        fake,
        SETTINGS["kernel_subsets"],
        subset_size(len(real), len(fake)),
        seed,
    )
    k = SETTINGS["precision_recall_k"], SETTINGS["density_coverage_k"]
    precision, recall = metrics.precision_recall(real, fake, k[0])
    density, coverage = metrics.density_coverage(real, fake, k[1])
    return {
        "frechet_distance": metrics.frechet_distance(real, fake),
        "kernel_distance": kernel,
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }


def by_classes(real, fake, seed=0):
    """What a classifier's logits say of two sets."""
    # Labels are asked for in turn: without this a part would hold one class.
    fake = np.random.default_rng(seed).permutation(fake)
    odds = np.exp(fake - fake.max(axis=1, keepdims=True))
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    modes, _ = metrics.mode_count(fake.argmax(axis=1), fake.shape[1])
    return {
        "inception_score": metrics.inception_score(probabilities, SPLITS),
        "class_histogram_divergence": metrics.class_histogram_divergence(
            histogram(real), histogram(fake)
        ),
        "modes": modes,
    }


def histogram(logits):
    """Counts of the predicted classes, as a list."""
    labels = logits.argmax(axis=1)
    return np.bincount(labels, minlength=logits.shape[1]).tolist()


def counts(name, sizes):
    """Of how many a share and its floor are; None for other numbers."""
    if name not in SHARES:
        return None
    # A repetition takes two samples, which count as one.
    each = 2 if name.startswith("duplicates") else 1
    return [sizes[kind] // each for kind in SHARES[name]]


def share(value, count):
    """A share of so many, and its binomial standard error."""
    return value, (value * (1 - value) / count) ** 0.5


def entry(name, value, floor, counts=None):
    """One row: numbers, or pairs of a number and its spread.

    Args:
        name: string.
        value: float, or a pair of floats.
        floor: likewise.
        counts: two integers, of how many a share and its floor are, which
            gives their spreads; None: the number is no share.

    Returns:
        Dictionary.
    """
    of = {}
    if counts is not None:
        value, floor = map(share, (value, floor), counts)
        of = dict(zip(("count", "floor_count"), counts))
    value, spread = value if isinstance(value, tuple) else (value, None)
    floor, floor_spread = floor if isinstance(floor, tuple) else (floor, None)
    # A floor within its own error of zero makes no ratio.
    known = name != "kernel_distance" or floor > 2 * floor_spread
    better = "higher" if name in HIGHER_IS_BETTER else "lower"
    better = "as the floor" if name in AS_THE_FLOOR else better
    return {
        "value": value,
        "spread": spread,
        "spread_is": SPREADS.get(name),
        "floor": floor,
        "floor_spread": floor_spread,
        "ratio": value / floor if known and floor > 0 else None,
        "better": better,
        **of,
    }
