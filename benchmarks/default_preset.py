"""The default preset against the tutorial recipe, on full Fashion-MNIST.

    python benchmarks/default_preset.py --data /usr/share/datasets/fashion-mnist

Both use the same networks, batch size and number of steps; only loss,
penalty and optimizer differ. Prints the Frechet distance of 10,000 fakes of
the averaged generator to the 10,000 test images for each seed, as each run
ends, and writes `benchmarks/default_preset.json` with the protocol.
"""

import json
import pathlib
import platform
import time

import click
import fashion_judge
import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan import datasets
from keras_gan import presets

RECIPES = {"tutorial": presets.dcgan, "default": presets.r3gan_small}
OUT = pathlib.Path(__file__).with_suffix(".json")


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--steps", default=2_000, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--num-fakes", default=10_000, show_default=True)
@click.option("--judge", default="runs/judge", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(data, steps, seeds, num_fakes, judge, out):
    """Compare the two recipes."""
    train, test = datasets.load(data, batch_size=100)
    classifier, card = fashion_judge.judge(train, test, judge)
    real = np.concatenate([x for x, _ in test])
    distance = fashion_judge.Judge(classifier, real).distance
    floor = np.concatenate([x for x, _ in train.take(len(real) // 100)])
    rows = []
    for seed in range(seeds):
        for name, preset in RECIPES.items():
            gan, seconds = trained(preset, data, steps, seed)
            fakes = gan.generate(num_fakes, seed=10_000 + seed)
            value, divergence = distance(fakes)
            row = {"recipe": name, "seed": seed, "distance": value}
            row |= {"class_kl": divergence, "seconds": round(seconds)}
            rows.append(row)
            print(json.dumps(row), flush=True)
    result = {
        "rows": rows,
        "summary": summary(rows),
        "floor": distance(floor)[0],
        "protocol": protocol(card, steps, num_fakes, len(real)),
    }
    pathlib.Path(out).write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result["summary"], indent=2), "floor", result["floor"])


def trained(preset, data, steps, seed):
    """A GAN after `steps` steps of 64, and the seconds they took."""
    train, _ = datasets.load(data, batch_size=64, seed=seed)
    keras.utils.set_random_seed(seed)
    gan = preset((28, 28, 1), seed=seed)
    start = time.perf_counter()
    gan.fit(train.repeat(), steps_per_epoch=steps, verbose=0, shuffle=False)
    return gan, time.perf_counter() - start


def summary(rows):
    """Mean and standard deviation over the seeds, and the ratio."""
    values = {
        name: np.array([r["distance"] for r in rows if r["recipe"] == name])
        for name in RECIPES
    }
    means = {name: float(v.mean()) for name, v in values.items()}
    return {
        "mean": means,
        "std": {name: float(v.std(ddof=1)) for name, v in values.items()},
        "ratio": means["default"] / means["tutorial"],
    }


def protocol(card, steps, num_fakes, num_real):
    """All that the numbers depend on."""
    return {
        "data": "Fashion-MNIST, 60,000 training images",
        "reference": f"Fashion-MNIST test set, {num_real} images",
        "features": "128 penultimate features of fashion_judge.py",
        "classifier": card,
        "num_fakes": num_fakes,
        "generator": "averaged, truncation 1.0",
        "steps": steps,
        "batch_size": 64,
        "floor": f"first {num_real} training images of a shuffled epoch",
        "versions": {
            "keras_gan": keras_gan.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


if __name__ == "__main__":
    main()
