"""How fast a GAN trains here, beside the other ways to train the same one.

    pip install torch==2.13 numpy  # into an environment of its own
    python benchmarks/throughput.py --torch PYTHON

`PYTHON` is that environment's interpreter; without it PyTorch is left out.

Equal on all sides: networks (the number of parameters is checked), images
(Fashion-MNIST, uint8 in memory, shuffled), batch 64, non-saturating loss, Adam,
a step of the discriminator on real images and fakes, then a step of the
generator on fresh latents. No averaged generator but where the name of a side
says `+averaged`, no penalty but where it says `+r1r2`. Each side counts at the
best of its thread settings that were run. All sides are written well: see
`throughput_sides.py` and `throughput_torch.py`; choices are listed in
`throughput_networks.py`. What remains different: Adam is one operation a
variable in PyTorch (fused) and ours, and several in the loop and the tutorial,
which use Keras' own; the loop takes a batch from Python, `fit` in its graph.

Each run is a process of its own and the sides take turns, round by round. A
run makes one step, as many steps to warm up as a chunk has, and three timed
chunks, whose median counts. A ratio is taken within a round; reported are
median, least and most over the rounds. First step: seconds from the making of
the networks to the end of the first step, without imports; `torch.compile`
begins with an empty cache in the first round only. Memory: largest resident
set of the process.

The parts: `training`; `generation` (`generate`, the SavedModel, PyTorch's
inference mode, images to NumPy); `growth` (ours, time and memory of a step as
batch, resolution, width and replicas grow, also as `throughput_growth.png`);
`memory` (resident memory of 10,000 steps); `profile` (which operations take
the time, and how far the step is from the machine's peak).

A run is written to `benchmarks/throughput.json` as it ends and none that the
file holds is repeated: stop it and start it as you like. The table of the
README is `benchmarks/throughput_short.md`, all of it `throughput.md`.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import click
import numpy as np
import objectives
import tensorflow as tf
import throughput_growth
import throughput_networks as networks
import throughput_tables

from keras_gan.datasets.load import prepared
from keras_gan.datasets.load import read

HERE = pathlib.Path(__file__).parent
OUT = pathlib.Path(__file__).with_suffix(".json")
PARTS = ("training", "generation", "growth", "memory", "profile")
EQUAL = {
    "batch_size": networks.BATCH,
    "adam": networks.ADAM,
    "gamma": networks.GAMMA,
    "chunks": networks.CHUNKS,
}


@click.command()
@click.option("--torch", "interpreter", help="A Python that has PyTorch.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS))
@click.option("--only", multiple=True, type=click.Choice([*networks.NETWORKS]))
@click.option("--sides", help="Names with commas. Default: a list a network.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--steps", type=int, help="Of a chunk. Default: by network.")
@click.option("--out", default=str(OUT), show_default=True)
def main(interpreter, parts, only, sides, rounds, steps, out):
    """Measure what is missing and write the tables."""
    if interpreter and tf.config.list_physical_devices("GPU"):
        raise click.UsageError(
            "The PyTorch side runs on the processor; with a GPU in sight the "
            "comparison would be unfair. Leave --torch out."
        )
    record = objectives.Record(out)
    only = only or tuple(networks.NETWORKS)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(record, interpreter, pathlib.Path(folder))
        for part in parts or PARTS:
            if part == "training":
                bench.training(only, sides, rounds, steps)
            elif part == "generation":
                bench.generation(only, rounds)
            elif part == "growth":
                bench.growth()
            elif part == "memory":
                bench.memory()
            else:
                bench.profile(only)
    throughput_growth.plot(record.content, pathlib.Path(out))
    text = throughput_tables.report(record.content)
    pathlib.Path(out).with_suffix(".md").write_text(text)
    if "training" in record.content:
        short = throughput_tables.short(record.content)
        name = pathlib.Path(out).stem + "_short.md"
        pathlib.Path(out).with_name(name).write_text(short)
    print(text)


class Bench:
    """Runs what a record lacks, each in a process of its own.

    Args:
        record: `objectives.Record`.
        interpreter: path of a Python with PyTorch, or None.
        folder: path, where images are kept while this runs.
    """

    def __init__(self, record, interpreter, folder):
        self.record = record
        self.folder = folder
        self.interpreter = interpreter

    def open(self, part, protocol):
        """Turns to one part of the record."""
        self.record.open(part, {**EQUAL, **protocol}, None)
        self.record.part["made_by"]["processor"] = processor()

    def training(self, only, sides, rounds, steps):
        """All sides of all networks, round by round."""
        counts = {n: steps or v["steps"] for n, v in networks.NETWORKS.items()}
        specs = {n: v | {"steps": 0} for n, v in networks.NETWORKS.items()}
        self.open("training", {"networks": specs, "steps": counts})
        for turn in range(rounds):
            for name in only:
                listed = networks.SIDES[name]
                for side in sides.split(",") if sides else listed:
                    self.train(turn, name, side, counts[name])

    def train(self, turn, name, side, steps):
        """One run of one side."""
        program, choices = networks.parsed(side)
        key = {"network": name, "side": side, "round": turn}
        task = {
            "part": "training",
            "program": program,
            "choices": sorted(choices),
            "network": networks.NETWORKS[name],
            "steps": steps,
            "warm_up": steps,
        }
        self.run(key, task)

    def generation(self, only, rounds):
        """`generate`, the SavedModel and PyTorch, round by round."""
        plan = networks.GENERATION
        self.open("generation", {**plan, "steps": None})
        for turn in range(rounds):
            for name in plan["networks"]:
                for side in plan["sides"] if name in only else ():
                    program, *choices = side.split("+")
                    key = {"network": name, "side": side, "round": turn}
                    task = {
                        "part": "generation",
                        "program": program,
                        "choices": choices,
                        "network": networks.NETWORKS[name],
                        "count": plan["count"][name],
                    }
                    self.run(key, task, batch_size=plan["batch_size"])

    def growth(self):
        """Each point of each series, once."""
        self.open("growth", {"series": throughput_growth.SERIES, "steps": 5})
        for series, value, *rest in throughput_growth.points():
            network, batch, replicas = rest
            key = {"series": series, "value": value}
            task = {
                "part": "growth",
                "program": "ours",
                "choices": [],
                "network": network,
                "steps": 5,
                "seconds": 3.0,
                "replicas": replicas,
            }
            self.run(key, task, batch_size=batch)

    def memory(self):
        """One long run of the multilayer perceptron."""
        self.open("memory", {"steps": 10_000, "every": 500})
        task = {
            "part": "memory",
            "program": "ours",
            "choices": [],
            "network": networks.NETWORKS["mlp"],
            "steps": 10_000,
            "every": 500,
        }
        self.run({"network": "mlp"}, task)

    def profile(self, only):
        """Where the time of our step goes, on each network."""
        self.open("profile", {"steps": None})
        for name in only:
            network = networks.NETWORKS[name]
            task = {
                "part": "profile",
                "program": "ours",
                "choices": [],
                "network": network,
                "steps": network["steps"],
            }
            self.run({"network": name}, task)

    def run(self, key, task, **settings):
        """Does one task and adds its row, unless the record has it.

        Raises:
            click.ClickException: the process failed, or the players have
                other numbers of parameters than the other sides'.
        """
        in_torch = task["program"] == "torch"
        if not self.record.missing(**key) or in_torch and not self.interpreter:
            return
        task = {**EQUAL, **task, **settings}
        task["data"] = str(self.images(task["network"]["image_shape"]))
        load_before = os.getloadavg()[0]
        interpreter = self.interpreter if in_torch else sys.executable
        found = child(task, interpreter, self.folder)
        if "parameters" in found and "round" in key:
            self.check_equal(key, found["parameters"])
        self.record.add(**key, **found, load_before=round(load_before, 2))

    def check_equal(self, key, parameters):
        """Raises where two sides do not train the same networks."""
        for row in self.record.part["rows"]:
            same = row["network"] == key["network"]
            if same and row["parameters"] != parameters:
                raise click.ClickException(
                    f"{key['network']}: {key['side']} has {parameters} "
                    f"parameters and {row['side']} has {row['parameters']}; "
                    "they are not to be compared."
                )

    def images(self, shape):
        """The file of the uint8 images in a shape."""
        path = self.folder / f"{'x'.join(map(str, shape))}.npy"
        if not path.exists():
            train, _ = read("fashion_mnist_10k", None, None)
            size = tuple(shape[:2])
            train = prepared(train, "images", size, shape[2])
            np.save(path, train.x)
        return path


def child(task, interpreter, folder):
    """What a process of its own finds.

    Args:
        task: dictionary.
        interpreter: path.
        folder: path, where `torch.compile` keeps what it has compiled.

    Raises:
        click.ClickException: it failed.
    """
    script = "torch" if task["program"] == "torch" else "sides"
    command = [interpreter, str(HERE / f"throughput_{script}.py")]
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled"),
    }
    if "passive" in task["choices"]:
        environment["OMP_WAIT_POLICY"] = "passive"
    if "1_thread" in task["choices"]:
        environment["OMP_NUM_THREADS"] = "1"
        environment["TF_NUM_INTRAOP_THREADS"] = "1"
    ended = subprocess.run(
        [*command, json.dumps(task)],
        capture_output=True,
        text=True,
        env=environment,
    )
    if ended.returncode:
        raise click.ClickException(
            f"{task['program']} {task['choices']} failed:\n"
            + ended.stderr[-3_000:]
        )
    return json.loads(ended.stdout.splitlines()[-1])


def processor():
    """The name of the processor, where Linux tells it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown"
    return line.split(":", 1)[1].strip()


if __name__ == "__main__":
    main()
