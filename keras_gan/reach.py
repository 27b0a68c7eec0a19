"""Refuses to train where a penalty would have no effect.

Some operations have no second derivative, bilinear resizing above all. Below
them the value of a gradient penalty is right while its gradient is missing,
without a word.
"""

from concurrent import futures

import keras
import tensorflow as tf

from keras_gan import gradients
from keras_gan.layer_walk import leaves
from keras_gan.penalties.penalty import name as name_of
from keras_gan.penalties.penalty import player as player_of


def check(gan, real, condition):
    """Raises if the gradient of a penalty does not reach its player.

    Nothing is computed: the penalty is traced once, outside the step.

    Args:
        gan: compiled model.
        real: tensor, a batch of real samples, or its place in a graph.
        condition: what a task gives to the players, or None.

    Raises:
        ValueError: kernels of the player do not feel the penalty.
    """
    guarded = [p for p in gan.penalties if getattr(p, "reaches_all", True)]
    specs = tf.nest.map_structure(
        lambda t: None if t is None else tf.TensorSpec(t.shape, t.dtype),
        (real, condition),
    )
    for penalty in guarded:

        def trace(real, condition, penalty=penalty):
            missing = missed_kernels(gan, penalty, real, condition)
            guilty = swallowing_layers(gan, penalty) if missing else []
            # A generator's penalty may leave part of it alone: path length
            # in the styles does not concern the mapping.
            if guilty or (missing and player_of(penalty) == "discriminator"):
                raise ValueError(message(gan, penalty, missing, guilty))

        trace_apart(trace, *specs)


def trace_apart(function, *specs):
    """Traces a function outside the running step and its replicas.

    In a thread of its own: graphs, tapes and strategies are per thread, and
    `tf.init_scope`, which leaves them too, stops all tapes.
    """
    traced = tf.function(function, autograph=False)
    with futures.ThreadPoolExecutor(1) as executor:
        executor.submit(traced.get_concrete_function, *specs).result()


def missed_kernels(gan, penalty, real, condition):
    """Kernels that should feel a penalty and do not."""
    latents = gan.draw_latents(real)
    fake = gan.synthesize(latents, condition)
    on_generator = player_of(penalty) == "generator"
    player = getattr(gan, player_of(penalty))
    half = gan.half_step(player, condition, latents)

    def value():
        made = half.generate(latents) if on_generator else fake
        return penalty(half, real, made)

    kernels = [v for v in player.trainable_variables if len(v.shape) >= 2]
    if on_generator:
        return gradients.unreached(value, half.generate, latents, kernels)
    return gradients.unreached(value, half, real, kernels)


def swallowing_layers(gan, penalty):
    """The layers that keep the gradient of a penalty."""
    role = player_of(penalty)
    found = [x for x in leaves(getattr(gan, role)) if swallows(x)]
    if gan.augment is not None and role == "discriminator":
        spec = keras.KerasTensor((None, *gan.sample_shape))
        found += [x for x in leaves(gan.augment) if swallows(x, spec)]
    return found


def message(gan, penalty, missing, guilty):
    """What is wrong, where, and what to do."""
    role = player_of(penalty)
    player = getattr(gan, role)
    own = {id(variable) for variable in missing}
    cut_off = [
        layer.name
        for layer in leaves(player)
        if own & {id(variable) for variable in layer.trainable_variables}
    ]
    culprits = ", ".join(f"{x.name!r} ({type(x).__name__})" for x in guilty)
    why = "A layer in between has no second derivative in TensorFlow"
    if guilty:
        why = f"It is swallowed by {culprits}: no second derivative there"
    return (
        f"The gradient of the penalty {name_of(penalty)!r} does not reach "
        f"the kernels of the layers {cut_off}, so it would not train them. "
        f"{why}. Use keras_gan.layers.Upsample and BlurPool, average pooling, "
        "strided convolutions or UpSampling2D(interpolation='nearest') "
        f"instead. Received: {role}={player!r}"
    )


def swallows(layer, spec=None):
    """Whether a layer has a gradient that has none itself."""
    if isinstance(layer, keras.layers.InputLayer):
        return False
    try:
        inputs = layer.input if spec is None else spec
        shapes = tf.nest.map_structure(
            lambda t: tf.TensorSpec((2, *t.shape[1:]), t.dtype), inputs
        )
    except (AttributeError, ValueError):
        return False
    found = []

    def trace(x):
        found.append(gradients.is_differentiable_twice(layer, x))

    trace_apart(trace, shapes)
    return not found[0]
