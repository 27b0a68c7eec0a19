"""The two players' optimizers, as Keras and its callbacks see them."""

import contextlib
from functools import partial

import keras
from keras import ops

from keras_gan import schedules
from keras_gan.adam import Adam as Adam
from keras_gan.adam import fuse
from keras_gan.layer_walk import leaves
from keras_gan.layer_walk import without_frozen
from keras_gan.replicas import check_scope
from keras_gan.replicas import num_replicas
from keras_gan.replicas import total


class PlayerOptimizers:
    """What `gan.optimizer` is: both players' optimizers side by side.

    `LearningRateScheduler`, `ReduceLROnPlateau` and `TensorBoard` act on each
    entry of `optimizers`; the log keys are `learning_rate_discriminator` and
    `learning_rate_generator`. The object holds no state of its own, so each
    optimizer is saved once. It trains nothing by itself: `keras_gan.GAN`
    applies each optimizer to its own player.

    Args:
        d_optimizer: the discriminator's Keras optimizer, or its name.
        g_optimizer: the generator's, another object.
        discriminator: Keras model.
        generator: Keras model.
        images_seen: integer variable, what schedules are read at.

    Raises:
        TypeError: one of them is no optimizer.
        ValueError: both are one object, or one trains something else.
    """

    built = True
    use_ema = False

    def __init__(
        self, d_optimizer, g_optimizer, discriminator, generator, images_seen
    ):
        if d_optimizer is g_optimizer and not isinstance(d_optimizer, str):
            raise ValueError(
                "`d_optimizer` and `g_optimizer` must be two objects, each "
                "keeps the state of its player. Received: the same object, "
                f"{d_optimizer!r}"
            )
        # What a player's gradient passes through: the generator's, both.
        self.optimizers = [
            player_optimizer(
                d_optimizer, "discriminator", discriminator, [discriminator]
            ),
            player_optimizer(
                g_optimizer, "generator", generator, [generator, discriminator]
            ),
        ]
        for optimizer in self.optimizers:
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            schedules.bind(inner, images_seen)

    @property
    def iterations(self):
        """The generator's number of steps."""
        return self.optimizers[1].iterations

    @property
    def variables(self):
        """Variables of both optimizers."""
        return [v for optimizer in self.optimizers for v in optimizer.variables]


def player_optimizer(identifier, role, player, path):
    """The optimizer of one player, named after it and built for it.

    Args:
        identifier: a Keras optimizer, or a name such as `"adam"`.
        role: `"discriminator"` or `"generator"`.
        player: the model that it trains.
        path: list of models that the player's gradient passes through.

    Returns:
        A built `keras.optimizers.Optimizer`.

    Raises:
        TypeError: it is no optimizer.
        ValueError: it is unknown, trains nothing or trains another model.
    """
    argument = f"{role[0]}_optimizer"
    if isinstance(identifier, str):
        identifier = keras.optimizers.get(identifier)
    if not isinstance(identifier, keras.optimizers.Optimizer):
        raise TypeError(
            f"`{argument}` must be a Keras optimizer, as in "
            "compile(d_optimizer, g_optimizer). "
            f"Received: {argument}={identifier!r}"
        )
    variables = player.trainable_variables
    if not variables:
        raise ValueError(
            f"The {role} has no trainable variables, so `{argument}` would "
            f"train nothing. Received: {role}={player!r}"
        )
    if identifier.use_ema:
        raise ValueError(
            f"`{argument}` must not average weights: use `ema_half_life` of "
            f"keras_gan.GAN. Received: {argument} with use_ema=True"
        )
    identifier = scaled_where_needed(identifier, path)
    check_replicas(argument, identifier)
    if not identifier.built:
        identifier.build(variables)
    elif not trains(identifier, variables):
        raise ValueError(
            f"`{argument}` already trains other variables. Give each player "
            "of each model an optimizer of its own. "
            f"Received: {argument}={identifier!r}"
        )
    identifier.name = role
    fuse(getattr(identifier, "inner_optimizer", identifier))
    return identifier


