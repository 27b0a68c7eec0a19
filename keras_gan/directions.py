"""Directions in which a generator changes most, read off its weights."""

import math

import keras
import numpy as np
from keras import ops
from keras import tree

from keras_gan.checks import check_integer
from keras_gan.layers.adain import AdaIN
from keras_gan.layers.modulated_conv import ModulatedConv2D
from keras_gan.truncation import split_at_styles


def directions(gan, count=5):
    """Directions of the latents that change samples most, without training.

    Choose it to find what can be varied, such as pose, size or shade, in a
    generator that begins with a linear layer, as all of
    `keras_gan.architectures` do; `keras_gan.walks.along` shows each. The
    first layer gives `A z + b`, so that a step `n` changes it by `A n`:

        maximise |A n|^2 with |n| = 1:  eigenvectors of A^T A

    those of the largest eigenvalues first. In a generator with styles (see
    `keras_gan.layers.MeanStyle`) they are directions of the styles, and A is
    that of all layers by which styles act, `AdaIN` and `ModulatedConv2D`, on
    top of each other. Codes of `keras_gan.latents.Codes` stay.

    Args:
        gan: `keras_gan.GAN`; the averaged generator is looked at.
        count: integer >= 1, how many; at most the size of the latents.

    Returns:
        Float32 array `(count, *latent_shape)`, or `(count, style_dim)`, unit
        vectors at right angles; the largest entry of each is positive.

    Raises:
        TypeError, ValueError: `count` is out of range, or the generator does
            not begin with a linear layer.

    Example:
    >>> from keras_gan import presets
    >>> directions(presets.mlp((30,), latent_dim=8), count=3).shape
    (3, 8)

    Reference: Shen & Zhou, arXiv 2007.06600. Their program scales the weights
    of each output to length 1, which the paper and we do not.
    """
    generator = gan.averaged_generator
    parts = split_at_styles(generator)
    if parts is None:
        matrix, shape = first_answers(generator)
        matrix[len(matrix) - getattr(gan.latents, "num_codes", 0) :] = 0.0
    else:
        matrix, shape = style_answers(*parts[1:])
    check_integer("count", count, minimum=1, maximum=len(matrix))
    _, vectors = np.linalg.eigh(matrix @ matrix.T)
    found = vectors.T[::-1][:count]
    largest = np.abs(found).argmax(axis=1)
    found = found * np.sign(found[np.arange(count), largest])[:, None]
    return found.reshape(count, *shape).astype("float32")


def first_answers(generator):
    """What each latent adds to the outputs of the first layer it meets.

    Args:
        generator: Keras model.

    Returns:
        Float64 array `(latents, outputs)`, and the shape of one latent.

    Raises:
        ValueError: there is no such layer, or it is not linear up to there.
    """
    inputs = getattr(generator, "inputs", None) or ()
    shape = tuple(inputs[0].shape[1:]) if inputs else ()
    size = math.prod(shape)
    # Nothing, each latent by itself, all of them.
    probes = [np.zeros((1, size)), np.eye(size), [np.linspace(-2, 3, size)]]
    probes = np.concatenate(probes).astype("float32")
    given = [np.zeros((size + 2, *x.shape[1:]), x.dtype) for x in inputs]
    given[:1] = [probes.reshape(-1, *shape)]
    for layer in generator.layers if inputs else ():
        if max((len(w.shape) for w in layer.weights), default=0) > 1:
            met = keras.Model(inputs, layer.input)(given)
            if any(ops.any(x != x[:1]) for x in tree.flatten(met)):
                outputs = np.asarray(bare(layer)(met), "float64")
                outputs = outputs.reshape(size + 2, -1)
                outputs = outputs[1:] - outputs[0]
                check_linear(probes[-1], outputs, layer)
                return outputs[:-1], shape
    raise ValueError(
        "The generator must be a functional model in which latents meet a "
        f"layer with weights. Received: generator={generator!r}"
    )


def bare(layer):
    """A layer without its activation."""
    config = layer.get_config()
    if config.get("activation", "linear") in (None, "linear"):
        return layer
    found = type(layer).from_config({**config, "activation": None})
    found.build(layer.input.shape)
    found.set_weights(layer.get_weights())
    return found


def check_linear(probe, outputs, layer):
    """Raises unless the sum of the answers is the answer to the sum."""
    expected = probe @ outputs[:-1]
    error = np.abs(outputs[-1] - expected).max()
    # Half precision makes a hundredth.
    if not error < 0.05 * np.abs(expected).max():
        raise ValueError(
            "The first layer with weights that latents meet must be linear, "
            "such as Dense, and nothing else may come before. "
            f"Received: layer={layer!r}"
        )


def style_answers(mean_style, synthesis):
    """What each number of a style adds to all scales and shifts.

    Args:
        mean_style: layer that hands the styles on.
        synthesis: Keras model, styles to samples.

    Returns:
        Float64 array `(style_dim, outputs)`, and the shape of one style.

    Raises:
        ValueError: the synthesis has no layers that take styles.
    """
    shape = tuple(mean_style.output.shape[1:])
    layers = [
        layer.affine
        for layer in synthesis._flatten_layers()
        if isinstance(layer, (AdaIN, ModulatedConv2D))
    ]
    if not layers:
        raise ValueError(
            "A generator with styles must use them in layers AdaIN or "
            f"ModulatedConv2D. Received: generator with {synthesis!r}"
        )
    units, zero = np.eye(*shape, dtype="float32"), np.zeros((1, *shape))
    found = [np.asarray(layer(units) - layer(zero)) for layer in layers]
    return np.concatenate(found, axis=1).astype("float64"), shape
