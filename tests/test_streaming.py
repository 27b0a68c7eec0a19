"""Streams give what `load` gives, and hold little."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gan import datasets
from keras_gan.datasets import pipeline
from keras_gan.datasets import streaming

SIZE = (6, 5)


def write_folder(path, n=24, classes=2, suffix="png", mode="L"):
    rng = np.random.default_rng(0)
    for i in range(n):
        folder = path / f"class_{i % classes}" if classes else path
        folder.mkdir(parents=True, exist_ok=True)
        shape = SIZE if mode == "L" else (*SIZE, 3)
        pixels = rng.integers(0, 256, shape, "uint8")
        Image.fromarray(pixels).save(folder / f"{i:05}.{suffix}")
    return path


def write_records(path, folder, per_file=10, labels=True, names=None):
    image_key, label_key = names or ("image", "label")
    files = sorted(folder.rglob("*.png"))
    path.mkdir()
    for begin in range(0, len(files), per_file):
        target = str(path / f"set-{begin:04}.tfrecord")
        with tf.io.TFRecordWriter(target) as writer:
            for file in files[begin : begin + per_file]:
                writer.write(example(file, image_key, labels and label_key))
    return path


def example(file, image_key="image", label_key="label"):
    feature = {
        image_key: tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[file.read_bytes()])
        )
    }
    if label_key:
        label = int(file.parent.name[-1])
        feature[label_key] = tf.train.Feature(
            int64_list=tf.train.Int64List(value=[label])
        )
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def drawn(dataset, passes=1):
    return [
        batch for _ in range(passes) for batch in dataset.as_numpy_iterator()
    ]


def assert_same(first, second):
    assert len(first) == len(second) > 0
    for a, b in zip(first, second):
        tf.nest.map_structure(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"flip": True, "seed": 5},
        {"image_size": (4, 3), "channels": 3},
        {"test_fraction": 0.0},
    ],
    ids=str,
)
def test_folder_streams_what_load_loads(tmp_path, options):
    folder = write_folder(tmp_path / "set")
    options = {"batch_size": 5, **options}
    streamed = datasets.stream(folder, **options)
    loaded = datasets.load(folder, **options)
    for a, b in zip(streamed, loaded):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.element_spec == b.element_spec
            assert a.class_names == b.class_names == ["class_0", "class_1"]
            assert int(a.cardinality()) == int(b.cardinality())
            assert_same(drawn(a, 2), drawn(b, 2))


def test_split_folders_and_folders_without_classes(tmp_path):
    for part in ("train", "test"):
        write_folder(tmp_path / part, 9, classes=0, mode="RGB")
    train, test = datasets.stream(tmp_path, batch_size=2)
    assert_same(drawn(train), drawn(datasets.load(tmp_path, 2)[0]))
    assert_same(drawn(test), drawn(datasets.load(tmp_path, 2)[1]))
    assert test.element_spec.shape == (2, *SIZE, 3)


@pytest.mark.parametrize(
    "names", [("image/encoded", "image/class/label"), ("image_raw", "label")]
)
def test_records_stream_what_their_images_hold(tmp_path, names):
    folder = write_folder(tmp_path / "set")
    records = write_records(tmp_path / "records", folder, names=names)
    streamed = datasets.stream(records, 5, seed=3)
    for a, b in zip(streamed, datasets.load(folder, 5, seed=3)):
        assert_same(drawn(a, 2), drawn(b, 2))
    one = datasets.stream(records / "set-0010.tfrecord", 10, test_fraction=0.0)
    assert len(drawn(one[0])) == 1


def test_records_without_labels(tmp_path):
    folder = write_folder(tmp_path / "set")
    records = write_records(tmp_path / "records", folder, labels=False)
    train, _ = datasets.stream(records, 5)
    assert train.element_spec.shape == (5, *SIZE, 1)


@pytest.mark.parametrize("batch", [0, 1, 3, 4, 7])
def test_position_can_be_sought(tmp_path, batch):
    folder = write_folder(tmp_path / "set")
    options = {"batch_size": 5, "flip": True, "test_fraction": 0.0}
    straight, _ = datasets.stream(folder, **options)
    expected = drawn(straight, 4)
    train, _ = datasets.stream(folder, **options)
    train.position.seek(batch)
    assert_same(drawn(train), expected[batch : batch + 4])


@pytest.mark.parametrize("reader", ["stream", "load"])
@pytest.mark.parametrize("workers, replicas", [(1, 2), (2, 2), (3, 6)])
def test_workers_share_each_batch(tmp_path, reader, workers, replicas):
    """Together the parts are the batch of one worker, flips included."""
    folder = write_folder(tmp_path / "set")
    make = getattr(datasets, reader)
    whole, _ = make(folder, batch_size=6, flip=True, test_fraction=0.0)
    expected = drawn(whole, 2)
    own = replicas // workers
    parts = []
    for worker in range(workers):
        train, _ = make(folder, batch_size=6, flip=True, test_fraction=0.0)
        context = tf.distribute.InputContext(workers, worker, replicas)
        part = train.for_worker(context)
        assert part.element_spec[0].shape[0] == 6 // replicas
        found = drawn(part, 2)
        assert len(found) == own * len(expected)
        parts.append([found[i : i + own] for i in range(0, len(found), own)])
    joined = [
        tuple(
            np.concatenate(each)
            for each in zip(*(piece for part in step for piece in part))
        )
        for step in zip(*parts)
    ]
    assert_same(joined, expected)


def test_batches_that_replicas_cannot_share(tmp_path):
    train, _ = datasets.load(np.zeros((8, 2), "float32"), batch_size=4)
    context = tf.distribute.InputContext(1, 0, 3)
    with pytest.raises(ValueError, match="3. Received: batch_size=4"):
        train.for_worker(context)


def test_worker_reads_its_own_rows_only():
    seen = []

    def fetch(indices):
        tf.numpy_function(lambda i: seen.extend(i), [indices], [])
        return tf.cast(indices, "float32")[:, None], None

    dataset = pipeline.from_rows(12, fetch, 4, seed=None, flip=False)
    context = tf.distribute.InputContext(2, 1, 2)
    found = drawn(dataset.for_worker(context))
    assert [x[:, 0].tolist() for x in found] == [[2, 3], [6, 7], [10, 11]]


MEASURE = """
import sys, resource
from keras_gan import datasets

