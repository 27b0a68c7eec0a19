"""Samples with labels, as arrays."""

import numpy as np
import tensorflow as tf

from keras_gan.checks import check_integer
from keras_gan.metrics.classified import integers


def labelled_pair(data, num_classes):
    """Two sets of one kind of sample and one set of labels.

    Args:
        data: dictionary of two sets by the names of their arguments, each
            `(x, labels)` or a finite `tf.data.Dataset` of such batches.
        num_classes: integer >= 2; None for one more than the largest label.

    Returns:
        Two pairs of a float32 and an int64 array, and the number of classes.

    Raises:
        TypeError: a set is something else, or labels are no integers.
        ValueError: sizes that differ, labels out of range, NaN or infinity,
            a data set without end.
    """
    if num_classes is not None:
        check_integer("num_classes", num_classes, minimum=2)
    first, second = (
        arrays(name, *collected(name, part), num_classes)
        for name, part in data.items()
    )
    shapes = [x.shape[1:] for x, _ in (first, second)]
    if shapes[0] != shapes[1]:
        names = " and ".join(f"`{name}`" for name in data)
        raise ValueError(
            f"{names} must hold samples of one shape. "
            f"Received: {shapes[0]} and {shapes[1]}"
        )
    if num_classes is None:
        largest = max(labels.max() for _, labels in (first, second))
        num_classes = max(int(largest) + 1, 2)
    return first, second, num_classes


def collected(name, data):
    """Samples and labels as two arrays, from arrays or batches."""
    is_dataset = isinstance(data, tf.data.Dataset)
    pair = data.element_spec if is_dataset else data
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(
            f"`{name}` must be a pair (x, labels) of arrays or a "
            f"tf.data.Dataset of such batches. Received: {name} of "
            f"{pair if is_dataset else type(data).__name__}"
        )
    if not is_dataset:
        return data
    if data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"`{name}` must end: use `take`. "
            f"Received: {name} of infinite cardinality"
        )
    batches = list(data.as_numpy_iterator())
    if not batches:
        raise ValueError(f"`{name}` must hold samples. Received: no batches")
    return [np.concatenate(parts) for parts in zip(*batches)]


def arrays(name, x, labels, num_classes):
    """Float32 samples and int64 labels, or an error."""
    x, labels = np.asarray(x, "float32"), np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    labels = integers(f"labels of {name}", labels, num_classes)
    if x.ndim < 2 or len(x) != len(labels):
        raise ValueError(
            f"`{name}` must hold samples (n, ...) and as many labels. "
            f"Received: {name} of shape={x.shape} and {len(labels)} labels"
        )
    if not np.isfinite(x).all():
        raise ValueError(
            f"`{name}` must be finite. Received: NaN or infinity in {name}"
        )
    return x, labels
