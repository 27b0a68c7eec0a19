"""Every loss with every main penalty, at one budget.

    python benchmarks/objectives.py --data /usr/share/datasets/fashion-mnist

Toys: a ring of 8 and a grid of 25 Gaussians, as PacGAN draws them; modes
found and share of good points. Fashion-MNIST: Frechet distance on the
features of `fashion_judge.py`. All combinations have the same networks, Adam
settings and number of steps, and one discriminator step a generator step.

Each run is written to `benchmarks/objectives.json` as it ends; a run that the
file holds is not repeated, so the command goes on where it was stopped. The
table goes to the screen and to `benchmarks/objectives.md`.
"""

import json
import os
import pathlib
import platform
import subprocess
import time

import click
import fashion_judge
import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan import architectures
from keras_gan import datasets
from keras_gan import losses
from keras_gan import metrics
from keras_gan import penalties

OUT = pathlib.Path(__file__).with_suffix(".json")
PENALTIES = {
    "none": lambda protocol: [],
    "R1": lambda protocol: [penalties.R1(protocol["gamma"])],
    "R1+R2": lambda protocol: [penalties.ZeroCentered(protocol["gamma"])],
    "WGAN-GP": lambda protocol: [penalties.WGANGP(protocol["wgan_gp"])],
}
COMBINATIONS = [(loss, name) for loss in losses.LOSSES for name in PENALTIES]
TOYS = {
    "steps": 6_000,
    "batch_size": 128,
    "learning_rate": 3e-3,
    "decay": "cosine to 0",
    "beta_1": 0.0,
    "beta_2": 0.99,
    "gamma": 0.1,
    "wgan_gp": 0.1,
    "d_steps": 1,
    "ema_half_life": 10_000,
    "first_seed": 10,
    "players": "mlp, linear output",
    "latent_dim": 2,
    "units": [64, 64, 64],
    "latents": "standard normal",
    "data": {
        "ring": "8 Gaussians on the unit circle, standard deviation 0.01",
        "grid": "25 Gaussians at {-4,-2,0,2,4}^2, standard deviation 0.05",
    },
    "training_points": "drawn anew in each batch",
    "num_fakes": 2_500,
    "generator": "averaged, truncation 1.0",
    "good": "within 3 standard deviations of the nearest mode; 0.989 of the "
    "data itself",
    "modes": "modes with at least one good point",
    "tuning": "gamma (0.005 to 1), rate (1e-3 to 1e-2) and steps on "
    "relativistic with R1+R2 alone, mostly on the grid, seeds 0 to 4; "
    "wgan_gp is 0.1 as in its authors' toys, 10 is far worse here",
}
FASHION = {
    "steps": 1_000,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "decay": "none",
    "beta_1": 0.0,
    "beta_2": 0.99,
    "gamma": 1.0,
    "wgan_gp": 10.0,
    "d_steps": 1,
    "ema_half_life": 10_000,
    "first_seed": 10,
    "players": "dcgan, batch normalisation in the generator",
    "latent_dim": 64,
    "widths": [32, 64],
    "latents": "standard normal",
    "data": "Fashion-MNIST, 60,000 training images",
    "reference": "Fashion-MNIST test set, 10,000 images",
    "features": "128 penultimate features of fashion_judge.py",
    "num_fakes": 10_000,
    "generator": "averaged, truncation 1.0",
    "tuning": "rate and gamma are those of presets.r3gan_small, chosen on "
    "this data for relativistic with R1+R2 (for other losses up to 1e-3 "
    "only); beta_1 0 or 0.5 at seed 0 and half the widths on that one and "
    "on non_saturating: 0 was better for both",
}


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--only", type=click.Choice(["toys", "fashion"]))
@click.option("--seeds", type=int, help="Default: 5 for toys, 3 for images.")
@click.option("--steps", type=int, help="Replaces the protocol's number.")
@click.option("--judge", default="runs/judge", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(data, only, seeds, steps, judge, out):
    """Compare the objectives."""
    record = Record(out)
    if only != "fashion":
        record.open("toys", TOYS, steps)
        run_toys(record, seeds or 5)
    if only != "toys":
        record.open("fashion", FASHION, steps)
        run_fashion(record, seeds or 3, data, judge)
    text = report(record.content)
    pathlib.Path(out).with_suffix(".md").write_text(text)
    print(text)


class Record:
    """The rows of all runs with their protocol, in one JSON file.

    Args:
        path: the file; what it holds is kept.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.content = {}
        if self.path.exists():
            self.content = json.loads(self.path.read_text())

    def open(self, part, protocol, steps):
        """Turns to one part; refuses to mix two protocols in it."""
        protocol = {**protocol, "steps": steps or protocol["steps"]}
        # As the file gives it back: lists in place of tuples.
        protocol = json.loads(json.dumps(protocol))
        new = {"protocol": protocol, "made_by": made_by(), "rows": []}
        self.revision = revision()
        self.part = self.content.setdefault(part, new)
        if self.part["protocol"] != protocol:
            raise click.UsageError(
                f"{self.path} holds {part} of another protocol; give --out "
                f"another file. Received: {protocol}"
            )

    def missing(self, **key):
        """Whether the run with this key is still to be made."""
        return not any(key.items() <= row.items() for row in self.part["rows"])

    def add(self, **row):
        """Writes one more row, so that a stopped command loses one run."""
        row["revision"] = self.revision
        self.part["rows"].append(row)
        print(json.dumps(row), flush=True)
        self.write()

    def write(self):
        """Replaces the file as a whole."""
        text = json.dumps(self.content, indent=1) + "\n"
        written = self.path.with_suffix(".part")
        written.write_text(text)
        os.replace(written, self.path)


def made_by():
    """Machine and versions."""
    gpus = tf.config.list_physical_devices("GPU")
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPU cores, "
        + (str(gpus) if gpus else "no GPU"),
        "keras_gan": keras_gan.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def revision():
    """The commit that runs, with `-dirty` where code differs from it."""
    commit = git("describe", "--always", "--abbrev=12", "--exclude=*")
    # A row that was written before this one changes no code.
    changed = git("status", "--porcelain", "--", ":/*.py")
    return (commit or "unknown") + "-dirty" * bool(changed)


def git(*arguments):
    """What git prints of this repository."""
    command = ["git", "-C", str(OUT.parent), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True
    ).stdout.strip()


class Trained:
    """GANs of one protocol, each combination compiled and traced once.

    Another seed puts the values of a fresh GAN into the variables of the
    traced one, which gives the same run, to the last bit, without the trace.

    Args:
        protocol: dictionary, one of the above.
        make_players: function of no arguments, gives both players.
    """

    def __init__(self, protocol, make_players):
        self.protocol = protocol
        self.make_players = make_players
        self.traced = {}

    def __call__(self, loss, penalty, seed, batches):
        """The GAN of a combination and seed after one pass over `batches`."""
        fresh = self.compiled(loss, penalty, seed)
        gan = self.traced.setdefault((loss, penalty), fresh)
        for variable, value in zip(state(gan), state(fresh)):
            variable.assign(value)
        gan.fit(batches, verbose=0, shuffle=False)
        return gan

    def compiled(self, loss, penalty, seed):
        """A GAN before its first step."""
        protocol = self.protocol
        keras.utils.set_random_seed(seed)
        gan = keras_gan.GAN(
            *self.make_players(),
            ema_half_life=protocol["ema_half_life"],
            seed=seed,
        )
        gan.compile(
            adam(protocol),
            adam(protocol),
            loss=loss,
            penalties=PENALTIES[penalty](protocol),
            steps_per_execution=min(100, protocol["steps"]),
        )
        return gan


def adam(protocol):
    """The optimizer of either player."""
    rate, steps = protocol["learning_rate"], protocol["steps"]
    if protocol["decay"] == "cosine to 0":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.Adam(rate, protocol["beta_1"], protocol["beta_2"])


def state(gan):
    """All variables of a model, random state and optimizers included."""
    return [*gan.variables, *gan.optimizer.variables]


def toy_players(protocol):
    """Perceptrons whose generator reaches every point of the plane."""
    return architectures.mlp(
        (2,), protocol["latent_dim"], protocol["units"], activation=None
    )


def image_players(protocol):
    """Small convolutional players."""
    return architectures.dcgan(
        widths=protocol["widths"], latent_dim=protocol["latent_dim"]
    )


def numbers(protocol, seeds):
    """The seeds of the runs, apart from those of the tuning."""
    return range(protocol["first_seed"], protocol["first_seed"] + seeds)


def mixture(name):
    """Centres `(modes, 2)` and standard deviation of a toy."""
    if name == "ring":
        angles = np.arange(8) * np.pi / 4
        return np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01
    line = np.arange(-4.0, 5.0, 2.0)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), 0.05


def draw(name, n, seed):
    """Points of a toy, float32 `(n, 2)`."""
    rng = np.random.default_rng(seed)
    centres, deviation = mixture(name)
    noise = deviation * rng.standard_normal((n, 2))
    points = centres[rng.integers(len(centres), size=n)] + noise
    return points.astype("float32")


def modes_found(name, points):
    """Number of modes with a good point, and the share of good points."""
    found = metrics.modes_of_mixture(points, *mixture(name))
    return found["modes"], found["good_share"]


def run_toys(record, seeds):
    """Adds the rows of both toys."""
    protocol = record.part["protocol"]
    steps, size = protocol["steps"], protocol["batch_size"]
    trained = Trained(protocol, lambda: toy_players(protocol))
    for seed in numbers(protocol, seeds):
        for loss, penalty in COMBINATIONS:
            for name in protocol["data"]:
                key = {"data": name, "loss": loss, "penalty": penalty}
                if not record.missing(**key, seed=seed):
                    continue
                start = time.perf_counter()
                points = draw(name, steps * size, seed).reshape(steps, size, 2)
                batches = tf.data.Dataset.from_tensor_slices(points)
                gan = trained(loss, penalty, seed, batches)
                fakes = gan.generate(protocol["num_fakes"], seed=10_000 + seed)
                diverged = not np.isfinite(fakes).all()
                modes, good = (
                    (None, None) if diverged else modes_found(name, fakes)
                )
                record.add(
                    **key,
                    seed=seed,
                    modes=modes,
                    good=good,
                    diverged=diverged,
                    seconds=round(time.perf_counter() - start, 1),
                )


def run_fashion(record, seeds, data, judge):
    """Adds the rows of Fashion-MNIST."""
    protocol = record.part["protocol"]
    train, test = datasets.load(data, batch_size=100)
    classifier, card = fashion_judge.judge(train, test, judge)
    record.part["classifier"] = card
    real = np.concatenate([x for x, _ in test])
    distance = fashion_judge.Judge(classifier, real).distance
    same = np.concatenate([x for x, _ in train.take(len(real) // 100)])
    record.part["floor"] = distance(same)[0]
    trained = Trained(protocol, lambda: image_players(protocol))
    for seed in numbers(protocol, seeds):
        for loss, penalty in COMBINATIONS:
            key = {"data": "fashion", "loss": loss, "penalty": penalty}
            if not record.missing(**key, seed=seed):
                continue
            start = time.perf_counter()
            batches, _ = datasets.load(data, protocol["batch_size"], seed=seed)
            batches = batches.repeat().take(protocol["steps"])
            gan = trained(loss, penalty, seed, batches)
            fakes = gan.generate(protocol["num_fakes"], seed=10_000 + seed)
            diverged = not np.isfinite(fakes).all()
            value, divergence = (None, None) if diverged else distance(fakes)
            record.add(
                **key,
                seed=seed,
                distance=value,
                class_kl=divergence,
                diverged=diverged,
                seconds=round(time.perf_counter() - start, 1),
            )


def report(content):
    """All tables, in Markdown."""
    grid = pivot(content, "grid", "modes", 1)
    fashion = pivot(content, "fashion", "distance", 1)
    return (
        "Modes of the grid of 25, mean and deviation over the seeds:\n\n"
        f"{grid}\n"
        "Frechet distance on Fashion-MNIST, lower is better, likewise:\n\n"
        f"{fashion}\nEverything:\n\n{table(content)}"
    )


def pivot(content, data, value, digits):
    """One value of one data set: a row a loss, a column a penalty."""
    lines = [("loss", *PENALTIES), ("---",) * (1 + len(PENALTIES))]
    rows = [row for part in content.values() for row in part["rows"]]
    for loss in losses.LOSSES:
        cells = [
            spread(
                [
                    row[value]
                    for row in rows
                    if (row["data"], row["loss"], row["penalty"])
                    == (data, loss, penalty)
                ],
                digits,
            )
            for penalty in PENALTIES
        ]
        lines.append((f"`{loss}`", *cells))
    return markdown(lines)


def markdown(lines):
    """Cells as the lines of a table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def table(content):
    """Mean and standard deviation over the seeds, in Markdown.

    "runs" counts the seeds of each toy and of Fashion-MNIST.
    """
    head = (
        "loss",
        "penalty",
        "runs",
        "ring: modes of 8",
        "good",
        "grid: modes of 25",
        "all 25",
        "good",
        "Fashion-MNIST",
    )
    lines = [head, ("---",) * len(head)]
    for loss, penalty in COMBINATIONS:
        rows = [
            row
            for part in content.values()
            for row in part["rows"]
            if (row["loss"], row["penalty"]) == (loss, penalty)
        ]
        ring, grid, fashion = (
            [row for row in rows if row["data"] == name]
            for name in ("ring", "grid", "fashion")
        )
        full = sum(row["modes"] == 25 for row in grid)
        lines.append(
            (
                f"`{loss}`",
                penalty,
                f"{len(grid)} + {len(fashion)}",
                spread([row["modes"] for row in ring], 1),
                spread([row["good"] for row in ring], 2),
                spread([row["modes"] for row in grid], 1),
                f"{full} of {len(grid)}",
                spread([row["good"] for row in grid], 2),
                spread([row["distance"] for row in fashion], 1),
            )
        )
    return markdown(lines)


def spread(values, digits):
    """Mean, standard deviation and how many runs diverged."""
    finite = np.array([value for value in values if value is not None])
    lost = len(values) - len(finite)
    text = f"{lost} of {len(values)} diverged" if lost else ""
    if len(finite) == 0:
        return text or "not run"
    mean = f"{finite.mean():.{digits}f}"
    if len(finite) > 1:
        mean += f" ± {finite.std(ddof=1):.{digits}f}"
    return f"{mean}, {text}" if text else mean


if __name__ == "__main__":
    main()
