"""What the health of a run is read from, and where it ends."""

import math
from statistics import median
from typing import NamedTuple

ANSWERS = ("warn", "augment", "rates", "penalty", "roll_back", "stop")
NON_FINITE = "non_finite"
MIN_HISTORY = 5
MAX_HISTORY = 25


class Signal(NamedTuple):
    """One value that is watched.

    `threshold` is the last healthy value, `above` whether larger ones are
    alarms, `answers` the ladder from the mildest on, `waits` how many warm-ups
    pass before the signal is judged.
    """

    threshold: float
    above: bool
    answers: tuple
    waits: int
    cause: str
    remedy: str


CALM = ("rates", "penalty", "roll_back", "stop")
RETURN = ("roll_back", "stop")
EXPLODES = "the players diverge: rates too high, or no penalty that holds them"
CALMER = "lower the learning rates; add ZeroCentered, R1 or WGANGP"
COLLAPSE = "mode collapse: many latents give one sample"
SPREAD = (
    "go back; use relativistic with ZeroCentered, MinibatchStd, lower rates"
)
STILL = "a learning rate of 0 or a schedule at its end, or gradients of 0"
UNFREEZE = "look at the learning rate, `trainable` and the loss of the player"

SIGNALS = {
    "d_gradient": Signal(100.0, True, CALM, 0, EXPLODES, CALMER),
    "g_gradient": Signal(100.0, True, CALM, 0, EXPLODES, CALMER),
    "d_gradient_jump": Signal(10.0, True, CALM, 0, EXPLODES, CALMER),
    "g_gradient_jump": Signal(10.0, True, CALM, 0, EXPLODES, CALMER),
    "logit_gap": Signal(100.0, True, CALM, 0, EXPLODES, CALMER),
    "d_accuracy": Signal(
        0.995,
        True,
        ("penalty", *RETURN),
        1,
        "the discriminator has won: fakes are told apart at once",
        "raise the penalty, augment, or lower the discriminator's rate",
    ),
    "d_accuracy_low": Signal(
        0.05,
        False,
        RETURN,
        1,
        "the discriminator is fooled: it learns too slowly or not at all",
        "look at its learning rate and `trainable`; raise d_steps",
    ),
    "held_out_gap": Signal(
        0.5,
        True,
        ("augment", "stop"),
        0,
        "the discriminator knows its training samples by heart",
        "augment by DiffAugment or AdaptiveAugment, more data, or stop",
    ),
    "g_gradient_low": Signal(
        1e-4,
        False,
        RETURN,
        0,
        "the generator learns nothing: the discriminator's slope is 0",
        "non_saturating or relativistic instead of minimax; a penalty",
    ),
    "diversity": Signal(0.1, False, RETURN, 1, COLLAPSE, SPREAD),
    "duplicates": Signal(0.5, True, RETURN, 1, COLLAPSE, SPREAD),
    "class_divergence": Signal(
        0.8,
        True,
        RETURN,
        5,
        "nearly all fakes are of one class",
        "a stronger penalty, lower rates, or a conditional model",
    ),
    "d_moved": Signal(1e-6, False, ("stop",), 0, STILL, UNFREEZE),
    "g_moved": Signal(1e-6, False, ("stop",), 0, STILL, UNFREEZE),
}
NAN_CAUSE = "rates too high, a sample with NaN, or an overflow"
NAN_REMEDY = "look at the data; lower the learning rates, raise the penalty"


def thresholds_of(changes):
    """All thresholds, with the user's in place of the defaults.

    Raises:
        TypeError: they are no dictionary.
        ValueError: one is of no signal.
    """
    if not isinstance(changes, dict):
        raise TypeError(
            "`thresholds` must be a dictionary from signals to numbers. "
            f"Received: thresholds={changes!r}"
        )
    unknown = sorted(set(changes) - set(SIGNALS), key=str)
    if unknown:
        raise ValueError(
            f"`thresholds` knows the signals {', '.join(SIGNALS)}. "
            f"Received: thresholds={changes!r}, unknown: {unknown}"
        )
    return {name: s.threshold for name, s in SIGNALS.items()} | changes


def alarms(values, thresholds, warm_ups):
    """Names of the signals that are out of bounds.

    Args:
        values: dictionary of floats, by signal; others are passed over.
        thresholds: dictionary, by signal; None switches one off.
        warm_ups: float, how many warm-ups have passed.

    Returns:
        List of strings.
    """
    found = []
    for name, signal in SIGNALS.items():
        value, limit = values.get(name), thresholds[name]
        if value is None or limit is None or warm_ups < signal.waits:
            continue
        beyond = value > limit if signal.above else value < limit
        if beyond or math.isnan(value):
            found.append(name)
    return found


def from_logs(logs):
    """What the values that `fit` logs tell."""
    found = {}
    if "d_accuracy" in logs:
        found["d_accuracy"] = found["d_accuracy_low"] = logs["d_accuracy"]
    if "d_real" in logs and "d_fake" in logs:
        found["logit_gap"] = abs(logs["d_real"] - logs["d_fake"])
    return {name: float(value) for name, value in found.items()}


def jumps(values, history):
    """Each gradient norm over the median of those before; remembers it.

    Args:
        values: dictionary with `d_gradient` and `g_gradient`, or without.
        history: dictionary of lists of floats, by signal; grows.

    Returns:
        Dictionary of floats, empty where too few are known.
    """
    found = {}
    for name in ("d_gradient", "g_gradient"):
        if name not in values:
            continue
        before = history.setdefault(name, [])
        if len(before) >= MIN_HISTORY and median(before) > 0:
            found[f"{name}_jump"] = values[name] / median(before)
        if math.isfinite(values[name]):
            history[name] = [*before, values[name]][-MAX_HISTORY:]
    return found
