"""Residual players without normalisation, after R3GAN."""

import math

import keras
from keras import layers

from keras_gan.architectures.dcgan import check_image_shape
from keras_gan.architectures.dcgan import num_stages
from keras_gan.architectures.labels import conditional_inputs
from keras_gan.checks import check_integer
from keras_gan.checks import check_shape
from keras_gan.layers.blur_pool import BlurPool
from keras_gan.layers.upsample import Upsample

CONFIGS = ("D", "E")
GROUP_SIZE = 16
SLOPE = 0.2
GAIN = math.sqrt(2.0 / (1.0 + SLOPE**2))


def r3gan(
    image_shape=(32, 32, 3),
    latent_dim=64,
    num_classes=None,
    width=256,
    config="D",
    blocks=2,
):
    """Plain residual networks for the loss that needs no tricks.

    No normalisation, no style, no tanh; for the loss `"relativistic"` with
    the penalty `ZeroCentered`. From 4 to 7 pixels up, each resolution has
    `blocks` blocks `y = x + f(x)`, where `f` is 1x1, 3x3 and 1x1
    convolutions with leaky ReLU between. `"D"` has an inner width of a
    quarter and dense convolutions, fast everywhere. `"E"`, the paper's best,
    has twice the width inside and 3x3 convolutions in groups of 16 channels,
    which are slow on CPUs.

    Args:
        image_shape: `(height, width, channels)`. Height and width must be 4
            to 7 times a power of two, at least 8; any number of channels.
        latent_dim: integer >= 1, length of the latents.
        num_classes: integer >= 1 for conditional players, or None.
        width: integer >= 1, channels up to 32 pixels, halved with each
            doubling above; or one integer a resolution, smallest first.
            The paper has 768 in `"E"`. With `"E"` the channels of every
            resolution, halved ones included, must be multiples of 8.
        config: `"D"` or `"E"`.
        blocks: integer >= 1, blocks a resolution.

    Returns:
        `(generator, discriminator)`, functional models; images without
        bounds, logits `(batch, 1)`. Conditional ones take
        `[latents, labels]` and `[image, labels]`, with integer labels
        `(batch, 1)`.

    Raises:
        TypeError, ValueError: a size or `config` does not fit.

    Example:
    >>> generator, discriminator = r3gan((28, 28, 1), width=16)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 28, 28, 1), (None, 1))

    Reference: Huang et al., arXiv 2501.05441, where the filter `[1, 2, 1]`
    resamples in both players. Here it does so in the discriminator
    (`BlurPool`); the generator's `Upsample` is bilinear with half-pixel
    centres, the filter `[1, 3, 3, 1]`. Where sides are no power of two the
    smallest maps have 5 to 7 pixels.
    """
    height, width_px, channels = check_image_shape(image_shape)
    stages = num_stages(image_shape)
    check_integer("latent_dim", latent_dim, minimum=1)
    check_integer("blocks", blocks, minimum=1)
    if num_classes is not None:
        check_integer("num_classes", num_classes, minimum=1)
    if config not in CONFIGS:
        raise ValueError(
            f"`config` must be one of {CONFIGS}. Received: config={config!r}"
        )
    base = (height >> stages, width_px >> stages)
    widths = widths_of(width, max(base), stages + 1, config)
    # Keeps the variance of the sum of all blocks, whatever their number.
    gain = GAIN * (blocks * len(widths)) ** -0.25

    def residual(x):
        for _ in range(blocks):
            x = residual_block(x, config, gain)
        return x

    generator = r3gan_generator(
        latent_dim, base, widths, channels, num_classes, residual
    )
    discriminator = r3gan_discriminator(
        (height, width_px, channels), base, widths, num_classes, residual
    )
    return generator, discriminator


