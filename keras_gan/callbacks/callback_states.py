"""What callbacks remember, as plain data."""

import math
import numbers

import keras
import numpy as np

from keras_gan.callbacks.backup_files import numeric

# What Keras' own callbacks carry from one epoch or batch to the next.
CARRIED = (
    (
        keras.callbacks.EarlyStopping,
        ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    ),
    (
        keras.callbacks.ReduceLROnPlateau,
        ("best", "wait", "cooldown_counter"),
    ),
    (
        keras.callbacks.ModelCheckpoint,
        ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    ),
    (keras.callbacks.History, ("history", "epoch")),
)
ARRAY = "array"


def named(callbacks):
    """Callbacks by the name of their class and a number."""
    found, counts = {}, {}
    for callback in callbacks:
        kind = type(callback).__name__
        counts[kind] = counts.get(kind, 0) + 1
        found[f"{kind}_{counts[kind]}"] = callback
    return found


def carried(callback):
    """Names of the attributes that a stock callback carries."""
    names = [n for kind, n in CARRIED if isinstance(callback, kind)]
    return [name for group in names for name in group]


def get_state(callback):
    """What a callback remembers, or None if it says nothing."""
    if hasattr(callback, "get_state") and hasattr(callback, "set_state"):
        return callback.get_state()
    return {name: getattr(callback, name) for name in carried(callback)} or None


def set_state(callback, state):
    """Gives a callback back what it remembered."""
    if hasattr(callback, "get_state") and hasattr(callback, "set_state"):
        callback.set_state(state)
        return
    for name in carried(callback):
        setattr(callback, name, state[name])


def hush(callbacks, states):
    """Lets no file be written while steps are passed over.

    Args:
        callbacks: dictionary of callbacks, by name.
        states: dictionary of what they get back afterwards, by name.
    """
    for name in states:
        if isinstance(callbacks[name], keras.callbacks.ModelCheckpoint):
            callbacks[name]._batches_seen_since_last_saving = -math.inf


def all_from_json(told, arrays, callbacks):
    """States of those callbacks that are there, by name.

    Args:
        told: dictionary of what `to_json` returned, by name.
        arrays: dictionary of the arrays.
        callbacks: dictionary of callbacks, by name.

    Raises:
        ValueError: a state lacks something.
    """
    found = {}
    for name in sorted(told.keys() & callbacks.keys()):
        try:
            found[name] = from_json(told[name], arrays)
            lacking = set(carried(callbacks[name])) - found[name].keys()
        except (KeyError, AttributeError, TypeError) as error:
            lacking = error
        if lacking:
            raise ValueError(
                "The state of a callback lacks something. "
                f"Received: {name} without {lacking}"
            )
    return found


def to_json(value, arrays, name):
    """A copy of plain data for JSON; what is NumPy's goes into `arrays`.

    Args:
        value: dicts, lists, tuples, strings, numbers, None, NumPy's arrays
            and scalars.
        arrays: dict that receives the arrays.
        name: prefix of their names.

    Raises:
        TypeError: there is something else in it.

    Example:
    >>> arrays = {}
    >>> to_json({"best": [0.5, np.zeros(3)]}, arrays, "stop")
    {'best': [0.5, {'array': 'stop/best/1'}]}
    >>> list(arrays)
    ['stop/best/1']
    """
    if isinstance(value, dict) and has_names(value):
        return {k: to_json(v, arrays, f"{name}/{k}") for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        parts = enumerate(value)
        return [to_json(part, arrays, f"{name}/{i}") for i, part in parts]
    if isinstance(value, (np.ndarray, np.generic)) and is_numeric(value):
        arrays[name] = np.asarray(value)
        return {ARRAY: name}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(
        "The state of a callback must be numbers, strings, NumPy arrays, and "
        f"lists and dicts of such. Received: {name}={value!r}"
    )


def has_names(value):
    """Whether a dictionary's keys are strings, and none is our mark."""
    return all(isinstance(k, str) for k in value) and set(value) != {ARRAY}


def is_numeric(value):
    """Whether a NumPy value is of a type that is read back."""
    try:
        return bool(numeric(value.dtype.name))
    except (TypeError, ValueError):
        return False


def from_json(value, arrays):
    """The plain data that `to_json` was given; tuples are lists."""
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            # A scalar as such, not as an array without axes.
            return arrays[value[ARRAY]][()]
        return {k: from_json(v, arrays) for k, v in value.items()}
    if isinstance(value, list):
        return [from_json(part, arrays) for part in value]
    return value
