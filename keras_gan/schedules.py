"""Values that move with the images seen.

A schedule stands where a number would: as the `weight` of a penalty, the
`probability` of an augmentation, the `ema_half_life` of a GAN, the learning
rate of any optimizer or the betas of `keras_gan.optimizers.Adam`. The model
counts the real samples it has seen, one batch a step however often each
player moves, saves the count, and every schedule reads it within the step.
"""

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_number


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """What a schedule looks like; subclass it to write your own.

    A subclass implements `__call__(step)` with operations of `keras.ops` and
    `get_config`. In a GAN, `step` is the number of images seen; in an
    optimizer without a GAN it is the optimizer's own step.

    Call arguments:
        step: number or scalar tensor >= 0.

    Returns:
        Float32 scalar tensor.

    Example:
    >>> class Halving(Schedule):
    ...     def __call__(self, step):
    ...         return ops.power(0.5, ops.cast(step, "float32") / 1000.0)
    >>> float(Halving()(2000))
    0.25
    """

    def limits(self):
        """Smallest and largest value, or None where they are unknown."""
        return None

    def get_config(self):
        """Constructor arguments; none by default."""
        return {}


@keras.saving.register_keras_serializable("keras_gan")
class Constant(Schedule):
    """The same value throughout; for a list of schedules that needs one.

    Args:
        value: float.

    Raises:
        TypeError: `value` is no number.
        ValueError: `value` is not finite.

    Example:
    >>> float(Constant(0.5)(1_000_000))
    0.5
    """

    def __init__(self, value):
        check_number("value", value, minimum=-np.inf)
        self.value = value

    def __call__(self, step):
        """The value."""
        return ops.convert_to_tensor(self.value, "float32")

    def limits(self):
        """Smallest and largest value."""
        return self.value, self.value

    def get_config(self):
        """Constructor arguments."""
        return {"value": self.value}


@keras.saving.register_keras_serializable("keras_gan")
class Linear(Schedule):
    """A straight line from one value to another, then level.

    `start + (end - start) * t`, `t = min(step / duration, 1)`.

    Args:
        start: float, value at step 0.
        end: float, value from `duration` on.
        duration: integer >= 1, in images seen.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of range.

    Example:
    >>> float(Linear(1.0, 0.0, duration=1000)(250))
    0.75
    """

    def __init__(self, start, end, duration):
        check_number("start", start, minimum=-np.inf)
        check_number("end", end, minimum=-np.inf)
        check_integer("duration", duration, minimum=1)
        self.start = start
        self.end = end
        self.duration = duration

    def __call__(self, step):
        """The value after `step` images."""
        return self.start + (self.end - self.start) * self.way(step)

    def way(self, step):
        """Share of the way from `start` to `end`, in [0, 1]."""
        return ops.minimum(ops.cast(step, "float32") / self.duration, 1.0)

    def limits(self):
        """Smallest and largest value."""
        return min(self.start, self.end), max(self.start, self.end)

    def get_config(self):
        """Constructor arguments."""
        return {
            "start": self.start,
            "end": self.end,
            "duration": self.duration,
        }


@keras.saving.register_keras_serializable("keras_gan")
class CosineBurnIn(Linear):
    """Half a cosine from one value to another, then level.

    `end + (start - end) * (1 + cos(pi * t)) / 2`, `t = min(step / duration,
    1)`. The schedule of R3GAN for everything: learning rate, penalty weight,
    Adam's beta_2, half-life and augmentation over the first 20 % or so of
    the images.

    Args:
        start: float, value at step 0.
        end: float, value from `duration` on.
        duration: integer >= 1, in images seen.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of range.

    Example:
    >>> round(float(CosineBurnIn(1.0, 0.1, duration=1000)(500)), 6)
    0.55

    Reference: Huang et al., arXiv 2501.05441, appendix (table 9).
    """

    def way(self, step):
        """Share of the way from `start` to `end`, in [0, 1]."""
        return (1.0 - ops.cos(np.pi * super().way(step))) / 2.0


