"""Residual players with spectral normalisation, after SNGAN."""

import keras
from keras import layers

from keras_gan.architectures.dcgan import check_image_shape
from keras_gan.architectures.dcgan import num_stages
from keras_gan.architectures.labels import conditional_inputs
from keras_gan.checks import check_integer
from keras_gan.layers.conditional_batch_normalization import (
    ConditionalBatchNormalization,
)
from keras_gan.layers.self_attention import SelfAttention
from keras_gan.layers.spectral_normalization import SpectralNormalization

SMALL = 32


def sn_resnet(
    image_shape=(32, 32, 3),
    latent_dim=128,
    num_classes=None,
    g_width=None,
    d_width=None,
    max_width=1024,
):
    """Residual networks; spectral normalisation in the discriminator.

    The standard players for the loss `"hinge"`, also conditional: batch
    normalisation of the generator by class, projection in the discriminator.

    Up to 32 pixels all blocks are alike, and the discriminator halves the
    image twice, or once where a side has 8, 10 or 14 pixels, in the first of
    its four blocks. Above, filters double from the image inwards, the
    discriminator halves down to 3 to 5 pixels (7 stays 7), then has one more
    block. Normalisation, ReLU and a 3x3 convolution, twice, make a block; 1x1
    convolutions the shortcuts.

    Args:
        image_shape: `(height, width, channels)`. Height and width must be 4
            to 7 times a power of two, at least 8; any number of channels.
        latent_dim: integer >= 1, length of the latents.
        num_classes: integer >= 1 for conditional players, or None.
        g_width: integer >= 1, filters of the generator next to the image.
            Default 256 up to 32 pixels, 64 above.
        d_width: the same for the discriminator. Default 128 up to 32
            pixels, 64 above.
        max_width: integer >= 1, where the doubling ends.

    Returns:
        `(generator, discriminator)`, functional models; images in [-1, 1],
        logits `(batch, 1)`. Conditional ones take `[latents, labels]` and
        `[image, labels]`, with integer labels `(batch, 1)`.

    Raises:
        TypeError, ValueError: a size does not fit.

    Example:
    >>> players = sn_resnet((16, 16, 3), num_classes=10, g_width=8, d_width=8)
    >>> [len(player.inputs) for player in players]
    [2, 2]

    Reference: Miyato et al., arXiv 1802.05957, appendix B (32, 48 and 128
    pixels); Miyato & Koyama, arXiv 1802.05637. Other sizes are ours.
    """
    height, width, channels = check_image_shape(image_shape)
    stages, halvings = num_stages(image_shape), num_halvings(height, width)
    check_counts(latent_dim, num_classes, max_width)
    small = max(height, width) <= SMALL
    g_width = (256 if small else 64) if g_width is None else g_width
    d_width = (128 if small else 64) if d_width is None else d_width
    check_integer("g_width", g_width, minimum=1)
    check_integer("d_width", d_width, minimum=1)
    if small:
        g_widths, d_widths = [g_width] * (stages + 1), [d_width] * 4
        halvings = min(halvings, 2)
    else:
        g_widths = doubled(g_width, stages + 1, max_width)
        d_widths = doubled(d_width, halvings + 1, max_width)
    base = (height >> stages, width >> stages)
    generator = resnet_generator(
        latent_dim, base, g_widths, channels, num_classes
    )
    discriminator = resnet_discriminator(
        (height, width, channels), d_widths, halvings, num_classes
    )
    return generator, discriminator


def resnet_generator(
    latent_dim,
    base,
    widths,
    channels,
    num_classes,
    spectral=False,
    attention=None,
):
    """Latents to an image; widths from the image inwards."""
    latents, labels, inputs = conditional_inputs(
        keras.Input((latent_dim,), name="latents"), num_classes
    )

    def normalized(x):
        """Batch normalisation, by class where there are classes; ReLU."""
        if labels is None:
            return layers.ReLU()(batch_normalization()(x))
        by_class = ConditionalBatchNormalization(num_classes)
        return layers.ReLU()(by_class([x, labels]))

    x = normalized_layer(
        layers.Dense(base[0] * base[1] * widths[-1]), spectral
    )(latents)
    x = attend(layers.Reshape((*base, widths[-1]))(x), attention, spectral)
    for filters in reversed(widths[:-1]):
        x = generator_block(x, filters, normalized, spectral)
        x = attend(x, attention, spectral)
    x = layers.ReLU()(batch_normalization()(x))
    last = layers.Conv2D(channels, 3, padding="same")
    x = normalized_layer(last, spectral)(x)
    fake = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, fake, name="generator")


