"""What a discriminator that classifies is worth as a classifier."""

import numpy as np
from rich import box

from keras_gan.checks import check_installed
from keras_gan.evaluation.report import number
from keras_gan.evaluation.report import table

FILE = "confusion.png"


def classification(gan, sets, batch_size):
    """How well the model classifies the test samples.

    Args:
        gan: `keras_gan.GAN`; those with `classify` are judged.
        sets: `Sets`.
        batch_size: integer, samples looked at at once.

    Returns:
        Dictionary, or None where the model does not classify or the data
        has no labels of its classes. `names`; `num_samples`; `accuracy` and
        its binomial standard error `spread`; by class `precision`, `recall`,
        `f1`, in [0, 1], None where nothing was predicted or there is no
        sample, and `count`; `confusion`, a list of rows, one a true class,
        of counts by predicted class.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: the model gives NaN.
    """
    known = known_rows(gan, sets)
    if known is None:
        return None
    check_installed("sklearn", "classification", "classification")
    shares = gan.classify(sets.real[known], batch_size)
    if not np.isfinite(shares).all():
        raise ValueError(
            "MODEL must give finite probabilities of the classes. Received: "
            "NaN from its `classify`"
        )
    found = shares.argmax(axis=1)
    return scores(sets.real_labels[known], found, names(gan, sets))


def left_out(gan, sets):
    """Sentences on why a model that classifies is not judged as one."""
    if not hasattr(gan, "classify") or known_rows(gan, sets) is not None:
        return []
    return [
        "Classification is left out: the test samples have no labels of the "
        f"model's classes, 0 to {gan.num_classes - 1}, or others too."
    ]


def known_rows(gan, sets):
    """Which test samples have a label of the model's classes, or None."""
    labels = sets.real_labels
    if not hasattr(gan, "classify") or labels is None:
        return None
    integers = labels.ndim == 1 and labels.dtype.kind in "iu"
    if not integers or not 0 <= labels.max() < gan.num_classes:
        return None
    return labels >= 0


def names(gan, sets):
    """Names of the model's classes."""
    if sets.class_names and len(sets.class_names) == gan.num_classes:
        return list(sets.class_names)
    return [str(label) for label in range(gan.num_classes)]


def scores(labels, found, names):
    """The numbers of `classification`.

    Args:
        labels: integer array `(n,)`, true classes.
        found: integer array `(n,)`, predicted classes.
        names: list of strings, one a class.

    Returns:
        Dictionary, as `classification` gives it.
    """
    from sklearn import metrics

    classes = np.arange(len(names))
    by_class = metrics.precision_recall_fscore_support(
        labels, found, labels=classes, zero_division=np.nan
    )
    keys = ("precision", "recall", "f1", "count")
    accuracy = float(np.mean(labels == found))
    return {
        "names": list(names),
        "num_samples": len(labels),
        "accuracy": accuracy,
        "spread": float(np.sqrt(accuracy * (1.0 - accuracy) / len(labels))),
        **{key: as_list(values) for key, values in zip(keys, by_class)},
        "confusion": metrics.confusion_matrix(
            labels, found, labels=classes
        ).tolist(),
    }


def as_list(values):
    """Numbers as JSON has them: None in place of NaN."""
    return [None if np.isnan(v) else v for v in values.tolist()]


def summary(found):
    """The accuracy in a sentence."""
    return (
        f"The model names {found['accuracy']:.2%} ± {found['spread']:.2%} of "
        f"{found['num_samples']:,} labelled test samples right."
    )


def scores_table(found, style=box.SIMPLE):
    """Precision, recall and F1 of each class, and their means, as text."""
    keys = ("precision", "recall", "f1")
    rows = [
        [name, str(count), *(number(value) for value in values)]
        for name, count, *values in zip(
            found["names"], found["count"], *(found[key] for key in keys)
        )
    ]
    means = [mean(found[key]) for key in keys]
    rows.append(["mean", str(found["num_samples"]), *map(number, means)])
    return table(["class", "samples", *keys], rows, style)


def mean(values):
    """Mean of the values that there are, or None."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def confusion_table(found, style=box.SIMPLE):
    """Counts: a row for each true class, a column for each predicted one."""
    rows = [
        [name, *(str(count) for count in counts)]
        for name, counts in zip(found["names"], found["confusion"])
    ]
    return table(["class", *found["names"]], rows, style)


def draw_confusion(path, found):
    """Draws the confusion matrix: shares of each true class.

    Args:
        path: `pathlib.Path` of the PNG.
        found: as `classification` gives it.

    Raises:
        ImportError: matplotlib is not installed.
    """
    check_installed("matplotlib", path.name, "plots")
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = np.array(found["confusion"], "float64")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    side = 3 + 0.5 * len(counts)
    axes = Figure(figsize=(side, side), layout="constrained").subplots()
    display = ConfusionMatrixDisplay(shares, display_labels=found["names"])
    display.plot(
        ax=axes, values_format=".2f", xticks_rotation=45, colorbar=False
    )
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.figure.savefig(path, dpi=100)
