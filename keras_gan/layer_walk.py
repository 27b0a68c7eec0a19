"""All layers below a model, and weights from one model to its copy."""

import keras


def leaves(layer):
    """The layers below a model that are no models; wrapped ones as well.

    Args:
        layer: Keras model or layer, or None.

    Yields:
        Keras layers; none below None.

    Example:
    >>> inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model = keras.Sequential([inner, keras.layers.ReLU()])
    >>> [type(layer).__name__ for layer in leaves(model)]
    ['Dense', 'ReLU']
    """
    below = [] if layer is None else getattr(layer, "layers", None)
    if below is None:
        yield layer
        inner = getattr(layer, "layer", None)
        below = [inner] if isinstance(inner, keras.layers.Layer) else []
    for part in below:
        yield from leaves(part)


def without_frozen(variables, model):
    """Those of a model's variables that are in no `layers.Frozen`.

    Args:
        variables: list of variables of the model.
        model: Keras model.

    Returns:
        List of variables: what a training step may move.
    """
    still = {id(variable) for variable in frozen_variables(model)}
    return [v for v in variables if id(v) not in still]


def frozen_variables(model):
    """A model's variables that are in a `layers.Frozen`."""
    parts = [part for part in leaves(model) if getattr(part, "frozen", False)]
    return [variable for part in parts for variable in part.variables]


def take_weights(copy, layer):
    """Gives a copy of a layer or model, built, the weights of it."""
    copy.set_weights(layer.get_weights())
    finalize(copy)


def take_frozen(copy, model):
    """Gives a copy of a model what `layers.Frozen` holds in the model."""
    for mine, given in zip(frozen_variables(copy), frozen_variables(model)):
        mine.assign(given)
    finalize(copy)


def finalize(model):
    """Lets layers see weights that were set, below a model or layer.

    `keras.layers.Normalization` runs on constants made of its weights.
    """
    for part in leaves(model):
        if part.weights and hasattr(part, "finalize_state"):
            part.finalize_state()
