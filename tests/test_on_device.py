"""Samples on the device train as batches from memory do, to the last bit."""

import gc
import pathlib
import subprocess
import sys
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import LabelledGAN
from conformance import compiled
from conformance import labelled_players
from conformance import small
from hlo import findings
from hlo import program

import keras_gan
from keras_gan import datasets
from keras_gan.callbacks import ExactBackup
from keras_gan.callbacks import Health
from keras_gan.datasets import pipeline

N, BATCH, EPOCHS = 20, 4, 2
QUIET = {"verbose": 0, "shuffle": False}
LONG = (pytest.mark.large, pytest.mark.long)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (N, 8, 8, 3), "uint8")
PICTURES = RNG.integers(0, 256, (N, 4, 4, 1), "uint8")
LABELS = np.arange(N) % 3
VECTORS = RNG.uniform(-1, 1, (N, 6)).astype("float32")
SEQUENCES = RNG.uniform(-1, 1, (N, 5, 2)).astype("float32")
KINDS = {
    "images": (IMAGES, {"flip": True, "seed": 3}),
    "unmirrored": (IMAGES, {}),
    "labels": ((IMAGES, LABELS), {"flip": True}),
    "attributes": ((VECTORS, VECTORS[:, :2]), {}),
    "vectors": (VECTORS, {"seed": 1}),
    "sequences": (SEQUENCES, {}),
}


def load(data=VECTORS, on_device=True, **options):
    return datasets.load(data, BATCH, on_device=on_device, **options)


def drawn(dataset, passes=1):
    return [b for _ in range(passes) for b in dataset.as_numpy_iterator()]


def gathered(train, passes=1, **options):
    """Batches as a step makes them."""
    train.on_device.place(tf.distribute.get_strategy())
    gather = tf.function(lambda data: train.on_device.gather(**data), **options)
    return [gather(rows) for rows in drawn(train.on_device.rows, passes)]


def assert_same(first, second):
    assert len(first) == len(second) > 0
    for a, b in zip(first, second):
        tf.nest.assert_same_structure(a, b)
        for x, y in zip(tf.nest.flatten(a), tf.nest.flatten(b)):
            np.testing.assert_array_equal(x, y, strict=True)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_those_from_memory(kind, jit):
    data, options = KINDS[kind]
    expected = drawn(load(data, False, **options)[0], 2)
    found = gathered(load(data, **options)[0], 2, jit_compile=jit)
    assert_same([tf.nest.map_structure(np.asarray, b) for b in found], expected)


def test_every_byte_is_scaled_alike_everywhere():
    """As it is for the data set itself: XLA rewrites quotients."""
    x = np.arange(256, dtype="uint8")
    exact = 2.0 * np.arange(256) / 255.0 - 1.0
    found = pipeline.scaled(tf.constant(x)).numpy()
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-7)
    assert (found[0], found[-1]) == (-1.0, 1.0)
    under_xla = tf.function(pipeline.scaled, jit_compile=True)
    np.testing.assert_array_equal(under_xla(tf.constant(x)), found)


def test_only_numbers_of_rows_travel():
    train, _ = load((IMAGES, LABELS), flip=True)
    assert train.on_device.rows.element_spec == {
        "rows": tf.TensorSpec([BATCH], "int64"),
        "heads": tf.TensorSpec([BATCH], "bool"),
    }
    train.on_device.place(tf.distribute.get_strategy())
    x, y = train.on_device.placed
    assert x.dtype == tf.uint8 and x.shape == (18, 8, 8, 3)
    assert y.dtype == tf.int64 and not x.trainable
    train.on_device.place(tf.distribute.get_strategy())
    assert train.on_device.placed[0] is x


def test_else_the_data_set_is_that_from_memory():
    plain, held_out = load(IMAGES, False)
    train, test = load(IMAGES)
    assert not hasattr(plain, "on_device") and not hasattr(test, "on_device")
    assert train.element_spec == plain.element_spec
    assert_same(drawn(train), drawn(plain))
    assert_same(drawn(test), drawn(held_out))


@pytest.mark.parametrize("batch", [1, 4, 7])
def test_position_is_that_of_the_data_set(batch):
    options = {"flip": True, "test_fraction": 0.0}
    expected = drawn(load(IMAGES, False, **options)[0], 4)
    train, _ = load(IMAGES, **options)
    train.position.seek(batch)
    found = gathered(train)
    assert_same([np.asarray(x) for x in found], expected[batch : batch + 5])


def made(shape=(6,), **options):
    keras.utils.set_random_seed(1)
    return compiled(small(shape), "non_saturating", **options)


def trained(data, on_device, shape=(6,), callbacks=(), fits=1, **options):
    gan = made(shape, **options)
    train, test = load(data, on_device, test_fraction=0.2)
    for number in range(fits):
        gan.fit(
            train,
            epochs=(number + 1) * EPOCHS,
            initial_epoch=number * EPOCHS,
            validation_data=test,
            callbacks=list(callbacks),
            **QUIET,
        )
    return gan


def state(gan):
    return {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in gan.running_state().items()
    }


def assert_trained_alike(first, second):
    first, second = state(first), state(second)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.parametrize(
    "options",
    [
        {"fits": 2},
        {"steps_per_execution": 2},
        pytest.param({"jit_compile": True}, marks=LONG),
        pytest.param({"run_eagerly": True}, marks=LONG),
    ],
    ids=str,
)
def test_training_ends_alike(options):
    found = trained(VECTORS, True, **options)
    assert_trained_alike(found, trained(VECTORS, False, **options))
    assert int(found.images_seen) == 16 * EPOCHS * options.get("fits", 1)


