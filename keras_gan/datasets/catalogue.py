"""Data sets of the TensorFlow Datasets catalogue."""

import numpy as np
import tensorflow as tf

from keras_gan.datasets.arrays import Samples
from keras_gan.datasets.pipeline import without_autotune

TEST_SPLITS = ("test", "validation", "val")


def read_name(name, image_size=None):
    """Training and test samples of a TFDS data set, prepared if need be.

    Args:
        name: string, as `tfds.load` takes it, such as `"cifar10"`. Data is
            looked for, and put, where TFDS does: `~/tensorflow_datasets` or
            the folder that the environment variable `TFDS_DATA_DIR` names.
        image_size: `(height, width)`, needed where images differ in size.

    Returns:
        Two `Samples` of uint8 images, the second may be None.

    Raises:
        ValueError: no such data set, or nothing in it that is an image.
        ConnectionError: it has to be downloaded and cannot be.
    """
    import tensorflow_datasets as tfds

    try:
        splits, info = tfds.load(name, with_info=True)
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            "Expected a bundled data set ('fashion_mnist_10k'), a file or "
            "folder that exists, or a name of the TFDS catalogue. "
            f"Received: data={name!r}"
        ) from error
    except (OSError, tfds.download.DownloadError) as error:
        raise ConnectionError(
            f"TFDS could not prepare {name!r}. Without internet, prepare it "
            f"elsewhere with `tfds build {name}` and copy its folder below "
            "~/tensorflow_datasets, or set TFDS_DATA_DIR to where it is. "
            f"Received: {error}"
        ) from error
    return read_splits(splits, info, image_size)


def read_prepared(path, image_size=None):
    """Samples of a folder `NAME/VERSION` that TFDS has prepared."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(path))
    return read_splits(builder.as_dataset(), builder.info, image_size)


def read_splits(splits, info, image_size):
    """`Samples` of the training and of the test split, if there is one."""
    x_key, y_key = feature_keys(info)
    names = info.features[y_key].names if y_key else None
    test = next((name for name in TEST_SPLITS if name in splits), None)
    train = "train" if "train" in splits else next(iter(splits))

    def read(split):
        x, y = collect(splits[split], x_key, y_key, image_size)
        return Samples(x, y, names)

    return read(train), read(test) if test and test != train else None


def feature_keys(info):
    """Names of the image and, or None, of the class label."""
    import tensorflow_datasets as tfds

    def find(kind):
        keys = [k for k, f in info.features.items() if isinstance(f, kind)]
        preferred = [k for k in keys if k in (info.supervised_keys or ())]
        return next(iter(preferred + keys), None)

    x_key, y_key = find(tfds.features.Image), find(tfds.features.ClassLabel)
    if x_key is None:
        raise ValueError(
            f"Expected a data set of images. Received: {info.full_name} with "
            f"the features {sorted(info.features)}"
        )
    dtype = info.features[x_key].np_dtype
    if dtype != np.uint8:
        raise ValueError(
            "Expected a data set of 8-bit images. "
            f"Received: {info.full_name} with images of dtype={dtype}"
        )
    return x_key, y_key


def collect(dataset, x_key, y_key, image_size):
    """All samples of a split as arrays."""

    def select(example):
        image = example[x_key]
        if image_size is not None:
            image = tf.image.resize(image, image_size, antialias=True)
            image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
        return image, example[y_key] if y_key else 0

    dataset = without_autotune(dataset.map(select).batch(1024))
    try:
        parts = list(dataset.as_numpy_iterator())
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            "The images of this data set differ in size; pass image_size=... "
            f"(--image-size). Received: {error.message[:200]}"
        ) from error
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] for part in parts]) if y_key else None
    return x, y
