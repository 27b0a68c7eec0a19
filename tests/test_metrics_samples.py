"""Judges of samples themselves: scales, variety, repetition, copies."""

import itertools
import json
from math import pi

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import metrics
from keras_gan.metrics import features
from keras_gan.metrics import neighbours
from keras_gan.metrics.authenticity import mann_whitney
from keras_gan.metrics.multiscale_ssim import scales
from keras_gan.metrics.neighbours import nearest
from keras_gan.metrics.sliced_wasserstein import pyramid
from keras_gan.metrics.sliced_wasserstein import sides
from keras_gan.metrics.sliced_wasserstein import wasserstein

# The weights of Wang et al. 2003, table 1.
PAPER = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def normal(seed, *shape, dtype="float64"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def uniform(seed, *shape):
    return np.random.default_rng(seed).uniform(-1, 1, size=shape)


def blurred(x):
    """Means of 3x3 pixels, around the edge."""
    shifts = itertools.product((-1, 0, 1), repeat=2)
    return sum(np.roll(x, shift, axis=(1, 2)) for shift in shifts) / 9


def discs(seed, n, size=28):
    """Images of a disc: sharp edges on flat ground, in [-1, 1]."""
    rng = np.random.default_rng(seed)
    radius, row, column = rng.uniform(
        (3, 8, 8), (8, size - 8, size - 8), size=(n, 3)
    ).T[..., None, None]
    places = np.arange(size)
    apart = np.hypot(places[:, None] - row, places - column)
    return np.tanh(4 * (radius - apart))[..., None]


class TestSlicedWassersteinOfVectors:
    @pytest.mark.parametrize(
        "real, fake, expected",
        [
            ([0, 1], [0, 3], 1.0),
            ([3, 0], [1, 0], 1.0),
            ([0, 0], [-2, 2], 2.0),
            ([0], [0, 1, 2, 3], 1.5),
            ([0, 1], [2, 0, 1], 0.5),
            ([5, 7], [7, 5], 0.0),
        ],
    )
    def test_one_dimension_by_hand(self, real, fake, expected):
        real, fake = (np.array(x, float)[:, None] for x in (real, fake))
        mean, levels = metrics.sliced_wasserstein(real, fake)
        np.testing.assert_allclose(mean, expected, rtol=1e-12)
        assert levels == [mean]

    def test_shift_in_the_plane(self):
        """The mean of |cos| over the circle is 2 / pi."""
        x = normal(0, 5, 2)
        value, _ = metrics.sliced_wasserstein(x, x + [3.0, 4.0], 20_000)
        np.testing.assert_allclose(value, 5 * 2 / pi, rtol=0.01)

    def test_sizes_that_differ_count_as_repeated(self):
        x, y = normal(0, 4, 3), normal(1, 6, 3)
        expected = np.abs(
            np.sort(np.repeat(x, 3, axis=0), axis=0)
            - np.sort(np.repeat(y, 2, axis=0), axis=0)
        ).mean(axis=0)
        np.testing.assert_allclose(wasserstein(x, y), expected, rtol=1e-12)

    def test_order_symmetry_scale_and_seed(self):
        x, y = normal(0, 20, 3), normal(1, 30, 3)

        def value(*sets, seed=0):
            return metrics.sliced_wasserstein(*sets, 40, seed=seed)[0]

        first = value(x, y)
        np.testing.assert_allclose(value(x[::-1], y), first, rtol=1e-12)
        np.testing.assert_allclose(value(y, x), first, rtol=1e-12)
        np.testing.assert_allclose(value(2 * x, 2 * y), 2 * first, rtol=1e-12)
        assert value(x, x[::-1]) == 0.0
        assert value(x, y, seed=1) != first == value(x, y)


class TestPyramid:
    def test_levels(self):
        assert [sides(*s) for s in ((28, 28), (64, 64), (17, 40))] == [
            [28, 14],
            [64, 32, 16],
            [17, 9],
        ]
        assert [sides(16, 99), sides(5, 5)] == [[16], [5]]

    @pytest.mark.parametrize("shape", [(28, 28), (29, 29), (17, 40), (33, 18)])
    def test_constant_images_are_in_the_last_level(self, shape):
        *levels, last = pyramid(np.full((1, *shape, 2), 3.0))
        for level in levels:
            np.testing.assert_allclose(level, 0.0, atol=1e-14)
        np.testing.assert_allclose(last, 3.0, rtol=1e-14)

    def test_one_pixel_by_hand(self):
        """Half of the taps, 6 4 1 of 16, meet a pixel twice and double."""
        x = np.zeros((1, 24, 24, 1))
        x[0, 10, 12] = 1.0
        first, last = pyramid(x)
        even = 2 * (6 * 6 + 2 * 1 * 1) / 16**2
        np.testing.assert_allclose(first[0, 10, 12, 0], 1 - even**2)
        np.testing.assert_allclose(last[0, 5, 6, 0], (6 / 16) ** 2)
        x = np.roll(x, 1, axis=1)
        first, last = pyramid(x)
        odd = 2 * 2 * 4 * 4 / 16**2
        np.testing.assert_allclose(first[0, 11, 12, 0], 1 - odd * even)
        np.testing.assert_allclose(last[0, 6, 6, 0], 4 / 16 * 6 / 16)


class TestSlicedWassersteinOfImages:
    def test_one_pixel_by_hand(self):
        real = np.array([0.0, 0, 1, 1]).reshape(4, 1, 1, 1)
        fake = np.array([0.0, 0, 4, 0]).reshape(4, 1, 1, 1)
        low, high = -(3**-0.5), 3**0.5
        expected = 1_000 * (2 * (1 + low) + (1 - low) + (high - 1)) / 4
        mean, levels = metrics.sliced_wasserstein(real, fake, 3, 1)
        np.testing.assert_allclose([mean, *levels], [expected] * 2, rtol=1e-12)

    def test_images_of_one_patch(self):
        """Written out: 7x7 pixels, two channels of other scales."""
        scale = np.array([1.0, 50.0])
        real, fake = normal(0, 9, 7, 7, 2) * scale, uniform(1, 9, 7, 7, 2)
        rows = []
        for x in (real, fake):
            x = (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))
            rows.append(x.transpose(0, 3, 1, 2).reshape(9, -1))
        directions = np.random.default_rng([3, 0]).normal(size=(98, 20))
        directions /= np.sqrt(np.square(directions).sum(axis=0))
        x, y = (np.sort(x @ directions, axis=0) for x in rows)
        expected = 1_000 * np.abs(x - y).mean()
        mean, _ = metrics.sliced_wasserstein(real, fake, 20, 1, seed=3)
        np.testing.assert_allclose(mean, expected, rtol=1e-12)

    def test_identical_sets_and_other_contrast_are_zero(self):
        x = uniform(0, 150, 20, 18, 3)
        mean, levels = metrics.sliced_wasserstein(x, x, 8, 4)
        assert mean == 0.0 and levels == [0.0, 0.0]
        other = x * [2.0, 0.5, 7.0] + [1.0, 0.0, -3.0]
        mean, _ = metrics.sliced_wasserstein(x, other, 8, 4)
        np.testing.assert_allclose(mean, 0.0, atol=1e-9)

    def test_constant_images(self):
        """Rounding in a level without detail is not blown up."""
        x = np.full((5, 29, 29, 1), 0.3) + 1e-9 * normal(0, 5, 29, 29, 1)
        y = np.full((5, 29, 29, 1), -0.7)
        assert metrics.sliced_wasserstein(x, y, 8, 4) == (0.0, [0.0, 0.0])
        _, levels = metrics.sliced_wasserstein(x, uniform(0, *x.shape), 8, 4)
        assert min(levels) > 100

    def test_mean_of_levels(self):
        x, y = discs(0, 20), blurred(discs(1, 20))
        mean, levels = metrics.sliced_wasserstein(x, y, 16, 16)
        np.testing.assert_allclose(mean, sum(levels) / 2, rtol=1e-12)

    def test_damage_shows_at_its_scale(self):
        real, fake = discs(0, 150), discs(1, 150)

        def levels(x):
            return metrics.sliced_wasserstein(real, x, 64, 32)[1]

        floor = levels(fake)
        noisy = levels(fake + 0.2 * normal(2, *fake.shape))
        assert noisy[0] > 5 * floor[0] and noisy[1] < noisy[0] / 3
        blurry = levels(blurred(fake))
        assert blurry[0] > 3 * floor[0] and blurry[1] < blurry[0] / 2

    def test_one_pixel_shift(self):
        """Patches do not know where they lie."""
        real, fake = discs(0, 150), discs(1, 150)
        floor, _ = metrics.sliced_wasserstein(real, fake, 64, 32)
        moved = np.roll(fake, 1, axis=2)
        value, _ = metrics.sliced_wasserstein(real, moved, 64, 32)
        np.testing.assert_allclose(value, floor, rtol=0.3)

    def test_all_images_and_places_count(self):
        """Far images and corners: blocks are all read."""
        real = uniform(0, 230, 9, 9, 1)
        for place in (0, 229):
            fake = real.copy()
            fake[place] = 50.0
            value, _ = metrics.sliced_wasserstein(real, fake, 8, 16)
            assert value > 100
        fake = real.copy()
        fake[:, 8, 8] = 50.0
        assert metrics.sliced_wasserstein(real, fake, 8, 64)[0] > 100

    def test_places_differ_by_image_and_agree_between_sets(self):
        """Images that are all alike, with one patch of each."""
        column = np.broadcast_to(np.arange(30.0)[:, None], (60, 16, 30, 1))
        assert metrics.sliced_wasserstein(column, column, 16, 1)[0] == 0.0
        assert metrics.sliced_wasserstein(column, column[:40], 16, 1)[0] > 1.0


