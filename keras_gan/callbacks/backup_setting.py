"""Whether a backup is of a run like this one."""

import json
import logging
import platform

import keras
import numpy as np
import tensorflow as tf

from keras_gan.layer_walk import leaves
from keras_gan.version import __version__

FACTS = {
    **dict.fromkeys(("epoch", "step"), (int,)),
    "next_batch": (int, type(None)),
    **dict.fromkeys(("ended", "stopped"), (bool,)),
    **dict.fromkeys(("logs", "callbacks", "setting", "choices"), (dict,)),
    "versions": (dict,),
}

PLAYERS = ("generator", "discriminator")
# Given by chance or by what was made before; states are in the backup.
BY_CHANCE = {"name", "seed", "inbound_nodes", "input_layers", "output_layers"}

logger = logging.getLogger(__name__)


def setting(model, steps, data):
    """What must be the same for a backup to fit, by path.

    Args:
        model: compiled `keras_gan.GAN`.
        steps: integer or None, steps of an epoch.
        data: what `fit` trains on.
    """
    position = getattr(data, "position", None)
    found = {
        "model": type(model).__name__,
        "steps an epoch": steps,
        "steps_per_execution": model.steps_per_execution,
        "update": model.update_rule,
        "d_steps": model.d_steps,
        "g_steps": model.g_steps,
        "loss": type(model.adversarial_loss).__name__,
        "penalties": [type(p).__name__ for p in model.penalties],
        "optimizers": [type(o).__name__ for o in model.optimizer.optimizers],
        "jit_compile": bool(model.jit_compile),
    }
    for role in PLAYERS:
        for number, layer in enumerate(leaves(getattr(model, role))):
            found[f"layer {number} of the {role}"] = description(layer)
    found = {**plain(found), "order of the data": position and position.origin}
    return dict(paths(found))


def description(layer):
    """A layer's class and what it was made with, if it can say so."""
    try:
        config = layer.get_config()
    except NotImplementedError:
        config = {}
    return {"class": type(layer).__name__, **config}


def choices(model):
    """What may be another and is told, by path: all else that was chosen.

    Args:
        model: compiled `keras_gan.GAN`.
    """
    given = {n: getattr(model, n) for n in model.constructor_arguments}
    given = {**given, **model.compile_arguments()}
    found = {n: serialized(v) for n, v in given.items() if n not in PLAYERS}
    replicas = model.distribute_strategy.num_replicas_in_sync
    found = {**plain(found), "number of replicas": replicas}
    return {**dict(paths(found)), "seed": model.seed}


def serialized(value):
    """What Keras writes of a value, or the name of its class."""
    if isinstance(value, (list, tuple)):
        return [serialized(part) for part in value]
    try:
        return keras.saving.serialize_keras_object(value)
    except (TypeError, ValueError, NotImplementedError):
        return type(value).__name__


def plain(value):
    """A copy for JSON without what is by chance, as names of layers are."""
    if isinstance(value, dict):
        kept = value.keys() - BY_CHANCE
        return {str(k): plain(v) for k, v in value.items() if k in kept}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    return json.loads(json.dumps(value, default=lambda x: type(x).__name__))


def paths(value, path=""):
    """Pairs of the way to each value in dictionaries and lists, and it."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        yield path, value
        return
    for key, part in parts:
        yield from paths(part, f"{path}/{key}" if path else str(key))


def check_facts(folder, facts):
    """Raises unless a backup says all that is asked of it.

    Args:
        folder: where the backup is, for the message.
        facts: what was read.
    """
    found = facts if isinstance(facts, dict) else {}
    for name, kinds in FACTS.items():
        value = found.get(name, ...)
        negative = isinstance(value, int) and value < 0
        if type(value) not in kinds or negative:
            raise ValueError(
                f"A backup in {str(folder)!r} says what no backup says. "
                f"Received: {name}={value!r}"
            )


def check(folder, told, now):
    """Raises unless two settings are the same.

    Args:
        folder: where the backup is, for the message.
        told: `setting` of the run that made it.
        now: that of this one.
    """
    for name, before, value in differences(told, now):
        raise ValueError(
            f"The backup in {str(folder)!r} is of another run: {name} was "
            f"{before!r}. Received: {name}={value!r}"
        )


def differences(told, now):
    """Names, and the values of two dictionaries, where these differ."""
    for name in [*now, *(told.keys() - now.keys())]:
        values = told.get(name), now.get(name)
        # As text: NaN is what it is.
        if len({json.dumps(value) for value in values}) > 1:
            yield name, *values


def warn_of_other_choices(told, now):
    """Logs what was chosen otherwise, by `choices` of both runs."""
    for difference in differences(told, now):
        logger.warning(
            "The backup was made with %s=%r, now it is %r. What a variable "
            "holds, as learning rates, goes on as in the backup.",
            *difference,
        )


def warn_of_other_orders(course, facts):
    """Logs where the order of the data may not be that of before.

    Args:
        course: what `fit` was given.
        facts: of the backup that it goes on from, or None.
    """
    goes_on = facts is not None and (facts["epoch"] or facts["step"])
    if course.shuffles:
        logger.warning(
            "`fit` shuffles arrays by a state that no backup holds: a resumed "
            "run sees another order. Pass keras_gan.datasets.load(arrays) or "
            "shuffle=False."
        )
    elif goes_on and getattr(course.data, "position", None) is None:
        logger.warning(
            "The data have no `position`, which `map` and the like take from "
            "those of keras_gan.datasets: going on is exact if they come in "
            "the same order in each epoch and run."
        )


def warn_of_other_versions(told):
    """Logs that other versions made a backup."""
    if told != versions():
        logger.warning(
            "The backup was made by other versions, %s; the last bits may "
            "differ.",
            told,
        )


def versions():
    """Versions of what computes."""
    return {
        "keras_gan": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "machine": platform.machine(),
    }
