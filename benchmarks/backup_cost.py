"""What `callbacks.ExactBackup` and `seeds.enable_exact_cpu` cost.

    python benchmarks/backup_cost.py

Trains each preset on the bundled images, batch 64. Backup: seconds and bytes
of each, and its share of the time of 100 steps, as at `every=100`; the disk is
that of the folder for temporary files. Resuming: seconds until a backup is
checked and in the model. Switch: two models, one traced before
`enable_exact_cpu()` and one after it, trained in turns; the ratio of
neighbours in seconds of the processors, which a busy machine disturbs less.
"""

import json
import os
import pathlib
import platform
import statistics
import tempfile
import time

import click
import keras
import tensorflow as tf

from keras_gan import datasets
from keras_gan import presets
from keras_gan.callbacks import ExactBackup
from keras_gan.seeds import enable_exact_cpu

OUT = pathlib.Path(__file__).with_suffix(".json")
EVERY = 100
# Steps between two backups here: parts of the 156 of an epoch.
STEPS = {"mlp": 52, "dcgan": 12, "r3gan_small": 12}


class Timed(ExactBackup):
    """An exact backup that knows how long each of its backups took."""

    seconds, sizes = (), ()

    def on_train_begin(self, logs=None):
        start = time.perf_counter()
        super().on_train_begin(logs)
        self.resuming = time.perf_counter() - start

    def back_up(self, ended=False):
        start = time.perf_counter()
        super().back_up(ended)
        self.seconds = (*self.seconds, time.perf_counter() - start)
        _, folder = self.shelf.folders()[-1]
        size = sum(file.stat().st_size for file in folder.iterdir())
        self.sizes = (*self.sizes, size)


def train(gan, data, steps, *watchers):
    """Seconds a step, on the clock and of the processors."""
    clock, processors = time.perf_counter(), time.process_time()
    gan.fit(
        data,
        steps_per_epoch=steps,
        shuffle=False,
        verbose=0,
        callbacks=list(watchers),
    )
    return (
        (time.perf_counter() - clock) / steps,
        (time.process_time() - processors) / steps,
    )


def spread(values):
    """Median, smallest and largest."""
    return {
        "median": round(statistics.median(values), 5),
        "min": round(min(values), 5),
        "max": round(max(values), 5),
    }


def backup_cost(gan, data, steps, rounds, step_seconds):
    """What backups take, and resuming."""
    with tempfile.TemporaryDirectory() as folder:
        backup = Timed(folder, steps, delete_checkpoint=False)
        options = {"steps_per_epoch": steps, "epochs": rounds, "verbose": 0}
        gan.fit(data, shuffle=False, callbacks=[backup], **options)
        seconds, sizes = backup.seconds, backup.sizes
        backup.seconds = ()
        gan.fit(data, shuffle=False, callbacks=[backup], **options)
    return {
        "backup_seconds": spread(seconds),
        "backup_bytes": int(statistics.median(sizes)),
        "backups": len(seconds),
        "resuming_seconds": round(backup.resuming, 4),
        f"share_at_every_{EVERY}": round(
            statistics.median(seconds) / (EVERY * step_seconds), 5
        ),
    }


def switch(on):
    """TensorFlow's meta-optimizer off, or as it comes."""
    options = {"disable_meta_optimizer": False}
    enable_exact_cpu() if on else (
        tf.config.optimizer.set_experimental_options(options)
    )


def measure(name, rounds):
    """All figures of one preset."""
    steps = STEPS[name]
    models = {}
    for exact in (False, True):
        switch(exact)
        data, _ = datasets.load("fashion_mnist_10k", batch_size=64)
        keras.utils.set_random_seed(0)
        models[exact] = getattr(presets, name)((28, 28, 1), seed=0), data
        train(*models[exact], 3)
    ratios, seconds = [], []
    for turn in range(rounds):
        found = {}
        for exact in (False, True) if turn % 2 else (True, False):
            found[exact] = train(*models[exact], steps)
        ratios.append(found[True][1] / found[False][1])
        seconds.append(found[True][0])
    step_seconds = statistics.median(seconds)
    return {
        "exact_cpu_step_ratio": spread(ratios),
        "step_seconds": spread(seconds),
        "rounds": rounds,
        **backup_cost(*models[True], steps, rounds, step_seconds),
    }


@click.command()
@click.option("--rounds", default=11, show_default=True)
def main(rounds):
    """Measure all presets and write the result."""
    record = {
        "protocol": {
            "data": "fashion_mnist_10k",
            "batch_size": 64,
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "platform": platform.platform(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        }
    }
    for name in STEPS:
        record[name] = measure(name, rounds)
        print(name, json.dumps(record[name]))
        OUT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
