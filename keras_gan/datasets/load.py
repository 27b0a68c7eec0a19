"""One door for all data: `load`."""

import math
import os
import pathlib
import re

import numpy as np

from keras_gan.checks import check_flag
from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.checks import check_shape
from keras_gan.datasets import arrays
from keras_gan.datasets import catalogue
from keras_gan.datasets import idx
from keras_gan.datasets import images
from keras_gan.datasets.arrays import Samples
from keras_gan.datasets.pipeline import batches

BUNDLED = ("fashion_mnist_10k",)
TFDS_NAME = re.compile(r"\w+(/[\w.-]+)?(:[\d.*]+)?")


def load(
    data,
    batch_size=64,
    image_size=None,
    channels=None,
    flip=False,
    test_fraction=0.1,
    seed=0,
    on_device=False,
):
    """Training and test data as batches in [-1, 1].

    The training order changes each epoch and follows from `seed`. Images
    rest in memory as uint8. Rows that do not fill a batch are dropped; a
    test set smaller than a batch comes as one batch. Where there are labels
    the batches are `(x, labels)`, and the data sets have the attribute
    `class_names`, a list of strings or None, and `num_classes`, None where
    labels are no classes. A label of -1 stands for one that is missing.

    Args:
        data: one of
            - `"fashion_mnist_10k"`, bundled: 10,000 training and 2,000 test
              images of clothes, 28x28 grey, 10 classes, balanced;
            - a name of the TFDS catalogue, such as `"cifar10"`, or a folder
              that TFDS has prepared;
            - a folder with IDX files, as MNIST comes;
            - a folder with images, where sub-folders are classes, and
              `train` and `test`, if both are there, are splits;
            - an `.npy` or `.npz` file;
            - an array `x`, a pair `(x, y)`, or `((x, y), (x_test, y_test))`
              as `keras.datasets` gives it. uint8 arrays are images,
              `(n, height, width[, channels])`; floats must be in [-1, 1].
        batch_size: integer >= 1.
        image_size: integer or `(height, width)`, resizes uint8 images; image
            files are cropped at their centre to this aspect first.
        channels: 1 or 3, makes uint8 images grey or coloured.
        flip: whether half of the training images, drawn anew each epoch, are
            mirrored.
        test_fraction: float in [0, 1), share of the samples that becomes the
            test set where the data has none, the same for every seed; with 0
            the second return value is None.
        seed: integer >= 0, seed of the order and of `flip`.
        on_device: whether `fit` copies the training samples to the
            accelerator, images as uint8, and sends it row numbers in place
            of batches, which are gathered, scaled and mirrored in the
            compiled step; the batches are the same to the last bit. For sets
            that fit beside the model, where the way to the device is slow.
            On several replicas each has a copy. Read in other ways, as by
            `evaluate` or after `map`, the data set is that of False.

    Returns:
        `(train, test)`, two `tf.data.Dataset` of float32 `(batch, ...)` or of
        `(x, labels)` with int64 labels `(batch,)`. What a training batch
        holds follows from `seed` and its number, counted from the first pass
        on; `train.position.seek(number)` lets the next pass begin there.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the data is missing, broken, of a wrong dtype, range or
            size, or has fewer samples than a batch.
        ConnectionError: TFDS cannot download what is not prepared.

    Example:
    >>> train, test = load("fashion_mnist_10k", batch_size=50)
    >>> int(train.cardinality()), int(test.cardinality())
    (200, 40)
    >>> train.element_spec[0].shape
    TensorShape([50, 28, 28, 1])

    Source of the bundled images: Fashion-MNIST, Zalando SE, MIT licence,
    arXiv 1708.07747; the first 1,000 and 200 of each class.
    """
    check_batching(batch_size, flip, test_fraction, seed)
    check_flag("on_device", on_device)
    image_size = checked_pictures(image_size, channels)
    train, test = read(data, image_size, channels)
    train = prepared(train, "data", image_size, channels)
    if flip and train.x.ndim != 4:
        raise ValueError(
            "`flip` mirrors images (n, height, width, channels). "
            f"Received: flip={flip}, samples of shape={train.x.shape}"
        )
    if test is not None:
        test = prepared(test, "data, test split", image_size, channels)
        check_alike(train, test)
    elif test_fraction:
        train, test = split(train, test_fraction)
    check_enough(train.x, batch_size)
    return (
        named(
            batches(train.x, train.y, batch_size, seed, flip, on_device), train
        ),
        test
        and named(batches(test.x, test.y, min(batch_size, len(test.x))), test),
    )


def check_batching(batch_size, flip, test_fraction, seed):
    """Raises unless these arguments, those of `load`, can be used."""
    check_integer("batch_size", batch_size, minimum=1)
    check_integer("seed", seed, minimum=0, maximum=2**63 - 1)
    check_number("test_fraction", test_fraction, minimum=0, maximum=0.999)
    check_flag("flip", flip)


