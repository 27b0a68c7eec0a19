"""Players whose generator paints with styles, after StyleGAN2."""

import math

import keras
from keras import layers
from keras import ops

from keras_gan.architectures.dcgan import check_image_shape
from keras_gan.architectures.dcgan import num_stages
from keras_gan.architectures.labels import conditional_inputs
from keras_gan.checks import check_integer
from keras_gan.checks import check_shape
from keras_gan.layers.blur_pool import BlurPool
from keras_gan.layers.equalized import EqualizedConv2D
from keras_gan.layers.equalized import EqualizedDense
from keras_gan.layers.mean_style import MeanStyle
from keras_gan.layers.minibatch_std import MinibatchStd
from keras_gan.layers.modulated_conv import ModulatedConv2D
from keras_gan.layers.noise_injection import NoiseInjection
from keras_gan.layers.pixel_norm import PixelNorm
from keras_gan.layers.upsample import Upsample

OUTPUTS = ("skip", "residual")
HALF = math.sqrt(0.5)
BLUR = 4


@keras.saving.register_keras_serializable("keras_gan")
def scaled_leaky_relu(x):
    """Leaky ReLU with slope 0.2, times sqrt(2) to keep the variance."""
    return ops.leaky_relu(x, 0.2) * math.sqrt(2.0)


@keras.saving.register_keras_serializable("keras_gan")
class LearnedConstant(keras.layers.Layer):
    """One learned tensor for all samples, whatever the input holds.

    What the first layer of a style-based generator works on. Starts at
    N(0, 1).

    Args:
        shape: tuple of integers, the shape of one sample.

    Call arguments:
        inputs: tensor `(batch, ...)`, read for its batch size only.

    Returns:
        Float tensor `(batch, *shape)`, equal rows.

    Raises:
        TypeError, ValueError: `shape` holds no positive integers.

    Example:
    >>> LearnedConstant((4, 4, 8))(ops.zeros((2, 16))).shape
    TensorShape([2, 4, 4, 8])

    Reference: Karras et al., arXiv 1812.04948, section 2.
    """

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = check_shape("shape", shape)

    def build(self, input_shape):
        self.constant = self.add_weight(
            shape=self.shape,
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="constant",
        )

    def call(self, inputs):
        constant = ops.convert_to_tensor(self.constant)
        shape = (ops.shape(inputs)[0], *self.shape)
        return ops.broadcast_to(constant, shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "shape": self.shape}


