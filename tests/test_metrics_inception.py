"""Inception's inputs by convention, and networks from local files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from keras_gan import metrics
from keras_gan.metrics import inception

# TensorFlow computes the places between pixels in float32; images of noise.
PLACES = 6e-3


def images(shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def levels(x):
    """Values of an image file, 0 to 255."""
    return np.rint((np.asarray(x, "float64") + 1) * 127.5)


def bilinear(x, offset):
    """One channel to 299 x 299, weights written out; NumPy float64."""

    def along(x, size):
        source = (np.arange(299) + offset) * size / 299 - offset
        source = np.clip(source, 0, size - 1)
        low = np.floor(source).astype(int)
        high = np.minimum(low + 1, size - 1)
        share = (source - low)[:, None]
        return x[low] * (1 - share) + x[high] * share

    x = along(x, x.shape[0])
    return along(x.T, x.shape[1]).T


@pytest.mark.parametrize("side", [20, 640])
def test_clean_is_that_of_pillow(side):
    x = images((1, side, side + 5, 3))
    found = inception.InceptionInput("clean")(x)[0]
    for channel in range(3):
        picture = Image.fromarray(levels(x[0, ..., channel]).astype("float32"))
        resized = picture.resize((299, 299), Image.Resampling.BICUBIC)
        np.testing.assert_allclose(
            found[..., channel], (np.asarray(resized) - 128) / 128, atol=PLACES
        )


@pytest.mark.parametrize("side", [20, 640])
def test_legacy_conventions(side):
    x = images((1, side, side + 5, 1))
    values = levels(x[0, ..., 0])
    found = inception.InceptionInput("legacy_tensorflow")(x)[0, ..., 1]
    expected = (bilinear(values, 0.0) - 128) / 128
    np.testing.assert_allclose(found, expected, atol=PLACES)
    found = inception.InceptionInput("legacy_pytorch")(x)[0, ..., 2]
    expected = bilinear(values, 0.5) / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=PLACES)


def test_values_beyond_the_range_are_those_of_an_image_file():
    x = np.array([-1.7, -1.0, 0.003, 1.0, 2.0]).reshape(5, 1, 1, 1)
    found = inception.InceptionInput("clean")(np.broadcast_to(x, (5, 9, 9, 1)))
    expected = (np.array([0, 0, 128, 255, 255]) - 128) / 128
    np.testing.assert_allclose(found[:, 150, 150, 0], expected, atol=1e-6)


def test_wrong_arguments():
    for function, message in (
        (lambda: inception.InceptionInput("pil"), "convention='pil'"),
        (lambda: metrics.inception_v3((8, 8, 2)), r"image_shape=\(8, 8, 2\)"),
        (lambda: metrics.inception_v3((8, 8, 3), output="x"), "output='x'"),
        (lambda: metrics.inception_v3((8, 8, 3), weights="no"), "weights='no'"),
        (lambda: metrics.inception_2015("no.pb", (8, 8, 3)), "path='no.pb'"),
    ):
        with pytest.raises(ValueError, match=message):
            function()


def small_network(weights, classifier_activation="softmax"):
    """The ends of InceptionV3: what its arguments do, with little between."""
    x = inputs = keras.Input((299, 299, 3))
    x = layers.Conv2D(8, 5, strides=16, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(5, activation=classifier_activation)(x)
    network = keras.Model(inputs, x)
    if weights is not None:
        network.load_weights(weights)
    return network


@pytest.mark.parametrize(
    "build, width",
    [
        (small_network, 8),
        pytest.param(
            keras.applications.InceptionV3, 2048, marks=pytest.mark.long
        ),
    ],
    ids=["small", "whole"],
)
def test_inception_v3_from_a_local_file(build, width, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.applications, "InceptionV3", build)
    whole = build(weights=None)
    path = str(tmp_path / "inception.weights.h5")
    whole.save_weights(path)
    x = images((2, 12, 12, 3))
    features = metrics.inception_v3((12, 12, 3), "legacy_pytorch", path)
    logits = metrics.inception_v3(
        (12, 12, 3), "legacy_pytorch", path, output="logits"
    )
    assert features.output_shape == (None, width)
    kernel, bias = whole.layers[-1].get_weights()
    np.testing.assert_allclose(
        features(x) @ kernel + bias, logits(x), rtol=1e-3, atol=1e-4
    )
    inputs = inception.InceptionInput("legacy_pytorch")(x)
    shares = whole(inputs)
    np.testing.assert_allclose(keras.ops.softmax(logits(x)), shares, atol=1e-5)


def frozen(path, with_file=False):
    """A graph with the tensors' names of the 2015 network."""
    kernel = images((3, 3, 3, 4), seed=5)
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder("float32", (1, 299, 299, 3), "ExpandDims")
        x = tf.multiply(x, 3.0, name="Mul")
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "VALID", name="conv"))
        tf.nn.avg_pool2d(x, 149, 1, "VALID", name="pool_3")
        if with_file:
            tf.io.write_file("stolen", "text")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return kernel


def test_inception_2015_from_a_local_file(tmp_path):
    kernel = frozen(tmp_path / "graph.pb")
    network = metrics.inception_2015(tmp_path / "graph.pb", (20, 20, 1))
    x = images((3, 20, 20, 1))
    inputs = inception.InceptionInput("legacy_tensorflow")(x)
    expected = tf.nn.relu(tf.nn.conv2d(inputs, kernel, 2, "VALID"))
    expected = np.mean(expected, axis=(1, 2))
    assert network.output_shape == (None, 4)
    np.testing.assert_allclose(network(x), expected, rtol=1e-4, atol=1e-6)
    metric = metrics.FrechetDistance(network)
    metric.update_state(x, x)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded(x), network(x))


def test_hostile_and_broken_graphs_are_refused(tmp_path):
    path = tmp_path / "graph.pb"
    frozen(path, with_file=True)
    with pytest.raises(ValueError, match=r"Received: \['WriteFile'\]"):
        inception.FrozenGraph(path)
    path.write_bytes(b"no graph at all")
    with pytest.raises(ValueError, match="no frozen TensorFlow graph"):
        inception.FrozenGraph(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="no operations"):
        inception.FrozenGraph(path)
    frozen(path)
    layer = inception.FrozenGraph(path, output_name="pool_4:0")
    with pytest.raises(ValueError, match="no path from Mul:0 to pool_4:0"):
        layer(images((1, 299, 299, 3)))