def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024

make = getattr(datasets, sys.argv[1])
before = resident()
train, _ = make(sys.argv[2], batch_size=32, image_size=64, channels=3,
                test_fraction=0.0)
highest = resident()
for number, batch in enumerate(train):
    highest = max(highest, resident())
print(number + 1, highest - before)
"""


def growth(reader, path):
    """Batches of a pass, and megabytes that it adds to a fresh process."""
    command = [sys.executable, "-c", MEASURE, reader, str(path)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    number, megabytes = run.stdout.split()
    return int(number), float(megabytes)


@pytest.mark.large
def test_memory_is_bounded(tmp_path):
    """Images of 12 kB each, 98 MB of them: held by `load`, not here."""
    n = 8_000
    folder = write_folder(tmp_path / "set", 500)
    for file in sorted(folder.rglob("*.png")):
        for copy in range(n // 500 - 1):
            link = file.with_name(f"{file.stem}-{copy}.png")
            link.hardlink_to(file)
    records = write_records(tmp_path / "records", folder, per_file=4_000)
    size = n * 64 * 64 * 3 / 2**20
    number, held = growth("load", folder)
    assert number == n // 32 and held > size
    for path in (folder, records):
        number, found = growth("stream", path)
        assert number == n // 32
        assert found < size / 2


def test_reader_streams_what_memory_does_not_hold(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "set")
    records = write_records(tmp_path / "records", folder)
    reader = streaming.reader
    (tmp_path / "prepared").mkdir()
    for name in ("dataset_info.json", "a.tfrecord"):
        (tmp_path / "prepared" / name).touch()
    for data in (folder, tmp_path / "prepared", "", "mnist", np.zeros(3)):
        assert reader(data) is datasets.load
    for data in (records, records / "set-0010.tfrecord"):
        assert reader(data) is datasets.stream
    whole = 24 * SIZE[0] * SIZE[1]
    for size, channels, held in (
        (None, None, whole),
        (None, 3, 3 * whole),
        (12, None, 24 * 144),
        ((3, 10), 3, 3 * whole),
    ):
        monkeypatch.setattr(streaming, "memory", lambda held=held: 2 * held)
        assert reader(folder, size, channels) is datasets.load
        monkeypatch.setattr(streaming, "memory", lambda m=held: 2 * m - 1)
        assert reader(folder, size, channels) is datasets.stream
    # Broken files do not say how large the others are.
    (folder / "class_0" / "00000.png").write_bytes(b"no image")
    assert reader(folder, (3, 10), 3) is datasets.stream
    monkeypatch.undo()
    assert 2**28 < streaming.memory() < 2**50


def test_broken_headers_are_left_out_and_counted(tmp_path):
    folder = write_folder(tmp_path / "set")
    (folder / "class_0" / "00000.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match="Left out 1 of 24"):
        train, _ = datasets.stream(folder, 23, test_fraction=0.0)
    assert len(drawn(train)) == 1


def test_broken_pixels_end_the_pass_with_the_name(tmp_path):
    folder = write_folder(tmp_path / "set")
    file = folder / "class_1" / "00003.png"
    # Its header and the first bytes of its pixels.
    file.write_bytes(file.read_bytes()[:48])
    train, _ = datasets.stream(folder, 24, test_fraction=0.0)
    with pytest.raises(tf.errors.OpError, match=r"sound image.*00003\.png"):
        drawn(train)


def test_checks_come_before_decoding(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "set")
    monkeypatch.setattr(Image.Image, "load", None)
    datasets.stream(folder, 4)
    monkeypatch.undo()
    Image.new("L", (9, 9)).save(folder / "class_0" / "odd.png")
    with pytest.raises(ValueError, match=r"have 2 sizes.*odd\.png' is 9x9"):
        datasets.stream(folder, 4)
    monkeypatch.setattr("keras_gan.datasets.images.MAX_PIXELS", 80)
    with pytest.raises(ValueError, match=r"80 pixels at most.*odd\.png"):
        datasets.stream(folder, 4, image_size=4)


def test_rotated_images_have_the_size_they_are_shown_in(tmp_path):
    for i in range(4):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("L", (8, 4)).save(tmp_path / f"{i}.jpg", exif=exif)
    train, _ = datasets.stream(tmp_path, 2, test_fraction=0.0)
    assert train.element_spec.shape == (2, 8, 4, 1)
    assert len(drawn(train)) == 2


def records_of(tmp_path, *contents):
    path = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in contents:
            writer.write(content)
    return path


@pytest.mark.parametrize(
    "limits, expected",
    [(["max", "5000"], 5000), (["7000"], 7000), (["max"], None), ([], None)],
)
def test_memory_is_that_of_the_container(
    tmp_path, monkeypatch, limits, expected
):
    files = [tmp_path / str(i) for i in range(len(limits) + 1)]
    for file, text in zip(files, limits):
        file.write_text(f"{text}\n")
    monkeypatch.setattr(streaming, "LIMITS", files)
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert streaming.memory() == (expected or machine)
    # As on Windows.
    monkeypatch.delattr(os, "sysconf")
    assert streaming.memory() == (expected or streaming.UNKNOWN)


class TestBadRecords:
    def test_truncated(self, tmp_path):
        path = records_of(tmp_path, b"x" * 50)
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(ValueError, match="broken at byte 0"):
            datasets.stream(path)

    def test_compressed(self, tmp_path):
        path = str(tmp_path / "a.tfrecord.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            writer.write(b"x" * 500)
        with pytest.raises(ValueError, match="not compressed"):
            datasets.stream(path)

    def test_empty(self, tmp_path):
        path = tmp_path / "a.tfrecord"
        path.touch()
        with pytest.raises(ValueError, match="Received: none in"):
            datasets.stream(path)

    @pytest.mark.parametrize("content", [b"no example", b""])
    def test_no_example(self, tmp_path, content):
        path = records_of(tmp_path, content)
        with pytest.raises(ValueError, match="byte 12 of .*a.tfrecord"):
            datasets.stream(path)

    def test_no_image(self, tmp_path):
        file = tmp_path / "0"
        file.write_bytes(b"no image")
        path = records_of(tmp_path, example(file, label_key=None))
        with pytest.raises(ValueError, match="sound image.*byte 12"):
            datasets.stream(path)

    @pytest.mark.parametrize("first, what", [(0, "with"), (1, "without")])
    def test_labels_in_some(self, tmp_path, first, what):
        (file,) = write_folder(tmp_path / "set", 1).rglob("*.png")
        made = [example(file, label_key=None), example(file)]
        path = records_of(tmp_path, made[first], made[1 - first])
        train, _ = datasets.stream(path, 2, test_fraction=0.0)
        message = f"Received: record at byte .*a.tfrecord {what} a label"
        with pytest.raises(tf.errors.OpError, match=message):
            drawn(train)

    def test_other_sizes_and_colours(self, tmp_path):
        made = []
        for i, (mode, side) in enumerate([("L", 4), ("L", 5), ("RGB", 4)]):
            file = tmp_path / f"{i}"
            Image.new(mode, (side, side)).save(file, "png")
            made.append(example(file, label_key=None))
        options = {"batch_size": 2, "test_fraction": 0.0}
        train, _ = datasets.stream(records_of(tmp_path, *made[:2]), **options)
        with pytest.raises(tf.errors.OpError, match=r"Received: \(5, 5, 1\)"):
            drawn(train)
        train, _ = datasets.stream(
            records_of(tmp_path, made[0], made[2]), **options
        )
        with pytest.raises(tf.errors.OpError, match="pass channels=3"):
            drawn(train)
        path = records_of(tmp_path, *made)
        train, _ = datasets.stream(
            path, 3, image_size=4, channels=3, test_fraction=0.0
        )
        assert drawn(train)[0].shape == (3, 4, 4, 3)


@pytest.mark.parametrize(
    "data, error", [(3, TypeError), ("", ValueError), ("/none", ValueError)]
)
def test_what_is_no_path(data, error):
    with pytest.raises(error, match="Received: data"):
        datasets.stream(data)


def test_batch_larger_than_the_set(tmp_path):
    folder = write_folder(tmp_path / "set", 6)
    with pytest.raises(ValueError, match="batch_size=9"):
        datasets.stream(pathlib.Path(folder), 9)
