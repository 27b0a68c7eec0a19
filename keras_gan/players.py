"""What two models must satisfy to play, and the average of one of them."""

import contextlib

import keras
from keras import ops
from keras import tree

from keras_gan.layer_walk import leaves
from keras_gan.layer_walk import take_weights
from keras_gan.layer_walk import without_frozen
from keras_gan.replicas import check_scope

SQUASHING = (keras.activations.sigmoid, keras.activations.softmax)


def input_spec(generator, latents=None):
    """Symbolic input of the generator, one tensor or a list of them.

    Args:
        generator: Keras model.
        latents: latent sampler, asked when the generator is a subclassed
            model that does not know its input.

    Returns:
        `keras.KerasTensor`, or a list of them, with a free batch axis.

    Raises:
        ValueError: neither of them tells the shape.
    """
    inputs = getattr(generator, "inputs", None)
    if inputs is None and latents is not None:
        inputs = [latents(1, seed=0)]
    if inputs is None:
        raise ValueError(
            "The generator does not tell its input shape. Start it with "
            "keras.Input, or pass `latents`, for example "
            "latents=keras_gan.latents.Normal((64,)). "
            f"Received: generator={generator!r}"
        )
    specs = [
        keras.KerasTensor((None, *x.shape[1:]), dtype=x.dtype) for x in inputs
    ]
    return specs[0] if len(specs) == 1 else specs


def check_players(generator, discriminator):
    """Raises if one of the players is no Keras model, or both are one."""
    players = {"generator": generator, "discriminator": discriminator}
    for name, player in players.items():
        if not isinstance(player, keras.Model):
            raise TypeError(
                f"`{name}` must be a Keras model. Received: {name}={player!r}"
            )
        check_scope(name, player)
    if generator is discriminator:
        raise ValueError(
            "`generator` and `discriminator` must be two models. "
            f"Received: the same object, {generator!r}"
        )


def check_unconditional(generator, discriminator):
    """Raises if a player takes more than latents or samples."""
    shapes = {
        f"{name} input shapes": [
            tuple(x.shape[1:]) for x in getattr(player, "inputs", None) or ()
        ]
        for name, player in (
            ("generator", generator),
            ("discriminator", discriminator),
        )
    }
    if any(len(found) > 1 for found in shapes.values()):
        received = ", ".join(f"{k}={v}" for k, v in shapes.items())
        raise ValueError(
            "The players take labels or another condition, which plain GAN "
            "does not give them: use keras_gan.ConditionalGAN, or players of "
            "one input each, such as those without `num_classes`. "
            f"Received: {received}"
        )


def check_fit(fake, discriminator, packing=1):
    """Raises if the discriminator does not take what the generator gives.

    Args:
        fake: symbolic output of the generator.
        discriminator: Keras model.
        packing: integer, samples that it takes as one, by the last axis.
    """
    inputs = getattr(discriminator, "inputs", None)
    # Of other models it is not known which layer comes last.
    last = discriminator.layers[-1] if inputs is not None else None
    if getattr(last, "activation", None) in SQUASHING:
        raise ValueError(
            "The discriminator must end in logits, without a sigmoid: losses "
            "have it inside. "
            f"Received: activation={last.activation.__name__!r} of {last!r}"
        )
    if not isinstance(fake, keras.KerasTensor):
        raise ValueError(
            "The generator must give one tensor. "
            f"Received: generator output={fake!r}"
        )
    *sizes, channels = fake.shape
    if packing > 1:
        fake = keras.KerasTensor((*sizes, packing * channels), fake.dtype)
    if inputs is not None and not same_shape(fake, inputs[0]):
        raise ValueError(
            "The generator's samples do not fit the discriminator: the order "
            "is GAN(generator, discriminator). Expected: samples of shape "
            f"{tuple(inputs[0].shape[1:])}, the discriminator's input. "
            f"Received: generator output shape={tuple(fake.shape[1:])}"
        )


def check_real(real, fake):
    """Raises if a batch of real samples is nothing the players can take.

    Args:
        real: tensor, the batch.
        fake: symbolic output of the generator.
    """
    dtype = keras.backend.standardize_dtype(real.dtype)
    if "float" not in dtype:
        raise ValueError(
            "Real samples must be floats in the range of the generator's "
            "output, [-1, 1] after tanh: cast and scale them, for example "
            f"x / 127.5 - 1. Received: dtype={dtype}"
        )
    if not same_shape(real, fake):
        raise ValueError(
            "Real samples must have the shape of the generator's samples, "
            f"(batch, {', '.join(map(str, fake.shape[1:]))}). "
            f"Received: real samples of shape={tuple(real.shape)}"
        )


def check_augment(augment):
    """Raises unless `augment` is a layer or None."""
    if augment is not None and not isinstance(augment, keras.layers.Layer):
        raise TypeError(
            "`augment` must be a Keras layer or None. "
            f"Received: augment={augment!r}"
        )
    check_scope("augment", augment)


