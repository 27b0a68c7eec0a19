"""What goes wrong on several replicas without a word, tried on two.

Writes by name what each trap gave: the message of the error, or numbers.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from replica_worker import two_replicas

import keras_gan
from keras_gan import metrics
from keras_gan import run_folder
from keras_gan import shares
from keras_gan.callbacks import backup_setting

STRATEGY = two_replicas()
X = np.zeros((24, 6), "float32")
SGD = keras.optimizers.SGD


def players():
    z = keras.Input((3,))
    x = layers.BatchNormalization()(layers.Dense(6)(z))
    generator = keras.Model(z, layers.Dropout(0.5)(x))
    sample = keras.Input((6,))
    x = layers.BatchNormalization()(sample)
    return generator, keras.Model(sample, layers.Dense(1)(x))


def made(**compile_arguments):
    with STRATEGY.scope():
        gan = keras_gan.GAN(*players(), seed=1)
        given = {"d_optimizer": SGD(), "g_optimizer": SGD()}
        gan.compile(**{**given, **compile_arguments})
    return gan


def in_scope(function, *args, **kwargs):
    with STRATEGY.scope():
        return function(*args, **kwargs)


def on_each_replica(function):
    drawn = STRATEGY.experimental_local_results(STRATEGY.run(function))
    return [d.numpy().tolist() for d in drawn]


def batched(rows, size, drop=False):
    data = tf.data.Dataset.from_tensor_slices(X[:rows])
    return data.batch(size, drop_remainder=drop)


def uneven():
    yield (X[:4],)
    yield (X[:3],)


class Batches(keras.utils.PyDataset):
    """24 rows in batches of 10: the last has 4, or 3 of 23."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[: self.rows][10 * index : 10 * index + 10]


def fitted(x, **kwargs):
    return made().fit(x, verbose=0, **kwargs).history["d_loss"]


def read_in_parts():
    """Steps of a pass, images seen in one, whether the parts are a batch."""
    x = np.linspace(-1, 1, X.size, dtype="float32").reshape(X.shape)
    data, _ = keras_gan.datasets.load(x, batch_size=8, test_fraction=0.0)
    parts = shares.of_this_process(data, STRATEGY)
    first = STRATEGY.experimental_local_results(next(iter(parts)))
    data.position.seek(0)
    alike = np.array_equal(np.concatenate(first), next(iter(data)))
    gan = made()
    gan.fit(parts, verbose=0, shuffle=False)
    seen = keras.ops.convert_to_numpy(gan.images_seen)
    return [int(parts.cardinality), int(seen), alike]


def outside_fit():
    gan = keras_gan.GAN(*players())
    gan.compile(SGD(), SGD())
    in_scope(gan.fit, X, verbose=0)


def scaled_and_clipped():
    inner = in_scope(SGD, clipnorm=1.0)
    scaled = in_scope(keras.optimizers.LossScaleOptimizer, inner)
    made(g_optimizer=scaled)


class Idle(layers.Dense):
    """Has a weight that it does not use."""

    def build(self, input_shape):
        super().build(input_shape)
        self.idle = self.add_weight(shape=(), initializer="ones")


def clipped_with_an_idle_weight():
    """Which weights of a discriminator move."""
    with STRATEGY.scope():
        discriminator = keras.Sequential([keras.Input((6,)), Idle(1)])
        gan = keras_gan.GAN(players()[0], discriminator, seed=1)
        gan.compile(SGD(clipnorm=1.0), SGD(clipnorm=1.0))
    before = discriminator.get_weights()
    gan.fit(X + 1.0, verbose=0)
    pairs = zip(before, discriminator.get_weights())
    return [not np.array_equal(old, new) for old, new in pairs]


def trained_by_command():
    """Exit code, and the rows that are held out of 54 in batches of 8."""
    folder = os.path.join(os.path.dirname(sys.argv[1]), "run")
    np.save(f"{folder}.npy", np.resize(X, (54, 6)))
    recipe = dict.fromkeys(run_folder.OPTIONS)
    recipe |= {"data": f"{folder}.npy", "preset": "mlp", "epochs": 1}
    recipe |= {"batch_size": 8, "flip": False, "seed": 0}
    run = run_folder.RunFolder(folder)
    run.strategy = STRATEGY
    code, _ = run.train(recipe)
    history = run.read_history(1)
    return [code, len(history["val_d_loss"])]


def copies(variable):
    return STRATEGY.experimental_local_results(variable.value)


