"""Images that are read when a batch needs them, from folders and TFRecords."""

import contextlib
import functools
import io
import math
import os
import pathlib

import numpy as np
import tensorflow as tf

from keras_gan.datasets import idx
from keras_gan.datasets import images
from keras_gan.datasets import tfrecords
from keras_gan.datasets.arrays import Samples
from keras_gan.datasets.load import check_alike
from keras_gan.datasets.load import check_batching
from keras_gan.datasets.load import check_enough
from keras_gan.datasets.load import checked_pictures
from keras_gan.datasets.load import load
from keras_gan.datasets.load import named
from keras_gan.datasets.load import split
from keras_gan.datasets.pipeline import from_rows

# Batches that are decoded at once; Pillow decodes outside of Python's lock.
PARALLEL = 4
# Where Linux says how much memory a container may take.
LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
# Bytes of memory of a machine that does not say.
UNKNOWN = 8 * 2**30


def stream(
    data,
    batch_size=64,
    image_size=None,
    channels=None,
    flip=False,
    test_fraction=0.1,
    seed=0,
):
    """Training and test data that stay on the disk.

    As `load`, with the same batches in the same order, for images that do
    not fit into memory: a batch is read and decoded when it is needed, a few
    ahead of training. The headers of image files are read and checked at
    once, the pixels later; an image that turns out to be broken then ends
    the pass with its name. Where everything fits, `load` is faster.

    Args:
        data: one of
            - a folder with images, as for `load`;
            - a folder with files `*.tfrecord*`, or one such file, not
              compressed, of `tf.train.Example` with an encoded image under
              `"image"`, `"image/encoded"` or `"image_raw"` and, if there are
              labels, one integer under `"label"` or `"image/class/label"` in
              each, -1 where it is missing.
              The first image says how large the others are, if `image_size`
              does not, and how many channels they have.
        batch_size: integer >= 1.
        image_size: integer or `(height, width)`, to crop and resize to.
        channels: 1 or 3, makes images grey or coloured.
        flip: whether half of the training images, drawn anew each epoch, are
            mirrored.
        test_fraction: float in [0, 1), as for `load`.
        seed: integer >= 0, seed of the order and of `flip`.

    Returns:
        `(train, test)`, as `load`.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the data is missing, broken, of several sizes, or has
            fewer samples than a batch.

    Example:
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for i in range(20):
    ...         Image.new("L", (8, 8), i).save(f"{folder}/{i:02}.png")
    ...     train, test = stream(folder, batch_size=4)
    ...     next(iter(train)).shape
    TensorShape([4, 8, 8, 1])
    """
    check_batching(batch_size, flip, test_fraction, seed)
    image_size = checked_pictures(image_size, channels)
    train, test = sources(data, image_size, channels)
    if test is not None:
        check_alike(train.blank(), test.blank())
    elif test_fraction:
        train, test = parts(train, test_fraction)
    check_enough(train, batch_size)
    return (
        train.batches(batch_size, seed, flip),
        test and test.batches(min(batch_size, len(test)), None, False),
    )


def reader(data, image_size=None, channels=None):
    """`stream` for what `load` cannot hold, else `load`.

    That is TFRecord files, and a folder of images whose pixels, were all
    images as large as the first, take more than half of the machine's memory.

    Args:
        data: as for `load` and `stream`.
        image_size: integer, `(height, width)` or None, likewise.
        channels: 1, 3 or None, likewise.

    Example:
    >>> reader("fashion_mnist_10k").__name__
    'load'
    """
    path = pathlib.Path(data).expanduser() if is_path(data) else None
    if path is None or (path / "dataset_info.json").is_file():
        return load
    if tfrecords.find(path):
        return stream
    if not path.is_dir() or idx.is_idx_folder(path):
        return load
    files = images.find_images(path)
    first = next((h for h in map(images.header, files) if h), None)
    if first is None:
        return load
    width, height, mode = first
    size = checked_pictures(image_size, channels) or (height, width)
    channels = channels or images.num_channels([mode])
    fits = len(files) * math.prod(size) * channels <= memory() / 2
    return load if fits else stream


def is_path(data):
    """Whether it may name a file or a folder."""
    return isinstance(data, (str, os.PathLike)) and bool(os.fspath(data))


def memory():
    """Bytes of memory, of the machine or, if less, of its container."""
    found = []
    # Not on Windows.
    with contextlib.suppress(AttributeError, ValueError):
        pages = os.sysconf("SC_PHYS_PAGES")
        found.append(pages * os.sysconf("SC_PAGE_SIZE"))
    for path in LIMITS:
        # Where there is no limit the file says `max`.
        with contextlib.suppress(OSError, ValueError):
            found.append(int(pathlib.Path(path).read_text()))
    return min(found, default=UNKNOWN)