def check_enough(samples, batch_size):
    """Raises if there are fewer training samples than a batch holds."""
    if len(samples) < batch_size:
        raise ValueError(
            "`batch_size` must not exceed the number of training samples, "
            f"{len(samples)}. Received: batch_size={batch_size}"
        )


def checked_pictures(image_size, channels):
    """`image_size` as `(height, width)` or None, or an error."""
    if channels is not None:
        check_integer("channels", channels, minimum=1, maximum=3)
    if channels == 2:
        raise ValueError(
            f"`channels` must be 1, 3 or None. Received: channels={channels!r}"
        )
    if image_size is None:
        return None
    if np.isscalar(image_size):
        check_integer("image_size", image_size, minimum=1)
        image_size = [image_size] * 2
    image_size = check_shape("image_size", image_size)
    if len(image_size) != 2 or math.prod(image_size) > images.MAX_PIXELS:
        raise ValueError(
            "`image_size` must be an integer or (height, width), of "
            f"{images.MAX_PIXELS:,} pixels at most. "
            f"Received: image_size={image_size}"
        )
    return image_size


def read(data, image_size, channels):
    """Training and test `Samples` of whatever `data` names."""
    if not isinstance(data, (str, os.PathLike)):
        return from_arrays(data)
    if not os.fspath(data):
        raise ValueError(f"`data` must not be empty. Received: data={data!r}")
    if data in BUNDLED:
        return arrays.read_file(pathlib.Path(__file__).with_name(f"{data}.npz"))
    path = pathlib.Path(data).expanduser()
    if path.suffix in (".npy", ".npz") and path.is_file():
        return arrays.read_file(path)
    if path.is_dir() and (path / "dataset_info.json").is_file():
        return catalogue.read_prepared(path, image_size)
    if path.is_dir() and idx.is_idx_folder(path):
        return idx.read_folder(path)
    if path.is_dir():
        return images.read_folder(path, image_size, channels)
    if path.exists() or not TFDS_NAME.fullmatch(str(data)):
        raise ValueError(
            "Expected an existing folder or .npy or .npz file. "
            f"Received: data={str(data)!r}"
        )
    return catalogue.read_name(str(data), image_size)


def from_arrays(data):
    """`Samples` of `x`, `(x, y)` or `((x, y), (x_test, y_test))`."""
    if isinstance(data, np.ndarray):
        return Samples(data), None
    pairs = isinstance(data, (tuple, list)) and len(data) == 2
    if pairs and all(isinstance(part, np.ndarray) for part in data):
        return Samples(*data), None
    if pairs and all(is_pair(part) for part in data):
        return Samples(*data[0]), Samples(*data[1])
    raise TypeError(
        "`data` must be a name, a path, a NumPy array, (x, y) or "
        "((x, y), (x_test, y_test)). "
        f"Received: data of type {type(data).__name__}"
    )


def is_pair(part):
    """Whether it is `(x,)` or `(x, y)`."""
    return isinstance(part, (tuple, list)) and len(part) in (1, 2)


def prepared(samples, name, image_size, channels):
    """Checked samples in the size and channels asked for."""
    x, y, class_names = arrays.checked(samples, name)
    if image_size is not None and x.shape[1:3] != image_size:
        x = arrays.resized(x, image_size)
    if channels is not None:
        x = arrays.with_channels(x, channels)
    return Samples(x, y, class_names)


def split(samples, test_fraction):
    """Two disjoint random parts, each with at least one sample."""
    order = np.random.default_rng(0).permutation(len(samples.x))
    num_test = max(1, round(test_fraction * len(order)))

    def part(rows):
        y = None if samples.y is None else samples.y[rows]
        return Samples(samples.x[rows], y, samples.class_names)

    return part(order[num_test:]), part(order[:num_test])


def check_alike(train, test):
    """Raises if the two splits hold different things."""
    if train.x.shape[1:] != test.x.shape[1:] or train.x.dtype != test.x.dtype:
        raise ValueError(
            "Training and test samples must be alike. Received: "
            f"{train.x.shape[1:]} {train.x.dtype} and "
            f"{test.x.shape[1:]} {test.x.dtype}"
        )
    if train.class_names != test.class_names:
        raise ValueError(
            "Training and test split must have the same classes. Received: "
            f"{train.class_names} and {test.class_names}"
        )
    if (train.y is None) != (test.y is None):
        raise ValueError(
            "Both splits must have labels, or none. Received: labels in the "
            f"{'test' if train.y is None else 'training'} split only"
        )


def named(dataset, samples):
    """The data set, with its classes' names and number as attributes."""
    dataset.class_names = samples.class_names
    dataset.num_classes = num_classes(samples)
    return dataset


def num_classes(samples):
    """How many classes there are, or None where labels are no classes."""
    named = len(samples.class_names or ())
    # A stream knows its labels once they are read.
    y = getattr(samples, "y", None)
    if y is None:
        return named or None
    return None if y.ndim > 1 else max(named, int(y.max()) + 1)
