"""One process of a cluster that trains a GAN, or the only one.

Reads a job from the command line, JSON; the cluster comes from `TF_CONFIG`.
"""

import json
import os
import pathlib
import signal
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from replica_worker import share_draws

import keras_gan
from keras_gan import callbacks
from keras_gan import metrics
from keras_gan import penalties
from keras_gan import replicas
from keras_gan.datasets import pipeline

ROWS, BATCH, EPOCHS = 48, 12, 3
SHAPE = (2, 3, 1)


class Count(keras.callbacks.Callback):
    """Counts the steps that this process was spared."""

    spared = 0

    def on_train_batch_end(self, batch, logs=None):
        self.spared += self.model.course.passing_over


class Kill(keras.callbacks.Callback):
    """Ends its process as a lost machine does, or asks it to end."""

    def __init__(self, step, name="SIGKILL"):
        super().__init__()
        self.left = step
        self.number = getattr(signal, name)

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)


def counting_rows():
    """A list that each row is added to when data sets fetch it."""
    seen, gathered = [], pipeline.gathered

    def counted(array, rows):
        if array is not None:
            tf.numpy_function(lambda numbers: seen.extend(numbers), [rows], [])
        return gathered(array, rows)

    pipeline.gathered = counted
    return seen


def writers(folder, x):
    """One callback of each kind that writes files."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    return [
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
        keras.callbacks.ModelCheckpoint(str(folder / "gan.keras")),
        keras.callbacks.TensorBoard(str(folder / "board")),
        callbacks.SampleGrid(
            folder / "samples", rows=1, tensorboard_dir=folder / "pictures"
        ),
        callbacks.LossCurves(folder / "curves.png"),
        callbacks.Health(
            x,
            path=folder / "health.jsonl",
            thresholds={"d_gradient": 1e-9},
            patience=1,
        ),
    ]


def make_gan():
    z = keras.Input((3,))
    x = layers.BatchNormalization()(layers.Dense(12)(z))
    x = layers.Dense(6)(layers.Dropout(0.2)(x))
    generator = keras.Model(z, layers.Reshape(SHAPE)(x))
    sample = keras.Input(SHAPE)
    hidden = layers.Dense(8)
    x = layers.Flatten()(sample)
    x = keras_gan.layers.SpectralNormalization(hidden, seed=1)(x)
    x = layers.GaussianNoise(0.1)(layers.LeakyReLU()(x))
    discriminator = keras.Model(sample, layers.Dense(1)(x))
    gan = keras_gan.GAN(generator, discriminator, seed=1)
    network = metrics.features.random_projection(SHAPE, 4)
    gan.compile(
        keras.optimizers.SGD(0.05, momentum=0.5),
        keras.optimizers.SGD(0.02, global_clipnorm=0.5),
        loss="relativistic_average",
        penalties=[penalties.LeCam(start=2), penalties.R1(0.5, every=2)],
        metrics=[metrics.FrechetDistance(network)],
    )
    return gan


def main(job):
    strategy = tf.distribute.get_strategy()
    if "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    share_draws(BATCH // strategy.num_replicas_in_sync)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        gan = make_gan()
    seen = counting_rows()
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (ROWS, *SHAPE)).astype("float32")
    train, test = keras_gan.datasets.load(
        x, batch_size=BATCH, test_fraction=0.25, seed=3
    )
    watchers, backup_epoch = [], 0
    if job.get("dir"):
        backup = callbacks.ExactBackup(
            job["dir"], every=2, delete_checkpoint=not job.get("stay")
        )
        backup_epoch = backup.epoch or 0
        watchers.append(backup)
    if job.get("kill"):
        watchers.append(Kill(*job["kill"]))
    if job.get("files"):
        watchers += writers(job["files"], x)
    if job.get("restore"):
        watchers.append(keras.callbacks.BackupAndRestore(job["restore"]))
    rate = keras.callbacks.ReduceLROnPlateau(
        "val_d_loss", mode="min", min_delta=9.0, patience=1
    )
    count = Count()
    logs = gan.fit(
        train,
        epochs=EPOCHS,
        validation_data=test,
        callbacks=[*watchers, rate, count],
        shuffle=False,
        verbose=0,
    ).history
    ended = gan.evaluate(test, verbose=0, return_dict=True)
    sampled = gan.generate(4, seed=0, batch_size=3).tolist()
    if replicas.is_chief(strategy):
        again = gan.generate(4, seed=0, batch_size=3).tolist()
        assert again == sampled
    state = {
        name: keras.ops.convert_to_numpy(variable).tolist()
        for name, variable in gan.running_state().items()
    }
    told = {"logs": logs, "ended": ended, "state": state, "fakes": sampled}
    told["resumed"] = backup_epoch or count.spared
    told["fetched"] = [int(row) for row in seen]
    told["chief"] = replicas.is_chief(strategy)
    told["files"] = job.get("files")
    told["saved"] = job.get("saved")
    if job.get("saved"):
        gan.save(job["saved"])
    with open(job["out"], "w") as file:
        json.dump(told, file, default=float)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
