"""Adam by one operation equals Keras' Adam, and is used where it can be."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_gan
from keras_gan import optimizers
from keras_gan import schedules
from keras_gan.adam import fuse

GRADIENTS = np.random.default_rng(0).normal(size=(4, 3, 2)).astype("float32")
MAKERS = {
    "adam": lambda: keras.optimizers.Adam(0.1, 0.5, 0.9, epsilon=1e-3),
    "adamw": lambda: keras.optimizers.AdamW(0.1, weight_decay=0.3),
    "ours": lambda: optimizers.Adam(0.1, beta_1=0.0),
    "clipped": lambda: keras.optimizers.Adam(0.1, global_clipnorm=0.1),
    "decaying": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    ),
}


def operations(step, *args):
    graph = step.get_concrete_function(*args).graph
    return {operation.type for operation in graph.get_operations()}


def trained(optimizer, jit_compile=False, dtype="float32"):
    """The weight and the slots after four steps, and the operations used."""
    weight = keras.Variable(np.ones((3, 2)), dtype=dtype)
    optimizer.build([weight])

    @tf.function(jit_compile=jit_compile)
    def step(gradient):
        optimizer.apply([gradient], [weight])

    for gradient in GRADIENTS:
        step(tf.constant(gradient, dtype))
    found = [v.numpy() for v in (weight, *optimizer.variables)]
    return found, operations(step, tf.constant(GRADIENTS[0], dtype))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_fused_is_keras_adam(name, jit_compile):
    expected, plain = trained(MAKERS[name]())
    optimizer = MAKERS[name]()
    fuse(optimizer)
    found, fused = trained(optimizer, jit_compile)
    assert "ResourceApplyAdam" in fused - plain
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=5e-5, atol=1e-7)


def test_fused_moves_its_betas():
    """Step 2 of 0.5, 1.0 with beta_1 = 0.9, then 0.0: only the last counts."""
    seen = tf.Variable(0, dtype="int64")
    optimizer = optimizers.Adam(0.1, schedules.Step([0.9, 0.0], [1]), 0.5)
    schedules.bind(optimizer, seen)
    fuse(optimizer)
    weight = keras.Variable([0.0])
    optimizer.build([weight])
    for gradient in (0.5, 1.0):
        before = float(weight[0])
        optimizer.apply([tf.constant([gradient])], [weight])
        seen.assign_add(1)
    v = (0.5 * 0.5 * 0.25 + 0.5 * 1.0) / (1 - 0.5**2)
    np.testing.assert_allclose(before, -0.1, rtol=1e-5)
    np.testing.assert_allclose(
        float(weight[0]) - before, -0.1 * 1.0 / np.sqrt(v), rtol=1e-5
    )


def test_rows_of_an_embedding():
    """Gradients of some rows take Keras' own way."""
    weights = []
    for prepare in (fuse, lambda optimizer: None):
        optimizer = keras.optimizers.Adam(0.1)
        prepare(optimizer)
        weight = keras.Variable(np.ones((3, 2), "float32"))
        optimizer.build([weight])
        rows = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([1]), (3, 2))
        optimizer.apply([rows], [weight])
        weights.append(weight.numpy())
    np.testing.assert_array_equal(*weights)
    assert (weights[0] != 1.0).any()


def step_operations(optimizer, jit_compile="auto", policy=None):
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    hidden = layers.Dense(4, dtype=policy)
    discriminator = keras.Sequential(
        [keras.Input((3,)), hidden, layers.Dense(1)]
    )
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile(optimizer, "sgd", jit_compile=jit_compile)
    x = np.zeros((4, 3), "float32")
    history = gan.fit(x, batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    step = tf.function(gan.train_step)
    graph = step.get_concrete_function(tf.constant(x)).graph
    definition = graph.as_graph_def()
    nodes = [definition, *definition.library.function]
    return {
        node.op
        for part in nodes
        for node in getattr(part, "node", None) or part.node_def
    }


def test_gan_fuses_what_it_is_given():
    used, adam = "ResourceApplyAdam", keras.optimizers.Adam
    assert used in step_operations("adam")
    assert used in step_operations(adam(), policy="mixed_float16")
    for other in (adam(amsgrad=True), keras.optimizers.Adamax(), "rmsprop"):
        assert used not in step_operations(other)


def test_replicas_keep_keras_adam():
    with tf.distribute.MirroredStrategy(["cpu:0"]).scope():
        optimizer = keras.optimizers.Adam()
        fuse(optimizer)
    assert "update_step" not in vars(optimizer)


def test_resumed_file_is_fused_too(tmp_path):
    players = keras_gan.architectures.mlp((2, 2, 1), 2, units=(4,))
    gan = keras_gan.GAN(*players, seed=0)
    gan.compile("adam", keras.optimizers.Adam(0.1))
    x = np.zeros((4, 2, 2, 1), "float32")
    gan.fit(x, batch_size=4, verbose=0)
    gan.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    assert all("update_step" in vars(o) for o in again.optimizer.optimizers)
    for model in (gan, again):
        model.fit(x, batch_size=4, verbose=0)
    for a, b in zip(gan.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)
