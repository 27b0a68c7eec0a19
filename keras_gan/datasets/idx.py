"""Directories of IDX files, the format of MNIST and its relatives."""

import gzip
import math

import numpy as np

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
            return found[0]
    return None


def read(path):
    """The array of one IDX file of unsigned bytes.

    The file starts with two zero bytes, the type (8: unsigned byte), the
    number of axes, and one big-endian 32-bit size an axis.
    """
    try:
        opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
        with opened as file:
            content = file.read()
    except (OSError, EOFError) as error:
        raise ValueError(f"Cannot read {str(path)!r}: {error}") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(
            "Expected an IDX file of unsigned bytes, which starts with the "
            f"bytes 0, 0, 8. Received: {str(path)!r}, {content[:3]!r}"
        )
    start = 4 + 4 * content[3]
    shape = np.frombuffer(content[4:start], ">u4").tolist()
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"The IDX file {str(path)!r} is broken: its header promises "
            f"{math.prod(shape)} values. Received: {len(content) - start}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
