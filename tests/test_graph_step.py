"""The step that `fit` runs: Keras' own, looked up once a pass."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_gan


def make(**kwargs):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), **kwargs)
    return gan


def batches(rows, size, remainder=False):
    x = np.random.default_rng(rows).normal(size=(rows, 2)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices(x)
    return data.batch(size, drop_remainder=not remainder)


def fit(gan, *data, epochs=2):
    found = []
    for each in data:
        kwargs = {} if isinstance(each, np.ndarray) else {"shuffle": False}
        history = gan.fit(each, epochs=epochs, verbose=0, **kwargs).history
        found.append(history)
    return [w.numpy() for w in gan.weights], found


@pytest.mark.parametrize("jit_compile", [False, True])
def test_equals_keras_own_step(jit_compile):
    """Over passes that end, a batch of its own size and other shapes."""
    data = batches(12, 4), batches(14, 4, remainder=True), batches(12, 6)
    ours, theirs = make(jit_compile=jit_compile), make(jit_compile=jit_compile)
    theirs.make_train_function()
    theirs._step = theirs._step.otherwise
    (a, logs), (b, expected) = fit(ours, *data), fit(theirs, *data)
    assert int(ours.images_seen) == 2 * (12 + 14 + 12)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6)
    for x, y in zip(logs, expected, strict=True):
        for name in y:
            np.testing.assert_allclose(x[name], y[name], rtol=1e-5)


def test_is_looked_up_once_a_pass_and_traced_once():
    gan = make()
    gan.make_train_function()
    step, found = gan._step.step, []
    look_up = step.get_concrete_function
    gan._step.step = lambda: None
    gan._step.step.get_concrete_function = lambda x: (
        found.append(look_up(x)) or look_up(x)
    )
    fit(gan, batches(12, 4), epochs=3)
    assert len(found) == 3
    assert len({id(graph.graph) for graph in found}) == 1


def test_arrays_and_several_steps_at_once():
    x = np.zeros((6, 2), "float32")
    for kwargs in ({}, {"steps_per_execution": 2}, {"run_eagerly": True}):
        gan = make(**kwargs)
        gan.fit(x, batch_size=3, verbose=0)
        assert int(gan.images_seen) == 6


def test_holds_no_data_after_fit():
    gan, data = make(), batches(12, 4)
    fit(gan, data)
    alive = weakref.ref(data)
    del data
    gc.collect()
    assert alive() is None
    assert gan._step.iterator() is None


def test_a_step_that_changed_between_fits():
    """`compile` makes another one; the old graph is not used."""
    gan = make()
    fit(gan, batches(8, 4))
    before = [w.numpy() for w in gan.discriminator.weights]
    gan.compile(keras.optimizers.SGD(1e-9), keras.optimizers.SGD(1e-9))
    fit(gan, batches(8, 4))
    for x, w in zip(before, gan.discriminator.weights, strict=True):
        np.testing.assert_allclose(x, w, atol=1e-6)