def one_bad_row(row):
    """What a step leaves of a batch that overflows on one replica."""
    keras.config.set_dtype_policy("mixed_float16")
    players = in_scope(keras_gan.architectures.mlp, (6,), 3, units=(8,))
    keras.config.set_dtype_policy("float32")
    gan = in_scope(keras_gan.GAN, *players, seed=1)
    in_scope(gan.compile, in_scope(SGD), in_scope(SGD))
    x = np.random.default_rng(0).uniform(-1, 1, (8, 6)).astype("float32")
    x[row, 0] = np.inf
    sides = {"d": gan.discriminator, "g": gan.generator}
    before = {k: v.get_weights() for k, v in sides.items()}
    gan.fit(x, batch_size=8, shuffle=False, verbose=0)
    optimizers = gan.optimizer.optimizers
    return [
        {
            "moved": [
                not np.array_equal(old, copy)
                for old, new in zip(before[side], player.weights)
                for copy in copies(new)
            ],
            "finite": all(np.isfinite(w).all() for w in player.get_weights()),
            "scales": [float(x) for x in copies(optimizer.dynamic_scale)],
            "steps": [int(x) for x in copies(optimizer.iterations)],
        }
        for (side, player), optimizer in zip(sides.items(), optimizers)
    ]


def frechet():
    network = metrics.features.random_projection((6,), 4)
    return metrics.FrechetDistance(network)


def masks(model):
    ones = tf.ones((4, 6))
    dropout = model.generator.layers[-1]
    return on_each_replica(lambda: dropout(ones, training=True))


def synchronized(gan):
    found = [x for x in gan._flatten_layers() if hasattr(x, "synchronized")]
    return [layer.synchronized for layer in found]


def drawn_latents():
    gan = made()
    return on_each_replica(lambda: gan.latents(3, gan.seed_generator))


def reloaded():
    gan = keras_gan.GAN(*players(), seed=1)
    gan.compile(SGD(), SGD())
    path = os.path.join(os.path.dirname(sys.argv[1]), "one.keras")
    gan.save(path)
    gan = in_scope(keras.saving.load_model, path)
    gan.fit(X, batch_size=8, verbose=0)
    seen = keras.ops.convert_to_numpy(gan.images_seen)
    return [synchronized(gan), int(seen)]


TRAPS = {
    "latents": drawn_latents,
    "dropout": lambda: masks(made()),
    "batch_norm": lambda: synchronized(made()),
    "batch_norm_alone": lambda: synchronized(keras_gan.GAN(*players())),
    "d_optimizer": lambda: made(d_optimizer=SGD()),
    "inner": lambda: made(
        g_optimizer=in_scope(keras.optimizers.LossScaleOptimizer, SGD())
    ),
    "metric": lambda: made(metrics=[frechet()]),
    "players": lambda: in_scope(keras_gan.GAN, *players()),
    "augment": lambda: in_scope(
        keras_gan.GAN, *in_scope(players), augment=layers.GaussianNoise(0.1)
    ),
    "model": lambda: keras_gan.GAN(*in_scope(players)),
    "fit": outside_fit,
    "accumulation": lambda: made(
        g_optimizer=in_scope(SGD, gradient_accumulation_steps=2)
    ),
    "steps_per_execution": lambda: made(steps_per_execution=2),
    "jit_compile": lambda: made(jit_compile=True),
    "scaled_and_clipped": scaled_and_clipped,
    "unknown_rows": lambda: fitted(batched(24, 8)),
    "odd_rows": lambda: fitted(batched(24, 3, drop=True)),
    "odd_arrays": lambda: fitted(X[:23], batch_size=8),
    "even_arrays": lambda: fitted(X[:22], batch_size=8),
    "odd_split": lambda: fitted(X, batch_size=8, validation_split=0.2),
    "odd_validation": lambda: fitted(
        X, batch_size=8, validation_data=(X[:21], X[:21])
    ),
    "odd_evaluation": lambda: made().evaluate(batched(24, 7, drop=True)),
    "odd_last": lambda: fitted(Batches(23)),
    "even_last": lambda: fitted(Batches(24)),
    "train_on_batch": lambda: made().train_on_batch(X[:7]),
    "test_on_batch": lambda: made().test_on_batch(X[:7]),
    "predict_on_batch": lambda: made().predict_on_batch(np.zeros((7, 3))),
    "single_samples": lambda: fitted(tf.data.Dataset.from_tensor_slices(X)),
    "uneven_generator": lambda: fitted(uneven()),
    "reloaded": reloaded,
    "parts": read_in_parts,
    "clipped": clipped_with_an_idle_weight,
    "command": trained_by_command,
    "choices": lambda: [backup_setting.choices(made())["number of replicas"]],
    "bad_row_of_the_first": lambda: one_bad_row(0),
    "bad_row_of_the_second": lambda: one_bad_row(7),
}


def main():
    found = {}
    for name, trap in TRAPS.items():
        try:
            result = trap()
            plain = isinstance(result, list)
            found[name] = result if plain else f"no error: {result!r}"
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    with open(sys.argv[1], "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
