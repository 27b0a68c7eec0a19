"""Anchors of the judges: values known beforehand, and what moves none."""

import hashlib

import keras
import numpy as np
import pytest

from keras_gan import metrics
from keras_gan.metrics import features
from keras_gan.metrics import inception


def normal(seed, n, d):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("d, expected", [(2, 0.997), (128, 0.64)])
def test_precision_of_one_distribution_falls_with_features(d, expected):
    """Measured with 3,000 samples, of k = 5 as in Naeem et al."""
    x, y = normal(0, 3_000, d), normal(1, 3_000, d)
    found = metrics.precision_recall(x, y, k=5)
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize("batch", [7, 50, 400])
def test_moments_of_a_stream_are_of_float64(batch):
    """Far from zero, where float32 moments lose all digits."""
    rng = np.random.default_rng(0)
    x, y = (normal(i, 400, 4).astype("float32") + 1e3 for i in (0, 1))
    metric = metrics.FrechetDistance(features.raw((4,)))
    for each in (x, y):
        rng.shuffle(each)
    for i in range(0, 400, batch):
        metric.update_state(x[i : i + batch], y[i : i + batch])
    expected = metrics.frechet_distance(x, y)
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-9)


def of_rows(function):
    """The function of two sets, for 40 images of 8 pixels as rows."""
    return lambda x, y: function(x.reshape(40, -1), y.reshape(40, -1))


PAIRS = {
    "frechet_distance": of_rows(metrics.frechet_distance),
    "frechet_distance_infinity": of_rows(metrics.frechet_distance_infinity),
    "kernel_distance": of_rows(
        lambda x, y: metrics.kernel_distance(x, y, 5, 20)
    ),
    "precision_recall": of_rows(metrics.precision_recall),
    "density_coverage": of_rows(metrics.density_coverage),
    "authenticity": of_rows(metrics.authenticity),
    "copies": lambda x, y: metrics.copies(x, y, 0.1),
    "duplicates": lambda x, y: metrics.duplicates(np.concatenate([x, y]), 0.1),
    "sliced_wasserstein": metrics.sliced_wasserstein,
    "multiscale_ssim": metrics.multiscale_ssim,
}


@pytest.mark.parametrize("name", PAIRS)
def test_half_precision_is_widened_first(name):
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 40, 8, 8, 1))
    x, y = x.astype("float16"), y.astype("float16")
    found = PAIRS[name](x, y)
    expected = PAIRS[name](x.astype("float32"), y.astype("float32"))
    np.testing.assert_equal(found, expected)


def test_constant_features():
    x, away = np.ones((20, 3)), np.full((20, 3), 2.0)
    assert metrics.kernel_distance(x, x, 5, 10)[0] == 0
    assert metrics.precision_recall(x, x) == (1.0, 1.0)
    assert metrics.precision_recall(x, away) == (0.0, 0.0)
    # Each of 20 fakes lies in all 20 balls.
    assert metrics.density_coverage(x, x, 5) == (20 / 5, 1.0)
    assert metrics.authenticity(x, x) == 0
    assert metrics.authenticity(x, away) == 1


class TestInfinity:
    def test_seed(self):
        x, y = normal(0, 500, 3), normal(1, 200, 3)
        found = [
            metrics.frechet_distance_infinity(x, y, seed=s) for s in (0, 0, 1)
        ]
        assert found[0] == found[1] != found[2]

    def test_class_is_the_function(self):
        x, y = (normal(i, 90, 3).astype("float32") for i in (0, 1))
        judge = metrics.FrechetDistanceInfinity(
            features.raw((3,)), num_sizes=4, smallest=20, seed=3
        )
        assert judge.from_config(judge.get_config()).chosen() == judge.chosen()
        for rows in (slice(0, 50), slice(50, 90)):
            judge.update_state(x[rows], y[rows])
        expected = metrics.frechet_distance_infinity(x, y, 4, 20, 3)
        assert judge.result() == expected
        assert judge.protocol()["smallest"] == 20

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"num_sizes": 1}, "num_sizes=1"),
            ({"smallest": 1}, "smallest=1"),
            ({"seed": -1}, "seed=-1"),
        ],
    )
    def test_errors(self, arguments, message):
        x = normal(0, 9, 2)
        with pytest.raises(ValueError, match=message):
            metrics.frechet_distance_infinity(x, x, **arguments)
        with pytest.raises(ValueError, match=message):
            metrics.FrechetDistanceInfinity(features.raw((2,)), **arguments)
        with pytest.raises(ValueError, match="4 samples.*fake of 3"):
            metrics.frechet_distance_infinity(x, x[:3])


@pytest.mark.parametrize(
    "rows", [[[1.5, -0.5], [-0.5, 1.5]], [[0.8, 0.8], [0.2, 0.2]]]
)
def test_rows_that_are_no_probabilities_do_not_make_up_for_each_other(rows):
    flat = keras.Sequential([keras.Input((2,)), keras.layers.Flatten()])
    score = metrics.InceptionScore(flat, from_logits=False, num_splits=1)
    score.update_state(None, np.array(rows, "float32"))
    with pytest.raises(ValueError, match="from_logits=False"):
        score.result()


@pytest.mark.parametrize(
    "judge", [metrics.PrecisionRecall, metrics.DensityCoverage]
)
def test_more_samples_than_neighbours(judge):
    with pytest.raises(ValueError, match="num_samples=4"):
        judge(features.raw((2,)), k=4, num_samples=4)


def test_a_frozen_graph_is_known_by_its_file(tmp_path):
    """Two files are two judges, and a saved one takes its own only."""
    judges = []
    for factor in (2.0, 3.0):
        path = tmp_path / f"{factor}.pb"
        path.write_bytes(graph(factor))
        layer = inception.FrozenGraph(path, "x:0", "y:0")
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        assert layer.file_sha256 == content
        sample = keras.Input((4,))
        network = keras.Model(sample, layer(sample))
        judges.append(metrics.FrechetDistance(network))
    hashes = {judge.protocol()["features_sha256"] for judge in judges}
    assert len(hashes) == 2
    assert all(judge.passes.keys is not None for judge in judges)
    path.write_bytes(graph(5.0))
    # Keras makes a TypeError of it.
    with pytest.raises(TypeError, match=f"SHA-256 {content}"):
        inception.FrozenGraph.from_config(layer.get_config())


def graph(factor):
    """Bytes of a frozen graph that multiplies rows of four."""
    import tensorflow as tf

    with tf.Graph().as_default() as made:
        x = tf.compat.v1.placeholder("float32", (None, 4), "x")
        tf.multiply(x, factor, name="y")
    return made.as_graph_def().SerializeToString()
