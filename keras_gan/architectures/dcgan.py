"""Deep convolutional players, after DCGAN."""

import keras
from keras import layers

from keras_gan.architectures.labels import conditional_inputs
from keras_gan.architectures.labels import projected
from keras_gan.architectures.labels import with_code
from keras_gan.checks import check_integer
from keras_gan.checks import check_shape

KERNEL = 4
NORMALIZED = ("none", "generator", "both")


def dcgan(
    image_shape=(28, 28, 1),
    latent_dim=64,
    num_classes=None,
    width=64,
    max_width=512,
    widths=None,
    normalize="generator",
    activation="tanh",
):
    """Strided convolutions from 4 to 7 pixels up to the image, and back.

    Each stage doubles the resolution: 28 pixels take two stages, 32 three,
    64 four, 128 five. Kernels are 4x4 with stride 2, divisible by the
    stride, so that no checkerboard comes from uneven overlap. With classes,
    a learned vector of the label stands behind the latents, and the
    discriminator adds to its logit the product of its features with another
    one (projection).

    Args:
        image_shape: `(height, width, channels)`. Height and width must be 4
            to 7 times a power of two, at least 8; any number of channels.
        latent_dim: integer >= 1, length of the latents.
        num_classes: integer >= 1 for conditional players, or None.
        width: integer >= 1, filters of the stage next to the image. Each
            further stage doubles them.
        max_width: integer >= 1, where the doubling ends.
        widths: sequence of integers >= 1, filters of each stage from the
            image inwards; replaces `width` and `max_width`.
        normalize: which player uses batch normalisation: `"generator"`
            (fits gradient penalties), `"both"` (as in the paper) or `"none"`.
        activation: activation of the generator's output.

    Returns:
        `(generator, discriminator)`, functional models; logits `(batch, 1)`.
        Conditional ones take `[latents, labels]` and `[image, labels]`, with
        integer labels `(batch, 1)`.

    Raises:
        TypeError, ValueError: a size does not fit, or `normalize` is unknown.

    Example:
    >>> generator, discriminator = dcgan((32, 32, 3), latent_dim=16, width=8)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 32, 32, 3), (None, 1))

    Reference: Radford et al., arXiv 1511.06434. There kernels are 5x5 and
    weights start at N(0, 0.02); here kernels are 4x4 and weights start as
    Keras starts them. Labels: Mirza & Osindero, arXiv 1411.1784, and, in the
    discriminator, Miyato & Koyama, arXiv 1802.05637, where they are measured
    to be followed better than as a channel of the image.
    """
    height, width_px, channels = check_image_shape(image_shape)
    stages = num_stages(image_shape)
    if widths is None:
        check_integer("width", width, minimum=1)
        check_integer("max_width", max_width, minimum=1)
        widths = [min(width * 2**i, max_width) for i in range(stages)]
    widths = check_shape("widths", widths)
    if len(widths) != stages:
        raise ValueError(
            f"`widths` needs one entry a stage; {height}x{width_px} pixels "
            f"take {stages} stages. Received: widths={widths}"
        )
    if normalize not in NORMALIZED:
        raise ValueError(
            f"`normalize` must be one of {NORMALIZED}. "
            f"Received: normalize={normalize!r}"
        )
    check_integer("latent_dim", latent_dim, minimum=1)
    if num_classes is not None:
        check_integer("num_classes", num_classes, minimum=1)
    size = (height >> stages, width_px >> stages)
    generator = dcgan_generator(
        latent_dim,
        num_classes,
        size,
        widths,
        channels,
        activation,
        normalize != "none",
    )
    discriminator = dcgan_discriminator(
        tuple(image_shape), num_classes, widths, normalize == "both"
    )
    return generator, discriminator


def dcgan_generator(
    latent_dim, num_classes, size, widths, channels, activation, norm
):
    """Latents to an image, through transposed convolutions."""

    def normalized(x):
        return layers.ReLU()(layers.BatchNormalization()(x) if norm else x)

    latents, labels, inputs = conditional_inputs(
        keras.Input((latent_dim,), name="latents"), num_classes
    )
    x = with_code(latents, labels, num_classes, (latent_dim,))
    x = layers.Dense(size[0] * size[1] * widths[-1], use_bias=not norm)(x)
    x = normalized(layers.Reshape((*size, widths[-1]))(x))
    for filters in reversed(widths[:-1]):
        x = layers.Conv2DTranspose(
            filters, KERNEL, 2, padding="same", use_bias=not norm
        )(x)
        x = normalized(x)
    x = layers.Conv2DTranspose(channels, KERNEL, 2, padding="same")(x)
    fake = layers.Activation(activation or "linear", dtype="float32")(x)
    return keras.Model(inputs, fake, name="generator")


def dcgan_discriminator(image_shape, num_classes, widths, norm):
    """An image to one logit, through strided convolutions."""
    image, labels, inputs = conditional_inputs(
        keras.Input(image_shape, name="image"), num_classes
    )
    x = image
    for stage, filters in enumerate(widths):
        x = layers.Conv2D(filters, KERNEL, 2, padding="same")(x)
        if norm and stage > 0:
            x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(0.2)(x)
    features = layers.Flatten(dtype="float32")(x)
    logits = layers.Dense(1, dtype="float32")(features)
    logits = projected(logits, features, labels, num_classes)
    return keras.Model(inputs, logits, name="discriminator")


def check_image_shape(image_shape):
    """`(height, width, channels)`, or an error."""
    image_shape = check_shape("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(
            "`image_shape` must be (height, width, channels). "
            f"Received: image_shape={image_shape}"
        )
    return image_shape


def num_stages(image_shape):
    """How often both sides can be halved until one is below 8."""
    stages, sides = 0, tuple(image_shape[:2])
    while min(sides) >= 8 and all(side % 2 == 0 for side in sides):
        stages, sides = stages + 1, tuple(side // 2 for side in sides)
    if stages == 0 or min(sides) >= 8:
        raise ValueError(
            "Height and width must be 4 to 7 times a power of two, such as "
            "28, 32, 64, 96 or 128; `image_size` of keras_gan.datasets.load "
            f"resizes images. Received: image_shape={tuple(image_shape)}"
        )
    return stages
