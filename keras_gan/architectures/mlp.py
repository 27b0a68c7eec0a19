"""The multilayer perceptrons of the classic tutorials."""

import math

import keras
from keras import layers

from keras_gan.architectures.labels import conditional_inputs
from keras_gan.architectures.labels import with_code
from keras_gan.checks import check_flag
from keras_gan.checks import check_integer
from keras_gan.checks import check_shape


def mlp(
    image_shape,
    latent_dim=100,
    num_classes=None,
    units=(128, 128),
    activation="tanh",
    generator_norm=False,
):
    """Two multilayer perceptrons; any sample shape, also vectors.

    Generator: latents, one dense layer a number in `units` with leaky ReLU,
    a dense layer to the sample. Discriminator: the same layers in reverse
    order, a dense layer to one logit. With classes, a learned vector of the
    label, of `latent_dim` numbers, stands behind the latents and behind the
    sample. Choose it for tables, vectors and
    first steps; for images `dcgan` gives better samples.

    Args:
        image_shape: tuple of integers, the shape of one sample, such as
            `(28, 28, 1)` or `(30,)`.
        latent_dim: integer >= 1, length of the latents.
        num_classes: integer >= 1 for conditional players, or None.
        units: sequence of integers >= 1, widths of the hidden layers.
        activation: activation of the generator's output; `"tanh"` fits data
            in [-1, 1], `None` fits data without bounds.
        generator_norm: whether batch normalisation follows each hidden layer
            of the generator.

    Returns:
        `(generator, discriminator)`, functional models; logits `(batch, 1)`.
        Conditional ones take `[latents, labels]` and `[sample, labels]`, with
        integer labels `(batch, 1)`.

    Raises:
        TypeError, ValueError: a size is not a positive integer.

    Example:
    >>> generator, discriminator = mlp((30,), latent_dim=8)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 30), (None, 1))

    Reference: Goodfellow et al., arXiv 1406.2661, whose perceptrons use
    maxout and dropout; sizes and leaky ReLU are the tutorials'. Labels: Mirza
    & Osindero, arXiv 1411.1784.
    """
    image_shape = check_shape("image_shape", image_shape)
    units = check_shape("units", units)
    check_integer("latent_dim", latent_dim, minimum=1)
    check_flag("generator_norm", generator_norm)
    if num_classes is not None:
        check_integer("num_classes", num_classes, minimum=1)
    latents, labels, inputs = conditional_inputs(
        keras.Input((latent_dim,), name="latents"), num_classes
    )
    x = with_code(latents, labels, num_classes, (latent_dim,))
    for width in units:
        x = layers.Dense(width)(x)
        if generator_norm:
            x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(math.prod(image_shape))(x)
    x = layers.Reshape(image_shape)(x)
    fake = layers.Activation(activation or "linear", dtype="float32")(x)
    generator = keras.Model(inputs, fake, name="generator")

    sample, labels, inputs = conditional_inputs(
        keras.Input(image_shape, name="sample"), num_classes
    )
    x = layers.Flatten()(sample)
    x = with_code(x, labels, num_classes, (latent_dim,))
    for width in reversed(units):
        x = layers.Dense(width)(x)
        x = layers.LeakyReLU(0.2)(x)
    logits = layers.Dense(1, dtype="float32")(x)
    return generator, keras.Model(inputs, logits, name="discriminator")
