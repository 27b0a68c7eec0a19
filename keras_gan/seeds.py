"""The seeds behind every random draw."""

import keras
import tensorflow as tf
from keras import ops

# Two streams of one seed lie this far apart.
STRIDE = 1_000_003
# Streams from here on are those of layers; a model's own come before.
LAYERS = 100


class ReplicaSeedGenerator(keras.random.SeedGenerator):
    """A seed generator that gives each replica its own draws.

    `keras.random.SeedGenerator` gives all replicas of a `tf.distribute`
    strategy the same numbers. This one moves the second half of the key by
    the replica's index times a prime; the state stays equal in all replicas.
    On one replica it is `keras.random.SeedGenerator`.

    Args:
        seed: integer, or None for a random one.
        stream: integer; generators of one seed with different streams draw
            different numbers.
    """

    def __init__(self, seed=None, stream=0, **kwargs):
        if seed is not None:
            seed += stream * STRIDE
        super().__init__(seed, **kwargs)

    def next(self, ordered=True):
        """The next seed, different in each replica."""
        seed = super().next(ordered)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return seed
        replica = ops.cast(context.replica_id_in_sync_group, seed.dtype)
        return seed + ops.stack([ops.zeros_like(replica), replica * STRIDE])


class TensorSeed(keras.random.SeedGenerator):
    """A seed that is a tensor, for graphs that take the seed as an input.

    Args:
        seed: integer scalar tensor.
    """

    def __init__(self, seed):
        self.seed = seed

    def next(self, ordered=True):
        """The same seed each time, equal to that of the plain integer."""
        seed = ops.cast(self.seed, "int64")
        return ops.stack([seed, ops.zeros_like(seed)])


def draw_apart(layers):
    """Lets what layers draw differ between replicas.

    Keras' own layers, such as Dropout, hold Keras' own generator. One that
    is some other class is left as it is.

    Args:
        layers: list of Keras layers or models; what is no layer is left out.

    Example:
    >>> layer = keras.layers.Dropout(0.5)
    >>> draw_apart([layer])
    >>> type(layer.seed_generator).__name__
    'ReplicaSeedGenerator'
    """
    for generator in generators(layers):
        if type(generator) is keras.random.SeedGenerator:
            generator.__class__ = ReplicaSeedGenerator


def generators(layers):
    """The seed generators in layers and models, each once."""
    layers = [x for x in layers if isinstance(x, keras.layers.Layer)]
    below = [part for layer in layers for part in layer._flatten_layers()]
    found = {id(g): g for part in below for g in part._seed_generators}
    return list(found.values())


def states(layer):
    """States of the seed generators in a layer or model.

    Args:
        layer: Keras layer or model.

    Returns:
        List of variables, in the order of the layers.

    Example:
    >>> [int(state[0]) for state in states(keras.layers.Dropout(0.5, seed=3))]
    [3]
    """
    weights = {id(weight) for weight in layer.weights}
    return [v for v in layer.variables if id(v) not in weights]


def restart(layers, seed):
    """Starts the seed generators of layers anew, each on its own stream.

    Args:
        layers: list of Keras layers or models.
        seed: integer.
    """
    found = {id(state): state for layer in layers for state in states(layer)}
    for stream, state in enumerate(found.values(), start=LAYERS):
        state.assign([seed + stream * STRIDE, 0])


def enable_exact_cpu():
    """Makes two runs of one program on CPU equal to the last bit.

    TensorFlow's graph rewriter reorders sums now and then; without it, about
    one process in ten ends in other last bits. This turns its meta-optimizer
    off, for all graphs that the process traces from now on. XLA
    (`jit_compile=True`) is exact without it. `keras-gan train` calls this;
    the cost is in `benchmarks/backup_cost.json`.

    What else it takes is always so: the order of `keras_gan.datasets.load` is
    a function of seed and position, and a `GAN` with a `seed` seeds what its
    layers draw. Weights are drawn when players are made: call
    `keras.utils.set_random_seed` before.

    Example:
    >>> enable_exact_cpu()
    >>> tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]
    True
    """
    options = {"disable_meta_optimizer": True}
    tf.config.optimizer.set_experimental_options(options)
