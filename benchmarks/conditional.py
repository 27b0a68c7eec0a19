"""What the tasks with labels and codes are worth on full Fashion-MNIST.

    python benchmarks/conditional.py --data /usr/share/datasets/fashion-mnist

Trains the presets `conditional`, `acgan`, `semi_supervised` (with 10 and 100
labels a class in a fifth of the rows, beside the same discriminator on these
labels alone, with mirror images and shifts or without) and `infogan` (beside
k-means on pixels), and judges each on the 10,000 test images. The accuracy
score is that of a small classifier that has seen 60,000 fakes and no real
image; `real` is the same for the 60,000 training images.

`--policy` is the precision of the GANs, such as `mixed_bfloat16`. The learning
rates of all but `infogan` fall over the length of the run.

Each run is written as it ends and none is made twice: stop it and start it as
you like. Writes `benchmarks/conditional.json` and the table
`benchmarks/conditional.md`.
"""

import json
import os
import pathlib
import time

import click
import keras
import numpy as np
import objectives
import presets as of_presets
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import mutual_info_score

from keras_gan import datasets
from keras_gan import metrics
from keras_gan import presets
from keras_gan import run_folder
from keras_gan.evaluation.evaluate import judge
from keras_gan.penalties.consistency import flip_and_shift

OUT = pathlib.Path(__file__).with_suffix(".json")
FAKES, BATCH, EPOCHS = 60_000, 64, 5
LABELLED = 0.2
STEPS = {
    "real": 0,
    "conditional": 7_000,
    "acgan": 4_000,
    "semi_supervised_10": 4_000,
    "semi_supervised_100": 4_000,
    "infogan": 4_000,
}


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--only", default=",".join(STEPS), show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--steps", type=int, help="[default: by preset]")
@click.option("--policy", default="float32", show_default=True)
@click.option("--models", default="runs/conditional", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(data, only, seeds, steps, policy, models, out):
    """Train and judge what is missing, and write the table."""
    out, models = pathlib.Path(out), pathlib.Path(models)
    models.mkdir(parents=True, exist_ok=True)
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    for seed in range(seeds):
        for name in only.split(","):
            key = {
                "run": name,
                "seed": seed,
                "steps": STEPS[name] if steps is None else steps,
                "policy": None if name == "real" else policy,
            }
            if name.startswith("semi_supervised"):
                key["labelled"] = LABELLED
            if not any(key.items() <= row.items() for row in rows):
                made_by = {"revision": objectives.revision()}
                found = run(key, data, models)
                rows.append({**key, **found, **made_by})
                print(json.dumps(rows[-1])[:400], flush=True)
                write(out, rows, data)
    write(out, rows, data)
    print(table(rows))


def write(out, rows, data):
    """Writes all rows and their table."""
    protocol = {"batch_size": BATCH, "data": str(data), "fakes": FAKES}
    protocol["classifier_epochs"] = EPOCHS
    content = {"rows": rows, "protocol": protocol}
    content["made_by"] = objectives.made_by()
    out.write_text(json.dumps(content, indent=1) + "\n")
    out.with_suffix(".md").write_text(table(rows))


def run(key, data, models):
    """What one run finds, as a dictionary."""
    name, seed, steps = key["run"], key["seed"], key["steps"]
    if name == "real":
        return {"accuracy_score": score(arrays(data, 0), data, seed)}
    kind, _, per_class = name.partition("supervised_")
    if per_class:
        return semi_supervised(int(per_class), key, data)
    path = models / f"{name}-{steps}-{key['policy']}-{seed}.keras"
    found = train(key, data, path)
    gan = run_folder.load_model(path)
    if name == "infogan":
        return {**found, **codes(gan, data, seed)}
    record = judge(gan, settings(data, seed)).record
    measures = {k: v["value"] for k, v in record["measures"].items()}
    found |= {"measures": measures, "labels": record["labels"]}
    if record["classification"] is not None:
        found["accuracy"] = record["classification"]["accuracy"]
    labels = np.arange(FAKES) % 10
    fakes = gan.generate(labels, seed=seed)
    return {**found, "accuracy_score": score((fakes, labels), data, seed)}


def train(key, data, path):
    """Trains a preset once, and keeps it; how long, and by which commit."""
    name, seed = key["run"], key["seed"]
    if path.exists():
        return json.loads(path.with_suffix(".json").read_text())
    batches, _ = datasets.load(data, batch_size=BATCH, seed=seed)
    if name == "infogan":
        batches = batches.map(lambda x, y: x)
    options = {}
    if name != "infogan":
        length = key["steps"] * BATCH
        options["learning_rate"] = presets.falling(duration=length)
    gan = made(getattr(presets, name), key, **options)
    found = {"trained_by": objectives.revision()}
    found["seconds"] = fit(gan, batches, key["steps"])
    keep(gan, path, found)
    return found


def keep(gan, path, found):
    """Saves a model, whole or not at all, beside how it was trained."""
    path.with_suffix(".json").write_text(json.dumps(found))
    unfinished = path.with_suffix(".unfinished.keras")
    gan.save(unfinished)
    os.replace(unfinished, path)


def made(preset, key, **options):
    """A compiled GAN by the seed and in the precision of a run."""
    keras.utils.set_random_seed(key["seed"])
    keras.config.set_dtype_policy(key["policy"])
    gan = preset((28, 28, 1), seed=key["seed"], **options)
    keras.config.set_dtype_policy("float32")
    return gan


def fit(gan, batches, steps):
    """Trains for a number of steps; seconds it took."""
    start = time.perf_counter()
    gan.fit(batches.repeat(), steps_per_epoch=steps, verbose=0, shuffle=False)
    return round(time.perf_counter() - start, 1)


def settings(data, seed):
    """Those of `keras-gan evaluate`."""
    return {
        "data": data,
        "features": "fashion_mnist",
        "count": 10_000,
        "seed": seed,
        "batch_size": 256,
        "image_size": None,
        "channels": None,
    }


def arrays(data, split):
    """Samples and labels of the training (0) or test (1) images."""
    return of_presets.arrays(datasets.load(data, 100)[split])


def score(train, data, seed):
    """Accuracy on test images of a classifier trained on `train`."""
    found = metrics.classification_accuracy_score(
        train, arrays(data, 1), epochs=EPOCHS, seeds=[seed]
    )
    return found["accuracy"]


def semi_supervised(per_class, key, data):
    """Accuracy with few labels, and of the same network on them alone."""
    seed = key["seed"]
    train = arrays(data, 0)
    x, y = datasets.few_labels(*train, per_class, LABELLED, seed)
    batches, _ = datasets.load((x, y), BATCH, test_fraction=0.0, seed=seed)
    rate = presets.falling(duration=key["steps"] * BATCH)
    gan = made(presets.semi_supervised, key, learning_rate=rate)
    seconds = fit(gan, batches, key["steps"])
    x_test, y_test = arrays(data, 1)
    found = gan.classify(x_test).argmax(axis=1)
    known, alone_too = y >= 0, {}
    for name, classic in (("", False), ("_augmented", True)):
        network = classifier(gan.discriminator, classic, seed)
        alone_too[f"accuracy_of_labels_alone{name}"] = labels_alone(
            network, x[known], y[known], key["steps"], seed, x_test, y_test
        )
    return {
        "seconds": seconds,
        "accuracy": float(np.mean(found == y_test)),
        **alone_too,
    }


def classifier(discriminator, classic, seed):
    """A fresh discriminator's classes, behind mirrors and shifts or not."""
    keras.utils.set_random_seed(seed)
    fresh = keras.models.clone_model(discriminator)
    x = inputs = keras.Input(fresh.inputs[0].shape[1:])
    if classic:
        x = FlipAndShift(seed)(x)
    return keras.Model(inputs, fresh(x)[1])


class FlipAndShift(keras.layers.Layer):
    """Images mirrored by chance and shifted by up to 1/8, in training.

    Args:
        seed: integer, seed of the draws.
    """

    def __init__(self, seed):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        return flip_and_shift(x, self.seed_generator) if training else x


def labels_alone(network, x, y, steps, seed, x_test, y_test):
    """Accuracy of a discriminator trained as a classifier, no more."""
    # Without a GAN, an optimizer's schedule counts its own steps.
    network.compile(
        keras.optimizers.Adam(presets.falling(duration=steps), beta_1=0.5),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    batches, _ = datasets.load((x, y), BATCH, test_fraction=0.0, seed=seed)
    network.fit(
        batches.repeat(), steps_per_epoch=steps, verbose=0, shuffle=False
    )
    logits = network.predict(x_test, batch_size=500, verbose=0)
    return float(np.mean(logits.argmax(axis=1) == y_test))


def codes(gan, data, seed):
    """What the categorical code of test images has to do with classes."""
    x, y = arrays(data, 1)
    code = gan.encode(x)[:, :10].argmax(axis=1)
    pixels = KMeans(10, n_init=3, random_state=seed).fit(
        arrays(data, 0)[0][:10_000].reshape(10_000, -1)
    )
    means = pixels.predict(x.reshape(len(x), -1))
    return {
        "mutual_information": float(mutual_info_score(y, code)),
        "best_match_accuracy": best_match(y, code),
        "k_means_mutual_information": float(mutual_info_score(y, means)),
        "k_means_best_match_accuracy": best_match(y, means),
    }


def best_match(labels, code):
    """Accuracy where each code stands for the class that fits it best."""
    counts = np.zeros((10, 10))
    np.add.at(counts, (labels, code), 1)
    rows, columns = linear_sum_assignment(-counts)
    return float(counts[rows, columns].sum() / len(labels))


def table(rows):
    """A line for each run, number of steps and policy, in Markdown."""
    heads = ("run", "steps", "policy", "seeds", "minutes of training")
    lines = [(*heads, "what was found"), ("---",) * 6]

    def kind(row):
        return row["run"], row["steps"], row["policy"]

    for name, steps, policy in dict.fromkeys(map(kind, rows)):
        some = [row for row in rows if kind(row) == (name, steps, policy)]
        seconds = [row.get("seconds") for row in some]
        minutes = ""
        if None not in seconds:
            minutes = objectives.spread([s / 60 for s in seconds], 1)
        told = ", ".join(
            f"{title} {objectives.spread(values, digits)}"
            for title, values, digits in findings(some)
        )
        cells = (f"{steps:,}", policy) if steps else ("", "")
        lines.append((f"`{name}`", *cells, str(len(some)), minutes, told))
    return objectives.markdown(lines)


def findings(rows):
    """Title, values and digits of what rows of one kind have found."""
    shares = {
        "accuracy_score": "accuracy score %",
        "accuracy": "accuracy on test images %",
        "accuracy_of_labels_alone": "of the labels alone %",
        "accuracy_of_labels_alone_augmented": "of them, augmented %",
        "best_match_accuracy": "best match %",
        "k_means_best_match_accuracy": "of k-means %",
    }
    for key, title in shares.items():
        if key in rows[0]:
            yield title, [100 * row[key] for row in rows], 1
    for key in ("mutual_information", "k_means_mutual_information"):
        if key in rows[0]:
            title = key.replace("_", " ") + " (nats)"
            yield title, [row[key] for row in rows], 2
    if "measures" in rows[0]:
        found = [row["measures"] for row in rows]
        yield (
            "of the class asked for %",
            [100 * m["as_asked"] for m in found],
            1,
        )
        yield "Frechet distance", [m["frechet_distance"] for m in found], 1
        key = "frechet_distance_per_class"
        yield "by class", [m[key] for m in found], 1


if __name__ == "__main__":
    main()
