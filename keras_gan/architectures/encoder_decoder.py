"""A generator from images to images whose encoder is given, after U-Net."""

import keras
from keras import layers
from keras import tree

from keras_gan.backbones import check_pyramid
from keras_gan.backbones import copied
from keras_gan.checks import check_integer
from keras_gan.layers.resize import Resize


def encoder_decoder(
    pyramid, channels=None, width=64, max_width=512, activation="tanh"
):
    """Images to images, through the features of a pre-trained network.

    A generator alone: any discriminator goes with it. Choose it where fakes
    keep the shapes of an image that is given: colours from grey, photographs
    from maps, repair. From the coarsest map upwards, features are enlarged,
    joined with the map of that size and convolved twice; last comes the
    image itself.

    Args:
        pyramid: model made by `keras_gan.backbones.pyramid`, which it holds a
            copy of; frozen or fine-tuned as that says.
        channels: integer >= 1, of the fakes. Default: those of the images.
        width: integer >= 1, filters at the size of the image; they double
            with each map below.
        max_width: integer >= 1, where the doubling ends.
        activation: activation of the output.

    Returns:
        Functional model, images `(batch, height, width, channels)` in
        [-1, 1] to fakes of the same height and width.

    Raises:
        TypeError, ValueError: an argument does not fit.

    Example:
    >>> from keras_gan import backbones
    >>> from keras_gan.metrics import features
    >>> clothes = backbones.pyramid((28, 28, 1), features.fashion_mnist())
    >>> encoder_decoder(clothes, channels=3, width=8).output_shape
    (None, 28, 28, 3)

    Reference: Ronneberger et al., arXiv 1505.04597. There the encoder is
    trained from scratch and maps are cropped; here convolutions are padded,
    enlarging is linear and batch normalisation follows each convolution.
    """
    check_pyramid(pyramid)
    check_integer("width", width, minimum=1)
    check_integer("max_width", max_width, minimum=1)
    if channels is not None:
        check_integer("channels", channels, minimum=1)
    image = keras.Input(pyramid.inputs[0].shape[1:], name="image")
    *skips, x = [image, *tree.flatten(copied(pyramid)(image))]
    for stage, skip in reversed(list(enumerate(skips))):
        x = layers.Concatenate()([Resize(*skip.shape[1:3])(x), skip])
        filters = min(width << stage, max_width)
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(channels or image.shape[-1], 1)(x)
    fake = layers.Activation(activation or "linear", dtype="float32")(x)
    return keras.Model(image, fake, name="generator")
