"""No pass of a judge's network is made twice, and none is missing."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan import GAN
from keras_gan import architectures
from keras_gan import metrics
from keras_gan.metrics import passes
from keras_gan.metrics.remembered import ENTRIES
from keras_gan.metrics.remembered import remembered

ROWS, BATCH = 24, 8


class Counter(keras.layers.Layer):
    """Counts the rows that pass, and scales them."""

    def build(self, shape):
        self.seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False
        )
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, x):
        self.seen.assign_add(keras.ops.shape(x)[0])
        return self.scale * x

    def get_config(self):
        return super().get_config()


class Watched:
    """A GAN, judged by two metrics of one network that counts."""

    def __init__(self, **kwargs):
        self.counter = Counter()
        sample = keras.Input((3,))
        network = keras.Model(sample, self.counter(sample))
        # The count is no weight that matters.
        network.get_weights = lambda: [np.array(self.counter.scale)]
        keras.utils.set_random_seed(0)
        self.gan = GAN(*architectures.mlp((3,), 2, units=(4,)), seed=0)
        judges = [
            metrics.FrechetDistance(network),
            metrics.DensityCoverage(network, k=2),
        ]
        adam = keras.optimizers.Adam
        self.gan.compile(adam(), adam(), metrics=judges, **kwargs)

    def __call__(self, x):
        """Rows that passed the network in an evaluation, and its values."""
        before = int(self.counter.seen)
        data = tf.data.Dataset.from_tensor_slices(x).batch(BATCH)
        logs = self.gan.evaluate(data, verbose=0, return_dict=True)
        names = ("frechet_distance", "density", "coverage")
        values = [logs[name] for name in names]
        return int(self.counter.seen) - before, values


def samples(seed=0):
    x = np.random.default_rng(seed).normal(size=(ROWS, 3))
    return x.astype("float32")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="plain"),
        pytest.param({"steps_per_execution": 2}, id="steps"),
        pytest.param({"jit_compile": True}, id="jit", marks=pytest.mark.long),
    ],
)
def test_real_samples_pass_once_for_all_evaluations(settings):
    watched = Watched(**settings)
    passed, first = watched(samples())
    assert passed == 2 * ROWS
    for _ in range(2):
        passed, again = watched(samples())
        assert passed == ROWS
        assert again == first


def change_a_sign(x):
    x[BATCH + 1, 2] *= -1
    return x


def swap_two(x):
    x[[0, 1]] = x[[1, 0]]
    return x


@pytest.mark.parametrize(
    "change, new_rows",
    [
        (change_a_sign, BATCH),
        (swap_two, BATCH),
        (lambda x: x[:BATCH], 0),
        (lambda x: x[BATCH:], ROWS - BATCH),
        (lambda x: samples(1), ROWS),
        (np.zeros_like, ROWS),
    ],
    ids=["sign", "order", "fewer", "shifted", "other", "zeros"],
)
def test_other_samples_pass_again(change, new_rows):
    watched = Watched()
    watched(samples())
    x = change(samples())
    passed, values = watched(x)
    assert passed == new_rows + len(x)
    assert values == Watched()(x)[1]


def test_weights_that_change_make_it_void():
    watched = Watched()
    _, first = watched(samples())
    watched.counter.scale.assign(2.0)
    passed, values = watched(samples())
    assert passed == 2 * ROWS
    np.testing.assert_allclose(values[0], 4 * first[0], rtol=1e-5)


def test_rows_of_zeros_pass_too():
    assert Watched()(np.zeros((ROWS, 3), "float32"))[0] == 2 * ROWS


def test_weights_that_change_between_two_calls():
    watched, x = Watched(), tf.constant(samples())
    metric = watched.gan.metrics[-2]
    metric.reset_state()
    metric.update_state(x, x)
    for scale in (3.0, 1.0):
        metric.reset_state()
        watched.counter.scale.assign(scale)
        metric.update_state(x, x)
        expected = scale * samples().mean(axis=0)
        for state in metric.states():
            np.testing.assert_allclose(state.mean, expected, rtol=1e-5)


@pytest.mark.parametrize("kept", [BATCH, BATCH + 1, ROWS, ROWS - 1])
def test_what_is_too_much_to_keep_passes_again(kept, monkeypatch):
    expected = Watched()(samples())[1]
    monkeypatch.setattr(passes, "KEPT", kept)
    watched = Watched()
    whole = kept // BATCH * BATCH
    for passed in (2 * ROWS, 2 * ROWS - whole):
        assert watched(samples()) == (passed, expected)


def test_arrays_that_are_filled_anew_pass_again():
    metric = Watched().gan.metrics[-2]
    x, other = samples(), samples(1)
    metric.update_state(x, other)
    x[:] = other
    metric.update_state(x, other)
    real, fake = metric.states()
    assert real.count == fake.count == 2 * ROWS
    twice = np.concatenate([samples(), other]).astype("float64")
    np.testing.assert_allclose(real.mean, twice.mean(axis=0), rtol=1e-6)


def test_hash_of_a_row_is_a_sum_of_its_words():
    x = samples()
    keys = np.array(passes.content(x))
    assert len(np.unique(keys)) == 2 * ROWS
    np.testing.assert_array_equal(np.array(passes.content(x[3:5])), keys[3:5])
    flipped = np.array(passes.content(-x))
    assert (flipped != keys).all()
    wide, high = (x.reshape(-1, *shape) for shape in ((3, 2), (2, 3)))
    assert (passes.content(wide) != passes.content(high)).numpy().all()
    large = tf.constant([[2**24], [2**24 + 1]])
    assert (
        (passes.content(large[:1]) != passes.content(large[1:])).numpy().all()
    )


@pytest.mark.parametrize(
    "module, name, judge",
    [
        ("frechet_distance", "root", "FrechetDistance"),
        ("neighbours", "radii", "DensityCoverage"),
        ("neighbours", "to_nearest_other", "Authenticity"),
    ],
)
def test_statistics_of_reals_are_taken_once(module, name, judge):
    # The package holds functions of the same names.
    module = sys.modules[f"keras_gan.metrics.{module}"]
    known = getattr(module, name).known
    known.clear()
    metric = getattr(metrics, judge)(metrics.features.raw((3,)))
    for x, count in ((samples(), 1), (samples(), 1), (samples(1), 2)):
        metric.reset_state()
        metric.update_state(x, 2 * samples(2))
        metric.result()
        assert len(known) == count


def test_few_statistics_are_kept():
    calls = []

    @remembered
    def total(x, factor):
        calls.append(0)
        return factor * x.sum()

    one = np.ones(3)
    assert total(one, 1) == 3 and total(one.copy(), 1) == 3
    assert len(calls) == 1
    assert total(one, 2) == 6 and total(one[None], 1) == 3
    assert total(one.astype("float32"), 1) == 3
    assert len(calls) == 4
    for i in range(20):
        total(one, i)
    assert len(total.known) == ENTRIES
