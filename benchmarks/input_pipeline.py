"""How much of a training step waits for data, and what streaming holds.

    python benchmarks/input_pipeline.py [--part waiting|rates|stream]

`waiting`: for each preset, in turns, whole passes of `fit` over what
`datasets.load` gives, and over the finished batches of one of its passes, which
rest in memory; the beginning of a pass is in it. What the pipeline adds to the
median pass is the share that waits. Where a step takes long this is less than
machines waver by; so beside it stands the processor time of a pass over the
pipeline alone, as a share of that of training: its own work, without what two
that run at once cost each other. `rates`: images a second of the pipelines
alone, read as fast as they go: from memory, and by `datasets.stream` from a
folder of PNG files and from TFRecord files. `stream`: one pass over 100,000
images, each way in a process of its own, and its resident memory on the way.

Writes `benchmarks/input_pipeline.json`, where parts that are not made stay,
and the tables of `benchmarks/input_pipeline.md`.
"""

import itertools
import json
import multiprocessing
import os
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
from keras_gan.datasets import pipeline

OUT = pathlib.Path(__file__).with_suffix(".json")
BATCH = 64
PARTS = ("waiting", "rates", "stream")
# Batches between two looks at the memory.
EVERY = 25


@click.command()
@click.option("--part", type=click.Choice(PARTS), multiple=True, default=PARTS)
@click.option("--data", default="fashion_mnist_10k", show_default=True)
@click.option("--epochs", default=1, show_default=True, help="A turn.")
@click.option("--turns", default=7, show_default=True)
@click.option("--only", default="", help="Part of the presets' names.")
@click.option("--files", default=5_000, show_default=True, help="Of rates.")
@click.option("--count", default=100_000, show_default=True, help="Of stream.")
@click.option("--out", default=str(OUT), show_default=True)
def main(part, data, epochs, turns, only, files, count, out):
    """Measure and report."""
    out = pathlib.Path(out)
    result = json.loads(out.read_text()) if out.exists() else {}
    train, _ = datasets.load(data, BATCH)
    made_by = {**objectives.made_by(), "revision": objectives.revision()}
    about = {"batch_size": BATCH, "data": data, "made_by": made_by}
    if "waiting" in part:
        result.setdefault("waiting", {})
        for name in presets.__all__:
            if only in name:
                found = waiting(getattr(presets, name), train, epochs, turns)
                settings = {"epochs_a_turn": epochs, "turns": turns}
                result["waiting"][name] = {**found, **settings, **about}
    if "rates" in part:
        found = rates(train, files)
        result["images_a_second"] = {**found, "files": files, **about}
    if "stream" in part:
        result["stream"] = {**streams(train, count), **about}
    out.write_text(json.dumps(result, indent=1) + "\n")
    out.with_suffix(".md").write_text(tables(result))
    print(out.with_suffix(".md").read_text())


def waiting(preset, train, epochs, turns):
    """Milliseconds a step, on kept batches and on the pipeline; the share."""
    keras.utils.set_random_seed(0)
    gan = preset((28, 28, 1), seed=0)
    steps = int(train.cardinality())
    # Tuned by no thread, as the other; kept once it was read to its end.
    cached = pipeline.without_autotune(train.cache(), True)
    idle_pass(cached)
    sources = {"cached": cached, "pipeline": train}
    found = {name: [] for name in sources}
    load = os.getloadavg()[0]
    for turn in range(turns + 1):
        # Each comes first every other time.
        for name in sorted(sources, reverse=turn % 2 == 1):
            seconds = passes(gan, sources[name], epochs)
            if turn:
                found[name].append(1000 * seconds / (steps * epochs))
    # By turn; wall clock and processor time.
    cached, whole = (np.array(found[n]) for n in ("cached", "pipeline"))
    shares = (whole - cached) / whole
    median = {
        "cached": np.median(cached, axis=0).round(3).tolist(),
        "pipeline": np.median(whole, axis=0).round(3).tolist(),
        "share": np.median(shares, axis=0).round(4).tolist(),
    }
    alone = 1000 * np.median([idle_pass(train) for _ in range(7)]) / steps
    return {
        "alone_cpu_ms": round(alone, 3),
        "alone_cpu_share": round(alone / median["pipeline"][1], 4),
        "cached_ms": median["cached"][0],
        "pipeline_ms": median["pipeline"][0],
        "share": median["share"][0],
        "share_quartiles": quartiles(shares[:, 0]),
        "cached_cpu_ms": median["cached"][1],
        "pipeline_cpu_ms": median["pipeline"][1],
        "cpu_share": median["share"][1],
        "cpu_share_quartiles": quartiles(shares[:, 1]),
        "load_before": round(load, 2),
    }


