"""What fakes are worth to a classifier, and what one makes of fakes."""

import keras
import numpy as np
from keras import layers

from keras_gan.checks import check_integer
from keras_gan.metrics.labelled import labelled_pair
from keras_gan.version import __version__

RATE = 1e-3


def classification_accuracy_score(
    fake,
    test,
    build_classifier=None,
    num_classes=None,
    epochs=10,
    batch_size=128,
    seeds=(0, 1, 2),
):
    """Accuracy on reals of a classifier that was trained on fakes alone.

    Needs no feature network and sees what distances miss: classes that are
    confused, details and variety that are absent. Take as many fakes as
    there are training samples, and compare with the same function's value
    for the real training set in place of `fake`, its ceiling.

    Accuracy is the share of `test` whose largest logit is its label. For
    each seed a new classifier minimises the cross entropy over a fixed
    number of epochs with Adam(0.001); none is chosen by its accuracy.

    Args:
        fake: `(x, labels)`, or a finite `tf.data.Dataset` of such batches.
            x: float array `(n, ...)`, for images in [-1, 1]; labels:
            integer array `(n,)` or `(n, 1)` in [0, num_classes). All is
            held in memory.
        test: labelled reals, as `fake`; not those the generator saw.
        build_classifier: function `(sample_shape, num_classes, seed)` to a
            Keras model with logits `(batch, num_classes)`, which is compiled
            here unless it is already. None: `small_classifier`.
        num_classes: integer >= 2; None for one more than the largest label.
        epochs: integer >= 1.
        batch_size: integer >= 1.
        seeds: sequence of integers >= 0, one training each.

    Returns:
        Dictionary: `accuracy`, mean over seeds, in [0, 1]; `accuracy_std`,
        standard deviation (of `len(seeds)`); `values`, one a seed;
        `protocol`, dictionary of what they depend on.

    Raises:
        TypeError: an argument is of another type.
        ValueError: labels out of range, sizes that differ, NaN or infinity.

    Example:
    >>> x = np.repeat([[-1.0], [1.0]], 64, axis=0)
    >>> labels = np.repeat([0, 1], 64)
    >>> score = classification_accuracy_score(
    ...     (x, labels), (x, labels), batch_size=16, seeds=[0]
    ... )
    >>> score["accuracy"], score["protocol"]["num_test"]
    (1.0, 128)

    Reference: Ravuri & Vinyals, arXiv 1905.10887, with a ResNet-50. Seeds
    are local: initialisers and the order of samples have them, nothing
    global is set or drawn from.
    """
    return trained_accuracy(
        {"fake": fake, "test": test},
        build_classifier or small_classifier,
        num_classes,
        epochs,
        batch_size,
        seeds,
    )


def accuracy_on_fakes(
    train,
    fake,
    build_classifier=None,
    num_classes=None,
    epochs=10,
    batch_size=128,
    seeds=(0, 1, 2),
):
    """Accuracy on fakes of a classifier that was trained on reals (GAN-test).

    How well fakes keep to the labels they were asked for: the reverse of
    `classification_accuracy_score`. High for a generator that copies or
    makes one good sample a class; above the accuracy on held-out reals it
    is a sign of overfitting. Read both together.

    Args:
        train: labelled reals, as `fake` of `classification_accuracy_score`.
        fake: labelled fakes.
        build_classifier: as there, like all that follow.
        num_classes: integer >= 2; None for one more than the largest label.
        epochs: integer >= 1.
        batch_size: integer >= 1.
        seeds: sequence of integers >= 0, one training each.

    Returns:
        Dictionary, as `classification_accuracy_score`.

    Raises:
        TypeError: an argument is of another type.
        ValueError: labels out of range, sizes that differ, NaN or infinity.

    Example:
    >>> x = np.repeat([[-1.0], [1.0]], 64, axis=0)
    >>> labels = np.repeat([0, 1], 64)
    >>> score = accuracy_on_fakes(
    ...     (x, labels), (x, 1 - labels), batch_size=16, seeds=[0]
    ... )
    >>> score["accuracy"]
    0.0

    Reference: Shmelkov et al., arXiv 1807.09499.
    """
    return trained_accuracy(
        {"train": train, "fake": fake},
        build_classifier or small_classifier,
        num_classes,
        epochs,
        batch_size,
        seeds,
    )