class TestMultiscaleSSIM:
    def test_scales(self):
        found = {n: scales(n, n + 3) for n in (5, 7, 12, 13, 25, 28, 64, 97)}
        assert found == {
            5: (5, 1),
            7: (7, 1),
            12: (7, 1),
            13: (7, 2),
            25: (7, 3),
            28: (7, 3),
            64: (7, 4),
            97: (7, 5),
        }
        assert scales(160, 300) == (7, 5) and scales(300, 161) == (11, 5)

    @pytest.mark.parametrize(
        "shape",
        [(28, 28, 1), (28, 28, 3), (9, 8, 2), (33, 45, 3), (164, 163, 1)],
    )
    def test_against_tensorflow(self, shape):
        x = blurred(uniform(0, 3, *shape))
        y = x + 0.2 * uniform(1, 3, *shape)
        size, num_levels = scales(*shape[:2])
        weights = np.array(PAPER[:num_levels])
        expected = tf.image.ssim_multiscale(
            (x + 1) / 2, (y + 1) / 2, 1.0, weights / weights.sum(), size
        )
        found = metrics.multiscale_ssim(x, y)
        assert 0.05 < found.min() and found.max() < 0.99
        np.testing.assert_allclose(found, expected, rtol=1e-4)

    def test_constant_images(self):
        """Only the luminance of the last level is left."""
        x, y = np.full((1, 28, 28, 1), -1.0), np.full((1, 28, 28, 1), 1.0)
        weight = 0.3001 / (0.0448 + 0.2856 + 0.3001)
        expected = (1e-4 / (1 + 1e-4)) ** weight
        np.testing.assert_allclose(
            metrics.multiscale_ssim(x, y), expected, rtol=1e-9
        )
        assert metrics.multiscale_ssim(x, x) == 1.0

    def test_identical_opposed_and_symmetric(self):
        x, y = uniform(0, 230, 12, 12, 2), uniform(1, 230, 12, 12, 2)
        np.testing.assert_allclose(metrics.multiscale_ssim(x, x), 1.0)
        np.testing.assert_array_equal(metrics.multiscale_ssim(x, -x), 0.0)
        values = metrics.multiscale_ssim(x, y)
        assert values.shape == (230,)
        np.testing.assert_allclose(
            metrics.multiscale_ssim(y[::-1], x[::-1])[::-1], values, rtol=1e-9
        )
        one = metrics.multiscale_ssim(x[200:201], y[200:201])
        np.testing.assert_allclose(one, values[200], rtol=1e-9)

    def test_value_range(self):
        x, y = uniform(0, 2, 28, 28, 1), uniform(1, 2, 28, 28, 1)
        bytes_ = [(image + 1) * 127.5 for image in (x, y)]
        np.testing.assert_allclose(
            metrics.multiscale_ssim(*bytes_, value_range=(0, 255)),
            metrics.multiscale_ssim(x, y),
            rtol=1e-9,
        )

    def test_pixel_shift_hurts_fine_images_more(self):
        flat, fine = discs(0, 10), uniform(0, 10, 28, 28, 1)
        values = [
            metrics.multiscale_ssim(x, np.roll(x, 1, axis=2)).mean()
            for x in (flat, fine)
        ]
        assert 0.5 < values[0] < 0.99 and values[1] < 0.3

    def test_pairs_are_of_different_samples(self):
        x = uniform(0, 2, 9, 9, 1)
        metric = metrics.MultiscaleSSIM((9, 9, 1), num_pairs=30)
        metric.update_state(x, np.stack([x[0], x[0]]))
        expected = metrics.multiscale_ssim(x[:1], x[1:])[0]
        found = metric.result()
        assert found["multiscale_ssim"] == pytest.approx(1.0)
        of_real = found["multiscale_ssim_of_real"]
        np.testing.assert_allclose(of_real, expected, rtol=1e-5)

    def test_collapse(self):
        real = discs(0, 60)
        fake = discs(1, 60)[np.arange(60) % 2]
        metric = metrics.MultiscaleSSIM((28, 28, 1), num_pairs=200)
        metric.update_state(real, fake)
        found = metric.result()
        gap = found["multiscale_ssim"] - found["multiscale_ssim_of_real"]
        assert gap > 0.2