def quartiles(values):
    """The first and the third."""
    return np.quantile(values, [0.25, 0.75]).round(4).tolist()


def now():
    """Seconds of the wall clock and of the processors."""
    return np.array([time.perf_counter(), time.process_time()])


def passes(gan, source, epochs):
    """Seconds of `fit`: by the wall, and of all processors.

    A neighbour changes the one much and the other little.
    """
    begin = now()
    gan.fit(source, epochs=epochs, verbose=0, shuffle=False)
    return now() - begin


def idle_pass(source):
    """Seconds of all processors for a pass, nothing done with the batches."""
    begin = time.process_time()
    for _ in source:
        pass
    return time.process_time() - begin


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
    """The images of a set as PNG files, and those as TFRecord files.

    Where there are too few they come again, moved by a pixel each time.
    """
    images = np.concatenate([x for x, _ in train.as_numpy_iterator()])
    moved = (np.roll(images, n, axis=2) for n in itertools.count())
    (folder / "png").mkdir()
    (folder / "tfrecord").mkdir()
    path = str(folder / "tfrecord" / "0.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        every = itertools.chain.from_iterable(moved)
        for number, image in enumerate(itertools.islice(every, num_files)):
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


def streams(train, count):
    """What a pass over many images takes, by the way they are read."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_images(folder, train, count)
        ways = {
            "folder": ("stream", folder / "png"),
            "tfrecord": ("stream", folder / "tfrecord"),
            "folder, in memory": ("load", folder / "png"),
        }
        context = multiprocessing.get_context("spawn")
        found = {"images": count, "load_before": round(os.getloadavg()[0], 2)}
        for name, way in ways.items():
            with context.Pool(1) as pool:
                found[name] = pool.apply(one_pass, way)
        return found


def one_pass(reader, path):
    """Seconds and megabytes of a pass, in a fresh process."""
    # What TensorFlow itself takes is there before.
    small = np.zeros((2 * BATCH, 28, 28, 1), "uint8")
    next(iter(datasets.load(small, BATCH)[0]))
    before, start = resident(), time.perf_counter()
    make = getattr(datasets, reader)
    train, _ = make(path, BATCH, test_fraction=0.0)
    opened, begin = resident(), time.perf_counter()
    held = []
    for number, _ in enumerate(train):
        if number % EVERY == 0:
            held.append(round(resident() - before, 1))
    seconds = time.perf_counter() - begin
    tenth = max(1, len(held) // 10)
    return {
        "seconds_to_open": round(begin - start, 1),
        "images_a_second": round((number + 1) * BATCH / seconds),
        "mb_opened": round(opened - before, 1),
        "mb_second_tenth": max(held[tenth : 2 * tenth]),
        "mb_last_tenth": max(held[-tenth:]),
        "mb_highest": max(held),
        "every_batches": EVERY,
        "mb": held,
    }


def resident():
    """Megabytes of this process that are in memory."""
    text = pathlib.Path("/proc/self/status").read_text()
    line = next(x for x in text.splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def share(row, key):
    """A share and its quartiles, in percent."""
    values = (row[key], *row[f"{key}_quartiles"])
    middle, first, third = (f"{100 * value:.1f}" for value in values)
    return f"{middle} % ({first} to {third})"


def tables(result):
    """What was measured, for the documents."""
    text = ""
    if "waiting" in result:
        text += "| preset | finished batches | `datasets.load` | waits | "
        text += "more processor time | the pipeline alone, of processor time "
        text += "| load before |\n"
        text += "| --- | --- | --- | --- | --- | --- | --- |\n"
        for name, row in result["waiting"].items():
            text += (
                f"| `{name}` | {row['cached_ms']:.2f} ms a step | "
                f"{row['pipeline_ms']:.2f} ms | {share(row, 'share')} | "
                f"{share(row, 'cpu_share')} | "
                f"{100 * row['alone_cpu_share']:.1f} % | "
                f"{row['load_before']} |\n"
            )
    if "stream" in result:
        count = result["stream"]["images"]
        text += f"\n| {count:,} images of 28x28 | to open | images a second "
        text += "| memory, second tenth of the pass | last tenth |\n"
        text += "| --- | --- | --- | --- | --- |\n"
        for name, row in result["stream"].items():
            if isinstance(row, dict) and "mb_opened" in row:
                text += (
                    f"| {name} | {row['seconds_to_open']} s | "
                    f"{row['images_a_second']:,} | "
                    f"+{row['mb_second_tenth']:.0f} MB | "
                    f"+{row['mb_last_tenth']:.0f} MB |\n"
                )
    return text.lstrip()


if __name__ == "__main__":
    main()
