"""A discriminator on the features of a given network, after Projected GANs."""

import math

import keras
from keras import layers
from keras import tree

from keras_gan.architectures.labels import conditional_inputs
from keras_gan.architectures.r3gan import embedded
from keras_gan.backbones import check_pyramid
from keras_gan.backbones import copied
from keras_gan.checks import check_integer
from keras_gan.layers.frozen import Frozen
from keras_gan.layers.resize import Resize
from keras_gan.layers.spectral_normalization import SpectralNormalization

MIXING = ("none", "channels", "scales")
KERNEL = 4
SLOPE = 0.2


def projected_discriminator(
    pyramid,
    num_classes=None,
    width=64,
    max_width=512,
    scales=4,
    mixing="scales",
):
    """Small heads that judge what a pre-trained network finds in images.

    A discriminator alone: any generator goes with it. Choose it for
    photographs and a network that knows them, where the paper trains up to 40
    times faster; on the bundled clothes it is dearer and worse than `dcgan`'s
    (`benchmarks/backbones.md`). Judge by another network than the backbone.
    Each map of the pyramid is mixed by fixed random convolutions, so that no
    channel can be passed over, halved to the size of the coarsest one, and
    judged there patch by patch, with spectral normalisation. Losses take the
    mean over the patches of all scales. Meant for `"hinge"` without a
    penalty, and with `layers.DiffAugment`.

    Args:
        pyramid: model made by `keras_gan.backbones.pyramid`, which it holds a
            copy of; frozen or fine-tuned as that says.
        num_classes: integer >= 1 for a conditional discriminator, or None.
        width: integer >= 1, channels of the finest map judged; they double
            with each halving.
        max_width: integer >= 1, where the doubling ends.
        scales: integer >= 1, how many of the coarsest maps are judged.
        mixing: `"scales"`: random 1x1 convolutions of each map, then random
            3x3 ones from coarse to fine that add maps up; `"channels"`: the
            former alone; `"none"`: the maps as they are.

    Returns:
        Functional model, images in [-1, 1] to logits `(batch, patches)`. A
        conditional one takes `[image, labels]`, with integer labels
        `(batch, 1)`.

    Raises:
        TypeError, ValueError: an argument does not fit.

    Example:
    >>> from keras_gan import backbones
    >>> from keras_gan.metrics import features
    >>> clothes = backbones.pyramid((28, 28, 1), features.fashion_mnist())
    >>> projected_discriminator(clothes, width=8).output_shape
    (None, 48)

    Reference: Sauer et al., arXiv 2111.01007. There heads have batch
    normalisation; here none, so that samples stay apart, and a 3x3
    convolution at the coarsest size. Random kernels are N(0, 1 / fan_in)
    here. Labels: Miyato & Koyama, arXiv 1802.05637, in each patch.
    """
    check_pyramid(pyramid)
    for name, value in (
        ("width", width),
        ("max_width", max_width),
        ("scales", scales),
    ):
        check_integer(name, value, minimum=1)
    if num_classes is not None:
        check_integer("num_classes", num_classes, minimum=1)
    if mixing not in MIXING:
        raise ValueError(
            f"`mixing` must be one of {MIXING}. Received: mixing={mixing!r}"
        )
    image, labels, inputs = conditional_inputs(
        keras.Input(pyramid.inputs[0].shape[1:], name="image"), num_classes
    )
    maps = tree.flatten(copied(pyramid)(image))[-scales:]

    def filters(stage):
        return min(width << stage, max_width)

    if mixing != "none":
        maps = mixed([x.shape[1:] for x in maps], filters, mixing)(maps)
    height = maps[-1].shape[1]
    logits = [
        judged(x, stage, height, filters, labels, num_classes)
        for stage, x in enumerate(maps)
    ]
    if len(logits) > 1:
        logits = [layers.Concatenate(dtype="float32")(logits)]
    return keras.Model(inputs, logits[0], name="discriminator")


def mixed(shapes, filters, mixing):
    """Fixed random mixtures of maps, a layer of maps of the same sizes."""
    maps = [keras.Input(shape) for shape in shapes]
    found = [random(x, filters(i), 1) for i, x in enumerate(maps)]
    if mixing == "scales":
        found[-1] = random(found[-1], found[-1].shape[-1], 3)
        for i in reversed(range(len(found) - 1)):
            fine, coarse = found[i], found[i + 1]
            coarse = Resize(*fine.shape[1:3])(random(coarse, fine.shape[-1], 1))
            fine = layers.Add()([fine, coarse])
            found[i] = random(fine, fine.shape[-1], 3)
    return Frozen(keras.Model(maps, found), name="mixing")


def random(x, filters, size):
    """A convolution that keeps the variance, as it is drawn."""
    return layers.Conv2D(
        filters,
        size,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            1.0, "fan_in", "untruncated_normal"
        ),
    )(x)


def judged(x, stage, height, filters, labels, num_classes):
    """Logits `(batch, patches)` of one map, halved to a height."""
    while x.shape[1] > height:
        stage += 1
        x = normalized(filters(stage), KERNEL, strides=2, padding="same")(x)
        x = layers.LeakyReLU(SLOPE)(x)
    x = normalized(filters(stage), 3, padding="same")(x)
    x = layers.LeakyReLU(SLOPE)(x)
    units = 1 if labels is None else filters(stage)
    kernel = min(KERNEL, *x.shape[1:3])
    x = normalized(units, kernel, dtype="float32")(x)
    logits = layers.Reshape((-1, units), dtype="float32")(x)
    if labels is None:
        return layers.Flatten(dtype="float32")(logits)
    code = embedded(labels, num_classes, units, 1.0 / math.sqrt(units))
    return layers.Dot(axes=(2, 1), dtype="float32")([logits, code])


def normalized(filters, size, **options):
    """A convolution under spectral normalisation."""
    return SpectralNormalization(layers.Conv2D(filters, size, **options))