class TestNearest:
    @pytest.mark.parametrize("block", [7, 1_000])
    def test_against_all_pairs(self, block, monkeypatch):
        monkeypatch.setattr(neighbours, "BLOCK", block)
        x, y = normal(0, 30, 3), normal(1, 20, 3)
        apart = np.square(x[:, None] - y[None]).sum(axis=2)
        found = nearest(x, y)
        np.testing.assert_array_equal(found[0], apart.argmin(axis=1))
        np.testing.assert_allclose(found[1], apart.min(axis=1), rtol=1e-12)
        apart = np.square(x[:, None] - x[None]).sum(axis=2)
        np.fill_diagonal(apart, np.inf)
        found = nearest(x)
        np.testing.assert_array_equal(found[0], apart.argmin(axis=1))
        np.testing.assert_allclose(found[1], apart.min(axis=1), rtol=1e-12)

    def test_equal_rows_are_at_zero(self):
        x = 1e3 * normal(0, 40, 50)
        assert not nearest(x, x[::-1])[1].any()
        assert not nearest(np.concatenate([x, x]))[1].any()


class TestDuplicates:
    def test_by_hand(self):
        fake = np.array([[0.0, 1], [2, 3], [0, 1], [4, 5], [-0.0, 1]])
        assert metrics.duplicates(fake) == 3 / 5
        assert metrics.duplicates(fake[1:4]) == 0.0
        train = np.array([[4.0, 5], [4, 5], [2, 3], [9, 9]])
        assert metrics.copies(train, fake) == 2 / 5
        assert metrics.copies(train, train) == 1.0
        assert metrics.copies(fake, train) == 3 / 4

    def test_tolerance_is_in_the_units_of_the_data(self):
        """A root mean square: whatever the size, and the edge is inside."""
        x = np.zeros((1, 8, 8, 2))
        fake = np.concatenate([x, x + 0.25])
        for tolerance, expected in ((0.2499, 0.0), (0.25, 1.0)):
            assert metrics.duplicates(fake, tolerance) == expected
            assert metrics.copies(x, fake[1:], tolerance) == expected
        one_pixel = x.copy()
        one_pixel[0, 3, 3, 0] = 2.0
        for tolerance, expected in ((0.176, 0.0), (0.177, 1.0)):
            assert metrics.copies(x, one_pixel, tolerance) == expected

    def test_exact_means_to_the_last_bit(self):
        fake = np.array([[1.0], [np.nextafter(1.0, 2.0)]])
        assert metrics.duplicates(fake) == 0.0
        assert metrics.duplicates(fake, 1e-9) == 1.0

    def test_order(self):
        x, y = discs(0, 30), discs(1, 40)
        y[5], y[7] = x[3], y[8]
        for tolerance in (0.0, 0.4):
            values = [
                (
                    metrics.duplicates(b, tolerance),
                    metrics.copies(a, b, tolerance),
                )
                for a, b in ((x, y), (x[::-1], y[::-1]))
            ]
            assert values[0] == values[1] and 0 < min(values[0])


