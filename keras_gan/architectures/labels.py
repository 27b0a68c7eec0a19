"""How labels enter the players, by embedding and concatenation."""

import math

import keras
from keras import layers


def conditional_inputs(first, num_classes):
    """The input, the labels or None, and what the model takes."""
    if num_classes is None:
        return first, None, first
    labels = keras.Input((1,), dtype="int32", name="labels")
    return first, labels, [first, labels]


def with_code(x, labels, num_classes, shape):
    """A learned array of each class, behind the last axis of `x`.

    Args:
        x: symbolic tensor `(batch, ..., channels)`.
        labels: symbolic integers `(batch, 1)`, or None for `x` as it is.
        num_classes: integer, how many there are.
        shape: tuple of integers, of the array: that of `x` up to its last
            axis.

    Returns:
        Symbolic tensor.
    """
    if labels is None:
        return x
    code = layers.Embedding(
        num_classes,
        math.prod(shape),
        embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0),
    )(labels)
    return layers.Concatenate()([x, layers.Reshape(shape)(code)])
