"""Trains GANs on one replica and on two virtual CPUs, in one process.

Random numbers of two replicas are those of one: each draw is made for the
global batch, of which a replica takes its rows. So one replica and two must
end in the same weights, whatever a model draws.
"""

import functools
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import conformance
import keras
import numpy as np
import tensorflow as tf
from conformance import Case
from conformance import batch_of
from conformance import compiled
from keras import layers
from keras.src import backend

import keras_gan
from keras_gan import penalties
from keras_gan import seeds

STEPS = 3


def plain(**clips):
    """SGD for both players: Adam forgives a gradient of the wrong size."""
    rate = keras_gan.schedules.Linear(0.02, 0.01, 20)
    return (
        keras.optimizers.SGD(rate, 0.5, **clips),
        keras.optimizers.SGD(0.01, **clips),
    )


def scaled():
    """SGD by a loss scale under which large gradients do not overflow."""
    scale = keras.optimizers.LossScaleOptimizer
    return [scale(inner, initial_scale=2.0**8) for inner in plain()]


def adams():
    """Adam with an epsilon that keeps a tiny gradient's step tiny.

    Else the sign of what should be zero decides. On one replica both are
    fused, on several they are Keras' own.
    """
    moving = keras_gan.schedules.Linear(0.5, 0.9, 20)
    return (
        keras_gan.optimizers.Adam(0.02, moving, 0.9, epsilon=1e-2),
        keras.optimizers.AdamW(0.02, 0.5, 0.9, epsilon=1e-2),
    )


# By case, where it is not `plain`; Keras would clip before replicas meet.
OPTIMIZERS = {
    "vector": functools.partial(plain, clipnorm=0.02),
    "sequence": functools.partial(plain, global_clipnorm=0.02),
    "volume": functools.partial(plain, clipvalue=0.002),
    "adam": adams,
    "coupled-mixed_float16": scaled,
}


def coupled_players():
    """All that looks at the batch as a whole, below a gradient penalty."""
    z = keras.Input((3,))
    x = keras_gan.layers.MeanStyle(0.5)(layers.Dense(12)(z))
    x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
    generator = keras.Model(z, layers.Dense(6)(x))
    sample = keras.Input((6,))
    y = layers.LeakyReLU()(layers.Dense(8)(sample))
    y = layers.GaussianNoise(0.2)(layers.BatchNormalization()(y))
    y = keras_gan.layers.MinibatchStd(4)(y)
    y = keras_gan.layers.MinibatchDiscrimination(3, kernel_dim=2)(y)
    return generator, keras.Model(sample, layers.Dense(1)(y))


# Beyond the list of all models: what goes wrong on several replicas only.
CASES = [
    *conformance.CASES,
    *conformance.PAPERS,
    Case(
        "adam",
        lambda: compiled(
            conformance.small((6,)), "non_saturating", [penalties.R1(0.5)]
        ),
        batch_of(6),
        (),
    ),
    Case(
        "coupled",
        lambda: compiled(
            coupled_players(),
            "relativistic_average",
            [
                penalties.R1(0.5, every=2),
                penalties.LatentConsistency(0.1, every=2),
                penalties.LeCam(0.3, start=0, every=2),
                penalties.DRAGAN(0.1, every=2),
            ],
        ),
        batch_of(6),
        (),
    ),
    Case(
        "dragan",
        lambda: compiled(
            conformance.small((6,)), "minimax", [penalties.DRAGAN(0.5)]
        ),
        lambda seed=0: (batch_of(6)(seed) * np.arange(1, 9)[:, None]).astype(
            "float32"
        ),
        (),
    ),
    Case(
        "every_second",
        lambda: compiled(
            conformance.classes_players(labels=False),
            "non_saturating",
            [
                penalty(weight=0.02, every=2)
                for penalty in conformance.public_classes(penalties)
            ],
            model=keras_gan.SemiSupervisedGAN,
            task={"num_classes": 3},
        ),
        conformance.few_labels_batch,
        (),
    ),
]