class TestAuthenticity:
    def test_points_on_a_line(self):
        train = np.array([[0.0], [1.0], [5.0]])
        for fake, expected in (
            ([0.5], 0),
            ([2.9], 1),
            ([1.5], 0),
            ([8.0], 0),
            # As far as its owner from the next: not further.
            ([9.0], 0),
            ([9.1], 1),
            ([-1.1], 1),
        ):
            found = metrics.authenticity(train, np.array([fake]))
            assert found == expected, fake

    def test_training_set_and_held_out_samples(self):
        train, held_out = normal(0, 300, 20), normal(1, 400, 20)
        repeated = np.concatenate([train, train[:50]])
        assert metrics.authenticity(train, train) == 0.0
        assert metrics.authenticity(repeated, repeated) == 0.0
        reference = metrics.authenticity(train, held_out)
        assert 0.3 < reference < 0.8
        near = train + 0.01 * normal(2, 300, 20)
        assert metrics.authenticity(train, near) == 0.0
        assert metrics.authenticity(train, held_out + 50.0) == 1.0
        assert metrics.authenticity(train[::-1], held_out[::-1]) == reference


class TestCopyingScore:
    @pytest.mark.parametrize(
        "values", [[1, 2, 3, 4, 5, 6, 7], [1, 1, 2, 2, 2, 3, 4]]
    )
    def test_against_all_assignments(self, values):
        """The number of pairs, by the deviation over all ways to deal."""

        def pairs(first, second):
            return sum((a > b) + (a == b) / 2 for a in first for b in second)

        dealt = []
        for places in itertools.combinations(range(7), 3):
            first = [values[i] for i in places]
            second = [values[i] for i in range(7) if i not in places]
            dealt.append((first, second, pairs(first, second)))
        numbers = [number for *_, number in dealt]
        for first, second, number in dealt:
            expected = (number - np.mean(numbers)) / np.std(numbers)
            found = mann_whitney(np.array(first), np.array(second))
            np.testing.assert_allclose(found, expected, atol=1e-12)

    def test_sides(self):
        """Copies far below 0, held-out samples near it, noise far above."""
        train, held_out, fake = (normal(i, 200, 5) for i in range(3))
        score = metrics.copying_score
        assert score(train, held_out, held_out) == 0.0
        assert abs(score(train, held_out, fake)) < 3
        assert score(train, held_out, train) < -15
        assert score(train, held_out, 3 * fake) > 10
        swapped = score(train, fake, held_out)
        found = score(train[::-1], held_out[::-1], fake[::-1])
        np.testing.assert_allclose(swapped, -found, rtol=1e-9)

    def test_all_distances_equal(self):
        x = np.ones((4, 2))
        assert metrics.copying_score(x, x, x[:2]) == 0.0


