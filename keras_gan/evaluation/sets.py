"""The samples that an evaluation compares, and where they come from."""

import hashlib
import math
import pathlib
from typing import NamedTuple

import keras
import numpy as np

from keras_gan import run_folder
from keras_gan import saving
from keras_gan.datasets import streaming
from keras_gan.evaluation.measures import SETTINGS
from keras_gan.metrics import features
from keras_gan.sampling import takes_attributes
from keras_gan.sampling import wanted

# Copies are looked for among so many training samples and values at most:
# all of the usual sets of small images, in a few minutes and 2 GB.
MOST_TRAIN = 60_000
MOST_VALUES = 250_000_000
CHUNK = 1_000
# Of the bundled classifier, on the test images of Fashion-MNIST.
ACCURACY = 0.9159
CLOTHES = (
    *("T-shirt or top", "trousers", "pullover", "dress", "coat", "sandal"),
    *("shirt", "sneaker", "bag", "ankle boot"),
)


class Labels(NamedTuple):
    """Labels of the samples, for a generator that is asked for them.

    Args:
        fake: int64 `(n,)`, the labels asked for.
        real: of the test samples.
        train: of the training samples.
        names: list of strings, one a label.
    """

    fake: np.ndarray
    real: np.ndarray
    train: np.ndarray
    names: list


class Sets(NamedTuple):
    """Samples of each kind, float32 `(n, ...)`.

    Args:
        fake: what is judged.
        real: of the test split, what fakes are held against.
        train: of the training split, where copies are looked for; its first
            rows, as many as there are fakes, are the floor.
        labels: `Labels`; None: the generator takes none, or the data has
            none of the generator's.
        real_labels: the data's own labels of the test samples, whatever the
            model takes; None: there are none.
        class_names: list of strings, the data's names of them, or None.
    """

    fake: np.ndarray
    real: np.ndarray
    train: np.ndarray
    labels: Labels = None
    real_labels: np.ndarray = None
    class_names: list = None

    @property
    def floor(self):
        """Training samples in place of the fakes."""
        return self.train[: len(self.fake)]


class Network(NamedTuple):
    """What samples are looked at with.

    Args:
        name: as `--features` calls it.
        features: Keras model, samples to features.
        classifier: Keras model, samples to logits, or None.
        class_names: names of its classes, or None.
        reason: sentence on why it is this one, or None.
        accuracy: share of test samples the classifier names right, or None.
        file_sha256: hash of the file it comes from, or None.
    """

    name: str
    features: keras.Model
    classifier: keras.Model = None
    class_names: tuple = None
    reason: str = None
    accuracy: float = None
    file_sha256: str = None


def collect(gan, data, count, seed, batch_size, image_size, channels):
    """Samples of the GAN, and real ones of the data.

    Args:
        gan: `keras_gan.GAN`.
        data: name or path, or what else `datasets.load` takes.
        count: integer, fakes and test samples at most.
        seed: integer, of the fakes and of the choice of real samples.
        batch_size: integer, samples made at once.
        image_size: integer or None, as `datasets.load` takes it.
        channels: 1, 3 or None, likewise.

    Returns:
        `Sets`.

    Raises:
        ValueError: the data's samples have another shape than the GAN's, or
            are too few.
    """
    # Single samples: larger batches would drop rows.
    read = streaming.reader(data, image_size, channels)
    train, test = read(
        data, 1, image_size=image_size, channels=channels, seed=seed
    )
    check_shape(gan, train)
    check_enough(train, test)
    num_train, num_test = int(train.cardinality()), int(test.cardinality())
    most = most_samples(gan.sample_shape)
    num_fake = min(count, num_train, most)
    num_train = min(num_train, max(num_fake, min(MOST_TRAIN, most)))
    rows = np.arange(num_test)
    if num_test > min(count, most):
        rng = np.random.default_rng(seed)
        rows = rng.choice(num_test, min(count, most), replace=False)
    real = chosen(test, rows)
    known = chosen(train, np.arange(num_train))
    fake = generate(gan, num_fake, seed, batch_size, known[1])
    names = train.class_names
    found = labels(gan, num_fake, real[1], known[1], names)
    return Sets(fake, real[0], known[0], found, real[1], names)