@keras.saving.register_keras_serializable("keras_gan")
class Step(Schedule):
    """Level pieces: `values[k]` once `k` boundaries are reached.

    Args:
        values: list of floats, one more than there are boundaries.
        boundaries: list of increasing integers >= 1, in images seen. At a
            boundary the next value holds already.

    Raises:
        TypeError: an entry is no number.
        ValueError: an entry is out of range, or the lengths do not fit.

    Example:
    >>> steps = Step([1.0, 0.5, 0.1], boundaries=[1000, 2000])
    >>> [round(float(steps(n)), 6) for n in (999, 1000, 5000)]
    [1.0, 0.5, 0.1]
    """

    def __init__(self, values, boundaries):
        for name, given in (("values", values), ("boundaries", boundaries)):
            if not isinstance(given, (list, tuple)):
                raise TypeError(
                    f"`{name}` must be a list. Received: {name}={given!r}"
                )
        values, boundaries = list(values), list(boundaries)
        for value in values:
            check_number("values", value, minimum=-np.inf)
        for boundary in boundaries:
            check_integer("boundaries", boundary, minimum=1)
        if boundaries != sorted(set(boundaries)):
            raise ValueError(
                f"`boundaries` must increase. Received: boundaries={boundaries}"
            )
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                "`values` needs one entry more than `boundaries`. "
                f"Received: values={values}, boundaries={boundaries}"
            )
        self.values = values
        self.boundaries = boundaries

    def __call__(self, step):
        """The value after `step` images."""
        boundaries = ops.convert_to_tensor(self.boundaries, "int64")
        passed = ops.cast(step, "int64") >= boundaries
        index = ops.sum(ops.cast(passed, "int32"))
        return ops.take(ops.convert_to_tensor(self.values, "float32"), index)

    def limits(self):
        """Smallest and largest value."""
        return min(self.values), max(self.values)

    def get_config(self):
        """Constructor arguments."""
        return {"values": self.values, "boundaries": self.boundaries}


@keras.saving.register_keras_serializable("keras_gan")
class Counted(Schedule):
    """A schedule that reads its step off a counter; the model makes them.

    In files it is the schedule itself: the model that loads it has a counter
    of its own.

    Args:
        schedule: `Schedule`.
        counter: integer scalar variable.

    Example:
    >>> counter = keras.Variable(250, dtype="int64")
    >>> float(Counted(Linear(1.0, 0.0, 1000), counter)())
    0.75
    """

    def __init__(self, schedule, counter=None):
        self.schedule = schedule
        self.counter = counter

    def __call__(self, step=None):
        """The value now; `step` is that of an optimizer and is not used."""
        return self.schedule(self.counter)

    def limits(self):
        """Smallest and largest value."""
        return self.schedule.limits()

    def get_config(self):
        """The schedule, without the counter."""
        return {"schedule": self.schedule}

    @classmethod
    def from_config(cls, config):
        """The schedule without a counter."""
        return keras.saving.deserialize_keras_object(config["schedule"])


def check(name, value, minimum, maximum=np.inf):
    """Raises unless `value` is a number within the limits, or a schedule.

    Args:
        name: name of the argument, for the message.
        value: what the user passed.
        minimum: smallest value allowed.
        maximum: largest value allowed.

    Raises:
        TypeError: neither a number nor a schedule.
        ValueError: out of range, at some step in the case of a schedule.
    """
    if not isinstance(value, Schedule):
        check_number(name, value, minimum, maximum)
        return
    for limit in value.limits() or ():
        check_number(name, limit, minimum, maximum)


def value(setting):
    """What a number or a bound schedule is at this moment.

    A schedule that no model has bound yet is read at step 0.

    Args:
        setting: number or schedule.

    Returns:
        The number, or a float32 scalar tensor.
    """
    if isinstance(setting, Counted):
        return setting()
    return setting(0) if isinstance(setting, Schedule) else setting


def bind(thing, counter):
    """Lets every schedule among the attributes of `thing` read `counter`.

    Args:
        thing: a penalty, an optimizer, a layer.
        counter: integer scalar variable.

    Raises:
        ValueError: one of them reads another model's counter already.
    """
    for attribute, setting in list(getattr(thing, "__dict__", {}).items()):
        if isinstance(setting, Counted) and setting.counter is not counter:
            raise ValueError(
                "An object with a schedule belongs to one model. Received: "
                f"{thing!r}, whose {attribute!r} another model counts for"
            )
        if isinstance(setting, Schedule) and not isinstance(setting, Counted):
            setattr(thing, attribute, Counted(setting, counter))
