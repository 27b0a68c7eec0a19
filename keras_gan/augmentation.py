"""Real data and fakes of a trained model, together as one data set."""

import warnings

import keras
import numpy as np

from keras_gan import players
from keras_gan.checks import check_flag
from keras_gan.checks import check_integer
from keras_gan.datasets.pipeline import batches
from keras_gan.metrics.labelled import arrays
from keras_gan.metrics.labelled import collected

BATCH = 64


def augment_dataset(
    gan,
    dataset,
    per_class=0,
    balance=True,
    batch_size=None,
    truncation=1.0,
    seed=0,
):
    """Labelled reals with fakes of the same classes, to train a classifier.

    Choose it where labelled samples are few, or some classes are rare, and
    compare: fakes can add what the model knows of the classes as a whole, never
    what no real sample has shown. A GAN of the same few images of Fashion-MNIST
    did not pay (`benchmarks/augmentation.md`). Train the model on the training
    set only, and judge the classifier on reals.

        without balance: fakes of class k = per_class
        with balance:    fakes of class k = max(reals) + per_class - reals of k

    Reals and fakes are held in memory. The model is not changed, and
    `dataset` begins where it would have begun.

    Args:
        gan: model that takes classes, such as `ConditionalGAN` or `ACGAN`.
        dataset: `(x, labels)`, or a finite `tf.data.Dataset` of such batches,
            in the range the model was trained in. One pass is read: load it
            with a `batch_size` that divides the samples, for rows that do not
            fill a batch are dropped.
        per_class: integer >= 0, fakes a class. Default 0.
        balance: whether to add more fakes of the classes with fewer reals,
            until all classes are equally frequent.
        batch_size: integer >= 1; None for that of `dataset`, or 64.
        truncation: float >= 0, as for `generate`.
        seed: integer >= 0, of the fakes and of the order, which changes each
            epoch.

    Returns:
        `tf.data.Dataset` of float32 `(batch_size, ...)` and int64 labels
        `(batch_size,)`, of known cardinality, as `datasets.load` gives it;
        rows that do not fill a batch are dropped, others each epoch.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the model takes no classes, labels or samples do not fit
            it, a number is out of range, or there are fewer samples than a
            batch holds.

    Example:
    >>> from keras_gan import ConditionalGAN, architectures
    >>> players = architectures.mlp((2,), 4, num_classes=2)
    >>> gan = ConditionalGAN(*players, num_classes=2, seed=0)
    >>> x, labels = np.zeros((10, 2)), np.array([0] * 8 + [1] * 2)
    >>> train = augment_dataset(gan, (x, labels), per_class=4, batch_size=8)
    >>> found = np.concatenate([y for _, y in train.as_numpy_iterator()])
    >>> np.bincount(found).tolist()
    [12, 12]

    Reference: Antoniou et al., arXiv 1711.04340, train a classifier on
    both; how many fakes to add is the user's choice there too.
    """
    check_arguments(gan, per_class, balance, batch_size, seed)
    x, labels = read(gan, dataset)
    asked = missing(labels, gan.num_classes, per_class, balance)
    if len(asked):
        fakes = gan.generate(asked, seed=seed, truncation=truncation)
        check_range(x, fakes)
        x = np.concatenate([x, fakes])
        labels = np.concatenate([labels, asked])
    size = batch_size or size_of(dataset)
    if len(x) < size:
        raise ValueError(
            "`batch_size` must not exceed the number of reals and fakes, "
            f"{len(x)}. Received: batch_size={size}"
        )
    found = batches(x, labels, size, seed)
    found.class_names = getattr(dataset, "class_names", None)
    found.num_classes = gan.num_classes
    return found


def check_arguments(gan, per_class, balance, batch_size, seed):
    """Raises unless the model takes classes and the numbers can be used."""
    takes_classes = getattr(gan, "takes_labels", True)
    if not takes_classes or getattr(gan, "num_classes", None) is None:
        raise ValueError(
            "`gan` must make samples of a class that it is asked for, as "
            "ConditionalGAN and ACGAN do. "
            f"Received: gan={type(gan).__name__}"
        )
    check_integer("per_class", per_class, minimum=0)
    check_integer("seed", seed, minimum=0)
    check_flag("balance", balance)
    if batch_size is not None:
        check_integer("batch_size", batch_size, minimum=1)


def read(gan, dataset):
    """Real samples and their classes, from one pass that leaves no trace."""
    position = getattr(dataset, "position", None)
    if position is None:
        x, labels = collected("dataset", dataset)
    else:
        begin = position.batch
        # From the middle of a pass on, some rows would come twice.
        position.seek(0)
        x, labels = collected("dataset", dataset)
        position.seek(begin)
    x, fake = np.asarray(x), keras.KerasTensor((None, *gan.sample_shape))
    players.check_real(x, fake)
    return arrays("dataset", x, labels, gan.num_classes)


def check_range(real, fake):
    """Warns where reals are on another scale than fakes."""
    ends = [float(np.abs(samples).max()) for samples in (real, fake)]
    if ends[0] > 2.0 * ends[1]:
        warnings.warn(
            f"Reals reach {ends[0]:.4g} and fakes {ends[1]:.4g}: a classifier "
            "would tell them by their scale. Give `dataset` in the range that "
            "the model was trained in, [-1, 1] for images.",
            stacklevel=3,
        )


def missing(labels, num_classes, per_class, balance):
    """The classes of the fakes to add, one a fake, int64 `(n,)`."""
    counts = np.bincount(labels, minlength=num_classes)
    few = counts.max() - counts if balance else np.zeros_like(counts)
    return np.repeat(np.arange(num_classes), few + per_class)


def size_of(dataset):
    """Rows of a batch: those of the data set, if it says."""
    spec = getattr(dataset, "element_spec", None)
    return (spec and spec[0].shape[0]) or BATCH
