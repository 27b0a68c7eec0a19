"""What judging costs, beside what it cannot do without.

    pip install scipy
    python benchmarks/metric_speed.py

First: the Frechet distance of two arrays of 10,000 x 2,048 features, beside
the code of most projects, `np.cov` and `scipy.linalg.sqrtm`. Second:
`gan.evaluate` with a `FrechetDistance` on 10,000 images of 28 x 28, beside the
bare forward passes that it needs (generator, discriminator and features of
reals and fakes) in one compiled function; `again` is the next evaluation on
the same images, whose features are kept. The sides alternate; reported are
medians, the spread and the ratio. Writes `benchmarks/metric_speed.json`.
"""

import json
import pathlib
import time

import click
import keras
import numpy as np
import objectives
import tensorflow as tf

import keras_gan
from keras_gan import metrics
from keras_gan.datasets.pipeline import batches
from keras_gan.metrics import features

OUT = pathlib.Path(__file__).with_suffix(".json")
NUM, SIZE, BATCH = 10_000, 2_048, 250


@click.command()
@click.option("--repeats", default=3, show_default=True)
@click.option("--passes-repeats", default=9, show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(repeats, passes_repeats, out):
    """Measure both and write the file."""
    result = {
        "frechet_distance": alternated(distance_sides(), repeats),
        "evaluate": alternated(evaluate_sides(), passes_repeats),
        "protocol": {
            "frechet_distance": f"{NUM} x {SIZE} float64, correlated normal",
            "evaluate": f"{NUM} images, batches of {BATCH}, presets.dcgan, "
            "features.fashion_mnist; the first round is left out",
        },
        "made_by": {**objectives.made_by(), "revision": objectives.revision()},
    }
    pathlib.Path(out).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def distance_sides():
    """The two ways to a Frechet distance, of the same features."""
    from scipy import linalg

    rng = np.random.default_rng(0)
    mix = rng.normal(size=(SIZE, SIZE)) / SIZE**0.5
    real, fake = (rng.normal(size=(NUM, SIZE)) @ mix for _ in range(2))

    def peer():
        s1, s2 = (np.cov(x, rowvar=False) for x in (real, fake))
        apart = np.square(real.mean(axis=0) - fake.mean(axis=0)).sum()
        root = linalg.sqrtm(s1 @ s2)
        return apart + np.trace(s1 + s2) - 2 * np.trace(root).real

    ours = metrics.frechet_distance
    sides = {"ours": lambda: ours(real, fake), "scipy": peer}
    np.testing.assert_allclose(*(side() for side in sides.values()), rtol=1e-6)
    return sides


def evaluate_sides():
    """Evaluations with a metric, and the passes they need."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (NUM, 28, 28, 1)).astype("float32")
    # As a test split of `datasets.load`, without the waits of autotune.
    data = batches(x, None, BATCH)
    metric = metrics.FrechetDistance(features.fashion_mnist())
    gan = keras_gan.presets.dcgan(metrics=[metric])

    @tf.function
    def step(real):
        latents = gan.latents(BATCH, gan.evaluation_seed_generator)
        fake = gan(latents)
        scores = [gan.discriminate(each) for each in (real, fake)]
        found = [metric.features(each) for each in (real, fake)]
        return sum(keras.ops.sum(each) for each in (*scores, *found))

    def passes():
        return [step(batch).numpy() for batch in data]

    def again():
        gan.evaluate(data, verbose=0)

    def first():
        # Nothing is kept of other weights.
        metric.passes.weights = None
        gan.evaluate(data, verbose=0)

    for side in (passes, first):
        side()
    return {"first": first, "again": again, "passes": passes}


def alternated(sides, repeats):
    """Seconds of each side, and as a ratio to the last side's."""
    seconds = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - start)
    *others, peer = sides
    found = {name: spread(values) for name, values in seconds.items()}
    for name in others:
        ratios = np.divide(seconds[name], seconds[peer])
        found[name]["of_" + peer] = spread(ratios)
    return found


def spread(values):
    """Median, smallest and largest."""
    return {
        "median": round(float(np.median(values)), 4),
        "least": round(float(np.min(values)), 4),
        "most": round(float(np.max(values)), 4),
    }


if __name__ == "__main__":
    main()