def test_a_generator_that_repeats_100_training_images():
    train, fake = discs(0, 400), discs(1, 400)
    repeats = train[np.random.default_rng(2).integers(100, size=400)]
    judges = [
        metrics.Duplicates((28, 28, 1), 0.02),
        metrics.Authenticity(features.raw((28, 28, 1))),
    ]
    for judge in judges:
        judge.update_state(train, repeats)
    found = judges[0].result()
    assert found["duplicates"] > 0.9 and found["duplicates_of_real"] == 1.0
    assert judges[1].result() == 0.0
    noisy = np.clip(repeats + 0.01 * normal(3, *fake.shape), -1, 1)
    for samples, expected in ((noisy, 1.0), (fake, 0.0)):
        judges[0].reset_state()
        judges[0].update_state(train, samples)
        found = judges[0].result()
        assert found["duplicates_of_real"] == 0.0
        assert found["duplicates_of_real_near"] == expected
    assert found["duplicates"] == found["duplicates_near"] == 0.0


SHAPE = (18, 17, 2)
CASES = [
    (
        lambda: metrics.SlicedWasserstein(SHAPE, 16, 8, 50, 3, "swd"),
        lambda real, fake: dict(
            zip(
                ("swd_17", "swd_9"),
                metrics.sliced_wasserstein(real, fake, 16, 8, 3)[1],
            )
        ),
    ),
    (
        lambda: metrics.MultiscaleSSIM(SHAPE, (-4, 5.5), 20, 50, 2, "ssim"),
        lambda real, fake: {
            "ssim": similarity_of_pairs(fake),
            "ssim_of_real": similarity_of_pairs(real),
        },
    ),
    (
        lambda: metrics.Duplicates(SHAPE, 0.7, 50, "twins"),
        lambda real, fake: {
            "twins": metrics.duplicates(fake),
            "twins_of_real": metrics.copies(real, fake),
            "twins_near": metrics.duplicates(fake, 0.7),
            "twins_of_real_near": metrics.copies(real, fake, 0.7),
        },
    ),
    (
        lambda: metrics.Authenticity(features.raw(SHAPE), 50, "new"),
        lambda real, fake: {"new": metrics.authenticity(real, fake)},
    ),
]


