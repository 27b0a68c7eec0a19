"""All layers below a model."""

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
    parts = [part for part in leaves(model) if getattr(part, "frozen", False)]
    still = {id(variable) for part in parts for variable in part.variables}
    return [v for v in variables if id(v) not in still]
