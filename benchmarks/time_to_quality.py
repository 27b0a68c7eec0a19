"""Seconds to a Frechet distance: the tutorials' recipe and ours.

    pip install torch==2.13 numpy  # into an environment of its own
    python benchmarks/time_to_quality.py --data DIR --torch PYTHON

Sides, on the networks of `architectures.dcgan`, batch 64, full Fashion-MNIST:

- `tutorial`: the `train_step` of the Keras tutorials, cross-entropy, Adam with
  2e-4 and beta_1 0.5 for both players;
- `torch`: the same recipe in PyTorch, eager, as it comes;
- `ours`: `presets.r3gan_small` as it is, with its averaged generator;
- `ours+bfloat16`: the same under `mixed_bfloat16`.

Each run is a process of its own and the sides take turns, seed by seed. The
clock runs from the making of the networks on, without imports, and stands
while 10,000 fakes of a checkpoint are made. These are judged afterwards: the
Frechet distance to the 10,000 test images in the features of
`metrics.features.fashion_mnist`. Reported: the time of a recipe until it is
first as near as at its last step, and that of ours until it is as near; between
two checkpoints, which are equally far apart, along a straight line. The
recipe is cut short: a tutorial trains 20 epochs and more, here it has `--steps`
(1,500 are 1.6 epochs). Without `--torch` PyTorch is left out.

A run is written to `benchmarks/time_to_quality.json` as it ends and none is
repeated. The table is `benchmarks/time_to_quality.md`.
"""

import itertools
import pathlib
import sys
import tempfile

import click
import numpy as np
import objectives
import throughput
import throughput_networks as networks

from keras_gan import metrics
from keras_gan.datasets.load import prepared
from keras_gan.datasets.load import read
from keras_gan.metrics import features
from keras_gan.metrics.sample_metric import sha256

OUT = pathlib.Path(__file__).with_suffix(".json")
COUNT = 10_000
RECIPES = ("tutorial", "torch")
OURS = ("ours", "ours+bfloat16")
NETWORK = {
    "architecture": "dcgan",
    "image_shape": [28, 28, 1],
    "latent_dim": 64,
    "arguments": {"widths": [64, 128]},
}


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--torch", "interpreter", help="A Python that has PyTorch.")
@click.option("--steps", default=1_500, show_default=True, help="A recipe's.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(data, interpreter, steps, seeds, out):
    """Train, judge and write the table."""
    record = objectives.Record(out)
    judge = Judge(data)
    apart = steps // 20
    plan = {
        "recipe": list(range(apart, steps + 1, apart)),
        "ours": list(range(apart, steps // 3 + 1, apart)),
    }
    protocol = {
        "checkpoints": plan,
        "batch_size": networks.BATCH,
        "adam": networks.ADAM,
        "network": NETWORK,
        "fakes": COUNT,
        "features_sha256": judge.hash,
        "data": data,
    }
    record.open("runs", protocol, steps)
    record.part["made_by"]["processor"] = throughput.processor()
    for seed in range(seeds):
        for side in (*RECIPES, *OURS):
            skipped = side == "torch" and not interpreter
            if record.missing(side=side, seed=seed) and not skipped:
                python = interpreter if side == "torch" else sys.executable
                checkpoints = plan["recipe" if side in RECIPES else "ours"]
                found = run(side, seed, python, checkpoints, judge)
                record.add(side=side, seed=seed, **found)
    text = table(record.part["rows"])
    pathlib.Path(out).with_suffix(".md").write_text(text)
    print(text)


class Judge:
    """The Frechet distance of fakes to the test images.

    Args:
        data: folder of IDX files.
    """

    def __init__(self, data):
        train, test = read(data, None, None)
        self.train = prepared(train, "data", None, None).x
        test = prepared(test, "test", None, None).x
        network = features.fashion_mnist()
        self.hash = sha256(network)
        self.metric = metrics.FrechetDistance(network)
        self.test = test.astype("float32") / 127.5 - 1.0

    def __call__(self, fakes):
        """The distance of `(n, 28, 28, 1)` floats."""
        self.metric.reset_state()
        for start in range(0, COUNT, 500):
            rows = slice(start, start + 500)
            self.metric.update_state(self.test[rows], fakes[rows])
        return float(self.metric.result())


def run(side, seed, python, checkpoints, judge):
    """Seconds and distances at the checkpoints of one run."""
    program, *choices = side.split("+")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.save(folder / "train.npy", judge.train)
        task = {
            "part": "quality",
            "program": program,
            "choices": choices,
            "network": NETWORK,
            "adam": networks.ADAM,
            "gamma": networks.GAMMA,
            "batch_size": networks.BATCH,
            "data": str(folder / "train.npy"),
            "seed": seed,
            "checkpoints": checkpoints,
            "count": COUNT,
            "folder": str(folder),
        }
        found = throughput.child(task, python, folder)
        found["distances"] = [
            round(judge(np.load(folder / f"{step}.npy")), 3)
            for step in checkpoints
        ]
    return {"checkpoints": checkpoints, **found}


def table(rows):
    """Each recipe's end, and ours as near, in Markdown."""
    head = (
        "recipe",
        "against",
        "seed",
        "its Frechet distance",
        "after, s",
        "ours as near after, s",
        "share",
    )
    lines = [head, ("---",) * len(head)]
    by_key = {(row["side"], row["seed"]): row for row in rows}
    for side, our_side in itertools.product(RECIPES, OURS):
        shares = []
        for seed in sorted({row["seed"] for row in rows}):
            recipe = by_key.get((side, seed))
            ours = by_key.get((our_side, seed))
            if not recipe or not ours:
                continue
            goal = recipe["distances"][-1]
            end, reached = (first_as_near(r, goal) for r in (recipe, ours))
            shares.append(reached / end)
            cells = [f"{goal:.1f}", f"{end:.0f}"]
            cells += [f"{reached:.0f}", f"{reached / end:.2f}"]
            lines.append((f"`{side}`", f"`{our_side}`", str(seed), *cells))
        if shares:
            median = f"median {np.median(shares):.2f}"
            names = (f"`{side}`", f"`{our_side}`", "all")
            lines.append((*names, "", "", "", median))
    return objectives.markdown(lines)


def first_as_near(row, goal):
    """Seconds until a distance is first reached, or infinity."""
    before = None
    for seconds, distance in zip(row["seconds"], row["distances"]):
        if distance <= goal:
            if before is None:
                return seconds
            start, far = before
            return start + (seconds - start) * (far - goal) / (far - distance)
        before = (seconds, distance) if np.isfinite(distance) else None
    return np.inf


if __name__ == "__main__":
    main()