@pytest.fixture(params=CASES, ids=lambda case: type(case[0]()).__name__)
def case(request):
    return request.param


def samples(dtype="float32"):
    """Thirty reals and fakes, of which some repeat."""
    real, fake = (normal(i, 30, *SHAPE).astype(dtype) for i in (0, 1))
    half = np.asarray(0.5, dtype)
    fake[:3], fake[3:5] = real[:3], real[3:5] + half
    fake[5], fake[7] = fake[6], fake[8] + half
    return real, fake


def similarity_of_pairs(x):
    """The mean of 20 pairs with seed 2, written out."""
    rng = np.random.default_rng(2)
    first, step = rng.integers(30, size=20), rng.integers(1, 30, size=20)
    second = x[(first + step) % 30]
    return metrics.multiscale_ssim(x[first], second, (-4, 5.5)).mean()


def value_of(metric):
    result = metric.result()
    return result if isinstance(result, dict) else {metric.name: result}


class TestStreaming:
    def test_equals_the_function_in_any_batches(self, case):
        make, function = case
        real, fake = samples()
        expected = function(real, fake)
        metric, values = make(), []
        for cuts in ([], [4, 11], [15]):
            metric.reset_state()
            for x, y in zip(np.split(real, cuts), np.split(fake, cuts)):
                metric.update_state(x, y)
            values.append(value_of(metric))
        assert values[0] == values[1] == values[2]
        assert all(type(value) is float for value in values[0].values())
        for key, value in expected.items():
            np.testing.assert_allclose(values[0][key], value, rtol=1e-9)
        assert len(set(values[0].values())) == len(values[0])

    def test_config_round_trip(self, case):
        metric = case[0]()
        config = metric.get_config()
        for text in (config, json.loads(json.dumps(config))):
            again = type(metric).from_config(text)
            for key, value in vars(case[0]()).items():
                if isinstance(value, (int, float, tuple)):
                    assert getattr(again, key) == value, key
            assert {**again.get_config(), **config} == config
            assert again.name == metric.name
        serialized = keras.saving.serialize_keras_object(metric)
        text = json.loads(json.dumps(serialized))
        again = keras.saving.deserialize_keras_object(text)
        for one in (metric, again):
            one.update_state(*samples())
        assert again.result() == metric.result()

    def test_half_precision_input(self, case):
        half = samples("float16")
        values = []
        for dtype in ("float16", "float32"):
            metric = case[0]()
            metric.update_state(*(x.astype(dtype) for x in half))
            values.append(metric.result())
        assert values[0] == values[1]

    def test_not_finite_and_none(self, case):
        real, fake = samples()
        metric = case[0]()
        with pytest.raises(ValueError, match="of 0"):
            metric.result()
        metric.update_state(real, fake * np.nan)
        with pytest.raises(ValueError, match="18360 values of fake"):
            metric.result()

    def test_protocol(self, case):
        metric = case[0]()
        metric.update_state(*samples())
        found = metric.protocol()
        config = metric.get_config()
        for key in ("num_directions", "num_pairs", "tolerance", "seed"):
            if key in config:
                assert found[key] == config[key]
        assert found["num_real"] == found["num_fake"] == 30


