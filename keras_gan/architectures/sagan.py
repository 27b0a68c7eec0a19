"""Residual players with self-attention, after SAGAN."""

from keras_gan.architectures.dcgan import check_image_shape
from keras_gan.architectures.dcgan import num_stages
from keras_gan.architectures.sn_resnet import check_counts
from keras_gan.architectures.sn_resnet import doubled
from keras_gan.architectures.sn_resnet import num_halvings
from keras_gan.architectures.sn_resnet import resnet_discriminator
from keras_gan.architectures.sn_resnet import resnet_generator
from keras_gan.checks import check_integer

ATTENTION = 32


def sagan(
    image_shape=(128, 128, 3),
    latent_dim=128,
    num_classes=None,
    width=64,
    max_width=1024,
    attention=None,
):
    """Residual networks in which distant parts of an image see each other.

    Spectral normalisation in both players, one layer of self-attention in
    each, by class normalisation and projection with `num_classes`. Choose it
    for images with structure across the whole of them, with the loss
    `"hinge"`; `sn_resnet` costs less. Filters double from the image inwards.

    Args:
        image_shape: `(height, width, channels)`. Height and width must be 4
            to 7 times a power of two, at least 8; any number of channels.
        latent_dim: integer >= 1, length of the latents.
        num_classes: integer >= 1 for conditional players, or None.
        width: integer >= 1, filters of both players next to the image.
        max_width: integer >= 1, where the doubling ends.
        attention: integer, longer side of the feature maps that attention
            sees. Default 32, or the largest below that both players have.

    Returns:
        `(generator, discriminator)`, functional models; images in [-1, 1],
        logits `(batch, 1)`. Conditional ones take `[latents, labels]` and
        `[image, labels]`, with integer labels `(batch, 1)`.

    Raises:
        TypeError, ValueError: a size does not fit.

    Example:
    >>> players = sagan((16, 16, 3), num_classes=10, width=8)
    >>> [player.output_shape for player in players]
    [(None, 16, 16, 3), (None, 1)]

    Reference: Zhang et al., arXiv 1805.08318, whose size is 128 pixels, 1000
    classes. Its formula of attention is used; the authors' code pools keys
    and values.
    """
    height, width_px, channels = check_image_shape(image_shape)
    stages = num_stages(image_shape)
    check_counts(latent_dim, num_classes, max_width)
    check_integer("width", width, minimum=1)
    sides = [max(height, width_px) >> i for i in range(1, stages + 1)]
    if attention is None:
        attention = next(side for side in sides if side <= ATTENTION)
    if attention not in sides:
        raise ValueError(
            f"`attention` must be one of {sides} for {height}x{width_px} "
            f"pixels. Received: attention={attention!r}"
        )
    generator = resnet_generator(
        latent_dim,
        (height >> stages, width_px >> stages),
        doubled(width, stages + 1, max_width),
        channels,
        num_classes,
        spectral=True,
        attention=attention,
    )
    halvings = num_halvings(height, width_px)
    discriminator = resnet_discriminator(
        (height, width_px, channels),
        doubled(width, halvings + 1, max_width),
        halvings,
        num_classes,
        hidden="outputs",
        attention=attention,
    )
    return generator, discriminator
