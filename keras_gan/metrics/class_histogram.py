"""How far the classes of fakes are from those of real samples."""

import keras
import numpy as np
from keras import ops

from keras_gan.metrics.classified import ClassifierMetric
from keras_gan.metrics.classified import read_counts
from keras_gan.metrics.mode_count import divergence


def class_histogram_divergence(real, fake):
    """Divergence of the fakes' histogram of classes to the reals'.

    `KL(fake || real)`, sum of `q * ln(q / p)` over the classes, in nats,
    where `q` and `p` are the shares of a class among fakes and reals. A
    class without fakes adds nothing by itself, the others' larger shares
    tell; a class with fakes but no reals, which would make it infinite,
    counts as if one of the reals were of it. Two samples of n from one
    distribution are about `(K - 1) / n` apart. Below 0.1 is healthy.

    Args:
        real: array `(K,)`, how many reals each class has.
        fake: array `(K,)`, how many fakes.

    Returns:
        Float >= 0, in nats.

    Raises:
        ValueError: sizes that differ, no samples, negative or NaN counts.

    Example:
    >>> round(class_histogram_divergence([5, 5, 5, 5], [9, 9, 0, 0]), 6)
    0.693147

    Reference: Kullback & Leibler 1951.
    """
    real, fake = check_counts("real", real), check_counts("fake", fake)
    if real.shape != fake.shape:
        raise ValueError(
            "`real` and `fake` must have as many classes. "
            f"Received: {len(real)} and {len(fake)}"
        )
    real = np.where((real == 0) & (fake > 0), 1.0, real)
    return divergence(fake / fake.sum(), real / real.sum())


def check_counts(name, counts):
    """Float64 counts of at least one sample, or an error."""
    counts = np.asarray(counts, "float64")
    fine = counts.ndim == 1 and np.isfinite(counts).all()
    if not fine or (counts < 0).any() or not counts.sum() > 0:
        raise ValueError(
            f"`{name}` must be an array (K,) of counts >= 0 that are not all "
            f"0. Received: {name}={counts.tolist()}"
        )
    return counts


@keras.saving.register_keras_serializable("keras_gan")
class ClassHistogramDivergence(ClassifierMetric):
    """How far the classes of fakes are from those of real samples.

    Tells which classes a generator leaves out or prefers: `shares` has them.
    Both histograms are those the classifier predicts, so that its errors on
    real samples do not count against the generator.
    `class_histogram_divergence` has the formula and what absent classes do.

    Args:
        classifier: Keras model, samples to logits or probabilities
            `(batch, K)`, or `(batch, c, K)`, of `K ** c` classes.
        name: string, the key in the logs.

    Call arguments:
        real: float tensor `(batch, ...)`, real samples.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a float >= 0, in nats.

    Raises:
        TypeError: `classifier` is no Keras model.
        ValueError: its output has another shape; `result` of no samples or
            of outputs that are not finite.

    Example:
    >>> flat = [keras.Input((2,)), keras.layers.Flatten()]
    >>> metric = ClassHistogramDivergence(keras.Sequential(flat))
    >>> x = np.eye(2, dtype="float32")
    >>> metric.update_state(x, x[[0, 0]])
    >>> round(metric.result(), 6), metric.shares()["fake"].tolist()
    (0.693147, [1.0, 0.0])

    Reference: Kullback & Leibler 1951.
    """

    stacked = True

    def __init__(self, classifier, name="class_histogram_divergence"):
        super().__init__(classifier, name)
        self.counts = {
            kind: self.add_state((self.num_classes,), f"{kind}_counts")
            for kind in ("real", "fake")
        }

    def add(self, real, fake):
        """Counts the classes of two batches."""
        self.add_counts(self.counts["real"], real)
        self.add_counts(self.counts["fake"], fake)

    def result(self):
        """The divergence of all samples since the last reset."""
        counts = {k: read_counts(k, v) for k, v in self.counts.items()}
        return class_histogram_divergence(**counts)

    def shares(self):
        """Dictionary of two float64 arrays: shares of `real` and `fake`."""
        counts = {k: read_counts(k, v) for k, v in self.counts.items()}
        return {kind: n / n.sum() for kind, n in counts.items()}

    def protocol(self):
        """What the number depends on."""
        numbers = {
            f"num_{k}": int(ops.convert_to_numpy(v).sum())
            for k, v in self.counts.items()
        }
        return {**super().protocol(), **numbers}
