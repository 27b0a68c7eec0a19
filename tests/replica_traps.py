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


def fitted(x, **kwargs):
    return made().fit(x, verbose=0, **kwargs).history["d_loss"]


def outside_fit():
    gan = keras_gan.GAN(*players())
    gan.compile(SGD(), SGD())
    in_scope(gan.fit, X, verbose=0)


def scaled_and_clipped():
    inner = in_scope(SGD, clipnorm=1.0)
    scaled = in_scope(keras.optimizers.LossScaleOptimizer, inner)
    made(g_optimizer=scaled)


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
    "uneven_generator": lambda: fitted(uneven()),
    "reloaded": reloaded,
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
