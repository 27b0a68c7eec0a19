"""NumPy arrays and `.npy`, `.npz` files as samples and labels."""

import warnings
import zipfile
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_gan.checks import check_unpacked_size

TRAIN_KEYS = (("x_train", "y_train"), ("x", "y"), ("images", "labels"))
TEST_KEYS = ("x_test", "y_test")


class Samples(NamedTuple):
    """Samples `(n, ...)`, labels `(n, ...)` or None, names of the classes."""

    x: np.ndarray
    y: np.ndarray = None
    class_names: list = None


def read_file(path):
    """Training and test samples of an `.npy` or `.npz` file.

    Args:
        path: `pathlib.Path`. An `.npy` file holds samples; an `.npz` file
            holds `x_train`, `y_train`, `x_test`, `y_test`, or `x`, `y`, or
            `images`, `labels`; labels and test arrays may be missing.

    Returns:
        Two `Samples`, the second may be None.

    Raises:
        ValueError: the file is broken, holds Python objects, has none of
            these names, or unpacks to far more than it holds.
    """
    try:
        if path.suffix == ".npz":
            return read_members(path)
        return Samples(read_array(path)), None
    except Exception as error:  # readers raise whatever bytes lead to
        raise ValueError(
            "Expected a sound .npy or .npz file of numbers; files with Python "
            f"objects are not read. Received: data={str(path)!r} ({error})"
        ) from error


def read_array(path):
    """The array of an `.npy` file."""
    # A map is no larger than the file, whatever size the header promises.
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(found, np.ndarray):
        found.close()
        raise ValueError("it is an .npz file by another name")
    return np.array(found)


def read_members(path):
    """Training and test samples of an `.npz` file."""
    check_expansion(path)
    with np.load(path, allow_pickle=False) as members:
        names = next((n for n in TRAIN_KEYS if n[0] in members), None)
        if names is None:
            raise ValueError(
                "the arrays must be named x_train, x or images; names="
                f"{sorted(members.files)}"
            )
        train = Samples(*(members[n] for n in names if n in members))
        test = read_test(members)
    return train, test


def read_test(members):
    """Test samples of an open `.npz` file, or None."""
    if TEST_KEYS[0] not in members:
        return None
    return Samples(*(members[n] for n in TEST_KEYS if n in members))