def generator_block(x, filters, normalized, spectral):
    """Doubles the resolution."""
    y = layers.UpSampling2D()(normalized(x))
    y = convolution(filters, spectral)(y)
    y = convolution(filters, spectral)(normalized(y))
    # A 1x1 convolution and repeating pixels commute; this order is cheaper.
    shortcut = normalized_layer(layers.Conv2D(filters, 1), spectral)(x)
    return layers.Add()([y, layers.UpSampling2D()(shortcut)])


def resnet_discriminator(
    image_shape,
    widths,
    halvings,
    num_classes,
    hidden="inputs",
    attention=None,
):
    """An image to one logit; the first `halvings` blocks halve its sides."""
    image, labels, inputs = conditional_inputs(
        keras.Input(image_shape, name="image"), num_classes
    )
    x = image
    for stage, filters in enumerate(widths):
        first = stage == 0
        inner = x.shape[-1] if hidden == "inputs" and not first else filters
        x = discriminator_block(x, filters, inner, stage < halvings, first)
        if stage < halvings:
            x = attend(x, attention, True)
    return keras.Model(
        inputs, projection_head(x, labels, num_classes), name="discriminator"
    )


def discriminator_block(x, filters, inner, halve, first):
    """Two convolutions and a shortcut; no ReLU before the image's."""
    y = x if first else layers.ReLU()(x)
    y = layers.ReLU()(convolution(inner, True)(y))
    y = convolution(filters, True)(y)
    if halve:
        x, y = layers.AveragePooling2D(2)(x), layers.AveragePooling2D(2)(y)
    if halve or x.shape[-1] != filters:
        x = normalized_layer(layers.Conv2D(filters, 1), True)(x)
    return layers.Add()([y, x])


def projection_head(x, labels, num_classes):
    """Sum over the positions, one dense layer, `<embedding, sum>` by class."""
    positions = x.shape[1] * x.shape[2]
    x = layers.GlobalAveragePooling2D(dtype="float32")(layers.ReLU()(x))
    features = layers.Rescaling(positions, dtype="float32")(x)
    logits = SpectralNormalization(layers.Dense(1, dtype="float32"))(features)
    if labels is None:
        return logits
    embedding = SpectralNormalization(
        layers.Embedding(
            num_classes,
            x.shape[-1],
            embeddings_initializer="glorot_uniform",
            dtype="float32",
        )
    )
    by_class = layers.Flatten(dtype="float32")(embedding(labels))
    dot = layers.Dot(axes=1, dtype="float32")([by_class, features])
    return layers.Add(dtype="float32")([logits, dot])


def convolution(filters, spectral):
    """3x3, started with the gain of a ReLU."""
    start = keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")
    layer = layers.Conv2D(filters, 3, padding="same", kernel_initializer=start)
    return normalized_layer(layer, spectral)


def normalized_layer(layer, spectral):
    """The layer, spectrally normalised if asked for."""
    return SpectralNormalization(layer) if spectral else layer


def batch_normalization():
    """With the constants of `ConditionalBatchNormalization`."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


def attend(x, attention, spectral):
    """Self-attention where the longer side is `attention` pixels."""
    if attention != max(x.shape[1:3]):
        return x
    ratio = next(r for r in (8, 4, 2, 1) if x.shape[-1] % r == 0)
    return SelfAttention(ratio, ratio, spectral=spectral)(x)


def num_halvings(height, width):
    """How often both sides can be halved without going below 3."""
    halvings = 0
    while min(height, width) >= 6 and height % 2 == width % 2 == 0:
        halvings, height, width = halvings + 1, height // 2, width // 2
    return halvings


def doubled(width, count, max_width):
    """`count` widths, each twice the one before, up to `max_width`."""
    return [min(width * 2**stage, max_width) for stage in range(count)]


def check_counts(latent_dim, num_classes, max_width):
    """Raises unless all are counts."""
    check_integer("latent_dim", latent_dim, minimum=1)
    check_integer("max_width", max_width, minimum=1)
    if num_classes is not None:
        check_integer("num_classes", num_classes, minimum=1)
