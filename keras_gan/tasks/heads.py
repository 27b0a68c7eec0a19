"""Further outputs of a discriminator, made from its features."""

import keras

from keras_gan import players
from keras_gan.layers.spectral_normalization import SpectralNormalization


def with_heads(discriminator, make_heads, shapes, labels=False):
    """A discriminator that gives more than logits.

    The features are what its last dense layer takes; the new model shares
    all layers with the old one.

    Args:
        discriminator: functional or sequential Keras model; one that has the
            outputs already is given back.
        make_heads: callable, `(logits, features, head)` to the list of
            outputs; `head` puts a dense layer on features, spectrally
            normalised where the last layer is.
        shapes: list of tuples, shapes of the outputs without the batch; None
            where any size will do.
        labels: whether the discriminator may take labels beside the samples,
            as in a projection; what it adds must not depend on them.

    Returns:
        Keras model.

    Raises:
        ValueError: the discriminator takes something else, or has no
            features `(batch, n)`, or a sigmoid or softmax is the end of it.
    """
    outputs = getattr(discriminator, "outputs", None) or ()
    inputs = getattr(discriminator, "inputs", None) or ()
    if not 1 <= len(inputs) <= 1 + labels:
        taken = "samples, or [samples, labels]" if labels else "samples only"
        raise ValueError(
            f"The discriminator must be a functional model that takes {taken}. "
            f"Received: discriminator={discriminator!r}"
        )
    if not fits(outputs, shapes):
        discriminator = extended(discriminator, make_heads, shapes)
    check_logits(discriminator, shapes)
    if labels:
        check_blind(discriminator)
    return discriminator


def extended(discriminator, make_heads, shapes):
    """A new model of the discriminator's layers and further heads."""
    inputs, outputs = discriminator.inputs, discriminator.outputs
    last = last_layer(discriminator)
    # A layer without weights, such as an activation, takes logits already.
    makes_logits = len(outputs) == 1 and last is not None and last.weights
    if not makes_logits or len(last.input.shape) != 2:
        raise ValueError(
            "The discriminator must end in a dense layer, whose input, "
            "features of shape (batch, n) that labels do not reach, is what "
            f"further outputs are made of; or give outputs of shapes {shapes} "
            f"itself. Received: discriminator={discriminator!r} with outputs "
            f"of shapes {[tuple(x.shape[1:]) for x in outputs]}"
        )

    def head(features, units, **options):
        layer = keras.layers.Dense(units, dtype="float32", **options)
        if isinstance(last, SpectralNormalization):
            layer = SpectralNormalization(layer)
        return layer(features)

    found = make_heads(outputs[0], last.input, head)
    inputs = inputs if len(inputs) > 1 else inputs[0]
    return keras.Model(inputs, found, name=discriminator.name)


def check_blind(discriminator):
    """Raises if outputs beside the logits depend on labels."""
    if not is_blind(discriminator, discriminator.outputs[1:]):
        raise ValueError(
            "What the discriminator classifies by must not depend on the "
            "labels, as far as its outer layers tell: only its logits may, as "
            f"by projection. Received: discriminator={discriminator!r}"
        )


def last_layer(discriminator):
    """The dense layer behind the features, or None.

    It gives the logits; where labels are taken too it may give a part of
    them, and labels do not reach its input.
    """
    layers = discriminator.layers[::-1]
    if len(discriminator.inputs) == 1:
        outputs = discriminator.outputs
        return next((x for x in layers if gives_one(x, outputs)), None)
    found = (
        x
        for x in layers
        if takes_features(x) and is_blind(discriminator, x.input)
    )
    return next(found, None)


def takes_features(layer):
    """Whether a layer has weights and takes floats `(batch, n)`."""
    try:
        x = layer.input
    except (AttributeError, ValueError):
        return False
    if isinstance(x, (list, tuple)) or not layer.weights:
        return False
    return len(x.shape) == 2 and not keras.backend.is_int_dtype(x.dtype)


def is_blind(discriminator, outputs):
    """Whether tensors in the model follow from the samples alone."""
    try:
        keras.Model(discriminator.inputs[0], outputs)
    except ValueError:
        return False
    return True


def fits(outputs, shapes):
    """Whether outputs have these shapes."""
    return len(outputs) == len(shapes) and all(
        len(x.shape[1:]) == len(shape)
        and all(b is None or a == b for a, b in zip(x.shape[1:], shape))
        for x, shape in zip(outputs, shapes)
    )


def check_logits(discriminator, shapes):
    """Raises if a sigmoid or softmax gives an output; features may have one."""
    pairs = zip(discriminator.outputs, shapes)
    logits = [x for x, shape in pairs if None not in shape]
    for layer in discriminator.layers:
        activation = getattr(layer, "activation", None)
        if activation in players.SQUASHING and gives_one(layer, logits):
            raise ValueError(
                "The discriminator must give logits, without a sigmoid or "
                "softmax: losses have it inside. Received: "
                f"activation={activation.__name__!r} of layer {layer.name!r}"
            )


def gives_one(layer, outputs):
    """Whether one of the outputs of a model is that of a layer."""
    try:
        return any(layer.output is x for x in outputs)
    except (AttributeError, ValueError):
        return False
