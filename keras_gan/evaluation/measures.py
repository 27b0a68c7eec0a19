"""The numbers of an evaluation, each beside its floor."""

import numpy as np

from keras_gan import metrics

NEAR = 0.02
SETTINGS = {
    "ddof": 1,
    "kernel_subsets": 100,
    "kernel_subset_size": 1_000,
    "precision_recall_k": 3,
    "density_coverage_k": 5,
    "near": NEAR,
}
SPLITS = 10
# What a larger value means, and what a metric's spread is.
HIGHER_IS_BETTER = (
    *("precision", "recall", "density", "coverage", "authenticity"),
    "inception_score",
)
SPREADS = {
    "kernel_distance": "standard error over subsets",
    "inception_score": f"standard deviation over {SPLITS} parts",
}


def measure(sets, rows, logits=None, seed=0):
    """All numbers about fakes, and the same about their floor.

    Args:
        sets: `Sets`.
        rows: dictionary of float64 `(n, d)`, features of `fake`, `real` and
            `train`.
        logits: dictionary of float64 `(n, K)`, of `fake`, `real` and
            `floor`; None: no classifier.
        seed: integer, seed of the kernel distance's subsets.

    Returns:
        `(measures, classes)`. `measures`: dictionary by name of `value`,
        `spread`, `spread_is`, `floor`, `floor_spread`, `ratio`, `better`.
        `classes`: None, or the counts `real` and `fake` of each predicted
        class.
    """
    values = distances(rows["real"], rows["fake"], seed)
    floor_rows = rows["train"][: len(sets.fake)]
    floors = distances(rows["real"], floor_rows, seed)
    values |= repetitions(sets.fake, sets.train, sets.fake)
    floors |= repetitions(sets.floor, sets.train, sets.real)
    for found, name in ((values, "fake"), (floors, "real")):
        found["authenticity"] = metrics.authenticity(rows["train"], rows[name])
    if sets.real.ndim == 4 and min(sets.real.shape[1:3]) > 2:
        values["fine_detail"] = fine_detail(sets.fake)
        floors["fine_detail"] = fine_detail(sets.floor)
    classes = None
    if logits is not None:
        values |= by_classes(logits["real"], logits["fake"])
        floors |= by_classes(logits["real"], logits["floor"])
        classes = {name: histogram(logits[name]) for name in ("real", "fake")}
    return {k: entry(k, v, floors[k]) for k, v in values.items()}, classes


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


def fine_detail(images):
    """How much pixels differ from their neighbours, averaged over images.

    The root mean square difference of a pixel from the mean of its four
    neighbours. Blur makes it small, noise large; features of classifiers
    see neither as far from the data.
    """
    total = 0.0
    for start in range(0, len(images), 1_000):
        x = images[start : start + 1_000].astype("float64")
        rows = x[:, :-2, 1:-1] + x[:, 2:, 1:-1]
        columns = x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
        rest = x[:, 1:-1, 1:-1] - (rows + columns) / 4
        total += np.sqrt(np.square(rest).mean(axis=(1, 2, 3))).sum()
    return float(total / len(images))


def by_classes(real, fake):
    """What a classifier's logits say of two sets."""
    odds = np.exp(fake - fake.max(axis=1, keepdims=True))
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    return {
        "inception_score": metrics.inception_score(probabilities, SPLITS),
        "class_histogram_divergence": metrics.class_histogram_divergence(
            histogram(real), histogram(fake)
        ),
    }


def histogram(logits):
    """Counts of the predicted classes, as a list."""
    labels = logits.argmax(axis=1)
    return np.bincount(labels, minlength=logits.shape[1]).tolist()


def entry(name, value, floor):
    """One row: numbers, or pairs of a number and its spread."""
    value, spread = value if isinstance(value, tuple) else (value, None)
    floor, floor_spread = floor if isinstance(floor, tuple) else (floor, None)
    # A floor within its own error of zero makes no ratio.
    known = name != "kernel_distance" or floor > 2 * floor_spread
    better = "higher" if name in HIGHER_IS_BETTER else "lower"
    return {
        "value": value,
        "spread": spread,
        "spread_is": SPREADS.get(name),
        "floor": floor,
        "floor_spread": floor_spread,
        "ratio": value / floor if known and floor > 0 else None,
        "better": "as the floor" if name == "fine_detail" else better,
    }
