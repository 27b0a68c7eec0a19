"""How labels enter the players: by concatenation and by projection."""

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


def projected(logits, features, labels, num_classes):
    """Logits, and how far features point the way of the label's vector.

    `logits + <embedding(label), features>`.

    Args:
        logits: symbolic tensor `(batch, 1)`.
        features: symbolic tensor `(batch, n)`.
        labels: symbolic integers `(batch, 1)`, or None for the logits alone.
        num_classes: integer, how many there are.

    Returns:
        Symbolic tensor `(batch, 1)`.
    """
    if labels is None:
        return logits
    embedding = layers.Embedding(
        num_classes,
        features.shape[-1],
        embeddings_initializer="glorot_uniform",
        dtype="float32",
    )
    by_class = layers.Flatten(dtype="float32")(embedding(labels))
    dot = layers.Dot(axes=1, dtype="float32")([by_class, features])
    return layers.Add(dtype="float32")([logits, dot])
