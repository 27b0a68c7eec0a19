"""How a whole model goes into a file and comes back."""

import keras

from keras_gan.seeds import states

COMPILED = "compiled_"


class SavedWhole(keras.Model):
    """A Keras model whose files hold all it takes to go on as before.

    Beyond what Keras saves: the arguments of an overridden `compile`, the
    variables of the model itself, and the random state of every layer.

    A subclass names its constructor arguments, which are attributes of the
    same names, in `constructor_arguments`, and gives those of `compile` by
    `compile_arguments()`.
    """

    constructor_arguments = ()

    def get_config(self):
        """Constructor arguments, serialised."""
        arguments = {n: getattr(self, n) for n in self.constructor_arguments}
        serialized = keras.saving.serialize_keras_object(arguments)
        return {**super().get_config(), **serialized}

    @classmethod
    def from_config(cls, config):
        """The model that `get_config` describes."""
        return cls(**keras.saving.deserialize_keras_object(config))

    def get_compile_config(self):
        """Arguments of `compile`, serialised; None before `compile`."""
        if not self.compiled:
            return None
        return keras.saving.serialize_keras_object(self.compile_arguments())

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def own_state(self):
        """Variables that no layer or optimizer saves: own ones and seeds."""
        layers = {id(v) for layer in self.layers for v in layer.weights}
        own = [v for v in self.weights if id(v) not in layers]
        return [*own, *states(self)]

    def compiled_state(self):
        """Variables of parts given to `compile`, by name; none by default."""
        return {}

    def save_own_variables(self, store):
        """Writes `own_state` and `compiled_state`."""
        for index, variable in enumerate(self.own_state()):
            store[str(index)] = variable
        for name, variable in self.compiled_state().items():
            store[COMPILED + name] = variable

    def load_own_variables(self, store):
        """Reads what `save_own_variables` wrote.

        Raises:
            ValueError: the file is that of a model with other state.
        """
        found = {key for key in store.keys() if key.startswith(COMPILED)}
        num_own = len(store.keys()) - len(found)
        state = self.own_state()
        if num_own != len(state):
            raise ValueError(
                "The file does not belong to this model: it holds "
                f"{num_own} counters and random states. "
                f"Expected: {len(state)}"
            )
        compiled = {COMPILED + n: v for n, v in self.compiled_state().items()}
        if self.compiled and found != set(compiled):
            raise ValueError(
                "The file belongs to a model with other penalties or "
                "metrics: it holds "
                f"their variables {sorted(found)}. "
                f"Expected: {sorted(compiled)}; loading before `compile` "
                "leaves them out"
            )
        for index, variable in enumerate(state):
            variable.assign(store[str(index)])
        for key, variable in compiled.items():
            variable.assign(store[key])


def numbered(parts):
    """Variables of named parts by a name and a number.

    Args:
        parts: dictionary from a part's name to its variables.

    Returns:
        Dictionary of variables.

    Example:
    >>> numbered({"lecam": ["real", "fake"], "r1": []})
    {'lecam_0': 'real', 'lecam_1': 'fake'}
    """
    return {
        f"{name}_{index}": variable
        for name, variables in parts.items()
        for index, variable in enumerate(variables)
    }