class TestCollectedSamples:
    def test_later_samples_are_left_out(self):
        metric = metrics.Duplicates((3, 2), num_samples=4)
        x, y = normal(0, 6, 3, 2, dtype="float32"), np.ones((6, 3, 2))
        metric.update_state(x[:1], y[:1])
        metric.update_state(x[1:], y[1:])
        np.testing.assert_array_equal(metric.collected("real"), x[:4])
        np.testing.assert_array_equal(metric.collected("fake"), y[:4])

    def test_no_policy_rounds_samples(self):
        keras.config.set_dtype_policy("mixed_float16")
        metric = metrics.Duplicates((3,))
        x = normal(0, 6, 3, dtype="float32")
        metric.update_state(x, x)
        np.testing.assert_array_equal(metric.collected("real"), x)

    def test_vectors_and_other_ranks(self):
        for shape in ((4,), (2, 2), (1, 2, 1, 2)):
            x, y = normal(0, 9, *shape), normal(1, 9, *shape)
            metric = metrics.SlicedWasserstein(shape, 16)
            metric.update_state(x, y)
            expected, _ = metrics.sliced_wasserstein(
                *(a.astype("float32").reshape(9, 4) for a in (x, y)), 16
            )
            assert metric.result() == {"sliced_wasserstein": expected}

    def test_in_a_gan(self, tmp_path):
        players = keras_gan.architectures.dcgan((8, 8, 1), 4, width=4)
        gan = keras_gan.GAN(*players, seed=2)
        judges = [
            metrics.SlicedWasserstein((8, 8, 1), 8, 4),
            metrics.MultiscaleSSIM((8, 8, 1), num_pairs=5),
            metrics.Duplicates((8, 8, 1), 0.5),
            metrics.Authenticity(features.raw((8, 8, 1))),
        ]
        gan.compile(
            keras.optimizers.Adam(), keras.optimizers.Adam(), metrics=judges
        )
        data = uniform(0, 24, 8, 8, 1).astype("float32")
        options = {"batch_size": 8, "verbose": 0, "return_dict": True}
        logs = gan.evaluate(data, **options)
        assert judges[0].protocol()["num_fake"] == 24
        gan.save(tmp_path / "gan.keras")
        loaded = keras.saving.load_model(tmp_path / "gan.keras")
        again = loaded.evaluate(data, **options)
        assert list(again) == list(logs)
        np.testing.assert_allclose(
            list(again.values()), list(logs.values()), rtol=1e-6
        )
        for key in ("sliced_wasserstein_8", "duplicates_near", "authenticity"):
            assert key in logs