def check_replicas(argument, optimizer):
    """Raises where an optimizer cannot serve several replicas.

    Raises:
        ValueError: it was made outside their scope, accumulates gradients, or
            both scales the loss and clips.
    """
    check_scope(argument, optimizer)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    check_scope(argument, inner)
    if num_replicas() == 1:
        return
    for part in {id(o): o for o in (optimizer, inner)}.values():
        if part.gradient_accumulation_steps:
            raise ValueError(
                f"`{argument}` cannot accumulate gradients on several "
                "replicas, which cannot meet inside a condition: use larger "
                "batches. Received: gradient_accumulation_steps="
                f"{part.gradient_accumulation_steps}"
            )
    if inner is not optimizer and clips(inner):
        raise ValueError(
            f"`{argument}` cannot clip under dynamic loss scaling on several "
            "replicas, whose gradients it would clip before they are summed. "
            f"Received: {argument}={clips(inner)}"
        )


def clips(optimizer):
    """By name, what an optimizer clips gradients to."""
    names = "clipnorm", "global_clipnorm", "clipvalue"
    found = {name: getattr(optimizer, name) for name in names}
    return {name: value for name, value in found.items() if value}


def apply(optimizer, gradients, variables, constraints=()):
    """Applies gradients whose sum over the replicas is that of the batch.

    Each variable is then moved to where the constraints allow it.

    Keras clips the gradients of each replica, then sums them. Here the sum is
    clipped; Keras' own clipping finds nothing left to do on its share.
    """
    if num_replicas() > 1 and clips(optimizer):
        gradients = of_known(partial(clipped_share, optimizer), gradients)
    if num_replicas() > 1 and scales(optimizer):
        gradients = of_known(finite_everywhere, gradients)
    optimizer.apply(gradients, variables)
    for constraint in constraints:
        for variable in variables:
            variable.assign(constraint(variable))


def of_known(function, gradients):
    """What a function makes of gradients; those that are None stay so."""
    known = [ops.convert_to_tensor(g) for g in gradients if g is not None]
    found = iter(function(known))
    return [g if g is None else next(found) for g in gradients]


def clipped_share(optimizer, gradients):
    """This replica's part of the gradients' clipped sum."""
    clipped = optimizer._clip_gradients(total(gradients))
    return [gradient / num_replicas() for gradient in clipped]


def scales(optimizer):
    """Whether an optimizer leaves out steps that are not finite."""
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def finite_everywhere(gradients):
    """The gradients, or NaN where another replica's are not all finite.

    Keras asks the first replica whether to leave out a step, and would add
    what overflowed on another one to the weights of all.
    """
    finite = ops.stack([ops.all(ops.isfinite(g)) for g in gradients])
    lost = total(1.0 - ops.cast(ops.all(finite), "float32")) > 0
    return [ops.where(lost, float("nan"), g) for g in gradients]


def trains(optimizer, variables):
    """Whether a built optimizer was built for exactly these variables."""
    built_for = optimizer._trainable_variables
    return [id(v) for v in built_for] == [id(v) for v in variables]


def scaled_where_needed(optimizer, path):
    """The optimizer, with dynamic loss scaling where a gradient is float16."""
    dtypes = {part.compute_dtype for model in path for part in leaves(model)}
    if "float16" in dtypes and not scales(optimizer):
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


@contextlib.contextmanager
def skipped_whole(optimizer, player, penalties):
    """Puts back what a half moves beside the weights if its step is skipped.

    Under dynamic loss scaling an optimizer leaves out a step whose gradients
    are not all finite. Moving statistics and running means have then seen the
    same values, and infinity in a running mean stays there.

    Args:
        optimizer: the optimizer that is applied inside.
        player: the model that it trains.
        penalties: list of callables, those added to the player's loss.
    """
    if not scales(optimizer):
        yield
        return
    state = without_frozen(player.non_trainable_weights, player)
    for penalty in penalties:
        state += getattr(penalty, "variables", ())
    before = [ops.copy(variable) for variable in state]
    steps = ops.copy(optimizer.iterations)
    yield
    applied = ops.not_equal(optimizer.iterations, steps)
    for variable, value in zip(state, before):
        variable.assign(ops.where(applied, variable, value))
