"""What metrics look at: networks from samples to features."""

import keras
from keras import layers

from keras_gan.checks import check_integer
from keras_gan.checks import check_shape

__all__ = ["random_projection", "raw"]


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
    return keras.Sequential(
        [keras.Input(sample_shape), layers.Flatten()], name="raw"
    )


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
