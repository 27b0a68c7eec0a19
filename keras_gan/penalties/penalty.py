"""What a penalty is, and how a model uses several of them."""

import warnings

import keras
from keras import ops

from keras_gan import schedules
from keras_gan.checks import check_integer
from keras_gan.checks import check_name
from keras_gan.layer_walk import leaves
from keras_gan.losses import as_float
from keras_gan.losses import per_sample
from keras_gan.replicas import num_replicas
from keras_gan.seeds import draw_apart

PLAYERS = ("discriminator", "generator")


class Penalty:
    """What a penalty looks like; subclass it to write your own.

    A penalty is added to the loss of one player. It is a callable with a
    `name` (its key in the logs) and a `weight`, which `self.factor` gives at
    the moment of the call. Four attributes may be overridden: `player`, whose
    loss it is added to; `reaches_all`, False for a penalty that is meant
    to move some kernels of its player only, otherwise a kernel that its
    gradient does not reach is an error; `generates`, False for one that never
    runs the generator, which saves time on several replicas; `whole_batch`,
    True for one that asks the other replicas for their samples.

    Args:
        weight: float >= 0, or a schedule of such. Each class says whether
            it multiplies 1/2.
        name: string, key of the logged value.
        every: integer >= 1, the penalty is computed in every k-th update
            only, and multiplied by k. Saves time and costs convergence. On
            several replicas no time is saved where the penalty keeps state,
            or it or a layer of the players looks at the whole batch.

    Call arguments:
        discriminate: callable, samples to logits, augmentation included. In
            a model it also holds `recall(x)` (the logits of `real` or `fake`
            without another pass), `slope(x)` (their gradient in the samples,
            likewise), `latents` (of the fakes), `generate`
            (latents to samples), `generator` and `player` (the model that is
            trained), `condition` (such as labels) and, of a task that
            classifies, `class_logits` (of samples).
        real: float tensor `(batch, ...)` of real samples.
        fake: float tensor of the same shape, from the generator.

    Returns:
        Float tensor `(batch,)`, the weight included.

    Raises:
        ValueError: `weight` is negative or not finite, `every` is below 1.

    Example:
    >>> class Margin(Penalty):
    ...     def __call__(self, discriminate, real, fake):
    ...         return self.factor * ops.relu(discriminate(real)[:, 0] - 1.0)
    >>> margin = Margin(weight=0.5, name="margin")
    >>> margin(lambda x: x, ops.ones((2, 1)) * 3.0, None).numpy().tolist()
    [1.0, 1.0]
    """

    player = "discriminator"
    reaches_all = True
    generates = True
    whole_batch = False

    def __init__(self, weight, name="penalty", every=1):
        schedules.check("weight", weight, minimum=0)
        check_integer("every", every, minimum=1)
        check_name("name", name)
        self.weight = weight
        self.every = every
        self.name = name
        # The model replaces it by its own, so that one state is saved.
        self.seed_generator = None

    @property
    def factor(self):
        """The weight at this moment."""
        return schedules.value(self.weight)

    @property
    def variables(self):
        """State that the model saves; none by default."""
        return []

    def build(self):
        """Makes the state; the model calls it in its strategy's scope."""

    def __call__(self, discriminate, real, fake):
        """The penalty of each sample."""
        raise TypeError(f"{type(self).__name__} must define __call__.")

    def get_config(self):
        """Constructor arguments, serialised."""
        weight = keras.saving.serialize_keras_object(self.weight)
        return {"weight": weight, "every": self.every, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """The penalty that `get_config` describes."""
        return cls(**keras.saving.deserialize_keras_object(config))


def logits_of(discriminate, x):
    """Logits of samples in float32 or wider, known ones without a pass."""
    recall = getattr(discriminate, "recall", discriminate)
    return as_float(recall(x))


def from_step(discriminate, attribute, penalty):
    """What a penalty needs beyond logits, given by a model's step.

    Args:
        discriminate: first argument of the penalty.
        attribute: string, `"latents"`, `"pathway"`, `"player"` or
            `"class_logits"`.
        penalty: the penalty, for the message.

    Raises:
        TypeError: `discriminate` is a plain function.
    """
    if not hasattr(discriminate, attribute):
        raise TypeError(
            f"{type(penalty).__name__} needs `discriminate.{attribute}`, "
            "which keras_gan.GAN gives it in training. "
            f"Received: discriminate={discriminate!r}"
        )
    return getattr(discriminate, attribute)


def name(penalty):
    """The key under which a penalty is logged."""
    return getattr(penalty, "name", None) or penalty.__name__


def player(penalty):
    """The player whose loss a penalty is added to, by name."""
    return getattr(penalty, "player", PLAYERS[0])


def of(penalties, discriminator):
    """The discriminator's penalties, or the generator's."""
    role = PLAYERS[0] if discriminator else PLAYERS[1]
    return [penalty for penalty in penalties if player(penalty) == role]


def values(penalties, discriminate, real, fake, step):
    """Per-sample values of the penalties of one player, by name.

    Args:
        penalties: list of callables.
        discriminate: callable, samples to logits.
        real: float tensor `(batch, ...)`.
        fake: float tensor of the same shape.
        step: integer scalar tensor, number of the player's updates so far.

    Returns:
        Dict of float tensors `(batch,)`.
    """

    def value(penalty):
        found = ops.convert_to_tensor(penalty(discriminate, real, fake))
        if len(found.shape) == 0:
            raise ValueError(
                "A penalty gives one value a sample, (batch,) or (batch, "
                "...); the model takes the mean. "
                f"Received: a scalar from {name(penalty)!r}"
            )
        return per_sample(found)

    def lazy(penalty, every):
        due = ops.equal(step % every, 0)
        if num_replicas() > 1 and meets_replicas(penalty, discriminate):
            return masked(penalty, every, due)
        return ops.cond(
            due,
            lambda: every * value(penalty),
            lambda: ops.zeros((ops.shape(real)[0],)),
        )

    def masked(penalty, every, due):
        # Replicas cannot meet inside a condition: computed always, undone.
        state = [*getattr(penalty, "variables", ()), *discriminate.state()]
        before = [ops.copy(variable) for variable in state]
        result = every * value(penalty)
        for variable, old in zip(state, before):
            variable.assign(ops.where(due, variable, old))
        return ops.where(due, result, 0.0)

    found = {}
    for penalty in penalties:
        every = getattr(penalty, "every", 1)
        found[name(penalty)] = (
            value(penalty) if every == 1 else lazy(penalty, every)
        )
    return found


def meets_replicas(penalty, discriminate):
    """Whether replicas exchange something while a penalty is computed."""
    generates = getattr(penalty, "generates", True)
    if getattr(penalty, "whole_batch", False):
        return True
    has_state = bool(getattr(penalty, "variables", ()))
    return has_state or discriminate.meets_replicas(generates)


def variables(penalties):
    """By name, the state that a penalty keeps, such as running means."""
    return {name(p): getattr(p, "variables", ()) for p in penalties}


def adopt(penalties, seed_generator, images_seen):
    """Gives penalties the model's seeds and counter, and lets them build.

    Raises:
        ValueError: one of them draws from the seeds of another model.
    """
    own = [penalty for penalty in penalties if isinstance(penalty, Penalty)]
    for penalty in own:
        if penalty.seed_generator not in (None, seed_generator):
            raise ValueError(
                "Each model needs penalty objects of its own. Received: "
                f"{penalty!r}, which another model uses"
            )
    for penalty in penalties:
        transform = getattr(penalty, "transform", None)
        draw_apart([transform])
        for part in (penalty, *leaves(transform)):
            schedules.bind(part, images_seen)
    for penalty in own:
        penalty.seed_generator = seed_generator
        if not penalty.variables:
            penalty.build()


def check(penalties):
    """The constraints and the penalties among what `compile` was given.

    Args:
        penalties: list or tuple of callables, some of them Keras constraints.

    Returns:
        List of constraints, list of callables, each with a name.

    Raises:
        TypeError: an entry is not callable, or a class instead of an object.
        ValueError: an entry acts on no player.
    """
    given = [penalties] if callable(penalties) else penalties or ()
    if not isinstance(given, (list, tuple)):
        raise TypeError(
            "`penalties` must be a list of callables. "
            f"Received: penalties={penalties!r}"
        )
    constraint = keras.constraints.Constraint
    constraints = [p for p in given if isinstance(p, constraint)]
    penalties = [p for p in given if not isinstance(p, constraint)]
    for penalty in penalties:
        named = hasattr(penalty, "name") or hasattr(penalty, "__name__")
        if isinstance(penalty, type) or not callable(penalty) or not named:
            raise TypeError(
                "`penalties` must hold callables with a name, such as "
                "keras_gan.penalties.R1(weight=10.0). "
                f"Received: {penalty!r}"
            )
        if player(penalty) not in PLAYERS:
            raise ValueError(
                f"`player` of a penalty must be one of {PLAYERS}. "
                f"Received: player={player(penalty)!r} of {penalty!r}"
            )
    warn_if_lazy(penalties)
    return constraints, penalties


def warn_if_lazy(penalties):
    """Warns where R1 and R2 together are not computed in every update."""
    every = {type(p).__name__: getattr(p, "every", 1) for p in penalties}
    both = max(every.get("R1", 1), every.get("R2", 1))
    both = both if {"R1", "R2"} <= set(every) else 1
    every = max(every.get("ZeroCentered", 1), both)
    if every > 1:
        warnings.warn(
            f"R1 and R2 in every {every}th update only cost convergence: "
            "arXiv 2501.05441, appendix E, saw training fail. Prefer every=1.",
            stacklevel=4,
        )