def in_half(case, policy):
    """A case whose players compute in 16 bits."""

    def make_gan():
        keras.config.set_dtype_policy(policy)
        try:
            return case.make_gan()
        finally:
            keras.config.set_dtype_policy("float32")

    return case._replace(name=f"{case.name}-{policy}", make_gan=make_gan)


HALVES = [
    in_half(case, policy)
    for name in ("vector", "image", "labels", "coupled")
    for case in CASES
    for policy in ("mixed_float16", "mixed_bfloat16")
    if case.name == name
]


def of_the_global_batch(draw, local_rows):
    """A random function whose replicas share one draw."""

    def call(shape, *args, **kwargs):
        context = tf.distribute.get_replica_context()
        count = 1 if context is None else context.num_replicas_in_sync
        rows, *rest = shape if len(shape) else (1,)
        if count == 1 or (isinstance(rows, int) and rows % local_rows):
            return draw(shape, *args, **kwargs)
        drawn = draw((rows * count, *rest), *args, **kwargs)
        # Passes on real samples and fakes together hold several batches.
        drawn = tf.reshape(drawn, (-1, count, local_rows, *rest))
        mine = drawn[:, context.replica_id_in_sync_group]
        return tf.reshape(mine, (rows, *rest))

    return call


def share_draws(local_rows):
    """Makes all random functions of Keras draw for the global batch."""
    random = backend.random
    for name in ("normal", "uniform", "randint", "truncated_normal"):
        draw = of_the_global_batch(getattr(random, name), local_rows)
        setattr(random, name, draw)

    def dropout(inputs, rate, noise_shape=None, seed=None):
        shape = noise_shape or keras.ops.shape(inputs)
        kept = random.uniform(tuple(shape), seed=seed) >= rate
        return tf.where(kept, inputs / (1 - rate), 0.0)

    def draw(self, batch_size, neutral):
        # The layer's own has the batch as its second axis.
        draws = tf.transpose(
            random.uniform((batch_size, 4), seed=self.seed_generator)
        )
        probability = keras_gan.schedules.value(self.probability)
        return tf.where(draws[3] < probability, draws[:3], neutral)

    random.dropout = dropout
    keras_gan.layers.DiffAugment.draw = draw
    seeds.ReplicaSeedGenerator.next = keras.random.SeedGenerator.next


def with_optimizers(gan, d_optimizer, g_optimizer):
    """Recompiles a GAN with other optimizers."""
    arguments = gan.compile_arguments()
    arguments |= {"d_optimizer": d_optimizer, "g_optimizer": g_optimizer}
    gan.compile(**arguments)


def trainable(gan):
    """By player, its trainable weights as one vector."""
    return {
        role: np.concatenate(
            [
                np.ravel(keras.ops.convert_to_numpy(weight))
                for weight in getattr(gan, role).trainable_weights
            ]
        )
        for role in ("generator", "discriminator")
    }


def values(gan):
    return {
        name: keras.ops.convert_to_numpy(variable).tolist()
        for name, variable in gan.running_state().items()
    }


def train(case, strategy):
    """Weights, all other state and logs of a short training."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        gan = case.make_gan()
        with_optimizers(gan, *OPTIMIZERS.get(case.name, plain)())
    begun, weights = values(gan), trainable(gan)
    parts = [case.make_batch(seed) for seed in range(STEPS)]
    if isinstance(parts[0], tuple):
        x = tuple(np.concatenate(part) for part in zip(*parts))
    else:
        x = np.concatenate(parts)
    data = tf.data.Dataset.from_tensor_slices(x)
    data = data.batch(conformance.BATCH, drop_remainder=True)
    logs = gan.fit(data, validation_data=data, verbose=0).history
    moved = {
        role: (weight - weights[role]).tolist()
        for role, weight in trainable(gan).items()
    }
    state = values(gan)
    return {"logs": logs, "state": state, "begun": begun, "moved": moved}


def two_replicas():
    """The strategy of two virtual CPUs; one a process."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def main():
    out, *names = sys.argv[1:]
    two = two_replicas()
    share_draws(conformance.BATCH // 2)
    found = {}
    for case in [*CASES, *HALVES]:
        if case.name in names:
            found[case.name] = [
                train(case, strategy)
                for strategy in (tf.distribute.get_strategy(), two)
            ]
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
