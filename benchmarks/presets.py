"""What each preset is worth on full Fashion-MNIST, by the judges.

    python benchmarks/presets.py --data /usr/share/datasets/fashion-mnist

Trains every preset with its own settings for equal steps and batches, three
seeds each, and evaluates it as `keras-gan evaluate` does: 10,000 fakes of the
averaged generator against the 10,000 test images, beside the floor, which is
10,000 training images in place of the fakes. A classifier trained on the real
training images gives the accuracy that samples with labels are held against.

Trained models stay in `--models`, and none is trained twice: stop it and start
it as you like. Writes `benchmarks/presets.json`, with the protocol, and the
table of the README, `benchmarks/presets.md`.
"""

import json
import os
import pathlib
import time

import click
import keras
import numpy as np
import objectives

from keras_gan import datasets
from keras_gan import metrics
from keras_gan import presets
from keras_gan import run_folder
from keras_gan.evaluation.evaluate import judge

OUT = pathlib.Path(__file__).with_suffix(".json")
# Those that take no labels and no codes.
PLAIN = ("dcgan", "mlp", "r3gan_small")
# Columns of the table, and their digits.
COLUMNS = {
    "frechet_distance": 2,
    "kernel_distance": 3,
    "precision": 3,
    "recall": 3,
    "density": 3,
    "coverage": 3,
    "class_histogram_divergence": 4,
    "copies_near": 4,
}


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--steps", default=2_000, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--count", default=10_000, show_default=True, help="Fakes.")
@click.option("--models", default="runs/presets", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(data, steps, seeds, count, models, out):
    """Train and judge all presets."""
    out, models = pathlib.Path(out), pathlib.Path(models)
    models.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(seeds):
        for name in PLAIN:
            path = models / f"{name}-{steps}-{seed}.keras"
            if not path.exists():
                train(name, data, steps, seed, path)
            record = judged(path, data, count, seed)
            rows.append({"preset": name, "seed": seed, **record})
            print(name, seed, record["measures"]["frechet_distance"])
    result = {
        "rows": rows,
        "real_accuracy": real_accuracy(data),
        "protocol": {"steps": steps, "batch_size": 64, "data": str(data)},
        "made_by": {**objectives.made_by(), "revision": objectives.revision()},
    }
    out.write_text(json.dumps(result, indent=1) + "\n")
    out.with_suffix(".md").write_text(table(result))
    print(table(result))


def train(name, data, steps, seed, path):
    """Writes the GAN of a preset after `steps` steps of 64."""
    batches, _ = datasets.load(data, batch_size=64, seed=seed)
    keras.utils.set_random_seed(seed)
    gan = getattr(presets, name)((28, 28, 1), seed=seed)
    start = time.perf_counter()
    gan.fit(batches.repeat(), steps_per_epoch=steps, verbose=0, shuffle=False)
    print(name, seed, f"trained in {time.perf_counter() - start:.0f} s")
    unfinished = path.with_suffix(".unfinished.keras")
    gan.save(unfinished)
    os.replace(unfinished, path)


def judged(path, data, count, seed):
    """Measures, verdicts and protocol of a trained GAN."""
    settings = {
        "data": data,
        "features": "fashion_mnist",
        "count": count,
        "seed": seed,
        "batch_size": 256,
        "image_size": None,
        "channels": None,
    }
    record = judge(run_folder.load_model(path), settings).record
    return {k: record[k] for k in ("measures", "verdicts", "protocol")}


def real_accuracy(data):
    """Accuracy on test images after training on the real training images."""
    train, test = (arrays(part) for part in datasets.load(data, 100))
    return metrics.classification_accuracy_score(train, test)


def arrays(batches):
    """Samples and labels of all batches."""
    x, y = zip(*batches.as_numpy_iterator())
    return np.concatenate(x), np.concatenate(y)


def table(result):
    """Mean and standard deviation over the seeds, in Markdown."""
    lines = [("", *COLUMNS), ("---",) * (1 + len(COLUMNS))]
    for name in PLAIN:
        found = [r["measures"] for r in result["rows"] if r["preset"] == name]
        lines.append((f"`presets.{name}`", *cells(found, "value")))
    # Equal for all presets of a seed.
    found = [r["measures"] for r in result["rows"] if r["preset"] == name]
    lines.append(("real images: the floor", *cells(found, "floor")))
    return objectives.markdown(lines)


def cells(measures, key):
    """A cell for each column, from the measures of several seeds."""
    return [
        objectives.spread([m[name][key] for m in measures], digits)
        for name, digits in COLUMNS.items()
    ]


if __name__ == "__main__":
    main()