def trained_accuracy(data, build, num_classes, epochs, batch_size, seeds):
    """Accuracies on the second entry of `data` after training on the first."""
    check_integer("epochs", epochs, minimum=1)
    check_integer("batch_size", batch_size, minimum=1)
    seeds = checked_seeds(seeds)
    train, test, num_classes = labelled_pair(data, num_classes)
    values = []
    for seed in seeds:
        classifier = build(train[0].shape[1:], num_classes, seed)
        prepare(classifier, num_classes)
        fit(classifier, train, epochs, batch_size, seed)
        values.append(accuracy(classifier, test, batch_size))
    protocol = {
        **{f"num_{name}": len(x) for name, (x, _) in zip(data, (train, test))},
        "trained_on": next(iter(data)),
        "num_classes": num_classes,
        "classifier": classifier.name,
        "num_weights": classifier.count_params(),
        "optimizer": type(classifier.optimizer).__name__,
        "epochs": epochs,
        "batch_size": batch_size,
        "seeds": seeds,
        "keras_gan": __version__,
    }
    return {
        "accuracy": float(np.mean(values)),
        "accuracy_std": float(np.std(values)),
        "values": values,
        "protocol": protocol,
    }


def checked_seeds(seeds):
    """A list of integers, or an error."""
    if not isinstance(seeds, (list, tuple, range)) or not len(seeds):
        raise ValueError(
            "`seeds` must be a sequence of at least one integer. "
            f"Received: seeds={seeds!r}"
        )
    for seed in seeds:
        check_integer("seeds", seed, minimum=0)
    return list(seeds)


def prepare(classifier, num_classes):
    """Compiles what `build_classifier` gave, or raises."""
    shape = getattr(classifier, "output_shape", None)
    if not isinstance(classifier, keras.Model) or shape != (None, num_classes):
        raise ValueError(
            "`build_classifier` must give a Keras model with logits (batch, "
            f"{num_classes}). Received: {classifier!r} of output shape={shape}"
        )
    if not classifier.compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        classifier.compile(keras.optimizers.Adam(RATE), loss)


def fit(classifier, train, epochs, batch_size, seed):
    """Trains on samples in an order drawn from the seed, anew each epoch."""
    x, labels = train
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        # Shuffling by `fit` would draw from global seeds.
        order = rng.permutation(len(x))
        classifier.fit(
            x[order],
            labels[order],
            batch_size=batch_size,
            shuffle=False,
            verbose=0,
        )


def accuracy(classifier, test, batch_size):
    """Share of samples whose largest logit is their label."""
    x, labels = test
    logits = classifier.predict(x, batch_size=batch_size, verbose=0)
    return float((logits.argmax(axis=1) == labels).mean())


def small_classifier(sample_shape, num_classes, seed):
    """A classifier for images of 28 pixels and more, or for vectors.

    Images: convolutions of 3x3 with 32, 64 and then 128 channels, each
    followed by a halving, down to 8 pixels or fewer, and a hidden layer of
    128 units. All other samples are flattened: two hidden layers of 128.
    In float32 whatever the policy.

    Args:
        sample_shape: tuple of integers, the shape of one sample; three of
            them are an image, channels last.
        num_classes: integer >= 2.
        seed: integer >= 0, seed of the weights.

    Returns:
        Keras model, samples to logits `(batch, num_classes)`.

    Example:
    >>> small_classifier((28, 28, 1), 10, seed=0).count_params()
    421642
    """
    rng = np.random.default_rng(seed)
    x = inputs = keras.Input(sample_shape, dtype="float32")
    units = 2
    if len(sample_shape) == 3:
        x, units = halvings(x, rng), 1
    x = layers.Flatten(dtype="float32")(x)
    for _ in range(units):
        x = layers.Dense(128, "relu", **options(rng))(x)
    logits = layers.Dense(num_classes, **options(rng))(x)
    return keras.Model(inputs, logits, name="small_classifier")


def halvings(x, rng):
    """Convolutions and poolings of an image down to 8 pixels or fewer."""
    for filters in (32, 64, *[128] * 20):
        x = layers.Conv2D(
            filters, 3, padding="same", activation="relu", **options(rng)
        )(x)
        x = layers.MaxPooling2D(padding="same", dtype="float32")(x)
        if max(x.shape[1:3]) <= 8:
            return x


def options(rng):
    """Arguments of a layer whose weights are drawn from a seed of its own."""
    start = keras.initializers.HeNormal(seed=int(rng.integers(2**31)))
    return {"kernel_initializer": start, "dtype": "float32"}