class Source:
    """Rows that are read one by one.

    Args:
        read: callable, number of a row in the whole set to its image, uint8
            `(height, width, channels)`, and its label or None.
        rows: integer array, the rows of this part.
        shape: `(height, width, channels)`.
        has_labels: whether rows have labels.
        class_names: list of strings, or None.
    """

    def __init__(self, read, rows, shape, has_labels, class_names=None):
        self.read = read
        self.rows = rows
        self.shape = tuple(shape)
        self.has_labels = has_labels
        self.class_names = class_names

    def __len__(self):
        return len(self.rows)

    def part(self, places):
        """The source of some of the rows."""
        rows = self.rows[places]
        return Source(
            self.read, rows, self.shape, self.has_labels, self.class_names
        )

    def blank(self):
        """No samples, of the kind of these."""
        labels = np.zeros(0) if self.has_labels else None
        return Samples(
            np.zeros((0, *self.shape), "uint8"), labels, self.class_names
        )

    def read_batch(self, places):
        """Images and labels at some places."""
        x, y = zip(*(self.read(row) for row in self.rows[places]))
        for row, image in zip(places, x):
            if image.shape != self.shape:
                raise ValueError(
                    "All images must have one shape; pass image_size=... and "
                    "channels=... to make them alike. Expected: "
                    f"{self.shape}. Received: {image.shape}, row {row}"
                )
        labels = y if self.has_labels else np.zeros(len(y))
        return np.stack(x), np.array(labels, "int64")

    def batches(self, batch_size, seed, flip):
        """The `tf.data.Dataset`, see `pipeline.from_rows`."""

        def fetch(indices):
            x, y = tf.numpy_function(
                self.read_batch, [indices], [tf.uint8, tf.int64]
            )
            x = tf.ensure_shape(x, [*indices.shape, *self.shape])
            y = tf.ensure_shape(y, indices.shape)
            return x, y if self.has_labels else None

        dataset = from_rows(len(self), fetch, batch_size, seed, flip, PARALLEL)
        return named(dataset, self)


def sources(data, image_size, channels):
    """Training and test `Source` of a path; the second may be None."""
    if not isinstance(data, (str, os.PathLike)):
        raise TypeError(
            "`data` must be the path of a folder or of a TFRecord file. "
            f"Received: data of type {type(data).__name__}"
        )
    path = pathlib.Path(data).expanduser()
    records = tfrecords.find(path) if os.fspath(data) else []
    if records:
        return from_records(path, records, image_size, channels), None
    if not os.fspath(data) or not path.is_dir():
        raise ValueError(
            "Expected an existing folder of images or of TFRecord files. "
            f"Received: data={str(data)!r}"
        )
    train, test = images.splits(path)
    return (
        from_folder(train, image_size, channels),
        test and from_folder(test, image_size, channels),
    )


def from_folder(path, image_size, channels):
    """`Source` of a folder whose sub-folders, if any, are classes."""
    files, headers = images.sound(images.find_images(path), images.header, path)
    sizes = [(width, height) for width, height, _ in headers]
    if image_size is None:
        images.check_one_size(path, files, sizes)
    labels, class_names = images.labelled(path, files)
    channels = channels or images.num_channels(mode for *_, mode in headers)
    height, width = image_size or sizes[0][::-1]
    # Strings: a hundred thousand paths are tens of megabytes more.
    names = [str(file) for file in files]

    def read(row):
        image = decoded(names[row], names[row], image_size, channels)
        return image, None if labels is None else labels[row]

    rows = np.arange(len(names))
    shape = (height, width, channels)
    return Source(read, rows, shape, labels is not None, class_names)


def from_records(path, files, image_size, channels):
    """`Source` of TFRecord files."""
    index = tfrecords.Index(path, files)
    encoded, first = index.read(0)
    has_labels = first is not None
    name = index.name(0)
    found = images.header(io.BytesIO(encoded))
    if found is None:
        raise broken(name)
    width, height, mode = found
    height, width = image_size or (height, width)
    fixed = channels or images.num_channels([mode])

    def read(row):
        encoded, label = index.read(row)
        if (label is not None) != has_labels:
            raise ValueError(
                "All records must have a label, or none; -1 stands for one "
                f"that is missing. Received: {index.name(row)} "
                f"{'without' if has_labels else 'with'} a label"
            )
        file = functools.partial(io.BytesIO, encoded)
        found = images.header(file())
        if channels is None and found and found[2] == "RGB" and fixed == 1:
            raise ValueError(
                "The first image is grey, this one is not; pass channels=3 "
                f"or channels=1. Received: {index.name(row)}"
            )
        return decoded(file(), index.name(row), image_size, fixed), label

    rows = np.arange(len(index))
    return Source(read, rows, (height, width, fixed), has_labels)


def decoded(file, name, image_size, channels):
    """A uint8 array of an image file, or an error that names it."""
    image = images.decode(file, image_size)
    if image is None:
        raise broken(name)
    return images.pixels(image, channels)


def broken(name):
    """The error for an image that cannot be decoded."""
    return ValueError(
        "Expected a sound image; remove it, or leave it out by "
        f"`datasets.load`, which decodes all at once. Received: {name!r}"
    )


def parts(source, test_fraction):
    """Two disjoint random parts, those of `load`."""
    places = Samples(np.arange(len(source)))
    return [source.part(part.x) for part in split(places, test_fraction)]
