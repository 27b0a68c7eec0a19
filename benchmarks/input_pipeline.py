"""How much of a training step waits for data.

    python benchmarks/input_pipeline.py

For each preset, in turns: `fit` on one batch that is cached in memory, and
`fit` on the pipeline of `datasets.load`, equally many steps of one compiled
model. What the pipeline adds to the median step is the share that waits. Then
images a second of the pipelines alone, read as fast as they go: from memory,
and by `datasets.stream` from a folder of PNG files and from TFRecord files.

Writes `benchmarks/input_pipeline.json`.
"""

import json
import pathlib
import tempfile
import time

import click
import keras
import numpy as np
import objectives
import tensorflow as tf
from PIL import Image

from keras_gan import datasets
from keras_gan import presets

OUT = pathlib.Path(__file__).with_suffix(".json")
BATCH = 64


@click.command()
@click.option("--data", default="fashion_mnist_10k", show_default=True)
@click.option("--steps", default=100, show_default=True, help="A turn.")
@click.option("--turns", default=7, show_default=True)
@click.option("--only", default="", help="Part of the presets' names.")
@click.option("--files", default=5_000, show_default=True, help="To stream.")
@click.option("--out", default=str(OUT), show_default=True)
def main(data, steps, turns, only, files, out):
    """Measure and report."""
    train, _ = datasets.load(data, BATCH)
    result = {
        "waiting": {
            name: waiting(getattr(presets, name), train, steps, turns)
            for name in presets.__all__
            if only in name
        },
        "images_a_second": rates(train, files),
        "protocol": {
            "batch_size": BATCH,
            "steps_a_turn": steps,
            "turns": turns,
            "data": data,
            "files": files,
            "share": "median over the turns of (pipeline - cached) / pipeline, "
            "negative where noise is larger",
        },
        "made_by": {**objectives.made_by(), "revision": objectives.revision()},
    }
    pathlib.Path(out).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def waiting(preset, train, steps, turns):
    """Milliseconds a step on one batch and on the pipeline, and the share."""
    keras.utils.set_random_seed(0)
    gan = preset((28, 28, 1), seed=0)
    batch = next(iter(train))
    sources = {
        "cached": tf.data.Dataset.from_tensors(batch).cache().repeat(),
        "pipeline": train.repeat(),
    }
    found = {name: [] for name in sources}
    for turn in range(turns + 1):
        # Each comes first every other time.
        for name in sorted(sources, reverse=turn % 2 == 1):
            seconds = epoch(gan, sources[name], steps)
            if turn:
                found[name].append(1000 * seconds / steps)
    cached, pipeline = (np.array(found[n]) for n in ("cached", "pipeline"))
    shares = (pipeline - cached) / pipeline
    return {
        "cached_ms": round(float(np.median(cached)), 3),
        "pipeline_ms": round(float(np.median(pipeline)), 3),
        "share": round(float(np.median(shares)), 4),
        "share_quartiles": np.quantile(shares, [0.25, 0.75]).round(4).tolist(),
    }


class Clock(keras.callbacks.Callback):
    """Seconds from the first step of an epoch to the end of its last."""

    def on_train_batch_begin(self, batch, logs=None):
        """The first step's begin: iterators are made before."""
        if batch == 0:
            self.begin = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """The last one seen counts."""
        self.seconds = time.perf_counter() - self.begin


def epoch(gan, source, steps):
    """Seconds of some steps of `fit`."""
    clock = Clock()
    gan.fit(
        source,
        steps_per_epoch=steps,
        verbose=0,
        shuffle=False,
        callbacks=[clock],
    )
    return clock.seconds


def rates(train, num_files):
    """Images a second of each pipeline, nothing done with them."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_images(folder, train, num_files)
        sources = {"memory": train}
        for kind in ("png", "tfrecord"):
            sources[kind], _ = datasets.stream(
                folder / kind, BATCH, test_fraction=0.0
            )
        return {name: round(rate(source)) for name, source in sources.items()}


def write_images(folder, train, num_files):
    """The images of a set as PNG files, and those as TFRecord files."""
    images = np.concatenate([x for x, _ in train.as_numpy_iterator()])
    (folder / "png").mkdir()
    (folder / "tfrecord").mkdir()
    path = str(folder / "tfrecord" / "0.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for number, image in enumerate(images[:num_files]):
            pixels = np.rint(127.5 * (image[..., 0] + 1)).astype("uint8")
            file = folder / "png" / f"{number:06}.png"
            Image.fromarray(pixels).save(file)
            feature = tf.train.Feature(
                bytes_list=tf.train.BytesList(value=[file.read_bytes()])
            )
            features = tf.train.Features(feature={"image": feature})
            example = tf.train.Example(features=features)
            writer.write(example.SerializeToString())


def rate(source):
    """Images a second, of the faster of two passes."""
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        batches = sum(1 for _ in source)
        seconds.append(time.perf_counter() - start)
    return batches * BATCH / min(seconds)


if __name__ == "__main__":
    main()