X, V = np.zeros((3, 8, 8, 1)), np.zeros((3, 4))
ERRORS = [
    (lambda: metrics.sliced_wasserstein(V, V[:, :2]), "real.*fake.*one shape"),
    (lambda: metrics.sliced_wasserstein(X, V), r"\(8, 8, 1\).*\(4,\)"),
    (lambda: metrics.sliced_wasserstein(X[0], X[0]), r"real of shape=\(8, 8"),
    (lambda: metrics.sliced_wasserstein(V[:0], V), "`real`.*real of 0"),
    (lambda: metrics.sliced_wasserstein(X, X[:0]), "`fake`.*fake of 0"),
    (lambda: metrics.sliced_wasserstein(X, X + np.inf), "192 values of fake"),
    (lambda: metrics.sliced_wasserstein(V, V, 0), "num_directions=0"),
    (lambda: metrics.sliced_wasserstein(X, X, 1, 0), "num_patches=0"),
    (lambda: metrics.sliced_wasserstein(X, X, seed=-1), "seed=-1"),
    (lambda: metrics.SlicedWasserstein((4,), 0), "num_directions=0"),
    (lambda: metrics.SlicedWasserstein((4,), 1, 0), "num_patches=0"),
    (lambda: metrics.SlicedWasserstein((4,), num_samples=1), "num_samples=1"),
    (lambda: metrics.SlicedWasserstein((4,), seed=-1), "seed=-1"),
    (lambda: metrics.SlicedWasserstein((0,)), r"sample_shape=\(0,\)"),
    (lambda: metrics.multiscale_ssim(V, X), r"`first`.*first of shape=\(3, 4"),
    (lambda: metrics.multiscale_ssim(X, V), r"`second`.*shape=\(3, 4"),
    (lambda: metrics.multiscale_ssim(X, X[:2]), r"\(3, 8, .*\(2, 8, "),
    (lambda: metrics.multiscale_ssim(X, X * np.nan), "192 values of second"),
    (lambda: metrics.multiscale_ssim(X, X, (1, -1)), r"value_range=\(1, -1"),
    (lambda: metrics.multiscale_ssim(X, X, (0, 1, 2)), r"=\(0, 1, 2\)"),
    (lambda: metrics.multiscale_ssim(X, X, 2.0), "value_range=2.0"),
    (lambda: metrics.multiscale_ssim(X, X, (0, np.inf)), "value_range=inf"),
    (lambda: metrics.MultiscaleSSIM((8, 8)), r"sample_shape=\(8, 8\)"),
    (lambda: metrics.MultiscaleSSIM((8, 8, 1), (1, 1)), r"range=\(1, 1\)"),
    (lambda: metrics.MultiscaleSSIM((8, 8, 1), num_pairs=0), "num_pairs=0"),
    (lambda: metrics.MultiscaleSSIM((8, 8, 1), seed=-2), "seed=-2"),
    (lambda: metrics.duplicates(V[:1]), "at least 2.*fake of 1"),
    (lambda: metrics.duplicates(V[:, 0]), r"fake of shape=\(3,\)"),
    (lambda: metrics.duplicates(V, -0.1), "tolerance=-0.1"),
    (lambda: metrics.duplicates(V + np.nan), "12 values of fake"),
    (lambda: metrics.copies(V, X), "train.*fake.*one shape"),
    (lambda: metrics.copies(V[:0], V), "train of 0"),
    (lambda: metrics.copies(V, V, -1), "tolerance=-1"),
    (lambda: metrics.Duplicates((4,), -1), "tolerance=-1"),
    (lambda: metrics.authenticity(V[:1], V), "at least 2.*train of 1"),
    (lambda: metrics.authenticity(V, V[:0]), "fake of 0"),
    (lambda: metrics.authenticity(V, V[:, :2]), "train.*fake.*one shape"),
    (lambda: metrics.copying_score(V, V[:0], V), "held_out of 0"),
    (lambda: metrics.copying_score(V, V, V[:, 1:]), r"held_out.*\(3,\)"),
    (lambda: metrics.copying_score(V, V * np.nan, V), "values of held_out"),
    (lambda: metrics.Authenticity(features.raw((4,)), 1), "num_samples=1"),
]


@pytest.mark.parametrize("call, message", ERRORS)
def test_values_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: metrics.sliced_wasserstein(V, V, 1.5), "num_directions=1.5"),
        (lambda: metrics.sliced_wasserstein(V, V, seed="a"), "seed='a'"),
        (lambda: metrics.duplicates(V, "little"), "tolerance='little'"),
        (lambda: metrics.multiscale_ssim(X, X, ("a", "b")), "value_range='a'"),
        (lambda: metrics.Authenticity("inception"), "features='inception'"),
        (lambda: metrics.MultiscaleSSIM(8), "sample_shape=8"),
    ],
)
def test_other_types(call, message):
    with pytest.raises(TypeError, match=message):
        call()