def labels(gan, num_fake, real, train, names):
    """Labels of all samples, if both the GAN and the data have them.

    Args:
        gan: `keras_gan.GAN`.
        num_fake: integer.
        real: labels of the test samples, or None.
        train: labels of the training samples, or None.
        names: list of strings or None.

    Returns:
        `Labels`, or None.
    """
    num_classes = num_labels(gan)
    if num_classes is None or real is None or train is None:
        return None
    both = np.concatenate([real, train])
    if both.ndim > 1 or not 0 <= both.min() <= both.max() < num_classes:
        return None
    if names is None or len(names) != num_classes:
        names = [str(label) for label in range(num_classes)]
    return Labels(asked_labels(num_fake, num_classes), real, train, names)


def check_shape(gan, train):
    """Raises unless the data's samples have the shape of the GAN's."""
    found = run_folder.sample_shape(train)
    if found != gan.sample_shape:
        raise ValueError(
            "DATA must hold samples of the model's shape; --image-size and "
            f"--channels change images. Received: {found} from DATA, "
            f"{gan.sample_shape} from MODEL"
        )


def check_enough(train, test):
    """Raises unless both splits have the samples that each measure needs."""
    fewest = SETTINGS["density_coverage_k"] + 1
    for name, split in (("training", train), ("test", test)):
        if int(split.cardinality()) < fewest:
            raise ValueError(
                f"DATA has too few samples. Received: the {name} split has "
                f"{int(split.cardinality())} samples; at least {fewest} are "
                "needed"
            )


