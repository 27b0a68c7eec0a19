"""Judges of features: closed forms, invariances, and life inside a GAN."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_gan
from keras_gan import metrics
from keras_gan.metrics import features
from keras_gan.metrics.moments import Moments
from keras_gan.metrics.moments import merge
from keras_gan.metrics.moments import moments


def normal(seed, n, d, dtype="float64"):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def with_moments(mean, covariance):
    """Moments of a Gaussian that is known, as if of 100 samples."""
    return Moments(100.0, np.asarray(mean), 99.0 * np.asarray(covariance))


def rotation(d, seed=0):
    return np.linalg.qr(normal(seed, d, d))[0]


class TestFrechetDistance:
    def test_commuting_gaussians(self):
        d = 512
        turn = rotation(d)
        rng = np.random.default_rng(1)
        (v1, v2), (m1, m2) = rng.uniform(0, 4, (2, d)), rng.normal(size=(2, d))
        expected = np.sum((m1 - m2) ** 2) + np.sum((v1**0.5 - v2**0.5) ** 2)
        found = metrics.frechet_distance(
            with_moments(m1, (turn * v1) @ turn.T),
            with_moments(m2, (turn * v2) @ turn.T),
        )
        np.testing.assert_allclose(found, expected, rtol=1e-11)

    def test_one_dimension(self):
        x, y = normal(0, 40, 1), 3 * normal(1, 70, 1) + 2
        expected = (x.mean() - y.mean()) ** 2
        expected += (x.std(ddof=1) - y.std(ddof=1)) ** 2
        found = metrics.frechet_distance(x, y)
        np.testing.assert_allclose(found, expected, rtol=1e-12)

    @pytest.mark.parametrize("n, d", [(500, 20), (20, 50), (2, 3)])
    def test_itself_is_zero_at_any_rank(self, n, d):
        x = normal(0, n, d)
        assert metrics.frechet_distance(x, x) < 1e-10 * d

    @pytest.mark.parametrize("n, d", [(300, 10), (30, 60)])
    def test_shift_rotation_scale_and_symmetry(self, n, d):
        x, y = normal(0, n, d) @ normal(1, d, d), normal(2, n, d)
        value = metrics.frechet_distance(x, y)
        shift = np.arange(d) / 7
        moved = metrics.frechet_distance(x, x + shift)
        np.testing.assert_allclose(moved, np.sum(shift**2), rtol=1e-9)
        turn = rotation(d)
        for found, expected in (
            (metrics.frechet_distance(y, x), value),
            (metrics.frechet_distance(x @ turn, y @ turn), value),
            (metrics.frechet_distance(3 * x, 3 * y), 9 * value),
            (metrics.frechet_distance(x[::-1], y), value),
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-8)

    def test_collapsed_fakes(self):
        x = normal(0, 100, 5)
        fake = np.ones((100, 5))
        expected = np.trace(np.cov(x.T)) + np.sum((x.mean(0) - 1) ** 2)
        found = metrics.frechet_distance(x, fake)
        np.testing.assert_allclose(found, expected, rtol=1e-12)

    def test_unbiased_covariance(self):
        x = normal(0, 10, 3)
        np.testing.assert_allclose(moments(x).covariance, np.cov(x.T))

    def test_bias_of_two_samples(self):
        """About d (d + 5) / (2 n): the number of samples is in the number."""
        d, n = 32, 1_000
        values = [
            metrics.frechet_distance(normal(i, n, d), normal(100 + i, n, d))
            for i in range(6)
        ]
        expected = d * (d + 5) / (2 * n)
        np.testing.assert_allclose(np.mean(values), expected, rtol=0.08)

    def test_singular_covariances_of_many_samples(self):
        """On one line: the distance in one dimension."""
        t, way = normal(0, 400, 1), normal(1, 1, 64)
        real, fake = t * way, (2 * t + 1) * way
        deviation = t.std(ddof=1)
        expected = (np.mean(2 * t + 1) - np.mean(t)) ** 2 + deviation**2
        expected *= np.sum(way**2)
        found = metrics.frechet_distance(real, fake)
        np.testing.assert_allclose(found, expected, rtol=1e-9)

    def test_infinity_takes_the_bias_of_fakes_away(self):
        d = 32
        real = with_moments(np.zeros(d), np.eye(d))
        found, plain = [], []
        for seed in range(4):
            fake = normal(seed, 4_000, d)
            plain.append(metrics.frechet_distance(real, fake))
            found.append(metrics.frechet_distance_infinity(real, fake))
        assert np.mean(plain) > 0.06
        assert abs(np.mean(found)) < 0.015

    def test_errors(self):
        x = normal(0, 9, 3)
        broken = x.copy()
        broken[4, 1] = np.nan
        for bad, message in (
            (broken, "Received: 1 values of fake"),
            (x[:1], "at least two samples. Received: fake of 1"),
            (x[:, :2], "Received: 3 and 2"),
            (x[0], r"Received: fake of shape=\(3,\)"),
        ):
            with pytest.raises(ValueError, match=message):
                metrics.frechet_distance(x, bad)
        inverted = with_moments(np.zeros(2), -np.eye(2))
        with pytest.raises(ArithmeticError, match="distance=-"):
            metrics.frechet_distance(inverted, inverted)


class TestMoments:
    @pytest.mark.parametrize("mean", [0.0, 1e6])
    def test_parts_merge_to_the_whole(self, mean):
        x = normal(0, 101, 4) + mean
        whole = moments(x)
        for cuts in ([1, 2, 60], [50], [10, 20, 30, 40]):
            parts = [moments(p) for p in np.split(x, cuts)]
            for order in (parts, parts[::-1]):
                found = Moments(0.0, np.zeros(4), np.zeros((4, 4)))
                for part in order:
                    found = merge(found, part)
                assert found.count == 101
                np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-12)
                np.testing.assert_allclose(
                    found.scatter, whole.scatter, rtol=1e-8, atol=1e-8
                )


class TestKernelDistance:
    def test_shifted_normal(self):
        """Moments of N(0,1): 1,0,1,0; of N(1,1): 1,1,2,4; sum is 22."""
        gaps = np.array([1, 1, 4])
        assert 3 * gaps[0] ** 2 + 3 * gaps[1] ** 2 + gaps[2] ** 2 == 22
        x, y = normal(0, 20_000, 1), normal(1, 20_000, 1) + 1
        value, error = metrics.kernel_distance(x, y, num_subsets=20)
        assert 0.3 < error < 1.0
        assert abs(value - 22) < 4 * error

    def test_error_is_that_of_other_samples(self):
        pairs = [(normal(i, 400, 1), normal(99 + i, 400, 1)) for i in range(40)]
        found = [metrics.kernel_distance(x, y + 1, 100, 100) for x, y in pairs]
        values, errors = np.transpose(found)
        np.testing.assert_allclose(np.mean(errors), np.std(values), rtol=0.4)

    def test_all_pairs_by_hand(self):
        x, y = normal(0, 3, 2), normal(1, 3, 2)

        def k(a, b):
            return (a @ b / 2 + 1) ** 3

        pairs = [(0, 1), (0, 2), (1, 2)]
        expected = sum(k(x[i], x[j]) + k(y[i], y[j]) for i, j in pairs) / 3
        expected -= 2 * sum(k(a, b) for a in x for b in y) / 9
        found, error = metrics.kernel_distance(x, y, 4, 3)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert np.isnan(error)

    @pytest.mark.parametrize("subset_size, n", [(100, 150), (100, 400)])
    def test_error_of_large_subsets(self, subset_size, n):
        found = [
            metrics.kernel_distance(
                normal(i, n, 4), normal(99 + i, n, 4) + 0.5, 50, subset_size
            )
            for i in range(60)
        ]
        values, errors = np.transpose(found)
        assert 0.6 < np.mean(errors) / np.std(values, ddof=1) < 1.4

    def test_one_distribution_is_zero_on_average(self):
        x = normal(0, 4_000, 8)
        values = [
            metrics.kernel_distance(x[:2_000], x[2_000:], 1, 100, seed)[0]
            for seed in range(60)
        ]
        assert min(values) < 0 < max(values)
        assert abs(np.mean(values)) < 4 * np.std(values) / 60**0.5

    def test_error_and_seed(self):
        x, y = normal(0, 300, 2), normal(1, 300, 2)
        first = metrics.kernel_distance(x, y, 7, 50, 3)
        assert first == metrics.kernel_distance(x, y, 7, 50, 3)
        assert first != metrics.kernel_distance(x, y, 7, 50, 4)
        with pytest.raises(ValueError, match="at least 301.*real of 300"):
            metrics.kernel_distance(x, y, 7, 301)


class TestNeighbours:
    line = np.array([[0.0], [1.0], [3.0], [7.0]])

    def test_points_on_a_line(self):
        """Balls of k = 1: 0±1, 1±1, 3±2, 7±4; of fakes 1.5±9, 10.5±9."""
        fake = np.array([[1.5], [10.5]])
        assert metrics.precision_recall(self.line, fake, k=1) == (1.0, 1.0)
        # 1.5 lies in the balls of 1 and 3, 10.5 in that of 7.
        found = metrics.density_coverage(self.line, fake, k=1)
        assert found == (3 / 2, 3 / 4)
        # k = 2: 0±3, 1±2, 3±3, 7±6; 1.5 in four, 10.5 in one.
        fake = np.array([[1.5], [10.5], [30.0]])
        assert metrics.density_coverage(self.line, fake, k=2) == (5 / 6, 1.0)
        precision, recall = metrics.precision_recall(self.line, fake, k=1)
        assert (precision, recall) == (2 / 3, 1.0)

    def test_the_edge_is_inside(self):
        fake = np.array([[11.0], [12.0]])
        assert metrics.precision_recall(self.line, fake, 1)[0] == 0.5
        assert metrics.density_coverage(self.line, fake, 1) == (0.5, 0.25)

    def test_equal_distances_of_integers_are_within(self):
        """As exact arithmetic says, in tables of codes with many ties."""
        rng = np.random.default_rng(0)
        real, fake = (rng.integers(0, 5, (n, 4)) for n in (150, 120))
        k, exact = 3, {}
        for name, x in (("real", real), ("fake", fake)):
            apart = np.square(x[:, None] - x).sum(axis=2)
            # The first of a sorted row is the row itself.
            exact[name] = np.sort(apart, axis=1)[:, k]
        cross = np.square(real[:, None] - fake).sum(axis=2)
        near = cross <= exact["real"][:, None]
        precision, recall = metrics.precision_recall(real, fake, k)
        assert precision == near.any(axis=0).mean()
        assert recall == (cross <= exact["fake"]).any(axis=1).mean()
        density, coverage = metrics.density_coverage(real, fake, k)
        assert density == pytest.approx(near.sum() / (k * len(fake)))
        assert coverage == near.any(axis=1).mean()

    def test_disjoint_and_identical(self):
        x = normal(0, 50, 3)
        assert metrics.precision_recall(x, x + 1e3) == (0.0, 0.0)
        assert metrics.density_coverage(x, x + 1e3) == (0.0, 0.0)
        assert metrics.precision_recall(x, x) == (1.0, 1.0)
        assert metrics.density_coverage(x, x)[1] == 1.0

    def test_equal_distributions(self):
        """The values that Naeem et al. derive, section 3.2."""
        n, k = 600, 5
        found = [
            metrics.density_coverage(normal(i, n, 4), normal(99 + i, n, 4), k)
            for i in range(8)
        ]
        steps = np.arange(1, k + 1)
        expected = 1 - np.prod((n - steps) / (2 * n - steps))
        density, coverage = np.mean(found, axis=0)
        np.testing.assert_allclose(coverage, expected, atol=0.01)
        np.testing.assert_allclose(density, 1.0, atol=0.05)

    def test_against_all_pairs(self):
        """The blocks and the product form against plain loops."""
        real, fake = normal(0, 1_203, 3) + 50, normal(1, 87, 3) * 1.5 + 50
        gaps = np.linalg.norm(real[:, None] - real, axis=-1)
        reach = np.sort(gaps, axis=1)[:, 3]
        across = np.linalg.norm(fake[:, None] - real, axis=-1)
        precision = (across <= reach).any(1).mean()
        assert metrics.precision_recall(real, fake)[0] == precision
        density = (across <= reach).sum() / (3 * 87)
        found = metrics.density_coverage(real, fake, 3)
        np.testing.assert_allclose(
            found, (density, (across <= reach).any(0).mean())
        )

    def test_errors(self):
        x = normal(0, 4, 2)
        for function in (metrics.precision_recall, metrics.density_coverage):
            with pytest.raises(ValueError, match="at least 5.*fake of 4"):
                function(normal(0, 9, 2), x, k=4)
            with pytest.raises(ValueError, match="k=0"):
                function(x, x, k=0)


def network():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "tanh"), layers.Dense(4)]
    )


CASES = [
    (
        lambda f: metrics.FrechetDistance(f, name="fd"),
        lambda real, fake: {"fd": metrics.frechet_distance(real, fake)},
    ),
    (
        lambda f: metrics.KernelDistance(f, 5, 20, 64, 2, name="kd"),
        lambda real, fake: dict(
            zip(
                ("kd", "kd_error"),
                metrics.kernel_distance(real, fake, 5, 20, 2),
            )
        ),
    ),
    (
        lambda f: metrics.PrecisionRecall(f, 2, 64),
        lambda real, fake: dict(
            zip(
                ("precision", "recall"),
                metrics.precision_recall(real, fake, 2),
            )
        ),
    ),
    (
        lambda f: metrics.DensityCoverage(f, 4, 64, name="dc"),
        lambda real, fake: dict(
            zip(
                ("dc_density", "dc_coverage"),
                metrics.density_coverage(real, fake, 4),
            )
        ),
    ),
]


@pytest.fixture(
    params=CASES, ids=lambda case: type(case[0](network())).__name__
)
def case(request):
    return request.param


def value_of(metric):
    result = metric.result()
    return result if isinstance(result, dict) else {metric.name: result}


def assert_close(found, expected, rtol=1e-9):
    assert list(found) == list(expected)
    np.testing.assert_allclose(
        list(found.values()), list(expected.values()), rtol=rtol, atol=1e-12
    )


class TestStreaming:
    def test_equals_the_function_on_all_samples(self, case):
        make, function = case
        net = network()
        real, fake = normal(0, 64, 6, "float32"), normal(1, 64, 6, "float32")
        expected = function(
            *(net(x).numpy().astype("float64") for x in (real, fake))
        )
        metric = make(net)
        for cuts in ([64], [10, 15, 63], [32]):
            metric.reset_state()
            pairs = zip(np.split(real, cuts), np.split(fake, cuts))
            for x, y in pairs:
                if len(x):
                    metric.update_state(x, y)
            assert_close(value_of(metric), expected, rtol=1e-5)

    def test_config_round_trip(self, case):
        metric = case[0](network())
        config = json.loads(json.dumps(metric.get_config()))
        again = type(metric).from_config(config)
        configs = [metric.get_config(), again.get_config()]
        for one in configs:
            one.pop("features_sha256")
        assert json.dumps(configs[0]) == json.dumps(configs[1])
        other = type(metric).from_config(config)
        assert other.features is again.features is not metric.features

    def test_half_precision_input(self, case):
        metric, net = case[0](network()), network()
        half = [normal(i, 64, 6).astype("float16") for i in (0, 1)]
        metric.update_state(*half)
        expected = case[0](net)
        expected.update_state(*(x.astype("float32") for x in half))
        assert_close(value_of(metric), value_of(expected))

    def test_one_pass_for_metrics_of_one_network(self, case):
        passes = []

        class Counted(layers.Layer):
            def call(self, x):
                passes.append(1)
                return x

        net = keras.Sequential([keras.Input((6,)), Counted()])
        first, second = case[0](net), metrics.FrechetDistance(net)
        passes.clear()

        @tf.function
        def evaluate(x, y):
            for metric in (first, second):
                metric.update_state(x, y)

        evaluate(*(normal(i, 64, 6, "float32") for i in (0, 1)))
        assert len(passes) == 2

    def test_wrong_networks(self, case):
        make = case[0]
        with pytest.raises(TypeError, match="features='inception'"):
            make("inception")
        open_ended = keras.Sequential([keras.Input((None, 3))])
        open_ended.add(layers.Dense(2))
        with pytest.raises(ValueError, match=r"shape=\(None, None, 2\)"):
            make(open_ended)


def test_samples_beyond_the_last_are_left_out():
    metric = metrics.PrecisionRecall(features.raw((2,)), 1, num_samples=5)
    x = normal(0, 9, 2, "float32")
    metric.update_state(x[:3], x[:3])
    metric.update_state(x[3:], x[3:])
    np.testing.assert_array_equal(metric.collected("real"), x[:5])
    assert metric.protocol()["num_real"] == 5


def test_frechet_distance_warns_of_few_and_tells_nan():
    metric = metrics.FrechetDistance(features.raw((8,)))
    x = normal(0, 8, 8, "float32")
    metric.update_state(x, x)
    with pytest.warns(UserWarning, match="8 samples are few.*8 features"):
        metric.result()
    metric.update_state(x, x * np.nan)
    assert np.isnan(metric.result())
    metric.reset_state()
    with pytest.raises(ValueError, match="real of 0"):
        with pytest.warns(UserWarning, match="0 samples"):
            metric.result()


def test_protocol_names_the_network():
    net = network()
    metric = metrics.FrechetDistance(net)
    before = metric.protocol()
    assert before["num_features"] == 4 and len(before["features_sha256"]) == 64
    net.layers[0].bias.assign(np.ones(5))
    assert metric.protocol()["features_sha256"] != before["features_sha256"]


def small_gan(**kwargs):
    keras.utils.set_random_seed(1)
    players = keras_gan.architectures.mlp((6,), latent_dim=3, units=(8,))
    gan = keras_gan.GAN(*players, seed=2)
    optimizers = [keras.optimizers.Adam(1e-2) for _ in range(2)]
    gan.compile(*optimizers, **kwargs)
    return gan


def judged(net):
    return [
        metrics.FrechetDistance(net),
        metrics.KernelDistance(net, 5, 20),
        metrics.DensityCoverage(net),
    ]


class TestInGAN:
    data = normal(0, 64, 6, "float32")

    def test_evaluation_and_validation(self, tmp_path):
        net = network()
        gan = small_gan(metrics=judged(net), steps_per_execution=2)
        plain = small_gan()
        best = keras.callbacks.ModelCheckpoint(
            tmp_path / "best.keras",
            monitor="val_frechet_distance",
            mode="min",
            save_best_only=True,
        )
        options = {"epochs": 3, "batch_size": 16, "verbose": 0}
        history = gan.fit(
            self.data, validation_data=(self.data,), callbacks=[best], **options
        ).history
        values = history["val_frechet_distance"]
        assert len(set(values)) == 3
        for name in ("kernel_distance_error", "density", "coverage"):
            assert np.isfinite(history[f"val_{name}"]).all()
        plain.fit(self.data, **options)
        for a, b in zip(gan.weights, plain.weights):
            np.testing.assert_array_equal(a, b)
        loaded = keras.saving.load_model(tmp_path / "best.keras")
        logs = loaded.evaluate(
            self.data, batch_size=16, verbose=0, return_dict=True
        )
        np.testing.assert_allclose(
            logs["frechet_distance"], min(values), rtol=1e-6
        )
        first, *rest = loaded.trackers.metrics
        assert all(metric.features is first.features for metric in rest)

    def test_equals_the_function(self):
        net = network()
        gan = small_gan(metrics=judged(net))
        logs = gan.evaluate(
            self.data, batch_size=16, verbose=0, return_dict=True
        )
        seeds = keras_gan.GAN(
            gan.generator, gan.discriminator, seed=2
        ).evaluation_seed_generator
        fake = np.concatenate(
            [gan.predict(gan.latents(16, seeds), verbose=0) for _ in range(4)]
        )
        expected = metrics.frechet_distance(net(self.data), net(fake))
        np.testing.assert_allclose(
            logs["frechet_distance"], expected, rtol=1e-5
        )

    def test_weights_file_of_other_metrics_is_refused(self, tmp_path):
        gan = small_gan(metrics=judged(network()))
        gan.save_weights(tmp_path / "a.weights.h5")
        with pytest.raises(ValueError, match="other penalties or metrics"):
            small_gan().load_weights(tmp_path / "a.weights.h5")


class TestBundledFeatures:
    def test_names_most_clothes_right(self):
        x, y = next(iter(keras_gan.datasets.load("fashion_mnist_10k", 500)[1]))
        logits = features.fashion_mnist("logits")(x)
        assert np.mean(np.argmax(logits, axis=1) == y) > 0.89

    def test_features_are_those_below_the_logits(self):
        x = np.random.default_rng(0).uniform(-1, 1, (3, 28, 28, 1))
        network = features.fashion_mnist()
        logits = features.fashion_mnist("logits")
        kernel, bias = logits.get_layer("logits").get_weights()
        np.testing.assert_allclose(
            network(x) @ kernel + bias, logits(x), rtol=1e-5, atol=1e-5
        )
        assert not network.trainable_weights

    def test_another_file_is_refused(self, monkeypatch, tmp_path):
        path = tmp_path / "fashion_mnist.weights.h5"
        path.write_bytes(features.FASHION_MNIST.read_bytes() + b" ")
        monkeypatch.setattr(features, "FASHION_MNIST", path)
        with pytest.raises(ValueError, match="not the bundled file"):
            features.fashion_mnist()

    def test_errors(self):
        with pytest.raises(ValueError, match="output='conv'"):
            features.fashion_mnist("conv")
        with pytest.raises(TypeError, match="num_classes='ten'"):
            features.small_classifier("ten")


def test_random_projection_keeps_distances_on_average():
    project = features.random_projection((20, 30), 400, seed=4)
    x = normal(0, 50, 600).reshape(50, 20, 30)
    lengths = np.square(project(x)).sum(1) / np.square(x).sum((1, 2))
    np.testing.assert_allclose(lengths.mean(), 400 / 600, rtol=0.1)
    again = features.random_projection((20, 30), 400, seed=4)
    np.testing.assert_array_equal(project(x), again(x))
    other = features.random_projection((20, 30), 400, seed=5)
    assert not np.allclose(project(x), other(x))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_networks_stay_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    for make in (
        features.fashion_mnist,
        features.small_classifier,
        lambda: features.raw((28, 28, 1)),
        lambda: features.random_projection((28, 28, 1), 4),
    ):
        network = make()
        assert keras.config.dtype_policy().name == policy
        assert network(images(2)).dtype == "float32"
        assert {x.compute_dtype for x in network.layers} == {"float32"}


def images(n):
    return normal(0, n, 784, "float32").reshape(n, 28, 28, 1)