def test_labels_reach_a_task():
    def run(on_device):
        keras.utils.set_random_seed(1)
        gan = compiled(labelled_players(), "hinge", model=LabelledGAN)
        train, test = load((PICTURES, LABELS), on_device, flip=True)
        logs = gan.fit(train, validation_data=test, **QUIET).history
        return gan, logs, gan.evaluate(train, verbose=0, return_dict=True)

    found, expected = run(True), run(False)
    assert_trained_alike(found[0], expected[0])
    assert found[1:] == expected[1:]


def test_the_step_is_one_static_program():
    gan = made((8, 8, 3))
    train, _ = load(IMAGES, flip=True)
    gan.fit(train, steps_per_epoch=1, **QUIET)
    rows = next(iter(train.on_device.rows))
    gan.stored = train.on_device
    text = program(gan.fetching_step, rows)("hlo")
    assert "u8[18,8,8,3]" in text and findings(text) == {}


def test_other_data_follow():
    """A step that was made for one set does not gather from another."""
    gan, expected = made(), made()
    for data in (VECTORS, -VECTORS):
        gan.fit(load(data)[0], **QUIET)
        expected.fit(load(data, False)[0], **QUIET)
    assert_trained_alike(gan, expected)
    gan.fit(load(VECTORS, False)[0], **QUIET)
    gan.fit(load(VECTORS)[0], **QUIET)
    assert np.isfinite(gan.train_on_batch(VECTORS[:BATCH])).all()


def test_the_same_data_are_not_traced_again_and_not_held():
    gan, (train, _) = made(), load(VECTORS)
    steps = []
    for _ in range(2):
        gan.fit(train, **QUIET)
        steps.append(gan.train_function)
        assert gan.stored is None
    assert steps[0] is steps[1]
    alive = weakref.ref(train.on_device)
    del train
    gc.collect()
    assert alive() is None


class Halved(keras_gan.GAN):
    """Looks at its batch before ours does, as a model of a user may."""

    def train_step(self, data):
        real, _ = self.split_batch(data)
        return super().train_step(real / 2)


@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}], ids=str)
def test_a_step_of_a_subclass_gets_batches(options):
    def run(on_device):
        keras.utils.set_random_seed(1)
        players = small((6,))
        gan = compiled(players, "non_saturating", model=Halved, **options)
        gan.fit(load(VECTORS, on_device)[0], **QUIET)
        return gan

    assert_trained_alike(run(True), run(False))


def test_mapped_data_are_batches():
    train, _ = load()
    gan, expected = made(), made()
    gan.fit(train.map(lambda x: -x), **QUIET)
    expected.fit(load(-VECTORS, False)[0], **QUIET)
    assert_trained_alike(gan, expected)


class Crash(keras.callbacks.Callback):
    def __init__(self, at):
        super().__init__()
        self.left = at

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise InterruptedError


@pytest.mark.parametrize(
    "before, after, options",
    [
        (False, True, {}),
        pytest.param(True, True, {}, marks=LONG),
        pytest.param(True, False, {}, marks=LONG),
        pytest.param(True, True, {"jit_compile": True}, marks=LONG),
    ],
)
def test_a_killed_run_ends_like_an_undisturbed_one(
    tmp_path, before, after, options
):
    """Backups are of the data, wherever these rest."""

    def run(on_device, *watchers):
        watchers = [ExactBackup(tmp_path, 2), *watchers]
        return trained(VECTORS, on_device, callbacks=watchers, **options)

    with pytest.raises(InterruptedError):
        run(before, Crash(6))
    found = run(after)
    assert int(found.images_seen) == 16 * EPOCHS
    assert_trained_alike(found, trained(VECTORS, False, **options))


def test_health_watches_alike():
    def run(on_device):
        keras.utils.set_random_seed(1)
        watch = Health(VECTORS, every=1)
        return trained(VECTORS, on_device, callbacks=[watch])

    assert_trained_alike(run(True), run(False))


TWO_REPLICAS = """
import keras
import numpy as np
from replica_worker import two_replicas

strategy = two_replicas()
import test_on_device
from test_on_device import IMAGES, QUIET, load

def run(on_device):
    with strategy.scope():
        gan = test_on_device.made(IMAGES.shape[1:])
    train, test = load(IMAGES, on_device, test_fraction=0.2, flip=True)
    gan.fit(train, epochs=2, validation_data=test, **QUIET)
    return gan, train

gan, train = run(True)
test_on_device.assert_trained_alike(gan, run(False)[0])
x, _ = train.on_device.placed
copies = strategy.experimental_local_results(x)
assert len({copy.device for copy in copies}) == 2
"""


@pytest.mark.large
def test_two_replicas():
    """In a process of its own: it has two virtual devices."""
    subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS],
        cwd=pathlib.Path(__file__).parent,
        check=True,
    )


def test_several_processes_are_refused(monkeypatch):
    gan, (train, _) = made(), load()
    where = "keras_gan.distribution.spans_processes"
    monkeypatch.setattr(where, lambda strategy: True)
    with pytest.raises(ValueError, match="one process only.*on_device=True"):
        gan.fit(train, **QUIET)
    assert int(gan.images_seen) == 0


@pytest.mark.parametrize("value", [1, "yes", None])
def test_what_is_no_flag(value):
    with pytest.raises(TypeError, match="`on_device` must be True or False"):
        load(on_device=value)
