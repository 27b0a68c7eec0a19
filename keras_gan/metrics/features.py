"""What metrics look at: networks from samples to features."""

import contextlib
import hashlib
import pathlib

import keras
from keras import layers

from keras_gan.checks import check_integer
from keras_gan.checks import check_shape

__all__ = ["fashion_mnist", "random_projection", "raw", "small_classifier"]

FASHION_MNIST = pathlib.Path(__file__).with_name("fashion_mnist.weights.h5")
FASHION_MNIST_SHA256 = (
    "aba9c3e2f279a231a4fda3df0550ce39af16fbadc06346faf17f107ce1fa2444"
)


@contextlib.contextmanager
def full_precision():
    """Layers made within compute in float32, whatever the dtype policy."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def fashion_mnist(output="features"):
    """The bundled classifier of clothes, for grey images of 28 x 28 pixels.

    `small_classifier` after six passes over the 60,000 training images of
    Fashion-MNIST: 91.59 % of the 10,000 test images are named right. Numbers
    taken with it compare with each other only.

    Args:
        output: `"features"`, 128 values >= 0, or `"logits"`, of ten classes
            in the order of the data set.

    Returns:
        Keras model, `(batch, 28, 28, 1)` in [-1, 1] to `(batch, 128)` or
        `(batch, 10)`, frozen.

    Raises:
        ValueError: another output; a weights file that is not the bundled
            one.

    Example:
    >>> fashion_mnist().output_shape
    (None, 128)

    Reference: Xiao, Rasul & Vollgraf, arXiv 1708.07747, for the data (MIT
    licence). Weights by `benchmarks/fashion_judge.py`.
    """
    if output not in ("features", "logits"):
        raise ValueError(
            '`output` must be "features" or "logits". '
            f"Received: output={output!r}"
        )
    found = hashlib.sha256(FASHION_MNIST.read_bytes()).hexdigest()
    if found != FASHION_MNIST_SHA256:
        raise ValueError(
            f"{FASHION_MNIST} is not the bundled file; install the package "
            f"again. Received: SHA-256 {found}"
        )
    classifier = small_classifier()
    classifier.load_weights(FASHION_MNIST)
    classifier.trainable = False
    outputs = classifier.get_layer(output).output
    return keras.Model(
        classifier.input, outputs, name=f"fashion_mnist_{output}"
    )


@full_precision()
def small_classifier(num_classes=10):
    """A convolutional network for grey images of 28 x 28 pixels, untrained.

    For sets like MNIST: train it on labels, then judge by its layer
    `"features"`.

    Args:
        num_classes: integer >= 1.

    Returns:
        Keras model, `(batch, 28, 28, 1)` to logits `(batch, num_classes)`,
        its layers `"features"` (128 values) and `"logits"`.

    Raises:
        TypeError: `num_classes` is no integer.
        ValueError: it is below 1.

    Example:
    >>> small_classifier(3).output_shape
    (None, 3)
    """
    check_integer("num_classes", num_classes, minimum=1)
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(layers.Flatten()(x))
    x = layers.Dense(128, activation="relu", name="features")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(image, layers.Dense(num_classes, name="logits")(x))


@full_precision()
def raw(sample_shape):
    """The values themselves, for data that no network knows.

    Vectors, tables and toys; for images a distance of pixels says little.

    Args:
        sample_shape: tuple of integers, the shape of one sample.

    Returns:
        Keras model, `(batch, *sample_shape)` to `(batch, d)`.

    Raises:
        TypeError: it is no tuple of integers.
        ValueError: an entry is below 1.

    Example:
    >>> raw((4, 2)).output_shape
    (None, 8)
    """
    sample_shape = check_shape("sample_shape", sample_shape)
    sample = keras.Input(sample_shape)
    return keras.Model(sample, layers.Flatten()(sample), name="raw")


@full_precision()
def random_projection(sample_shape, num_features=128, seed=0):
    """Fixed random directions, for many values and no network.

    A linear map with weights of variance `1 / num_values`, drawn from the
    seed: distances shrink by the same factor on average, `num_features`
    values suffice to tell sets apart.

    Args:
        sample_shape: tuple of integers, the shape of one sample.
        num_features: integer >= 1.
        seed: integer, seed of the directions.

    Returns:
        Keras model, `(batch, *sample_shape)` to `(batch, num_features)`.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range.

    Example:
    >>> random_projection((28, 28, 1), 16).output_shape
    (None, 16)

    Reference: Johnson & Lindenstrauss 1984.
    """
    check_integer("num_features", num_features, minimum=1)
    check_integer("seed", seed, minimum=0)
    projection = layers.Dense(
        num_features,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            distribution="untruncated_normal", seed=seed
        ),
    )
    flat = raw(sample_shape)
    return keras.Model(
        flat.input, projection(flat.output), name="random_projection"
    )
