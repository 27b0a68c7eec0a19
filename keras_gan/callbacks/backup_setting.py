"""Whether a backup is of a run like this one."""

import json
import logging
import platform

import keras
import tensorflow as tf

from keras_gan.layer_walk import leaves
from keras_gan.version import __version__

FACTS = {
    **dict.fromkeys(("epoch", "step"), (int,)),
    "next_batch": (int, type(None)),
    "ended": (bool,),
    **dict.fromkeys(("logs", "callbacks", "setting", "choices"), (dict,)),
    "versions": (dict,),
}

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
        "order of the data": position and position.origin,
    }
    for role in ("generator", "discriminator"):
        for number, layer in enumerate(leaves(getattr(model, role))):
            found[f"layer {number} of the {role}"] = description(layer)
    return dict(paths(plain(found)))


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
    own = {
        name: getattr(model, name)
        for name in model.constructor_arguments
        if name not in ("generator", "discriminator")
    }
    own = keras.saving.serialize_keras_object(own)
    return dict(paths(plain({**own, **model.get_compile_config()})))


def plain(value):
    """A copy for JSON, without names: a second model has others."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if k != "name"}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
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
    for name in [*now, *(told.keys() - now.keys())]:
        if told.get(name) != now.get(name):
            raise ValueError(
                f"The backup in {str(folder)!r} is of another run: {name} was "
                f"{told.get(name)!r}. Received: {name}={now.get(name)!r}"
            )


def warn_of_other_choices(told, now):
    """Logs what was chosen otherwise, by `choices` of both runs."""
    for name in sorted(told.keys() | now.keys()):
        if told.get(name) != now.get(name):
            logger.warning(
                "The backup was made with %s=%r, now it is %r. What a variable "
                "holds, as learning rates, goes on as in the backup.",
                name,
                told.get(name),
                now.get(name),
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
