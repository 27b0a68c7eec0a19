"""Directories of IDX files, the format of MNIST and its relatives."""

import gzip
import math

import numpy as np

from keras_gan.checks import check_inside
from keras_gan.checks import check_unpacked_size
from keras_gan.datasets.arrays import Samples

TRAIN, TEST = ("train",), ("t10k", "test")


def is_idx_folder(path):
    """Whether a directory holds IDX image files."""
    return find(path, TRAIN, "images") is not None


def read_folder(path):
    """Training and test samples of a directory of IDX files.

    Args:
        path: `pathlib.Path` of a directory with `train-images-idx3-ubyte`
            and, if there are any, `train-labels-idx1-ubyte`, `t10k-...` or
            `test-...`; each may be compressed, as `.gz`.

    Returns:
        Two `Samples` of uint8 images, the second may be None.

    Raises:
        ValueError: a file is broken.
    """
    train, test = read_split(path, TRAIN), read_split(path, TEST)
    return train, test


def read_split(path, names):
    """`Samples` of one split, or None where it has no images."""
    images = find(path, names, "images")
    if images is None:
        return None
    labels = find(path, names, "labels")
    return Samples(read(images), None if labels is None else read(labels))


def find(path, names, kind):
    """The file of a split, `kind` is images or labels, or None."""
    for name in names:
        found = sorted(path.glob(f"*{name}[-_]{kind}*idx*ubyte*"))
        if found:
            check_inside(found[0], path)
            return found[0]
    return None


def read(path):
    """The array of one IDX file of unsigned bytes.

    The file starts with two zero bytes, the type (8: unsigned byte), the
    number of axes, and one big-endian 32-bit size an axis. No more is read
    than these promise.

    Raises:
        ValueError: the file is broken.
    """
    try:
        opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
        with opened as file:
            shape = read_shape(file)
            size = math.prod(shape)
            check_unpacked_size(path, size, path.stat().st_size)
            content = file.read(size + 1)
        if len(content) != size:
            received = "more" if len(content) > size else len(content)
            raise ValueError(f"{size} values promised, {received} found")
        return np.frombuffer(content, np.uint8).reshape(shape)
    except Exception as error:  # readers raise whatever bytes lead to
        raise ValueError(
            "Expected a sound IDX file of unsigned bytes. "
            f"Received: {str(path)!r} ({error})"
        ) from error


def read_shape(file):
    """The shape that the header of an open IDX file gives."""
    start = file.read(4)
    if len(start) < 4 or start[:3] != b"\0\0\x08":
        raise ValueError(f"it must start with 0, 0, 8, not {start[:3]!r}")
    sizes = file.read(4 * start[3])
    if len(sizes) != 4 * start[3]:
        raise ValueError("its header is cut")
    return np.frombuffer(sizes, ">u4").tolist()
