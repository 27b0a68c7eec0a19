"""Judges that go by classes: closed forms, hand-made cases, small trainings."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_gan
from keras_gan import metrics
from keras_gan.metrics.accuracy_score import fit
from keras_gan.metrics.accuracy_score import small_classifier


def generator(seed=0):
    return np.random.default_rng(seed)


def identity(*shape):
    """A classifier whose outputs are the samples."""
    return keras.Sequential([keras.Input(shape), layers.Identity()])


def one_hot(labels, size):
    return np.eye(size, dtype="float32")[np.asarray(labels)]


def dirichlet(n, size, seed=0):
    return generator(seed).dirichlet(np.full(size, 0.3), n)


def score_by_loops(p):
    """exp of the mean divergence from the mean, one term at a time."""
    mean = [sum(row[k] for row in p) / len(p) for k in range(p.shape[1])]
    total = 0.0
    for row in p:
        total += sum(v * np.log(v / m) for v, m in zip(row, mean) if v > 0)
    return np.exp(total / len(p))


class TestInceptionScore:
    def test_closed_forms(self):
        sure = np.repeat(np.eye(7), 20, axis=0)
        found = metrics.inception_score(sure)
        np.testing.assert_allclose(found, (7.0, 0.0), rtol=0, atol=1e-12)
        same = np.tile([[0.2, 0.5, 0.3]], (40, 1))
        found = metrics.inception_score(same)
        np.testing.assert_allclose(found, (1.0, 0.0), rtol=0, atol=1e-12)

    def test_each_term(self):
        p = dirichlet(31, 5)
        p[3] = [1, 0, 0, 0, 0]
        scores = [score_by_loops(p[start::4]) for start in range(4)]
        found = metrics.inception_score(p, num_splits=4)
        np.testing.assert_allclose(found, (np.mean(scores), np.std(scores)))

    def test_deviation_over_parts(self):
        # Even rows make a part of score 1, odd ones a part of score 2.
        labels = [0, 0, 0, 1] * 5
        found = metrics.inception_score(one_hot(labels, 2), num_splits=2)
        np.testing.assert_allclose(found, (1.5, 0.5), atol=1e-12)

    def test_identical_parts_agree(self):
        p = np.repeat(dirichlet(12, 4), 10, axis=0)
        one, ten = (metrics.inception_score(p, num_splits=n) for n in (1, 10))
        np.testing.assert_allclose(one, ten, rtol=1e-12, atol=1e-7)

    def test_rows_are_divided_by_their_sum(self):
        p = dirichlet(20, 4)
        found = metrics.inception_score(1.009 * p)
        np.testing.assert_allclose(found, metrics.inception_score(p))

    @pytest.mark.parametrize(
        "p, options, message",
        [
            (np.full((20, 4), 0.3), {}, "sums from 1.2 to 1.2"),
            (np.tile([1.5, -0.5], (20, 1)), {}, "values from -0.5"),
            (np.full((20, 2), np.nan), {}, "40 values of probabilities"),
            (np.full((9, 2), 0.5), {}, "=10 samples. Received: .* of 9"),
            (np.full((9, 2), 0.5), {"num_splits": 0}, "num_splits=0"),
            (np.zeros((0, 2)), {}, "probabilities of 0"),
        ],
    )
    def test_errors(self, p, options, message):
        with pytest.raises(ValueError, match=message):
            metrics.inception_score(p, **options)

    @pytest.mark.parametrize("from_logits", [True, False])
    @pytest.mark.parametrize("sizes", [(50,), (7, 1, 12, 30)])
    def test_stream_equals_function(self, sizes, from_logits):
        p = dirichlet(50, 6).astype("float32")
        fakes = np.log(p + 1e-6) + 3.0 if from_logits else p
        metric = metrics.InceptionScore(identity(6), from_logits, 3)
        for part in np.split(fakes, np.cumsum(sizes)[:-1]):
            metric.update_state(None, part)
        if from_logits:
            e = np.exp(fakes.astype("float64"))
            p = e / e.sum(axis=1, keepdims=True)
        mean, deviation = metrics.inception_score(p, num_splits=3)
        assert list(metric.result()) == [
            "inception_score",
            "inception_score_std",
        ]
        np.testing.assert_allclose(
            list(metric.result().values()), (mean, deviation), rtol=1e-6
        )
        if from_logits:
            found = metric.result()["inception_score"]
            np.testing.assert_allclose(found, mean, rtol=1e-12)
        assert metric.protocol()["num_fake"] == 50

    def test_logits_beyond_float32_stay_certain(self):
        metric = metrics.InceptionScore(identity(3), num_splits=2)
        metric.update_state(None, 1e4 * one_hot([0, 0, 1, 1, 2, 2], 3))
        result = metric.result()
        np.testing.assert_allclose(result["inception_score"], 3.0)
        metric.reset_state()
        metric.update_state(None, one_hot([0, 0], 3))
        np.testing.assert_allclose(metric.result()["inception_score"], 1.0)

    def test_errors_of_the_stream(self):
        metric = metrics.InceptionScore(identity(2), False, 2, "score")
        with pytest.raises(ValueError, match="fake` must hold .*of 0"):
            metric.result()
        metric.update_state(None, np.full((4, 2), 3.0, "float32"))
        with pytest.raises(
            ValueError, match="other outputs, from_logits=False"
        ):
            metric.result()
        metric.reset_state()
        metric.update_state(None, np.full((4, 2), np.nan, "float32"))
        with pytest.raises(ValueError, match="finite outputs"):
            metric.result()


class TestModeCount:
    def test_hand_made(self):
        labels = np.array([0, 0, 0, 3, 3, 1], "int16")
        modes, value = metrics.mode_count(labels, 4)
        expected = np.log(2) / 2 + np.log(4 / 3) / 3 + np.log(2 / 3) / 6
        assert modes == 3 and isinstance(modes, int)
        np.testing.assert_allclose(value, expected, rtol=1e-12)

    def test_anchors(self):
        # A perfect sampler: (K - 1) / (2 n) = 0.0192 at Stacked-MNIST's n.
        labels = generator().integers(0, 1000, 26_000)
        modes, value = metrics.mode_count(labels, 1000)
        assert modes == 1000
        assert abs(value - 999 / 52_000) < 0.003
        modes, value = metrics.mode_count(np.full(50, 7), 1000)
        assert modes == 1
        np.testing.assert_allclose(value, 6.907755, atol=1e-6)
        assert metrics.mode_count(np.arange(9), 9) == (9, 0.0)

    @pytest.mark.parametrize(
        "labels, error, message",
        [
            ([0, 4], ValueError, ">= 0 and < 4. Received: labels from 0 to 4"),
            ([-1, 2], ValueError, "labels from -1 to 2"),
            ([], TypeError, "dtype=float64"),
            (np.zeros(0, int), ValueError, r"shape=\(0,\)"),
            ([[0, 1]], ValueError, r"shape=\(1, 2\)"),
            ([0.0, 1.0], TypeError, "integers. Received: .*dtype=float64"),
        ],
    )
    def test_errors(self, labels, error, message):
        with pytest.raises(error, match=message):
            metrics.mode_count(labels, 4)

    def test_stream_equals_function(self):
        labels = generator().integers(0, 7, 40) // 2
        metric = metrics.ModeCount(identity(7))
        for part in (labels[:9], labels[9:10], labels[10:]):
            metric.update_state(None, one_hot(part, 7) - 5.0)
        expected = metrics.mode_count(labels, 7)
        result = metric.result()
        assert (result["mode_count"], result["mode_count_kl"]) == expected
        assert metric.protocol()["num_fake"] == 40
        metric.reset_state()
        metric.update_state(None, one_hot([2], 7))
        np.testing.assert_allclose(metric.result()["mode_count_kl"], np.log(7))

    def test_stacked(self):
        digits = [[2, 5, 7], [2, 5, 7], [0, 0, 9], [9, 9, 9]]
        metric = metrics.ModeCount(identity(3, 10), name="modes")
        metric.update_state(None, one_hot(digits, 10))
        counts = np.asarray(metric.counts)
        assert {i: counts[i] for i in np.flatnonzero(counts)} == {
            257: 2.0,
            9: 1.0,
            999: 1.0,
        }
        expected = 0.5 * np.log(500) + 0.5 * np.log(250)
        assert list(metric.result()) == ["modes", "modes_kl"]
        np.testing.assert_allclose(metric.result()["modes_kl"], expected)
        assert metric.protocol()["num_classes"] == 1000

    @pytest.mark.parametrize(
        "shape, message",
        [
            ((1,), r"K >= 2. Received: .* shape=\(None, 1\)"),
            ((2, 3, 4), r"shape=\(None, 2, 3, 4\)"),
            ((7, 10), "at most 1000000 classes apart. Received: 10000000 "),
        ],
    )
    def test_wrong_classifiers(self, shape, message):
        with pytest.raises(ValueError, match=message):
            metrics.ModeCount(identity(*shape))

    def test_errors_of_the_stream(self):
        with pytest.raises(TypeError, match="`classifier` must be a Keras"):
            metrics.ModeCount("classifier")
        with pytest.raises(ValueError, match=r"\(batch, K\) with K"):
            metrics.InceptionScore(identity(3, 10))
        metric = metrics.ModeCount(identity(2))
        with pytest.raises(ValueError, match="Received: no fake samples"):
            metric.result()
        metric.update_state(None, np.array([[0, np.inf], [1, 0]], "float32"))
        with pytest.raises(ValueError, match="NaN or infinity for fake"):
            metric.result()


class TestModesOfMixture:
    # Sums of powers of two, lest rounding decide what is near.
    CENTRES = [[0.0, 0.0], [4.0, 0.0], [8.0, 0.0], [12.0, 0.0]]

    def test_hand_made(self):
        points = [[0, 0.5], [0.5, 0.5], [3.5, 0], [0, 0.75], [4.0, 0.75]]
        found = metrics.modes_of_mixture(points, self.CENTRES, 0.25)
        assert found["modes"] == 2
        # Those at three deviations exactly are not good.
        assert found["good_share"] == 0.6
        shares = np.array([2 / 3, 1 / 3])
        middle = (shares + 0.25) / 2
        expected = sum(shares * np.log(shares / middle)) / 2
        expected += sum(0.25 * np.log(0.25 / middle)) / 2 + np.log(2) / 4
        np.testing.assert_allclose(found["js_divergence"], expected)

    def test_the_nearest_centre_counts(self):
        centres = [[0.0], [1.0]]
        found = metrics.modes_of_mixture([[0.75], [0.8]], centres, 1.0)
        assert found["modes"] == 1 and found["good_share"] == 1.0

    def test_perfect_sampler(self):
        angles = 2 * np.pi * np.arange(8) / 8
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        rng = generator()
        points = ring[rng.integers(0, 8, 20_000)]
        points += 0.01 * rng.normal(size=points.shape)
        found = metrics.modes_of_mixture(points, ring, 0.01)
        assert found["modes"] == 8
        # Two dimensions: all but exp(-9 / 2) lie within three deviations.
        assert abs(found["good_share"] - (1 - np.exp(-4.5))) < 0.003
        assert 0 < found["js_divergence"] < 1e-3

    def test_no_good_point(self):
        found = metrics.modes_of_mixture([[9.0, 9.0]], self.CENTRES, 0.25)
        assert found["modes"] == 0 and found["good_share"] == 0.0
        np.testing.assert_allclose(found["js_divergence"], np.log(2))

    @pytest.mark.parametrize(
        "points, deviation, error, message",
        [
            ([[0.0, 0.0]], 0, ValueError, "> 0. Received: deviation=0"),
            ([[0.0, 0.0]], "1", TypeError, "deviation='1'"),
            ([[0.0]], 1, ValueError, "dimensions. Received: 1 and 2"),
            ([[0.0, np.nan]], 1, ValueError, "1 values of points"),
            ([0.0, 1.0], 1, ValueError, r"points of shape=\(2,\)"),
            (np.zeros((0, 2)), 1, ValueError, "`points` .*one row"),
        ],
    )
    def test_errors(self, points, deviation, error, message):
        with pytest.raises(error, match=message):
            metrics.modes_of_mixture(points, self.CENTRES, deviation)


class TestClassHistogram:
    def test_closed_forms(self):
        divergence = metrics.class_histogram_divergence
        half = [20] * 5 + [0] * 5
        np.testing.assert_allclose(divergence([7] * 10, half), np.log(2))
        assert divergence([1, 2, 3], [10, 20, 30]) == 0.0
        # Of fakes to reals, not the reverse.
        expected = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
        np.testing.assert_allclose(divergence([2, 2], [3, 1]), expected)

    def test_classes_that_reals_lack(self):
        divergence = metrics.class_histogram_divergence
        expected = 0.5 * np.log(0.5 / 0.8) + 0.5 * np.log(0.5 / 0.2)
        np.testing.assert_allclose(divergence([4, 0], [3, 3]), expected)
        assert divergence([4, 0, 4], [3, 0, 3]) == 0.0

    @pytest.mark.parametrize(
        "real, fake, message",
        [
            ([1, 2], [1, 2, 3], "as many classes. Received: 2 and 3"),
            ([0, 0], [1, 2], r"`real` .*Received: real=\[0.0, 0.0\]"),
            ([1, 2], [-1, 2], r"fake=\[-1.0, 2.0\]"),
            ([1, np.inf], [1, 2], r"real=\[1.0, inf\]"),
            ([[1, 2]], [1, 2], r"real=\[\[1.0, 2.0\]\]"),
        ],
    )
    def test_errors(self, real, fake, message):
        with pytest.raises(ValueError, match=message):
            metrics.class_histogram_divergence(real, fake)

    def test_stream(self):
        metric = metrics.ClassHistogramDivergence(identity(3))
        metric.update_state(one_hot([0, 1], 3), one_hot([0, 0, 0, 1], 3))
        metric.update_state(one_hot([2, 2], 3), one_hot([0, 0, 0, 1], 3))
        shares = metric.shares()
        np.testing.assert_array_equal(shares["real"], [0.25, 0.25, 0.5])
        np.testing.assert_array_equal(shares["fake"], [0.75, 0.25, 0.0])
        np.testing.assert_allclose(metric.result(), 0.75 * np.log(3))
        protocol = metric.protocol()
        assert (protocol["num_real"], protocol["num_fake"]) == (4, 8)

    def test_errors_of_the_stream(self):
        metric = metrics.ClassHistogramDivergence(identity(2))
        with pytest.raises(ValueError, match="no real samples"):
            metric.result()
        bad = np.full((1, 2), np.nan, "float32")
        metric.update_state(one_hot([1], 2), bad)
        with pytest.raises(ValueError, match="infinity for fake"):
            metric.shares()


def judges():
    """Each class with non-default arguments."""
    return [
        metrics.InceptionScore(identity(4), False, 2, "score"),
        metrics.ModeCount(identity(2, 4), "modes"),
        metrics.ClassHistogramDivergence(identity(4), "histogram"),
    ]


@pytest.mark.parametrize("index", range(3))
class TestEachJudge:
    def test_config(self, index):
        metric = judges()[index]
        again = type(metric).from_config(metric.get_config())
        assert again.get_config() == metric.get_config()
        assert set(metric.get_config()) >= {"features", "name"}
        x = generator().dirichlet([1.0] * 4, (8, 2)).astype("float32")
        x = x[:, 0] if index != 1 else x
        for m in (metric, again):
            m.update_state(x[::-1], x)
        assert again.result() == metric.result()
        assert again.protocol() == metric.protocol()
        layer = keras.saving.serialize_keras_object(metric)
        loaded = keras.saving.deserialize_keras_object(layer)
        assert loaded.get_config() == metric.get_config()

    def test_half_precision(self, index):
        x = np.tile(np.eye(4)[[0, 0, 1, 3]][:, None], (1, 2, 1)) * 0.5 + 0.125
        x = x[:, 0] if index != 1 else x
        values = []
        for dtype in ("float16", "float32"):
            metric = judges()[index]
            metric.update_state(x.astype(dtype), x.astype(dtype))
            values.append(metric.result())
        assert values[0] == values[1]


def test_half_precision_of_functions():
    p = np.array([[0.25, 0.75], [0.5, 0.5]] * 10)
    assert metrics.inception_score(p.astype("float16")) == (
        metrics.inception_score(p.astype("float32"))
    )
    points = generator().normal(size=(60, 2)).astype("float16")
    labels = np.arange(60) % 3
    for function, rest in (
        (metrics.modes_of_mixture, ([[0.0, 0.0], [1, 1]], 0.25)),
        (metrics.frechet_distance_per_class, (labels, points[::-1], labels)),
    ):
        half, full = (
            function(points.astype(dtype), *rest)
            for dtype in ("float16", "float32")
        )
        assert half == full


def test_inside_a_gan(tmp_path):
    classifier = keras.Sequential([keras.Input((6,)), layers.Dense(4)])
    players = keras_gan.architectures.mlp((6,), latent_dim=4, units=(8,))
    gan = keras_gan.GAN(*players, seed=3)
    gan.compile(
        keras.optimizers.SGD(0.1),
        keras.optimizers.SGD(0.1),
        metrics=[
            metrics.InceptionScore(classifier, num_splits=2),
            metrics.ModeCount(classifier),
            metrics.ClassHistogramDivergence(classifier),
        ],
    )
    x = generator().normal(size=(32, 6)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices(x).batch(8)
    logs = gan.fit(data, validation_data=data, shuffle=False, verbose=0).history
    assert 1 <= logs["val_mode_count"][0] <= 4
    assert 1 <= logs["val_inception_score"][0] <= 4
    assert logs["val_class_histogram_divergence"][0] > 0
    first = gan.evaluate(data, return_dict=True, verbose=0)
    assert sum(np.asarray(gan.trackers.metrics[1].counts)) == 32
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    again = loaded.evaluate(data, return_dict=True, verbose=0)
    for name in ("inception_score", "mode_count_kl"):
        np.testing.assert_allclose(again[name], first[name], rtol=1e-6)


def blobs(n, num_classes=2, seed=0, noise=0.1):
    """Points around the corners of a simplex, and their labels."""
    rng = generator(seed)
    labels = rng.integers(0, num_classes, n)
    x = np.eye(num_classes)[labels] + noise * rng.normal(size=(n, num_classes))
    return x.astype("float32"), labels


def linear(sample_shape, num_classes, seed):
    start = keras.initializers.GlorotUniform(seed=seed)
    model = keras.Sequential(
        [
            keras.Input(sample_shape),
            layers.Dense(num_classes, kernel_initializer=start),
        ],
        name="linear",
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
    return model


def constant(sample_shape, num_classes, seed):
    """Always says `seed`, whatever it is taught."""
    model = linear(sample_shape, num_classes, seed)
    kernel, bias = model.get_weights()
    model.set_weights([0 * kernel, np.eye(num_classes)[seed]])
    model.optimizer.learning_rate.assign(0.0)
    return model


class Recorder:
    """Takes what `fit` is given."""

    def __init__(self):
        self.epochs = []

    def fit(self, x, labels, batch_size, shuffle, verbose):
        assert (batch_size, shuffle, verbose) == (4, False, 0)
        self.epochs.append((x, labels))


class TestAccuracyScores:
    def test_reals_in_place_of_fakes(self):
        train, test = blobs(300, 3, 0, 0.6), blobs(200, 3, 1, 0.6)
        score, reverse = (
            function(train, test, linear, epochs=2, batch_size=32)
            for function in (
                metrics.classification_accuracy_score,
                metrics.accuracy_on_fakes,
            )
        )
        assert 0.6 < score["accuracy"] < 1.0
        assert len(score["values"]) == 3
        for key in ("accuracy", "accuracy_std", "values"):
            assert score[key] == reverse[key]
        assert score["protocol"]["trained_on"] == "fake"
        assert reverse["protocol"]["trained_on"] == "train"

    def test_shuffled_labels_are_chance(self):
        x, labels = blobs(2000, 4)
        wrong = generator(1).permutation(labels)
        score = metrics.classification_accuracy_score(
            (x, wrong), blobs(2000, 4, 2), linear, epochs=1, seeds=range(8)
        )
        assert abs(score["accuracy"] - 0.25) < 0.1

    def test_which_set_is_trained_on(self):
        reals = blobs(200)
        fakes = tuple(part[reals[1] == 0] for part in reals)
        options = {"build_classifier": linear, "num_classes": 2, "seeds": [4]}
        score = metrics.classification_accuracy_score(fakes, reals, **options)
        assert score["accuracy"] == (reals[1] == 0).mean()
        score = metrics.accuracy_on_fakes(reals, fakes, **options)
        assert score["accuracy"] == 1.0

    def test_one_value_a_seed(self):
        labels = np.array([0, 0, 0, 1])
        data = np.zeros((4, 2)), labels
        score = metrics.accuracy_on_fakes(
            data, data, constant, epochs=2, batch_size=3, seeds=[0, 1]
        )
        protocol = score.pop("protocol")
        assert score == {
            "accuracy": 0.5,
            "accuracy_std": 0.25,
            "values": [0.75, 0.25],
        }
        assert protocol == {
            "num_train": 4,
            "num_fake": 4,
            "trained_on": "train",
            "num_classes": 2,
            "classifier": "linear",
            "num_weights": 6,
            "optimizer": "SGD",
            "epochs": 2,
            "batch_size": 3,
            "seeds": [0, 1],
            "keras_gan": keras_gan.__version__,
        }

    def test_classes_of_either_set(self):
        x = np.zeros((2, 2))
        score = metrics.accuracy_on_fakes(
            (x, [0, 1]), (x, [0, 2]), constant, epochs=1, seeds=[2]
        )
        assert score["values"] == [0.5]
        assert score["protocol"]["num_classes"] == 3

    def test_order_of_samples(self):
        x, labels = np.arange(20.0)[:, None], np.arange(20)
        runs = []
        for seed in (0, 0, 1):
            recorder = Recorder()
            fit(recorder, (x, labels), epochs=2, batch_size=4, seed=seed)
            runs.append([y.tolist() for _, y in recorder.epochs])
            for seen, y in recorder.epochs:
                np.testing.assert_array_equal(seen[:, 0], y)
                assert sorted(y) == list(range(20)) != list(y)
        assert runs[0] == runs[1] != runs[2]
        assert runs[0][0] != runs[0][1]

    def test_datasets_equal_arrays(self):
        train, test = blobs(90, 3, 0, 0.6), blobs(70, 3, 1, 0.6)
        column = train[0], train[1][:, None].astype("uint8")
        options = {"build_classifier": linear, "epochs": 1, "seeds": [5, 6]}
        expected = metrics.accuracy_on_fakes(train, test, **options)
        batched = (
            tf.data.Dataset.from_tensor_slices(data).batch(32)
            for data in (column, test)
        )
        assert metrics.accuracy_on_fakes(*batched, **options) == expected
        half = train[0].astype("float16")
        halves = [
            metrics.accuracy_on_fakes((x, train[1]), test, **options)
            for x in (half, half.astype("float32"))
        ]
        assert halves[0] == halves[1]

    @pytest.mark.large
    def test_default_for_images_leaves_global_seeds(self):
        rng = generator()
        labels = rng.integers(0, 2, 96)
        x = rng.normal(size=(96, 9, 9, 1)) * 0.2
        x[labels == 1, 2:7, 4] += 1.0
        x[labels == 0, 4, 2:7] += 1.0
        keras.utils.set_random_seed(11)
        expected = [
            keras.random.uniform((3,)).numpy().tolist(),
            np.random.uniform(),
            random.random(),
        ]
        keras.utils.set_random_seed(11)
        score = metrics.classification_accuracy_score(
            (x[:64], labels[:64]),
            (x[64:], labels[64:]),
            batch_size=16,
            seeds=[0, 1],
        )
        found = [
            keras.random.uniform((3,)).numpy().tolist(),
            np.random.uniform(),
            random.random(),
        ]
        assert score["accuracy"] == 1.0
        assert score["protocol"]["classifier"] == "small_classifier"
        assert score["protocol"]["optimizer"] == "Adam"
        assert found == expected

    @pytest.mark.parametrize(
        "change, error, message",
        [
            ({"num_classes": 2}, ValueError, "labels of fake.* < 2. .* to 2"),
            ({"num_classes": 1}, ValueError, "num_classes=1"),
            ({"epochs": 0}, ValueError, "epochs=0"),
            ({"batch_size": 2.0}, TypeError, "batch_size=2.0"),
            ({"seeds": ()}, ValueError, r"seeds=\(\)"),
            ({"seeds": 3}, ValueError, "seeds=3"),
            ({"seeds": [-1]}, ValueError, "seeds=-1"),
            ({"test": blobs(9, 2)}, ValueError, r"\(3,\) and \(2,\)"),
            (
                {"test": (np.zeros((2, 3)), [0, -1])},
                ValueError,
                "labels of test` must be >= 0. Received: .* from -1 to 0",
            ),
            ({"fake": np.zeros((2, 3))}, TypeError, "`fake` .*of ndarray"),
            (
                {"fake": (np.zeros((2, 3)), [0])},
                ValueError,
                r"fake of shape=\(2, 3\) and 1 labels",
            ),
            (
                {"fake": (np.zeros((2, 3)), [0.0, 1.0])},
                TypeError,
                "labels of fake` must be integers",
            ),
            (
                {"fake": (np.full((2, 3), np.nan), [0, 1])},
                ValueError,
                "infinity in fake",
            ),
            (
                {"build_classifier": lambda *args: identity(4)},
                ValueError,
                r"logits \(batch, 3\)",
            ),
        ],
    )
    def test_errors(self, change, error, message):
        arguments = {"fake": blobs(9, 3), "test": blobs(9, 3), "epochs": 1}
        with pytest.raises(error, match=message):
            metrics.classification_accuracy_score(**{**arguments, **change})

    def test_wrong_datasets(self):
        x, labels = blobs(8, 2)
        whole = tf.data.Dataset.from_tensor_slices((x, labels)).batch(4)
        for data, error, message in (
            (whole.repeat(), ValueError, "`train` must end"),
            (whole.take(0), ValueError, "`train` must hold samples"),
            (whole.map(lambda x, y: x), TypeError, "Received: train of Tensor"),
        ):
            with pytest.raises(error, match=message):
                metrics.accuracy_on_fakes(data, whole)


class TestSmallClassifier:
    def test_sizes(self):
        # 32, 64 and 128 filters of 3x3: 32 pixels need two halvings, 40 three.
        convolutions = [320, 18_496, 73_856]
        for side, number, flat in ((32, 2, 4096), (40, 3, 3200), (8, 1, 512)):
            model = small_classifier((side, side, 1), 5, 0)
            hidden = (flat + 1) * 128 + 129 * 5
            expected = sum(convolutions[:number]) + hidden
            assert model.count_params() == expected
        vectors = small_classifier((6, 2), 5, 0)
        assert vectors.count_params() == 13 * 128 + 129 * 128 + 129 * 5

    def test_seeds(self):
        same, again, other = (
            small_classifier((128,), 128, seed).get_weights()[::2]
            for seed in (1, 1, 2)
        )
        for a, b, c in zip(same, again, other):
            np.testing.assert_array_equal(a, b)
            assert np.abs(a - c).max() > 0.01
        assert np.abs(same[0] - same[1]).max() > 0.01

    def test_policy(self):
        expected = small_classifier((9, 9, 1), 3, 1)
        keras.config.set_dtype_policy("mixed_float16")
        model = small_classifier((9, 9, 1), 3, 1)
        x = generator().normal(size=(4, 9, 9, 1)).astype("float32")
        np.testing.assert_array_equal(model(x), expected(x))


class TestFrechetPerClass:
    def test_hand_made(self):
        x = generator().normal(size=(60, 2))
        labels = np.array([5, 0, 2] * 20)
        shift = {5: 3.0, 0: 0.0, 2: 1.0}
        fake = x + np.array([[shift[i], 0.0] for i in labels])
        order = generator(1).permutation(60)
        found = metrics.frechet_distance_per_class(
            x, labels, fake[order], labels[order]
        )
        assert list(found["values"]) == [0, 2, 5]
        values = list(found["values"].values())
        np.testing.assert_allclose(values, [0, 1, 9], atol=1e-9)
        np.testing.assert_allclose(found["frechet_distance"], 10 / 3)
        assert found["num_real"] == found["num_fake"] == {0: 20, 2: 20, 5: 20}

    def test_sees_what_one_distance_does_not(self):
        x = np.concatenate([generator().normal(size=(30, 2))] * 2)
        x[30:] += 4.0
        labels = np.repeat([0, 1], 30)
        found = metrics.frechet_distance_per_class(x, labels, x, 1 - labels)
        assert metrics.frechet_distance(x, x) < 1e-9
        np.testing.assert_allclose(found["frechet_distance"], 32.0)

    def test_classes_weigh_the_same(self):
        x = generator().normal(size=(40, 1))
        labels = np.array([0] * 30 + [1] * 10)
        fake, fake_labels = x[:35] + 2.0 * labels[:35, None], labels[:35]
        found = metrics.frechet_distance_per_class(x, labels, fake, fake_labels)
        assert found["num_real"] == {0: 30, 1: 10}
        assert found["num_fake"] == {0: 30, 1: 5}
        mean = found["values"][1] / 2
        np.testing.assert_allclose(found["frechet_distance"], mean, rtol=1e-9)

    @pytest.mark.parametrize(
        "labels, error, message",
        [
            ([0, 0, 1, 2], ValueError, "class 1 with 2 in .* and 1 in"),
            ([0, 0, 0, 0], ValueError, "class 1 with 2 in .* and 0 in"),
            ([0, 0, 1], ValueError, "Received: 3 for fake of 4"),
            ([0.0, 0, 1, 1], TypeError, "`fake_labels` must be integers"),
            ([0, 0, 1, -1], ValueError, "fake_labels from -1 to 1"),
        ],
    )
    def test_errors(self, labels, error, message):
        x = generator().normal(size=(4, 2))
        with pytest.raises(error, match=message):
            metrics.frechet_distance_per_class(x, [0, 0, 1, 1], x, labels)

    def test_class_of_fakes_alone(self):
        x = generator().normal(size=(4, 2))
        with pytest.raises(ValueError, match="class 1 with 0 in .* and 2 in"):
            metrics.frechet_distance_per_class(x, [0] * 4, x, [0, 0, 1, 1])
