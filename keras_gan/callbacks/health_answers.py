"""What may be done for a run that is not well, by the model's own means.

Each answer is a function of the model. It returns a sentence that says what
was changed, or None where there is nothing to change.
"""

import numbers

import numpy as np
from keras import ops

from keras_gan.layer_walk import leaves

P_STEP, P_MAX = 0.1, 0.8


def is_number(value):
    """Whether a setting is a plain number: no schedule, no variable."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def augmentations(gan):
    """Layers whose probability is a number: that of others moves itself."""
    return [
        layer
        for layer in leaves(gan.augment)
        if is_number(getattr(layer, "probability", None))
    ]


def weighted(gan):
    """Penalties whose weight is a number above 0."""
    found = [p for p in gan.penalties if is_number(getattr(p, "weight", None))]
    return [penalty for penalty in found if penalty.weight > 0]


def augment(gan):
    """Raises the probability of augmentation by 0.1, up to 0.8."""
    layers = [x for x in augmentations(gan) if x.probability < P_MAX]
    for layer in layers:
        layer.probability = min(P_MAX, round(layer.probability + P_STEP, 6))
    if not layers:
        return None
    # Numbers are constants of the graph.
    gan.make_train_function(force=True)
    return f"augmentation probability {layers[0].probability:g}"


def rates(gan):
    """Halves both learning rates, those that are numbers."""
    done = []
    for name in ("d_optimizer", "g_optimizer"):
        optimizer = getattr(gan, name)
        before = float(ops.convert_to_numpy(optimizer.learning_rate))
        try:
            optimizer.learning_rate = before / 2
        except (TypeError, AttributeError):
            continue  # A schedule, or a function of the user's.
        done.append(f"learning rate of {name} {before / 2:g}")
    return ", ".join(done) or None


def penalty(gan):
    """Doubles the weights of the penalties."""
    found = weighted(gan)
    for rule in found:
        rule.weight = 2 * rule.weight
    if not found:
        return None
    gan.make_train_function(force=True)
    return ", ".join(f"weight of {p.name} {p.weight:g}" for p in found)


def settings(gan):
    """What `augment` and `penalty` move, as plain JSON."""
    return {
        "probabilities": [float(x.probability) for x in augmentations(gan)],
        "weights": [float(p.weight) for p in weighted(gan)],
    }


def restore_settings(gan, found):
    """Gives a model the settings of another session."""
    if found == settings(gan):
        return
    layers, rules = augmentations(gan), weighted(gan)
    for layer, value in zip(layers, found["probabilities"]):
        layer.probability = value
    for rule, value in zip(rules, found["weights"]):
        rule.weight = value
    gan.make_train_function(force=True)


def good_copy(gan):
    """All that training moves as a list, or None if some is not finite."""
    state = gan.running_state().values()
    values = [ops.convert_to_numpy(variable) for variable in state]
    # A sum is not finite if one value is not, and is sooner known.
    finite = all(np.isfinite(np.sum(value)) for value in values)
    return values if finite else None


def restore(gan, values):
    """Gives a model the values of a copy."""
    for variable, value in zip(gan.running_state().values(), values):
        variable.assign(value)


def weights_of(player):
    """All trainable values of a player as one vector."""
    values = [ops.convert_to_numpy(v) for v in player.trainable_variables]
    return np.concatenate([np.ravel(v) for v in values])


def moved(before, now):
    """Length of the way from one vector to the next, over its own."""
    length = float(np.linalg.norm(before))
    return float(np.linalg.norm(now - before)) / (length or 1.0)
