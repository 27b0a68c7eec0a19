"""When fakes help a classifier: few images, and a rare class.

    python benchmarks/augmentation.py --data /usr/share/datasets/fashion-mnist

Takes 10, 50 and 100 training images a class of Fashion-MNIST, and all 60,000
with one class cut to 1 %, trains a conditional GAN on these alone (projection,
the objective of `presets.r3gan_small`, rates that fall over the length of the
run, `DiffAugment`, bfloat16), and then the small classifier of
`classification_accuracy_score` six times, for equal steps: on the reals, and on
reals and fakes of `keras_gan.augment_dataset`, each without and with classic
augmentation of two strengths, mirror images or these and shifts by up to 1/8.
Accuracy is that on the test images.

Nothing was chosen by it: weights are those after the last step. With few images
there are five fakes for each real one. A rare class is filled up: by fakes, or,
lest fakes be credited with the balance, by its reals, repeated.

Each run is written as it ends and none is made twice: stop it and start it as
you like. Writes `benchmarks/augmentation.json` and the table
`benchmarks/augmentation.md`.
"""

import json
import pathlib
import time

import click
import keras
import numpy as np
import objectives
import presets as of_presets
from conditional import FlipAndShift
from conditional import keep

from keras_gan import architectures
from keras_gan import augment_dataset
from keras_gan import datasets
from keras_gan import presets
from keras_gan import run_folder
from keras_gan import tasks
from keras_gan.layers import DiffAugment
from keras_gan.metrics.accuracy_score import small_classifier

OUT = pathlib.Path(__file__).with_suffix(".json")
BATCH, FAKES = 64, 5
SETTINGS = {"10": 10, "50": 50, "100": 100, "rare": None}
ARMS = (
    *("reals", "reals, mirrored", "reals, mirrored and shifted"),
    *("fakes", "fakes, mirrored", "fakes, mirrored and shifted"),
)
TITLES = {
    "10": "10 images a class",
    "50": "50 images a class",
    "100": "100 images a class",
    "rare": "one class cut to 1 %",
    "rare, cut class": "the same, recall of that class",
}


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--only", default=",".join(SETTINGS), show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--steps", default=1_500, show_default=True, help="Of the GAN.")
@click.option("--classifier-steps", default=800, show_default=True)
@click.option("--models", default="runs/augmentation", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(data, only, seeds, steps, classifier_steps, models, out):
    """Train what is missing and write the table."""
    out, models = pathlib.Path(out), pathlib.Path(models)
    models.mkdir(parents=True, exist_ok=True)
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    train, test = (of_presets.arrays(d) for d in datasets.load(data, 100))
    protocol = {"steps": steps, "classifier_steps": classifier_steps}
    for seed in range(seeds):
        for name in only.split(","):
            key = {"setting": name, "seed": seed, **protocol}
            if any(key.items() <= row.items() for row in rows):
                continue
            few = chosen(train, name, seed)
            path = models / f"{name}-{steps}-{seed}.keras"
            made_by = train_once(few, steps, seed, path)
            made_by["revision"] = objectives.revision()
            gan = run_folder.load_model(path)
            found = judged(gan, few, test, name, seed, classifier_steps)
            rows.append({**key, **found, **made_by})
            print(json.dumps(rows[-1]), flush=True)
            write(out, rows, data)
    write(out, rows, data)
    print(table(rows))


def write(out, rows, data):
    """Writes all rows and their table."""
    protocol = {"batch_size": BATCH, "fakes": FAKES, "data": str(data)}
    content = {"rows": rows, "protocol": protocol}
    content["made_by"] = objectives.made_by()
    out.write_text(json.dumps(content, indent=1) + "\n")
    out.with_suffix(".md").write_text(table(rows))


def chosen(train, name, seed):
    """Samples and labels that a setting leaves, drawn from the seed."""
    x, y = train
    rng = np.random.default_rng(seed)
    order = [rng.permutation(np.flatnonzero(y == k)) for k in range(10)]
    if name == "rare":
        order[seed] = order[seed][: len(order[seed]) // 100]
    else:
        order = [rows[: SETTINGS[name]] for rows in order]
    rows = np.concatenate(order)
    return x[rows], y[rows]


def train_once(few, steps, seed, path):
    """Trains the conditional GAN of these samples; by which commit."""
    if path.exists():
        return json.loads(path.with_suffix(".json").read_text())
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("mixed_bfloat16")
    players = architectures.dcgan((28, 28, 1), 64, 10)
    augment = DiffAugment(seed=seed)
    gan = tasks.ConditionalGAN(*players, 10, augment=augment, seed=seed)
    rate = presets.falling(duration=steps * BATCH)
    presets.pairing(gan, rate, penalty_weight=None, compile_kwargs={})
    keras.config.set_dtype_policy("float32")
    start = time.perf_counter()
    fit(gan, batches(few, seed), steps)
    print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
    found = {"trained_by": objectives.revision()}
    keep(gan, path, found)
    return found


def balanced(pair):
    """Rows repeated in turn until all classes are equally frequent."""
    x, y = pair
    places = [np.flatnonzero(y == k) for k in range(10)]
    most = max(len(rows) for rows in places)
    rows = np.concatenate([np.resize(rows, most) for rows in places])
    return x[rows], y[rows]


def batches(pair, seed):
    """An endless order of labelled batches."""
    size = min(BATCH, len(pair[0]))
    train, _ = datasets.load(pair, size, test_fraction=0.0, seed=seed)
    return train.repeat()


def fit(model, batches, steps):
    """Trains for a number of steps."""
    model.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)


def judged(gan, few, test, name, seed, steps):
    """Accuracies of the classifiers."""
    per_class = FAKES * SETTINGS[name] if SETTINGS[name] else 0
    mixed = augment_dataset(
        gan, few, per_class, batch_size=BATCH, seed=seed
    ).repeat()
    data = {"reals": batches(balanced(few), seed), "fakes": mixed}
    found = {}
    for arm in ARMS:
        samples, _, change = arm.partition(", ")
        network = classifier(change, seed)
        fit(network, data[samples], steps * (2 if name == "rare" else 1))
        logits = network.predict(test[0], batch_size=500, verbose=0)
        right = logits.argmax(axis=1) == test[1]
        found[arm] = float(right.mean())
        if name == "rare":
            found[f"{arm}, cut class"] = float(right[test[1] == seed].mean())
    return found


def classifier(change, seed):
    """The small classifier, behind classic augmentation or none."""
    x = inputs = keras.Input((28, 28, 1))
    if change == "mirrored":
        x = keras.layers.RandomFlip("horizontal", seed=seed)(x)
    elif change:
        x = FlipAndShift(seed)(x)
    model = keras.Model(inputs, small_classifier((28, 28, 1), 10, seed)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    return model


def table(rows):
    """Mean and standard deviation over the seeds, in Markdown."""
    lines = [("accuracy on test images, %", *ARMS), ("---",) * 7]
    for name, title in TITLES.items():
        setting, _, part = name.partition(", ")
        some = [row for row in rows if row["setting"] == setting]
        if some:
            keys = [f"{arm}, {part}" if part else arm for arm in ARMS]
            cells = (
                objectives.spread([100 * row[key] for row in some], 1)
                for key in keys
            )
            lines.append((title, *cells))
    return objectives.markdown(lines)


if __name__ == "__main__":
    main()
