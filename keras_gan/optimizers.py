"""The two players' optimizers, as Keras and its callbacks see them."""

import keras


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

    Raises:
        TypeError: one of them is no optimizer.
        ValueError: both are one object, or one trains something else.
    """

    built = True
    use_ema = False

    def __init__(self, d_optimizer, g_optimizer, discriminator, generator):
        if d_optimizer is g_optimizer and not isinstance(d_optimizer, str):
            raise ValueError(
                "`d_optimizer` and `g_optimizer` must be two objects, each "
                "keeps the state of its player. Received: the same object, "
                f"{d_optimizer!r}"
            )
        self.optimizers = [
            player_optimizer(d_optimizer, "discriminator", discriminator),
            player_optimizer(g_optimizer, "generator", generator),
        ]

    @property
    def iterations(self):
        """The generator's number of steps."""
        return self.optimizers[1].iterations

    @property
    def variables(self):
        """Variables of both optimizers."""
        return [v for optimizer in self.optimizers for v in optimizer.variables]


def player_optimizer(identifier, role, player):
    """The optimizer of one player, named after it and built for it.

    Args:
        identifier: a Keras optimizer, or a name such as `"adam"`.
        role: `"discriminator"` or `"generator"`.
        player: the model that it trains.

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
    identifier = scaled_where_needed(identifier, player)
    if not identifier.built:
        identifier.build(variables)
    elif not trains(identifier, variables):
        raise ValueError(
            f"`{argument}` already trains other variables. Give each player "
            "of each model an optimizer of its own. "
            f"Received: {argument}={identifier!r}"
        )
    identifier.name = role
    return identifier


def trains(optimizer, variables):
    """Whether a built optimizer was built for exactly these variables."""
    built_for = optimizer._trainable_variables
    return [id(v) for v in built_for] == [id(v) for v in variables]


def scaled_where_needed(optimizer, player):
    """The optimizer, with dynamic loss scaling for a float16 player."""
    policies = {layer.dtype_policy.name for layer in player.layers}
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if "mixed_float16" in policies and not scales:
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