def most_samples(shape):
    """How many samples of a shape are taken of each kind at most."""
    return max(1, MOST_VALUES // math.prod(shape))


def chosen(dataset, rows):
    """Samples of a data set of single ones, and labels or None.

    Args:
        dataset: `tf.data.Dataset` of batches of one.
        rows: integer array, which samples; they come in the data's order.

    Returns:
        Two arrays, or one and None.
    """
    rows, found = np.sort(rows), []
    chunks = dataset.take(rows[-1] + 1).rebatch(CHUNK).as_numpy_iterator()
    labelled = isinstance(dataset.element_spec, tuple)
    for number, chunk in enumerate(chunks):
        here = rows[rows // CHUNK == number] - number * CHUNK
        found.append([x[here] for x in (chunk if labelled else (chunk,))])
    x, *y = (np.concatenate(parts) for parts in zip(*found))
    return x, y[0] if labelled else None


def generate(gan, count, seed, batch_size, attributes=None):
    """Samples of the averaged generator, of all classes alike.

    Args:
        gan: `keras_gan.GAN`.
        count: integer.
        seed: integer.
        batch_size: integer, samples made at once.
        attributes: labels of the training samples: a model that takes
            attributes is asked for theirs.

    Returns:
        Array of samples.

    Raises:
        ValueError: the model takes attributes, and the data has none.
    """
    if not takes_attributes(gan):
        asked = wanted(gan, count)
    elif attributes is None or attributes.ndim != 2:
        found = "none" if attributes is None else "classes"
        raise ValueError(
            "The model takes attributes, and fakes are asked for those of the "
            "training samples: DATA must have them, (n, k). Received: labels "
            f"of DATA={found}"
        )
    else:
        asked = attributes[:count].astype("float32")
    return gan.generate(asked, seed=seed, batch_size=batch_size)


def num_labels(gan):
    """Of how many classes a model takes labels, or None."""
    takes_labels = getattr(gan, "takes_labels", True)
    return getattr(gan, "num_classes", None) if takes_labels else None


def asked_labels(count, num_classes):
    """Labels that a conditional model is asked for."""
    return np.arange(count) % num_classes


def network(name, shape):
    """The network of a name, or the one that fits samples of a shape.

    Args:
        name: `"fashion_mnist"`, `"raw"`, `"random_projection"`, a path that
            ends in `.keras`, or None.
        shape: tuple of integers, the shape of one sample.

    Returns:
        `Network`.

    Raises:
        ValueError: there is no such network, or it takes other samples.
    """
    reason = None
    if name is None:
        name, reason = default(shape)
    if name == "raw":
        found = Network(name, features.raw(shape))
    elif name == "random_projection":
        found = Network(name, features.random_projection(shape))
    elif name == "fashion_mnist":
        parts = [features.fashion_mnist(o) for o in ("features", "logits")]
        found = Network(name, *parts, CLOTHES, accuracy=ACCURACY)
    else:
        file = pathlib.Path(name)
        found = Network(file.name, read_network(file))
        found = found._replace(file_sha256=sha256_of_file(file))
    taken = found.features.input_shape
    if taken[1:] != shape and not fits(taken[1:], shape):
        raise ValueError(
            f"--features {name} takes samples of shape {taken[1:]}. "
            f"Received: samples of shape {shape}"
        )
    return found._replace(reason=reason)


def default(shape):
    """Name of the network for samples of a shape, and why."""
    if shape == (28, 28, 1):
        return "fashion_mnist", (
            "Features are those of the bundled classifier of clothes, as for "
            "all grey images of 28 x 28 pixels; of other things than clothes "
            "its classes mean little."
        )
    if len(shape) == 1:
        return "raw", "Features are the values themselves, as for all vectors."
    return "random_projection", (
        "Features are random projections, as for all samples that no bundled "
        "network knows: they see means and spread, and little of what is in "
        "an image. --features FILE.keras takes a network of yours."
    )


def fits(taken, shape):
    """Whether a network for `taken`, perhaps of any size, takes `shape`."""
    return len(taken) == len(shape) and all(
        size in (None, given) for size, given in zip(taken, shape)
    )


def read_network(path):
    """The Keras model of a `.keras` file, or an error."""
    file = pathlib.Path(path)
    if file.suffix != ".keras" or not file.is_file():
        raise ValueError(
            "--features must be fashion_mnist, raw, random_projection or a "
            f".keras file. Received: {str(path)!r}"
        )
    saving.check_file(file)
    try:
        found = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # whatever a broken file leads to
        raise ValueError(f"{str(file)!r} cannot be loaded: {error}") from error
    shapes = [getattr(found, f"{k}_shape", None) for k in ("input", "output")]
    if not all(isinstance(s, tuple) for s in shapes) or None in shapes[1][1:]:
        raise ValueError(
            "--features must be a model with one input and one output of "
            f"known shape. Received: {str(path)!r} of shapes {shapes}"
        )
    return found


def looked_at(sets, network, batch_size=256):
    """What the networks make of the samples.

    Args:
        sets: `Sets`.
        network: `Network`.
        batch_size: integer, samples taken at once.

    Returns:
        Two dictionaries of float64 rows: features of `fake`, `real`,
        `train`; logits of `fake`, `real`, `floor`, or None.
    """
    rows = {
        name: extract(network.features, getattr(sets, name), batch_size)
        for name in ("fake", "real", "train")
    }
    if network.classifier is None:
        return rows, None
    logits = {
        name: extract(network.classifier, getattr(sets, name), batch_size)
        for name in ("fake", "real", "floor")
    }
    return rows, logits


def extract(model, x, batch_size):
    """Outputs of a network as float64 rows `(n, d)`."""
    # Not `predict`: TensorFlow warns of one trace a model and size.
    outputs = [
        keras.ops.convert_to_numpy(model(x[i : i + batch_size], training=False))
        for i in range(0, len(x), batch_size)
    ]
    return np.concatenate(outputs).reshape(len(x), -1).astype("float64")


def sha256_of_file(path):
    """Hash of a file's bytes, as a hex string."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256(x):
    """Hash of an array's bytes, as a hex string."""
    return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()