def check_expansion(path):
    """Raises if a compressed file would unpack to far more than it holds."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    check_unpacked_size(path, size, path.stat().st_size)


def checked(samples, name):
    """Samples that can be trained on, in uint8 or float32, or an error.

    Args:
        samples: `Samples` of anything array-like.
        name: what to call them in messages, such as `"data"`.

    Returns:
        `Samples` of uint8 images `(n, height, width, channels)` or float32
        samples `(n, ...)` in [-1, 1], labels int64 `(n,)` or float32.

    Raises:
        ValueError: wrong dtype, rank or range, NaN, empty, labels that do
            not match.
    """
    x = np.asarray(samples.x)
    if np.ma.is_masked(samples.x):
        raise ValueError(
            f"`{name}` must have no masked values; fill them or leave their "
            f"rows out. Received: {np.ma.count_masked(samples.x)} masked"
        )
    if x.ndim < 2 or x.size == 0:
        raise ValueError(
            f"`{name}` must be an array (samples, ...) with at least one "
            f"sample. Received: {name} of shape={x.shape}"
        )
    if x.dtype == np.uint8:
        x = x[..., np.newaxis] if x.ndim == 3 else x
    else:
        x = checked_floats(x, name)
    y = checked_labels(samples.y, len(x), name)
    check_class_names(y, samples.class_names, name)
    return Samples(x, y, samples.class_names)


def checked_floats(x, name):
    """Float samples in float32, or an error."""
    if not np.issubdtype(x.dtype, np.floating):
        raise ValueError(
            f"`{name}` must be uint8 images or floats in [-1, 1]; cast them "
            f"if they are. Received: {name} of dtype={x.dtype}"
        )
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).reshape(len(x), -1).any(axis=1).argmax())
        raise ValueError(
            f"`{name}` holds NaN or infinite values. "
            f"Received: the first one in sample {bad}"
        )
    low, high = float(x.min()), float(x.max())
    if low < -1.0 or high > 1.0:
        raise ValueError(
            f"`{name}` must be scaled to [-1, 1], the range of the "
            "generator's output; uint8 images are scaled for you. "
            f"Received: {name} in [{low:.6g}, {high:.6g}]"
        )
    if low >= 0.0 and high > 0.5:
        warnings.warn(
            f"`{name}` lies in [{low:.6g}, {high:.6g}]. If its full range is "
            "[0, 1], scale it with 2 * x - 1.",
            stacklevel=2,
        )
    return x.astype(np.float32)


def checked_labels(y, num_samples, name):
    """Labels int64 `(n,)` or float32 `(n, k)`, or an error."""
    if y is None:
        return None
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 0 or len(y) != num_samples:
        raise ValueError(
            f"`{name}` needs one label a sample. Received: {num_samples} "
            f"samples and labels of shape={y.shape}"
        )
    if y.ndim == 1 and y.dtype.kind in "iub":
        return checked_classes(y, name)
    largest = np.finfo(np.float32).max
    if y.ndim != 2 or y.dtype.kind not in "iubf" or not y.size:
        fits = False
    else:
        fits = (np.abs(y.astype(np.float64)) <= largest).all()
    if not fits:
        raise ValueError(
            f"Labels of `{name}` must be integers (samples,) or finite "
            "numbers (samples, attributes). "
            f"Received: labels of shape={y.shape} and dtype={y.dtype}"
        )
    return y.astype(np.float32)


def checked_classes(y, name):
    """Class numbers as int64, or an error."""
    low, high = int(y.min()), int(y.max())
    if low < -1 or high < 0 or high > np.iinfo(np.int32).max:
        raise ValueError(
            f"Labels of `{name}` must be class numbers, 0 and up, or -1 where "
            "there is none, and some must be there. "
            f"Received: labels in [{low}, {high}]"
        )
    return y.astype(np.int64)


def check_class_names(y, class_names, name):
    """Raises if there are labels beyond the names of the classes."""
    if y is None or y.ndim > 1 or class_names is None:
        return
    if int(y.max()) >= len(class_names):
        raise ValueError(
            f"Labels of `{name}` must be below the number of classes, "
            f"{len(class_names)}. Received: a label {int(y.max())}"
        )


def resized(x, image_size):
    """Uint8 images in another size, with antialiasing."""
    if x.dtype != np.uint8 or x.ndim != 4:
        raise ValueError(
            "`image_size` and `channels` change uint8 images only. "
            f"Received: samples of dtype={x.dtype} and shape={x.shape}"
        )
    parts = [
        tf.image.resize(x[start : start + 1024], image_size, antialias=True)
        for start in range(0, len(x), 1024)
    ]
    rounded = [
        np.clip(np.rint(part), 0, 255).astype(np.uint8) for part in parts
    ]
    return np.concatenate(rounded)


def with_channels(x, channels):
    """Uint8 images with 1 or 3 channels, by luma or by repetition."""
    if x.shape[-1] == channels:
        return x
    if x.ndim == 4 and x.dtype == np.uint8 and x.shape[-1] in (1, 3):
        if channels == 3:
            return np.repeat(x, 3, axis=-1)
        luma = x @ np.array([0.299, 0.587, 0.114])
        return np.rint(luma).astype(np.uint8)[..., np.newaxis]
    raise ValueError(
        "`channels` changes uint8 images with 1 or 3 channels only. "
        f"Received: channels={channels}, samples of dtype={x.dtype} and "
        f"shape={x.shape}"
    )
