"""What labels must be, on their way from a user to the players."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_gan.checks import check_integer

OUT_OF_RANGE = "Labels must be classes in [0, num_classes)."
CLASSES = keras.KerasTensor((None, 1), dtype="int32")


def spec_of(generator, discriminator, num_classes):
    """The symbolic labels that both players take, or an error.

    Args:
        generator: Keras model with two inputs.
        discriminator: Keras model with two inputs, or None where it takes no
            labels.
        num_classes: integer >= 2; None for vectors of attributes.

    Returns:
        `keras.KerasTensor` `(None, 1)` of integers for classes, `(None, n)`
        of floats for attributes.

    Raises:
        TypeError: `num_classes` is no integer.
        ValueError: the players take something else.
    """
    if num_classes is not None:
        check_num_classes(num_classes)
    wanted = {"generator": generator, "discriminator": discriminator}
    specs = {
        name: second_input(name, player)
        for name, player in wanted.items()
        if player is not None
    }
    integer = num_classes is not None
    for name, spec in specs.items():
        if keras.backend.is_int_dtype(spec.dtype) != integer:
            kind = "integer labels" if integer else "floats, attributes,"
            raise ValueError(
                f"The {name} must take {kind} as its second input with "
                f"num_classes={num_classes}. Received: an input of "
                f"dtype={spec.dtype}"
            )
        if len(spec.shape) != 2 or (integer and spec.shape[1] != 1):
            raise ValueError(
                f"The {name} must take labels as (batch, 1), or attributes as "
                "(batch, n). Received: a second input of shape="
                f"{tuple(spec.shape)}"
            )
    shapes = {spec.shape for spec in specs.values()}
    if len(shapes) > 1:
        raise ValueError(
            "Both players must take the same attributes. Received: "
            + " and ".join(f"{n} {tuple(s.shape)}" for n, s in specs.items())
        )
    return specs["generator"]


def check_num_classes(num_classes):
    """Raises unless there are at least two classes."""
    check_integer("num_classes", num_classes, minimum=2)


def second_input(name, player):
    """The labels' place among a player's inputs, or an error."""
    inputs = getattr(player, "inputs", None) or ()
    if len(inputs) != 2:
        first = "latents" if name == "generator" else "samples"
        raise ValueError(
            f"The {name} must take two inputs, [{first}, labels], such as "
            "those of keras_gan.architectures with `num_classes`. Received: "
            f"{len(inputs)} inputs of {name}={player!r}"
        )
    return inputs[1]


def as_condition(labels, spec, num_classes, minimum=0):
    """Labels of a batch as the players take them.

    Args:
        labels: tensor `(batch,)` or `(batch, 1)` of integers, or of numbers
            `(batch, n)` where `num_classes` is None.
        spec: what `spec_of` gives.
        num_classes: integer or None.
        minimum: integer, the smallest class allowed.

    Returns:
        Tensor of the shape and dtype of `spec`. Labels out of range end the
        step before a player's weight moves; counters may. XLA leaves this
        check out.

    Raises:
        TypeError: classes are no integers.
        ValueError: there are no labels, or they have another shape.
    """
    check_kind("labels", labels, spec, num_classes)
    labels = ops.reshape(labels, (-1, spec.shape[1]))
    if num_classes is not None:
        limits = [ops.cast(x, "int64") for x in (minimum, num_classes)]
        wide = ops.cast(labels, "int64")
        checks = [
            tf.debugging.assert_greater_equal(wide, limits[0], OUT_OF_RANGE),
            tf.debugging.assert_less(wide, limits[1], OUT_OF_RANGE),
        ]
        with tf.control_dependencies([c for c in checks if c is not None]):
            labels = tf.identity(labels)
    return ops.cast(labels, spec.dtype)


def check_kind(name, labels, spec, num_classes):
    """Raises unless labels have the dtype and the shape they must have."""
    if labels is None:
        raise ValueError(
            "A conditional model is trained on batches (x, labels), or dicts "
            'with "image" and "label". Received: labels=None'
        )
    shape = tuple(labels.shape)
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if num_classes is None:
        if len(shape) != 2 or shape[1] != spec.shape[1]:
            raise ValueError(
                f"`{name}` must be attributes of shape (batch, "
                f"{spec.shape[1]}). Received: {name} of shape={shape}"
            )
        return
    if not keras.backend.is_int_dtype(dtype):
        raise TypeError(
            f"`{name}` must be integers, one class a sample. "
            f"Received: {name} of dtype={dtype}"
        )
    if len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
        raise ValueError(
            f"`{name}` must be of shape (batch,) or (batch, 1). "
            f"Received: {name} of shape={shape}"
        )


def checked(name, labels, spec, num_classes, minimum=0):
    """Labels as a NumPy array that the players take, or an error.

    Args:
        name: name of the argument, for the message.
        labels: array-like, as `as_condition` takes it.
        spec: what `spec_of` gives.
        num_classes: integer or None.
        minimum: integer, the smallest class allowed.

    Returns:
        Array `(n, 1)` or `(n, attributes)`, n >= 1.

    Raises:
        TypeError: they are numbers of another kind.
        ValueError: another shape, none, out of range or not finite.
    """
    array = np.asarray(labels)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` must be an array of numbers. Received: {name}={labels!r}"
        )
    if array.ndim == 0 or not array.size:
        raise ValueError(
            f"`{name}` must hold one label a sample, such as [0, 1, 1]. "
            f"Received: {name}={labels!r}"
        )
    check_kind(name, array, spec, num_classes)
    least, most = array.min(), array.max()
    if not np.isfinite([least, most]).all():
        raise ValueError(
            f"`{name}` must be finite. Received: {name} with NaN or infinity"
        )
    if num_classes is not None and not minimum <= least <= most < num_classes:
        raise ValueError(
            f"`{name}` must be >= {minimum} and < {num_classes}. "
            f"Received: {name} from {least} to {most}"
        )
    return array.reshape(-1, spec.shape[1]).astype(spec.dtype)
