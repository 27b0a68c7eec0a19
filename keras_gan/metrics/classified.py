"""Metrics that look at samples through a classifier."""

import numpy as np
from keras import ops

from keras_gan.metrics.sample_metric import SampleMetric
from keras_gan.metrics.sample_metric import check_network

MOST_CLASSES = 1_000_000


class ClassifierMetric(SampleMetric):
    """A number about samples, from the classes a classifier sees in them.

    Args:
        classifier: Keras model, samples to logits or probabilities
            `(batch, K)`; or `(batch, c, K)`, c of them a sample, where
            `stacked` allows it.
        name: string, the key in the logs.

    Raises:
        TypeError: `classifier` is no built Keras model.
        ValueError: its output has another shape.
    """

    stacked = False

    def __init__(self, classifier, name):
        check_network("classifier", classifier)
        self.check_output(classifier.output_shape)
        super().__init__(classifier, name)

    def check_output(self, shape):
        """Raises unless outputs of this shape are those of a classifier."""
        ranks, wanted = (2,), "(batch, K)"
        if self.stacked:
            ranks, wanted = (2, 3), "(batch, K) or (batch, c, K)"
        if len(shape) not in ranks or shape[-1] < 2:
            raise ValueError(
                f"`classifier` must have outputs {wanted} with K >= 2. "
                f"Received: classifier of output shape={shape}"
            )
        if num_classes(shape) > MOST_CLASSES:
            raise ValueError(
                f"`classifier` must tell at most {MOST_CLASSES} classes "
                f"apart. Received: {num_classes(shape)} from classifier of "
                f"output shape={shape}"
            )

    @property
    def classifier(self):
        """The network; `features` to what all judges share."""
        return self.features

    @property
    def num_classes(self):
        """Integer, classes told apart: `K`, or `K ** c`."""
        return num_classes(self.classifier.output_shape)

    def add_counts(self, counts, outputs):
        """Adds to `counts` how often each class comes first in `outputs`.

        Args:
            counts: float64 variable `(num_classes,)`; an output that is not
                finite makes it NaN until the reset.
            outputs: float tensor `(batch, c * K)`, as `extract` gives it.
        """
        size = self.classifier.output_shape[-1]
        outputs = ops.reshape(outputs, (-1, self.num_features // size, size))
        digits = ops.cast(ops.argmax(outputs, axis=-1), "int32")
        labels = digits[:, 0]
        for place in range(1, digits.shape[1]):
            labels = labels * size + digits[:, place]
        finite = ops.all(ops.isfinite(outputs), axis=(1, 2))
        ones = ops.where(finite, 1.0, float("nan"))
        counts.assign_add(
            ops.segment_sum(ops.cast(ones, "float64"), labels, self.num_classes)
        )

    def protocol(self):
        """What the number depends on."""
        return {**super().protocol(), "num_classes": self.num_classes}


def num_classes(shape):
    """Classes that outputs of a shape tell apart: `K ** c`."""
    return shape[-1] ** (shape[1] if len(shape) == 3 else 1)


def read_counts(kind, variable):
    """Counts as NumPy float64, or an error.

    Raises:
        ValueError: no sample was counted, or one gave no finite output.
    """
    counts = ops.convert_to_numpy(variable)
    if not np.isfinite(counts).all():
        raise ValueError(
            "`classifier` must give finite outputs. Received: NaN or "
            f"infinity for {kind} samples"
        )
    if not counts.sum():
        raise ValueError(
            f"The metric needs samples. Received: no {kind} samples"
        )
    return counts


def integers(name, labels, num_classes):
    """Labels as NumPy int64, or an error.

    Args:
        name: name of the argument, for the message.
        labels: integer array `(n,)`, n >= 1.
        num_classes: integer, one more than the largest label allowed; None
            for any.

    Returns:
        NumPy array of int64.

    Raises:
        TypeError: they are no integers.
        ValueError: another rank, no labels, or labels out of range.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"`{name}` must be integers. "
            f"Received: {name} of dtype={labels.dtype}"
        )
    if labels.ndim != 1 or not labels.size:
        raise ValueError(
            f"`{name}` must be an array (n,) with n >= 1. "
            f"Received: {name} of shape={labels.shape}"
        )
    least, most = labels.min(), labels.max()
    if least < 0 or (num_classes is not None and most >= num_classes):
        upper = "" if num_classes is None else f" and < {num_classes}"
        raise ValueError(
            f"`{name}` must be >= 0{upper}. "
            f"Received: {name} from {least} to {most}"
        )
    return labels.astype("int64")