def check_latents(latents, spec):
    """Raises if a sampler does not give what the generator takes.

    Args:
        latents: callable `(batch_size, seed)`.
        spec: symbolic input of the generator.
    """
    if not callable(latents):
        raise TypeError(
            "`latents` must be a callable (batch_size, seed), such as "
            f"keras_gan.latents.Normal((64,)). Received: latents={latents!r}"
        )
    drawn = latents(1, seed=0)
    if not hasattr(drawn, "shape"):
        raise TypeError(
            "`latents` must give a tensor (batch_size, ...). "
            f"Received: latents(1, seed=0) of type {type(drawn).__name__}"
        )
    if not same_shape(drawn, spec):
        raise ValueError(
            "`latents` must have the shape of the generator's input, "
            f"{tuple(spec.shape[1:])}. "
            f"Received: latents of shape={tuple(drawn.shape[1:])}"
        )


def real_samples(data, fake):
    """The real samples of a batch, in float32.

    Args:
        data: `x`, `(x, y)`, `(x, y, sample_weight)`; `x` may be a dict with
            the key `"image"`.
        fake: symbolic output of the generator.

    Returns:
        Float32 tensor `(batch, ...)`.

    Raises:
        ValueError: nothing that the players can take.
    """
    x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
    if isinstance(x, dict) and "image" not in x:
        raise ValueError(
            "A batch that is a dict must hold the real samples under the key "
            f"'image'. Received: keys={sorted(x)}"
        )
    x = x["image"] if isinstance(x, dict) else x
    check_real(x, fake)
    return ops.cast(x, "float32")


def given_labels(data):
    """Labels of a batch, its `y` or what it holds as `"label"`, or None."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    if y is None and isinstance(x, dict):
        return x.get("label")
    return y


def row_weights(data):
    """Sample weights `(batch,)` of a batch, or 1 where it has none."""
    _, _, weights = keras.utils.unpack_x_y_sample_weight(data)
    if weights is None:
        return 1.0
    if len(weights.shape) > 2 or weights.shape[1:] not in ((), (1,)):
        raise ValueError(
            "Sample weights must be one number a sample, (batch,). "
            f"Received: sample_weight of shape={tuple(weights.shape)}"
        )
    return ops.cast(ops.reshape(weights, (-1,)), "float32")


def same_shape(x, y):
    """Whether two samples can be alike, free axes counted as equal."""
    return len(x.shape) == len(y.shape) and all(
        a is None or b is None or a == b
        for a, b in zip(x.shape[1:], y.shape[1:])
    )


def paired(x, condition):
    """A player's input: `x` alone, or `[x, condition]`.

    Where `x` holds several batches, as in a penalty on real samples and
    fakes, the condition is repeated to match.
    """
    if condition is None:
        return x

    def repeat(part):
        times = ops.shape(x)[0] // ops.shape(part)[0]
        return ops.tile(part, [times] + [1] * (len(part.shape) - 1))

    return [x, *tree.flatten(tree.map_structure(repeat, condition))]


def averaged_copy(generator, spec):
    """A frozen copy of the generator, with the same weights.

    Args:
        generator: Keras model, built.
        spec: its symbolic input.

    Returns:
        Keras model whose variables have their own paths, below `averaged/`.
    """
    with keras.name_scope("averaged"):
        copy = keras.models.clone_model(generator)
        copy(spec)
    take_weights(copy, generator)
    copy.trainable = False
    return copy


def coupling_layer(discriminator):
    """The first layer that lets the samples of a batch touch each other.

    Args:
        discriminator: Keras model.

    Returns:
        Keras layer, or None.
    """
    for layer in leaves(discriminator):
        batch_norm = isinstance(layer, keras.layers.BatchNormalization)
        # One that is frozen takes its moving statistics.
        couples = batch_norm and layer.trainable
        if couples or getattr(layer, "couples_samples", False):
            return layer
    return None


@contextlib.contextmanager
def unmoved(player):
    """Puts back the moving statistics of a player after the other's half."""
    statistics = without_frozen(player.non_trainable_weights, player)
    before = [ops.copy(variable) for variable in statistics]
    yield
    for variable, value in zip(statistics, before):
        variable.assign(value)


def follow(averaged, generator, keep):
    """Moves an averaged copy towards the generator.

    Every floating point weight, moving statistics included, becomes
    `keep * averaged + (1 - keep) * generator`; others are copied. Frozen ones
    are left out: they were copied where training started.

    Args:
        averaged: model made by `averaged_copy`.
        generator: Keras model.
        keep: float scalar tensor in [0, 1].
    """
    pairs = zip(
        without_frozen(averaged.weights, averaged),
        without_frozen(generator.weights, generator),
    )
    for mean, value in pairs:
        if "float" in keras.backend.standardize_dtype(value.dtype):
            change = ops.cast(1.0 - keep, value.dtype)
            mean.assign(mean + change * (value - mean))
        else:
            mean.assign(value)