def r3gan_generator(latent_dim, base, widths, channels, num_classes, residual):
    """Latents to an image; a learned basis, weighted by the latents."""
    latents, labels, inputs = conditional_inputs(
        keras.Input((latent_dim,), name="latents"), num_classes
    )
    x = latents
    if labels is not None:
        code = embedded(labels, num_classes, latent_dim)
        x = layers.Concatenate()([latents, code])
    x = layers.Dense(widths[0], use_bias=False, kernel_initializer=normal())(x)
    x = layers.EinsumDense(
        "bc,hwc->bhwc",
        output_shape=(*base, widths[0]),
        kernel_initializer=keras.initializers.RandomNormal(stddev=1.0),
        name="basis",
    )(x)
    x = residual(x)
    for filters in widths[1:]:
        x = residual(Upsample()(pointwise(x, filters)))
    image = layers.Conv2D(
        channels, 1, use_bias=False, kernel_initializer=normal()
    )(x)
    fake = layers.Activation("linear", dtype="float32")(image)
    return keras.Model(inputs, fake, name="generator")


def r3gan_discriminator(image_shape, base, widths, num_classes, residual):
    """An image to one logit."""
    image, labels, inputs = conditional_inputs(
        keras.Input(image_shape, name="image"), num_classes
    )
    x = layers.Conv2D(
        widths[-1], 1, use_bias=False, kernel_initializer=normal()
    )(image)
    for filters in reversed(widths[:-1]):
        x = pointwise(BlurPool()(residual(x)), filters)
    x = layers.DepthwiseConv2D(
        base,
        use_bias=False,
        depthwise_initializer=deviation(1.0 / math.sqrt(math.prod(base))),
    )(residual(x))
    units = 1 if labels is None else widths[0]
    logits = layers.Dense(
        units, use_bias=False, kernel_initializer=normal(), dtype="float32"
    )(layers.Flatten()(x))
    if labels is not None:
        code = embedded(labels, num_classes, units, 1.0 / math.sqrt(units))
        logits = layers.Dot(axes=1, dtype="float32")([logits, code])
    return keras.Model(inputs, logits, name="discriminator")


def residual_block(x, config, gain):
    """`x + f(x)`, where `f` starts at 0."""
    filters = x.shape[-1]
    inner = max(filters // 4, 1) if config == "D" else 2 * filters
    groups = 1 if config == "D" else inner // GROUP_SIZE
    y = layers.Conv2D(inner, 1, kernel_initializer=normal(gain))(x)
    y = layers.LeakyReLU(SLOPE)(y)
    y = layers.Conv2D(
        inner,
        3,
        padding="same",
        groups=groups,
        kernel_initializer=normal(gain),
    )(y)
    y = layers.LeakyReLU(SLOPE)(y)
    y = layers.Conv2D(filters, 1, use_bias=False, kernel_initializer="zeros")(y)
    return layers.Add()([x, y])


def pointwise(x, filters):
    """A 1x1 convolution where the number of channels changes."""
    if x.shape[-1] == filters:
        return x
    return layers.Conv2D(
        filters, 1, use_bias=False, kernel_initializer=normal()
    )(x)


def embedded(labels, num_classes, units, gain=1.0):
    """One vector a class, started like a dense layer on one-hot labels."""
    embedding = layers.Embedding(
        num_classes,
        units,
        embeddings_initializer=deviation(gain / math.sqrt(num_classes)),
        dtype="float32",
    )
    return layers.Flatten(dtype="float32")(embedding(labels))


def normal(gain=1.0):
    """N(0, gain^2 / fan_in)."""
    return keras.initializers.VarianceScaling(
        gain**2, "fan_in", "untruncated_normal"
    )


def deviation(stddev):
    """N(0, stddev^2)."""
    return keras.initializers.RandomNormal(stddev=stddev)


def widths_of(width, base, count, config):
    """Channels of each resolution, smallest first."""
    if isinstance(width, (list, tuple)):
        widths = check_shape("width", width)
    else:
        check_integer("width", width, minimum=1)
        sides = [base << stage for stage in range(count)]
        halvings = [max(0, math.ceil(math.log2(s / 32))) for s in sides]
        widths = tuple(max(1, width >> h) for h in halvings)
    if len(widths) != count:
        raise ValueError(
            f"`width` needs one entry a resolution, here {count}. "
            f"Received: width={width}"
        )
    if config == "E" and any(2 * w % GROUP_SIZE for w in widths):
        raise ValueError(
            f"`width` must be a multiple of {GROUP_SIZE // 2} at each "
            f'resolution with config="E". Received: width={width}, which '
            f"gives {widths}"
        )
    return widths
