"""Checks of what users pass and have, with one wording for their errors."""

import importlib
import math
import numbers

import keras
import numpy as np

SAFE_SIZE = 256 * 2**20
MAX_EXPANSION = 200


def check_number(name, value, minimum, maximum=math.inf):
    """Raises unless `value` is a finite number within the limits.

    Args:
        name: name of the argument, for the message.
        value: what the user passed.
        minimum: smallest value allowed.
        maximum: largest value allowed.

    Raises:
        TypeError: `value` is no number.
        ValueError: `value` is out of range or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"`{name}` must be a number. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    if not (minimum <= value <= maximum and math.isfinite(value)):
        upper = "" if maximum == math.inf else f" and <= {maximum}"
        raise ValueError(
            f"`{name}` must be finite and >= {minimum}{upper}. "
            f"Received: {name}={value!r}"
        )


def check_integer(name, value, minimum, maximum=math.inf):
    """Raises unless `value` is an integer within the limits.

    Args:
        name: name of the argument, for the message.
        value: what the user passed.
        minimum: smallest value allowed.
        maximum: largest value allowed.

    Raises:
        TypeError: `value` is no integer.
        ValueError: `value` is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"`{name}` must be an integer. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    check_number(name, value, minimum, maximum)


def check_shape(name, value):
    """The sizes as a tuple of positive integers.

    Args:
        name: name of the argument, for the message.
        value: sequence of integers.

    Returns:
        Tuple of integers.

    Raises:
        TypeError: it is no sequence of integers.
        ValueError: it is empty, or an entry is below 1.
    """
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(
            f"`{name}` must be a tuple of integers. Received: {name}={value!r}"
        )
    sizes = tuple(value)
    received = f"Received: {name}={sizes}"
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, numbers.Integral):
            raise TypeError(f"`{name}` must hold integers. {received}")
        if size < 1:
            raise ValueError(f"`{name}` must hold integers >= 1. {received}")
    if not sizes:
        raise ValueError(f"`{name}` must not be empty. {received}")
    return tuple(int(size) for size in sizes)


def check_floats(name, x):
    """Raises unless a tensor is of floats, lest results be cut to integers.

    Args:
        name: name of the argument, for the message.
        x: the tensor.

    Raises:
        TypeError: it is of another type.
    """
    dtype = keras.backend.standardize_dtype(x.dtype)
    if "float" not in dtype:
        raise TypeError(
            f"`{name}` must be floats. Received: {name} of dtype={dtype}"
        )


def check_flag(name, value):
    """Raises unless `value` is True or False: any text is true in Python.

    Args:
        name: name of the argument, for the message.
        value: what the user passed.

    Raises:
        TypeError: `value` is something else.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"`{name}` must be True or False. Received: {name}={value!r}"
        )


def check_name(name, value):
    """Raises unless `value` is a string that is not empty.

    Args:
        name: name of the argument, for the message.
        value: what the user passed.

    Raises:
        TypeError: `value` is no string.
        ValueError: it is empty.
    """
    if not isinstance(value, str):
        raise TypeError(
            f"`{name}` must be a string. Received: {name}={value!r}"
        )
    if not value:
        raise ValueError(
            f"`{name}` must not be empty. Received: {name}={value!r}"
        )


def check_unpacked_size(path, size, stored):
    """Raises if a file would unpack to far more than it holds.

    Args:
        path: of the file, for the message.
        size: bytes once unpacked.
        stored: bytes on disk.

    Raises:
        ValueError: they are too many.
    """
    if size > max(SAFE_SIZE, MAX_EXPANSION * stored):
        raise ValueError(
            f"a file may unpack to {MAX_EXPANSION} times its size at most, "
            f"{str(path)!r} would to {size:,} bytes"
        )


def check_inside(path, folder):
    """Raises unless a path is a file of a folder, or a folder in it.

    Args:
        path: `pathlib.Path`.
        folder: `pathlib.Path` of the folder that the user named.

    Raises:
        ValueError: a link leads out of the folder, to nothing or round in a
            circle, or it is a device, a pipe or a socket.
    """
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"Links must lead to a file. Received: {str(path)!r} ({error})"
        ) from error
    if not target.is_relative_to(folder.resolve()):
        raise ValueError(
            "Links that lead out of the folder are not followed. "
            f"Received: {str(path)!r} -> {str(target)!r}"
        )
    if not target.is_file() and not target.is_dir():
        raise ValueError(
            "Only plain files are read, no pipes or devices. "
            f"Received: {str(path)!r}"
        )


def check_installed(module, what, extra):
    """Raises, with what to do, where an optional package is missing.

    Args:
        module: name of the package.
        what: what needs it, for the message.
        extra: extra of this package that brings it.

    Raises:
        ImportError: the package is not installed.
    """
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{what} needs the package {module}. Run: "
            f'pip install "keras_gan[{extra}]"'
        ) from error
