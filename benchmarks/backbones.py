"""What a pre-trained backbone in the discriminator is worth.

    python benchmarks/backbones.py

Trains one generator on the bundled 10,000 images of clothes with the loss and
the optimizers of `presets.r3gan_small`, three seeds each: against the usual
discriminator, and against `architectures.projected_discriminator` on the
bundled classifier, frozen, with and without the preset's penalty. Frechet
distance to the 2,000 test images at an equal number of steps and at an equal
time.

The backbone is also the network by which this package judges such images by
default, and a discriminator that looks through the judge's eyes can please it:
what counts is the distance by another network, of other layers, trained here
from another seed. Distances of pixels, by random directions, and that of the
backbone itself stand beside it.

Time is that of the processors in `fit`, without the first step: neighbours on
the machine slow it less than the clock. Each run is written to
`benchmarks/backbones.json` as it ends and none is repeated: stop the command
and start it as you like. The table goes to `benchmarks/backbones.md`.
"""

import pathlib
import time

import click
import keras
import numpy as np
import objectives
from keras import layers

import keras_gan
from keras_gan import architectures
from keras_gan import backbones
from keras_gan import datasets
from keras_gan import metrics
from keras_gan import penalties
from keras_gan.metrics import features
from keras_gan.metrics.sample_metric import sha256

OUT = pathlib.Path(__file__).with_suffix(".json")
DATA, SHAPE = "fashion_mnist_10k", (28, 28, 1)
PROTOCOL = {
    "steps": 600,
    "every": 150,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "beta_1": 0.0,
    "beta_2": 0.99,
    "gamma": 1.0,
    "widths": [32, 64],
    "projected_width": 16,
    "first_seed": 10,
    "loss": "relativistic",
    "generator": "dcgan, batch normalisation; averaged, truncation 1.0",
    "data": "fashion_mnist_10k: 10,000 training images",
    "reference": "its 2,000 test images, against 2,000 fakes",
    "backbone": "features.fashion_mnist, frozen: maps of 28, 14 and 7 pixels",
    "tuning": "none: the rate and gamma are the preset's, chosen for the usual "
    "discriminator; widths and mixing were set before the first run",
}
ARMS = {
    "usual, R1+R2": ("usual", True),
    "projected": ("projected", False),
    "projected, R1+R2": ("projected", True),
}
# The judges, the one that counts first.
JUDGES = ("independent", "pixels", "backbone")


@click.command()
@click.option("--seeds", default=3, show_default=True)
@click.option("--steps", type=int, help="Replaces the protocol's number.")
@click.option("--judge", default="runs/backbones", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(seeds, steps, judge, out):
    """Compare the discriminators."""
    record = objectives.Record(out)
    record.open("backbones", PROTOCOL, steps)
    train, test = (arrays(part) for part in datasets.load(DATA, 100))
    judges = Judges(independent(train, test, pathlib.Path(judge)), test[0])
    record.part["independent_judge"] = judges.card
    record.part["floor"] = judges(train[0][: len(test[0])])
    runs = Runs(record.part["protocol"], judges)
    first = PROTOCOL["first_seed"]
    for arm in ARMS:
        for seed in range(first, first + seeds):
            if record.missing(arm=arm, seed=seed):
                points = runs(arm, seed, budget(record, arm, seed))
                record.add(arm=arm, seed=seed, points=points)
    text = table(record.part)
    pathlib.Path(out).with_suffix(".md").write_text(text)
    print(text)


def arrays(batches):
    """Images and labels of all batches."""
    x, y = zip(*batches.as_numpy_iterator())
    return np.concatenate(x), np.concatenate(y)


def independent(train, test, folder, epochs=8):
    """A classifier of other layers and another seed, and its test accuracy."""
    keras.utils.set_random_seed(77)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(24, 5, 2, "same", activation="elu"),
            layers.Conv2D(48, 5, 2, "same", activation="elu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="elu", name="features"),
            layers.Dense(10, name="logits"),
        ]
    )
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    path = folder / "independent.weights.h5"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        model.fit(*train, batch_size=64, epochs=epochs, verbose=2)
        model.save_weights(path)
    model.load_weights(path)
    accuracy = model.evaluate(*test, verbose=0, return_dict=True)["accuracy"]
    return model, accuracy


class Judges:
    """Frechet distances to the test images, by three networks.

    Args:
        judge: the independent classifier and its accuracy.
        reference: float array `(n, 28, 28, 1)` in [-1, 1].
    """

    def __init__(self, judge, reference):
        classifier, accuracy = judge
        self.card = {"accuracy": accuracy, "sha256": sha256(classifier)}
        hidden = classifier.get_layer("features").output
        networks = (
            keras.Model(classifier.inputs[0], hidden),
            features.random_projection(SHAPE, 64),
            features.fashion_mnist(),
        )
        self.networks = dict(zip(JUDGES, networks, strict=True))
        self.reference = self.features(reference)
        self.count = len(reference)

    def features(self, images):
        """By judge, features of images."""
        return {
            name: network.predict(images, batch_size=500, verbose=0)
            for name, network in self.networks.items()
        }

    def __call__(self, images):
        """By judge, the distance of as many images."""
        found = self.features(images)
        return {
            name: metrics.frechet_distance(self.reference[name], found[name])
            for name in JUDGES
        }