def stylegan2(
    image_shape=(256, 256, 3),
    latent_dim=512,
    num_classes=None,
    mapping_layers=8,
    channel_base=32768,
    channel_max=512,
    output="skip",
):
    """A mapping network, styles for each convolution, noise for details.

    Choose it for faces and other aligned images, with the loss
    `"non_saturating"`, the penalty `R1` and Adam with beta_1 0. Maps of
    `side` pixels have `min(channel_base / side, channel_max)` channels.
    `keras.Model(generator.input, w)` and `keras.Model(w, generator.output)`
    with `w = generator.get_layer("mean_style").output` are the two halves.

    Args:
        image_shape: `(height, width, channels)`. Height and width must be 4
            to 7 times a power of two, at least 8; any number of channels.
        latent_dim: integer >= 1, length of the latents and of the styles.
        num_classes: integer >= 1 for conditional players, or None.
        mapping_layers: integer >= 1, layers between latents and styles.
        channel_base: integer >= 1, channels times side of the large maps.
        channel_max: integer >= 1, channels of the small maps.
        output: `"skip"`, an image from each resolution, summed; or
            `"residual"`, an image from the last one.

    Returns:
        `(generator, discriminator)`, functional models; images without
        bounds, logits `(batch, 1)`. Conditional ones take
        `[latents, labels]` and `[image, labels]`, with integer labels
        `(batch, 1)`.

    Raises:
        TypeError, ValueError: a size or `output` does not fit.

    Example:
    >>> generator, discriminator = stylegan2(
    ...     (16, 16, 3), latent_dim=8, mapping_layers=2, channel_max=8
    ... )
    >>> generator.output_shape, discriminator.output_shape
    ((None, 16, 16, 3), (None, 1))

    Reference: Karras et al., arXiv 1912.04958, config F; labels as in arXiv
    2006.06676, whose discriminator maps them by 8 layers, here by a table.
    There upsampling is part of a convolution, here it comes before; no style
    mixing.
    """
    height, width, channels = check_image_shape(image_shape)
    stages = num_stages(image_shape)
    sizes = {
        "latent_dim": latent_dim,
        "mapping_layers": mapping_layers,
        "channel_base": channel_base,
        "channel_max": channel_max,
    }
    if num_classes is not None:
        sizes["num_classes"] = num_classes
    for name, size in sizes.items():
        check_integer(name, size, minimum=1)
    if output not in OUTPUTS:
        raise ValueError(
            f"`output` must be one of {OUTPUTS}. Received: output={output!r}"
        )
    base = (height >> stages, width >> stages)
    sides = [max(base) << stage for stage in range(stages + 1)]
    widths = [max(1, min(channel_base // s, channel_max)) for s in sides]
    inputs, styles = mapping(latent_dim, num_classes, mapping_layers)
    fake = synthesis(styles, base, widths, channels, output)
    return (
        keras.Model(inputs, fake, name="generator"),
        stylegan2_discriminator((height, width, channels), widths, num_classes),
    )


def mapping(latent_dim, num_classes, mapping_layers):
    """Latents to styles, followed by their average."""
    latents, labels, inputs = conditional_inputs(
        keras.Input((latent_dim,), name="latents"), num_classes
    )
    x = PixelNorm()(latents)
    if labels is not None:
        code = class_code(labels, num_classes, latent_dim)
        x = layers.Concatenate()([x, code])
    for _ in range(mapping_layers):
        x = EqualizedDense(
            latent_dim, activation=scaled_leaky_relu, lr_multiplier=0.01
        )(x)
    return inputs, MeanStyle(name="mean_style")(x)


def synthesis(styles, base, widths, channels, output):
    """Styles to an image."""

    def to_image(x):
        return ModulatedConv2D(channels, 1, demodulate=False)([x, styles])

    x = LearnedConstant((*base, widths[0]))(styles)
    x = styled(x, styles, widths[0])
    image = to_image(x) if output == "skip" else None
    for filters in widths[1:]:
        x = Upsample()(x)
        y = styled(styled(x, styles, filters), styles, filters)
        if output == "skip":
            image = layers.Add()([Upsample()(image), to_image(y)])
        else:
            y = merged(y, EqualizedConv2D(filters, 1, use_bias=False)(x))
        x = y
    image = to_image(x) if image is None else image
    return layers.Activation("linear", dtype="float32")(image)


def styled(x, styles, filters):
    """A convolution that a style scales, noise, leaky ReLU."""
    x = NoiseInjection()(ModulatedConv2D(filters, 3)([x, styles]))
    return layers.Activation(scaled_leaky_relu)(x)


def stylegan2_discriminator(image_shape, widths, num_classes):
    """An image to one logit, through residual blocks."""
    image, labels, inputs = conditional_inputs(
        keras.Input(image_shape, name="image"), num_classes
    )
    x = EqualizedConv2D(widths[-1], 1, activation=scaled_leaky_relu)(image)
    for filters in reversed(widths[:-1]):
        y = EqualizedConv2D(x.shape[-1], 3, activation=scaled_leaky_relu)(x)
        # Both branches are read half a pixel after each second pixel.
        y = layers.ZeroPadding2D(((1, 0), (1, 0)))(BlurPool(BLUR, 1)(y))
        y = EqualizedConv2D(
            filters, 3, 2, padding="valid", activation=scaled_leaky_relu
        )(y)
        small = BlurPool(BLUR)(x)
        shortcut = EqualizedConv2D(filters, 1, use_bias=False)(small)
        x = merged(y, shortcut)
    x = MinibatchStd(4)(x)
    x = EqualizedConv2D(widths[0], 3, activation=scaled_leaky_relu)(x)
    x = EqualizedDense(widths[0], activation=scaled_leaky_relu)(
        layers.Flatten()(x)
    )
    if labels is None:
        logits = EqualizedDense(1, dtype="float32")(x)
    else:
        features = EqualizedDense(widths[0], dtype="float32")(x)
        code = class_code(labels, num_classes, widths[0])
        dot = layers.Dot(axes=1, dtype="float32")([features, code])
        scale = 1.0 / math.sqrt(widths[0])
        logits = layers.Rescaling(scale, dtype="float32")(dot)
    return keras.Model(inputs, logits, name="discriminator")


def merged(x, shortcut):
    """The sum of two branches, at the variance of one."""
    return layers.Rescaling(HALF)(layers.Add()([x, shortcut]))


def class_code(labels, num_classes, units):
    """One vector of mean square 1 a class."""
    embedding = layers.Embedding(
        num_classes,
        units,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0),
        dtype="float32",
    )
    return PixelNorm(dtype="float32")(
        layers.Flatten(dtype="float32")(embedding(labels))
    )
