"""What `callbacks.Health` costs, and how far healthy runs are from alarms.

    python benchmarks/health_cost.py

Trains each preset on the bundled images, batch 64. Cost: epochs with and
without the callback in turns, one model; the ratio of neighbours, and the
share of an epoch that is spent inside of the callback, which a busy machine
disturbs less. Everything is on: held-out samples, a classifier, the copy for
the way back; a probe an epoch. Ranges: a fresh model, a probe every 39 steps,
the smallest and largest value of each signal that is judged by then.
"""

import json
import os
import pathlib
import platform
import statistics
import time

import click
import keras
import numpy as np
import tensorflow as tf

from keras_gan import datasets
from keras_gan import presets
from keras_gan.callbacks import Health
from keras_gan.callbacks import health_signals
from keras_gan.metrics import features

OUT = pathlib.Path(__file__).with_suffix(".json")
ANSWERS = health_signals.ANSWERS
EPOCHS = {"mlp": 13, "dcgan": 4, "r3gan_small": 4}
ROUNDS = {"mlp": 12, "dcgan": 4, "r3gan_small": 4}


class Timed(Health):
    """Health that knows its own time and all that it saw."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seconds, self.seen = 0.0, []

    def on_train_begin(self, logs=None):
        start = time.perf_counter()
        super().on_train_begin(logs)
        self.start = time.perf_counter() - start

    def on_train_batch_end(self, batch, logs=None):
        start = time.perf_counter()
        super().on_train_batch_end(batch, logs)
        self.seconds += time.perf_counter() - start

    def on_epoch_end(self, epoch, logs=None):
        start = time.perf_counter()
        super().on_epoch_end(epoch, logs)
        self.seconds += time.perf_counter() - start

    def check(self, logs):
        super().check(logs)
        self.seen.append((int(self.model.images_seen), self.values))


class Clock(keras.callbacks.Callback):
    """Seconds of the epoch, the callbacks before it included, of two clocks."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.start[0]
        self.processor_seconds = time.process_time() - self.start[1]


def arrays():
    """Training and held-out images."""
    sets = datasets.load("fashion_mnist_10k", batch_size=100)
    return [np.concatenate([x for x, _ in part]) for part in sets]


def epoch(gan, x, *watchers):
    """The clock of one epoch."""
    clock = Clock()
    gan.fit(x, batch_size=64, verbose=0, callbacks=[*watchers, clock])
    return clock


def cost(gan, x, watch, rounds):
    """Ratios of neighbouring epochs, and the callback's own share."""
    epoch(gan, x)
    found, starts = {"ratio": [], "share": [], "lean_share": []}, []
    for turn in range(rounds):
        health, lean = watch(True), watch(False)
        if turn % 2:
            plain, watched = epoch(gan, x), epoch(gan, x, health)
            lean_clock = epoch(gan, x, lean)
        else:
            lean_clock = epoch(gan, x, lean)
            watched, plain = epoch(gan, x, health), epoch(gan, x)
        found["ratio"].append(
            watched.processor_seconds / plain.processor_seconds
        )
        found["share"].append(share(health, watched))
        found["lean_share"].append(share(lean, lean_clock))
        starts.append(health.start)
    return {
        "processor_time_ratio": spread(found["ratio"]),
        "own_share": spread(found["share"]),
        "own_share_without_classifier": spread(found["lean_share"]),
        "start_seconds": round(statistics.median(starts), 2),
        "epoch_seconds": round(plain.seconds, 2),
        "rounds": rounds,
    }


def share(health, clock):
    """Time inside of the callback over the rest of the epoch."""
    return health.seconds / (clock.seconds - health.seconds)


def spread(values):
    """Median, smallest and largest."""
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def ranges(health):
    """Of each signal: threshold and what the run showed, once judged."""
    found = {}
    for name, signal in health_signals.SIGNALS.items():
        values = [
            values[name]
            for images, values in health.seen
            if name in values and images >= signal.waits * health.warm_up
        ]
        if values:
            found[name] = {
                "threshold": signal.threshold,
                "min": float(f"{min(values):.4g}"),
                "max": float(f"{max(values):.4g}"),
            }
    return found


@click.command()
@click.option("--rounds", type=int, help="Epochs of each kind.")
@click.option("--only", multiple=True, help="Presets; default: all.")
@click.option("--out", default=str(OUT), show_default=True)
def main(rounds, only, out):
    """Measure cost and ranges of each preset."""
    x, held_out = arrays()
    classifier = features.fashion_mnist("logits")
    out = pathlib.Path(out)
    result = json.loads(out.read_text()) if out.exists() else {}
    for name in only or EPOCHS:
        keras.utils.set_random_seed(0)
        gan = getattr(presets, name)((28, 28, 1), seed=0)
        health = Timed(x, held_out, classifier, every=39, answers=ANSWERS)
        gan.fit(
            x,
            batch_size=64,
            epochs=EPOCHS[name],
            verbose=0,
            callbacks=[health],
        )
        row = {"epochs": EPOCHS[name], "answers": health.answers}
        row["ranges"] = ranges(health)
        row["cost"] = cost(
            gan,
            x,
            lambda full: Timed(
                x, held_out, classifier if full else None, answers=ANSWERS
            ),
            rounds or ROUNDS[name],
        )
        result[name] = row
        result["protocol"] = protocol()
        out.write_text(json.dumps(result, indent=2) + "\n")
        print(name, json.dumps(row["cost"]), len(health.answers), flush=True)


def protocol():
    """What the numbers depend on."""
    return {
        "data": "fashion_mnist_10k, 10,000 images, batch 64, 156 steps",
        "seed": 0,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