class Runs:
    """GANs of each arm, compiled and traced once.

    Args:
        protocol: dictionary, as above.
        judges: callable, images to distances.
    """

    def __init__(self, protocol, judges):
        self.protocol = protocol
        self.judges = judges
        self.traced = {}

    def __call__(self, arm, seed, budget):
        """Steps, seconds and distances, from time to time.

        Args:
            arm: key of `ARMS`.
            seed: integer.
            budget: processor seconds that are to be used up, or 0.
        """
        batch = self.protocol["batch_size"]
        every, steps = self.protocol["every"], self.protocol["steps"]
        gan = self.fresh(arm, seed)
        data, _ = datasets.load(DATA, batch, seed=seed)
        batches = iter(data.repeat().batch(every))
        points, seconds, processor = [], 0.0, 0.0
        while len(points) * every < steps or processor < budget:
            x, _ = next(batches)
            chunk = x.numpy().reshape(-1, *SHAPE)
            start = time.perf_counter(), time.process_time()
            gan.fit(chunk, batch_size=batch, verbose=0, shuffle=False)
            seconds += time.perf_counter() - start[0]
            processor += time.process_time() - start[1]
            fakes = gan.generate(self.judges.count, seed=10_000 + seed)
            points.append(
                {
                    "steps": (len(points) + 1) * every,
                    "seconds": round(seconds, 1),
                    "processor_seconds": round(processor, 1),
                    **self.judges(fakes),
                }
            )
        return points

    def fresh(self, arm, seed):
        """A GAN before its first step, traced already."""
        fresh = self.compiled(arm, seed)
        if arm not in self.traced:
            gan = self.traced[arm] = self.compiled(arm, seed)
            size = self.protocol["batch_size"]
            gan.fit(np.zeros((2 * size, *SHAPE)), batch_size=size, verbose=0)
        gan = self.traced[arm]
        pairs = zip(objectives.state(gan), objectives.state(fresh), strict=True)
        for variable, value in pairs:
            variable.assign(value)
        return gan

    def compiled(self, arm, seed):
        """A GAN of one arm."""
        kind, penalised = ARMS[arm]
        keras.utils.set_random_seed(seed)
        generator, discriminator = architectures.dcgan(
            SHAPE, widths=self.protocol["widths"]
        )
        if kind == "projected":
            pyramid = backbones.pyramid(SHAPE, features.fashion_mnist())
            discriminator = architectures.projected_discriminator(
                pyramid, width=self.protocol["projected_width"]
            )
        gan = keras_gan.GAN(generator, discriminator, seed=seed)
        rules = [penalties.ZeroCentered(self.protocol["gamma"])]
        gan.compile(
            self.adam(),
            self.adam(),
            loss=self.protocol["loss"],
            penalties=rules if penalised else [],
        )
        return gan

    def adam(self):
        """The optimizer of either player."""
        names = ("learning_rate", "beta_1", "beta_2")
        return keras.optimizers.Adam(*(self.protocol[n] for n in names))


def budget(record, arm, seed):
    """Processor seconds that the usual discriminator took for this seed."""
    usual = next(iter(ARMS))
    if arm == usual:
        return 0.0
    (row,) = runs_of(record.part, usual, seed)
    return row["points"][-1]["processor_seconds"]


def runs_of(part, arm, seed=None):
    """The rows of an arm, or of one of its seeds."""
    return [
        row
        for row in part["rows"]
        if row["arm"] == arm and seed in (None, row["seed"])
    ]


def at_steps(part, row):
    """The point of a run at the protocol's number of steps."""
    steps = part["protocol"]["steps"]
    return next(p for p in row["points"] if p["steps"] >= steps)


def at_time(part, row):
    """The last point of a run within the time of the usual discriminator."""
    (usual,) = runs_of(part, next(iter(ARMS)), row["seed"])
    limit = at_steps(part, usual)["processor_seconds"]
    inside = [p for p in row["points"] if p["processor_seconds"] <= limit]
    return inside[-1] if inside else row["points"][0]


def table(part):
    """Mean and standard deviation over the seeds, in Markdown."""
    head = (
        "discriminator",
        "at",
        "steps",
        "processor seconds",
        "independent judge",
        "pixels",
        "the backbone as judge (biased)",
    )
    lines = [head, ("---",) * len(head)]
    for arm in ARMS:
        for name, chosen in (
            ("equal steps", at_steps),
            ("equal time", at_time),
        ):
            points = [chosen(part, row) for row in runs_of(part, arm)]
            if not points or (chosen is at_time and arm == next(iter(ARMS))):
                continue
            columns = [("steps", 0), ("processor_seconds", 0)]
            columns += [(judge, 2) for judge in JUDGES]
            cells = [
                objectives.spread([p[key] for p in points], digits)
                for key, digits in columns
            ]
            lines.append((arm, name, *cells))
    floor = [f"{part['floor'][judge]:.2f}" for judge in JUDGES]
    lines.append(("training images: the floor", "", "", "", *floor))
    return objectives.markdown(lines)


if __name__ == "__main__":
    main()
