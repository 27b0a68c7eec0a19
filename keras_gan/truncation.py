"""Less variety for better samples: truncation in the latents or the styles.

A generator with a layer that has a method `truncate(styles, truncation)`,
such as `keras_gan.layers.MeanStyle`, is truncated there; any other one by a
factor on its latents.
"""

import weakref

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from keras import tree

from keras_gan.layer_walk import leaves
from keras_gan.replicas import spans_processes

# By generator, for as long as it lives: a split adds nodes to its layers and
# is traced by `predict`. Not an attribute, which files would hold.
SPLITS = weakref.WeakKeyDictionary()


def split_at_styles(generator):
    """A generator's two parts and the layer between them, if it has one.

    The parts share the generator's layers. They are made at the first call.

    Args:
        generator: Keras model.

    Returns:
        `(mapping, layer, synthesis)`: the model from the latents to the
        output of the layer, the layer, the model from there to samples. None
        without such a layer.

    Raises:
        ValueError: the layer is there, but not the only way to the samples.
    """
    found = [x for x in leaves(generator) if hasattr(x, "truncate")]
    if not found:
        return None
    if generator not in SPLITS:
        SPLITS[generator] = split(generator, found[0])
    return SPLITS[generator]


def split(generator, layer):
    """The parts before and behind a layer of a generator, and the layer."""
    try:
        mapping = keras.Model(generator.input, layer.output)
        synthesis = keras.Model(layer.output, generator.output)
    except (AttributeError, ValueError) as error:
        raise ValueError(
            "A generator is truncated at its layer "
            f"{layer.name!r}; that needs a functional model which holds "
            "the layer itself, as the only way from its inputs to its "
            f"samples. Received: generator={generator!r}"
        ) from error
    return mapping, layer, synthesis


def scaled(inputs, factor, num_codes=0):
    """Latents times a factor; codes at their end, and labels, stay."""
    if isinstance(inputs, list):
        return [scaled(inputs[0], factor, num_codes), *inputs[1:]]
    if not num_codes:
        return inputs * factor
    noise, codes = inputs[:, :-num_codes], inputs[:, -num_codes:]
    return ops.concatenate([noise * factor, codes], axis=1)


def sampler(generator, num_codes=0):
    """A function `(inputs, truncation)` to samples, for graphs.

    Args:
        generator: Keras model.
        num_codes: integer, numbers at the end of the latents that a factor
            leaves as they are.

    Returns:
        Callable; the truncation may be a tensor.
    """
    parts = split_at_styles(generator)
    if parts is None:
        return lambda inputs, t: generator(
            scaled(inputs, t, num_codes), training=False
        )
    mapping, layer, synthesis = parts

    def sample(inputs, truncation):
        styles = mapping(inputs, training=False)
        return synthesis(layer.truncate(styles, truncation), training=False)

    return sample


def predict(generator, inputs, truncation, batch_size, num_codes=0):
    """Samples as NumPy, some at once.

    Args:
        generator: Keras model.
        inputs: latents `(n, *latent_shape)`, or a list of them and labels.
        truncation: float >= 0.
        batch_size: integer >= 1.
        num_codes: integer, as for `sampler`.

    Returns:
        NumPy array `(n, ...)`.
    """
    parts = None if truncation == 1.0 else split_at_styles(generator)
    if parts is None:
        latents = scaled(inputs, truncation, num_codes)
        return run(generator, latents, batch_size)
    mapping, layer, synthesis = parts
    styles = layer.truncate(run(mapping, inputs, batch_size), truncation)
    return run(synthesis, styles, batch_size)


def run(player, inputs, batch_size):
    """Outputs of a player as NumPy, some rows at once.

    As `predict`, without the data set that it makes of the rows, which takes
    longer than a small player does.

    Args:
        player: Keras model.
        inputs: array or tensor `(n, ...)`, or a list of them.
        batch_size: integer >= 1.

    Returns:
        NumPy array `(n, ...)`, or a list of them.
    """
    strategy = player.distribute_strategy
    if spans_processes(strategy):
        step = alone(player)
    elif strategy.num_replicas_in_sync == 1:
        step = player.predict_on_batch
    else:
        return player.predict(inputs, batch_size=batch_size, verbose=0)
    found = []
    for start in range(0, len(tree.flatten(inputs)[0]), batch_size):
        rows = slice(start, start + batch_size)
        found.append(
            step(tree.map_structure(lambda x, rows=rows: x[rows], inputs))
        )
    return tree.map_structure(lambda *parts: np.concatenate(parts), *found)


def alone(player):
    """What `predict_on_batch` is, for one process of several.

    Keras' own waits for all of them, and one may want samples by itself.
    """
    call = tf.function(lambda x: player(x, training=False), autograph=False)
    return lambda x: tree.map_structure(lambda y: y.numpy(), call(x))
