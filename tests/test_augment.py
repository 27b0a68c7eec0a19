"""Augmentation against loops over pixels, and ADA's rule against NumPy.

The definitions are those of arXiv 2006.10738 (sizes rounded half up, as in
DiffAugment_tf.py of mit-han-lab/data-efficient-gans) and 2006.06676.
"""

import itertools
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_gan
from keras_gan import schedules
from keras_gan.layers import adaptive_augment
from keras_gan.layers import diff_augment
from keras_gan.layers.adaptive_augment import AdaptiveAugment
from keras_gan.layers.diff_augment import DiffAugment

SHAPES = [(4, 4, 1), (5, 7, 3), (8, 6, 2), (12, 28, 1), (1, 1, 2)]


def images(shape, rows=6, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (rows, *shape)).astype(dtype)


def drawn(rows=6, seed=1):
    return np.random.default_rng(seed).uniform(size=rows)


def with_color(x, change, saturation, contrast):
    """One image, pixel by pixel."""
    height, width, channels = x.shape
    y = np.zeros_like(x)
    for i, j in np.ndindex(height, width):
        bright = [x[i, j, c] + change for c in range(channels)]
        grey = sum(bright) / channels
        for c in range(channels):
            y[i, j, c] = (bright[c] - grey) * saturation + grey
    level = sum(y[index] for index in np.ndindex(y.shape)) / y.size
    for index in np.ndindex(y.shape):
        y[index] = (y[index] - level) * contrast + level
    return y


def with_translation(x, dy, dx):
    height, width, _ = x.shape
    y = np.zeros_like(x)
    for i, j in np.ndindex(height, width):
        if 0 <= i + dy < height and 0 <= j + dx < width:
            y[i, j] = x[i + dy, j + dx]
    return y


def with_cutout(x, cy, cx):
    """The authors' way: pixels of the cut are clipped to the image."""
    height, width, _ = x.shape
    sides = int(height * 0.5 + 0.5), int(width * 0.5 + 0.5)
    y = x.copy()
    for k, m in np.ndindex(*sides):
        i = min(max(cy - sides[0] // 2 + k, 0), height - 1)
        j = min(max(cx - sides[1] // 2 + m, 0), width - 1)
        y[i, j] = 0.0
    return y


def augmented(x, draws):
    """One image by all families; `draws` as the layer draws them."""
    color, move, cut = draws
    y = with_color(x, color[0] - 0.5, 2 * color[1], color[2] + 0.5)
    reach = [int(size / 8 + 0.5) for size in x.shape[:2]]
    dy, dx = (int(u * (2 * r + 1)) - r for u, r in zip(move, reach))
    y = with_translation(y, dy, dx)
    places = [size + 1 - int(size / 2 + 0.5) % 2 for size in x.shape[:2]]
    return with_cutout(y, *(int(u * n) for u, n in zip(cut, places)))


def each(function, x, *draws):
    return np.stack([function(*row) for row in zip(x, *draws)])


@pytest.mark.parametrize("shape", SHAPES)
def test_color(shape):
    x, u = images(shape), drawn()
    zeros, ones = np.zeros(6), np.ones(6)
    for function, draws in [
        (diff_augment.brightness, (u - 0.5, ones, ones)),
        (diff_augment.saturation, (zeros, 2 * u, ones)),
        (diff_augment.contrast, (zeros, ones, u + 0.5)),
    ]:
        moved = next(d for d in draws if d is not zeros and d is not ones)
        expected = each(with_color, x, *draws)
        np.testing.assert_allclose(function(x, moved), expected, atol=1e-12)
    draws = np.stack([u, drawn(seed=2), drawn(seed=3), ones])
    expected = each(with_color, x, draws[0] - 0.5, 2 * draws[1], draws[2] + 0.5)
    found = diff_augment.color(tf.constant(x), draws)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_translation_and_cutout(shape):
    """Every move, out of the image too, and every centre."""
    height, width, _ = shape
    moves = itertools.product(
        range(-height - 1, height + 2), range(-width - 1, width + 2)
    )
    dy, dx = np.array(list(moves), "int32").T
    x = images(shape, rows=len(dy))
    np.testing.assert_array_equal(
        diff_augment.translation(x, dy, dx), each(with_translation, x, dy, dx)
    )
    centres = itertools.product(range(height + 1), range(width + 1))
    cy, cx = np.array(list(centres), "int32").T
    # An odd side never has its centre outside.
    is_place = (cy < height + 1 - (height + 1) // 2 % 2) & (
        cx < width + 1 - (width + 1) // 2 % 2
    )
    cy, cx = cy[is_place], cx[is_place]
    x = images(shape, rows=len(cy))
    np.testing.assert_array_equal(
        diff_augment.cutout(x, cy, cx), each(with_cutout, x, cy, cx)
    )


def test_hand_values():
    x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    down = diff_augment.translation(x, np.array([-1]), np.array([0]))
    np.testing.assert_array_equal(
        down[0, :, :, 0], [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    )
    cut = diff_augment.cutout(x, np.array([2]), np.array([0]))
    np.testing.assert_array_equal(
        cut[0, :, :, 0], [[1, 2, 3], [0, 5, 6], [0, 8, 9]]
    )
    pixel = np.array([1.0, -0.5, 0.4]).reshape(1, 1, 1, 3)
    grey = diff_augment.saturation(pixel, np.array([0.0]))
    np.testing.assert_allclose(grey, np.full((1, 1, 1, 3), 0.3), rtol=1e-12)


def test_neutral_draws_are_the_identity():
    x = images((5, 7, 3), dtype="float32")
    zeros, ones = np.zeros(6), np.ones(6)
    still = np.zeros(6, "int32")
    for same in (
        diff_augment.brightness(x, zeros),
        diff_augment.saturation(x, ones),
        diff_augment.contrast(x, ones),
        diff_augment.translation(x, still, still),
    ):
        np.testing.assert_array_equal(same, x)


def test_means_under_contrast_and_saturation():
    x, u = images((5, 7, 3)), drawn()
    level = np.arange(6.0)[:, None, None, None] * np.ones((6, 5, 7, 3))
    np.testing.assert_array_equal(diff_augment.contrast(level, u), level)
    np.testing.assert_array_equal(diff_augment.saturation(level, u), level)
    found = np.array(diff_augment.contrast(x, u)).mean((1, 2, 3))
    np.testing.assert_allclose(found, x.mean((1, 2, 3)), atol=1e-12)
    found = np.array(diff_augment.saturation(x, u)).mean(3)
    np.testing.assert_allclose(found, x.mean(3), atol=1e-12)


def layer_draws(seed, rows, families=3):
    """What a layer with that seed draws in its first call."""
    generator = keras.random.SeedGenerator(seed)
    return [
        np.array(keras.random.uniform((4, rows), seed=generator))
        for _ in range(families)
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_layer_equals_the_definition(shape):
    """Ranges of the draws, order of the families, one draw a sample."""
    x = images(shape, rows=9, dtype="float32")
    draws = layer_draws(5, 9)
    expected = [
        augmented(
            x[n].astype("float64"), [u[:3, n].astype("float64") for u in draws]
        )
        for n in range(9)
    ]
    found = DiffAugment(seed=5)(x, training=True)
    np.testing.assert_allclose(found, expected, atol=3e-6)


def test_policy_is_in_order():
    x = images((6, 6, 3), dtype="float32")
    first, second = layer_draws(3, 6, families=2)
    found = DiffAugment("cutout,color", seed=3)(x, training=True)
    expected = diff_augment.color(
        diff_augment.random_cutout(tf.constant(x), first), second
    )
    np.testing.assert_array_equal(found, expected)


def even(draws, low, high):
    """Largest distance of an empirical distribution to U(low, high)."""
    draws = (np.sort(draws) - low) / (high - low)
    return np.abs(draws - (np.arange(len(draws)) + 0.5) / len(draws)).max()


def test_distribution_of_colors():
    """A colored, a light and a dark pixel tell the three draws apart."""
    pixels = np.array([[[1, -1], [-1, 1]], [[1, 1], [-1, -1]]], "float32")
    x = np.broadcast_to(pixels, (4000, 2, 2, 2))
    y = np.array(DiffAugment("color", seed=0)(x, training=True))
    change = y.mean((1, 2, 3))
    contrast = (y[:, 1, 0, 0] - y[:, 1, 1, 0]) / 2
    saturation = (y[:, 0, 0, 0] - y[:, 0, 0, 1]) / 2 / contrast
    # Kolmogorov-Smirnov, 4,000 draws: 0.03 is passed once in 800 times.
    assert even(change, -0.5, 0.5) < 0.03
    assert even(contrast, 0.5, 1.5) < 0.03
    assert even(saturation, 0.0, 2.0) < 0.03
    pairs = np.corrcoef([change, contrast, saturation]) - np.eye(3)
    assert np.abs(pairs).max() < 0.06


@pytest.mark.parametrize(("size", "reach"), [(8, 1), (12, 2), (28, 4), (3, 0)])
def test_distribution_of_translations(size, reach):
    x = np.zeros((4000, size, 2 * size, 1), "float32")
    x[:, size // 2, size, 0] = 1.0
    y = np.array(DiffAugment("translation", seed=0)(x, training=True))
    _, i, j, _ = np.nonzero(y)
    wide = int(2 * size / 8 + 0.5)
    for moves, most in ((i - size // 2, reach), (j - size, wide)):
        values, counts = np.unique(moves, return_counts=True)
        np.testing.assert_array_equal(values, np.arange(-most, most + 1))
        assert np.abs(counts / 4000 * len(values) - 1).max() < 0.25
    both = (i - i.mean()) * (j - j.mean())
    assert np.abs(both.mean()) < 0.06 * i.std() * j.std() + 1e-9


@pytest.mark.parametrize(
    ("size", "side", "places"), [(8, 4, 9), (5, 3, 5), (7, 4, 8), (6, 3, 6)]
)
def test_distribution_of_cutouts(size, side, places):
    x = np.ones((4000, size, size, 2), "float32")
    y = np.array(DiffAugment("cutout", seed=0)(x, training=True))
    np.testing.assert_array_equal(y[..., 0], y[..., 1])
    for axis in (1, 2):
        cut = (y[..., 0] == 0).any(3 - axis)
        lines, counts = np.unique(cut, axis=0, return_counts=True)
        assert len(lines) == places
        assert lines.sum(1).max() == side
        assert np.abs(counts / 4000 * places - 1).max() < 0.25


def test_outside_training_nothing_happens():
    layer = DiffAugment(seed=0)
    x = images((4, 4, 1), dtype="float32")
    before = np.array(layer.seed_generator.state)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    np.testing.assert_array_equal(layer.seed_generator.state, before)


def test_seeds():
    """Same seed, same draws; each call and each sample has its own."""
    x = np.broadcast_to(
        images((8, 8, 3), rows=1, dtype="float32"), (4, 8, 8, 3)
    )
    layer, again = DiffAugment(seed=1), DiffAugment(seed=1)
    real, fake = layer(x, training=True), layer(x, training=True)
    np.testing.assert_array_equal(real, again(x, training=True))
    np.testing.assert_array_equal(fake, again(x, training=True))
    seen = [*real, *fake, *DiffAugment(seed=2)(x, training=True)]
    for a, b in itertools.combinations(seen, 2):
        assert np.abs(a - b).max() > 0.01


@pytest.mark.parametrize("family", ["color", "translation", "cutout"])
def test_probability_leaves_whole_samples_alone(family):
    x = images((8, 8, 3), rows=2000, dtype="float32")
    some = np.array(DiffAugment(family, 0.3, seed=4)(x, training=True))
    every = np.array(DiffAugment(family, 1.0, seed=4)(x, training=True))
    none = DiffAugment(family, 0.0, seed=4)(x, training=True)
    np.testing.assert_array_equal(none, x)
    changed = (every != x).any((1, 2, 3))
    fired = (some != x).any((1, 2, 3))
    np.testing.assert_array_equal(some[fired], every[fired])
    assert abs(fired.sum() / changed.sum() - 0.3) < 0.04
    assert changed.mean() > 0.85


def test_families_fire_independently():
    x = np.full((4000, 8, 8, 1), 5.0, "float32")
    y = np.array(DiffAugment("color,cutout", 0.3, seed=0)(x, training=True))
    color, cutout = y.max((1, 2, 3)) != 5.0, y.min((1, 2, 3)) == 0.0
    assert abs(color.mean() - 0.3) < 0.03
    assert abs(cutout.mean() - 0.3) < 0.03
    assert abs((color & cutout).mean() - 0.09) < 0.02


def test_probability_from_a_schedule():
    """As a model binds it; read anew at each call of a graph."""
    layer = DiffAugment("cutout", schedules.Linear(1.0, 0.0, duration=100))
    x = np.ones((2000, 4, 4, 1), "float32")

    def share(function):
        return (np.array(function(x)) != x).any((1, 2, 3)).mean()

    step = tf.function(lambda x: layer(x, training=True))
    assert share(lambda x: layer(x, training=True)) == 1.0
    counter = keras.Variable(75, dtype="int64")
    schedules.bind(layer, counter)
    assert abs(share(step) - 0.25) < 0.04
    counter.assign(100)
    assert share(step) == 0.0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_arithmetic_is_float32_and_dtype_is_kept(dtype):
    x = tf.cast(images((7, 5, 3), dtype="float32"), dtype)
    found = DiffAugment(seed=2, dtype=dtype)(x, training=True)
    assert found.dtype == dtype
    exact = DiffAugment(seed=2)(tf.cast(x, "float32"), training=True)
    if dtype == "float64":
        np.testing.assert_allclose(found, exact, atol=2e-6)
        assert np.abs(found - tf.cast(exact, dtype)).max() > 0
    else:
        np.testing.assert_array_equal(found, tf.cast(exact, dtype))


def test_free_sizes_and_single_samples():
    """Batch, height and width unknown to the graph, then a batch of one."""
    x = images((9, 6, 3), rows=5, dtype="float32")
    layer, again = DiffAugment(seed=3), DiffAugment(seed=3)
    free = tf.TensorSpec((None, None, None, 3), "float32")
    step = tf.function(
        lambda x: layer(x, training=True), input_signature=[free]
    )
    for rows in (5, 1):
        expected = again(x[:rows], training=True)
        np.testing.assert_allclose(step(x[:rows]), expected, atol=1e-6)


def test_xla():
    x = tf.constant(images((9, 6, 3), rows=7, dtype="float32"))
    draws = tf.constant(np.stack([drawn(7, s) for s in range(4)]), "float32")

    def every_family(x):
        for family, _ in diff_augment.FAMILIES.values():
            x = family(x, draws)
        return x

    compiled = tf.function(every_family, jit_compile=True)
    np.testing.assert_allclose(compiled(x), every_family(x), atol=1e-6)


def test_derivatives_of_a_translation():
    """`sum(T(x)^3)`: 3 x^2, and 36 x^3 for its squared norm, where kept."""
    x = tf.constant(images((5, 6, 2)))
    dy = tf.constant([0, 1, -2, 4, -4, 6])
    dx = tf.constant([0, -1, 3, 2, -5, 0])

    def derivatives(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = ops.sum(diff_augment.translation(x, dy, dx) ** 3)
            first = inner.gradient(y, x)
            norm = ops.sum(ops.square(first))
        return first, outer.gradient(norm, x)

    kept = each(with_translation, np.ones_like(x), -dy.numpy(), -dx.numpy())
    assert 0.1 < kept.mean() < 0.9
    for run in (derivatives, tf.function(derivatives, jit_compile=True)):
        first, second = run(x)
        np.testing.assert_allclose(first, 3 * kept * x**2, rtol=1e-12)
        np.testing.assert_allclose(second, 36 * kept * x**3, rtol=1e-12)


def test_gradient_is_the_transpose():
    """Given its draws a family is affine: <A v, w> = <v, A^T w>."""
    draws = np.stack([drawn(6, s) for s in range(4)])
    x, v, w = (tf.constant(images((7, 6, 3), seed=s)) for s in range(3))
    for family, _ in diff_augment.FAMILIES.values():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = family(x, draws)
        back = tape.gradient(y, x, output_gradients=w)
        forth = family(x + v, draws) - y
        np.testing.assert_allclose(
            ops.sum(forth * w), ops.sum(v * back), rtol=1e-9
        )


def test_penalty_through_the_layer():
    """R1 of `<w, T(x)>` is `gamma / 2 * |A^T w|^2`, a square in w."""
    x = tf.constant(images((6, 6, 3), dtype="float32"))
    weight = tf.Variable(images((6, 6, 3), rows=1, seed=4, dtype="float32"))
    penalty = keras_gan.penalties.R1(2.0)

    def penalised():
        layer = DiffAugment(seed=6)

        def discriminate(x):
            y = layer(x, training=True)
            return ops.sum(y * weight, axis=(1, 2))

        return ops.sum(penalty(discriminate, x, None))

    with tf.GradientTape() as tape:
        value = penalised()
    slope = tape.gradient(value, weight)
    np.testing.assert_allclose(ops.sum(slope * weight), 2 * value, rtol=1e-4)
    assert float(value) > 1.0


@pytest.mark.parametrize(
    "probability", [0.3, schedules.Linear(0.1, 0.9, duration=7)]
)
def test_round_trip(probability):
    layer = DiffAugment("cutout,color", probability, seed=8, name="augment")
    schedules.bind(layer, keras.Variable(3, dtype="int64"))
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert again.policy == "cutout,color" and again.seed == 8
    assert type(again.probability) is type(probability)
    if isinstance(probability, schedules.Schedule):
        assert again.probability.get_config() == probability.get_config()
    else:
        assert again.probability == probability
    alike = DiffAugment.from_config(layer.get_config())
    assert alike.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"policy": "color, cutout"}, ValueError, "policy='color, cutout'"),
        ({"policy": "colour"}, ValueError, "color, translation, cutout"),
        ({"policy": ""}, ValueError, "policy=''"),
        ({"policy": "color,color"}, ValueError, "policy='color,color'"),
        ({"policy": ["color"]}, TypeError, "policy=.'color'."),
        ({"probability": 1.5}, ValueError, "probability=1.5"),
        ({"probability": -0.1}, ValueError, "probability=-0.1"),
        ({"probability": "1"}, TypeError, "probability='1'"),
        ({"seed": -1}, ValueError, "seed=-1"),
        ({"seed": 0.5}, TypeError, "seed=0.5"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        DiffAugment(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"policy": "blur"}, ValueError),
        ({"target": 1.5}, ValueError),
        ({"target": -1.5}, ValueError),
        ({"interval": 0}, ValueError),
        ({"interval": 1.5}, TypeError),
        ({"images_to_full": 0}, ValueError),
        ({"maximum": 1.5}, ValueError),
        ({"maximum": -0.5}, ValueError),
        ({"seed": -1}, ValueError),
    ],
)
def test_wrong_arguments_of_the_adaptive(arguments, error):
    ((name, value),) = arguments.items()
    with pytest.raises(error, match=f"Received: {name}={value!r}"):
        AdaptiveAugment(**arguments)


def test_what_is_no_image():
    with pytest.raises(ValueError, match=r"input_shape=\(2, 8\)"):
        DiffAugment()(np.zeros((2, 8), "float32"))


def test_adaptive_step():
    """64 * 4 / 500,000 = 5.12e-4 at the fourth step, and not before."""
    augment = AdaptiveAugment()
    found = []
    for _ in range(8):
        augment.observe(ops.ones((64, 1)))
        found.append(float(augment.probability))
    step = float(np.float32(5.12e-4))
    assert found == [0, 0, 0, step, step, step, step, 2 * step]
    for _ in range(8):
        augment.observe(-ops.ones((64, 1)))
        assert augment.probability >= 0.0
    assert float(augment.probability) == 0.0
    for _ in range(4):
        augment.observe(-ops.ones((64, 1)))
    assert float(augment.probability) == 0.0
    for _ in range(4):
        augment.observe(ops.ones((64, 1)))
    assert float(augment.probability) == step


def ada(logits, target, interval, images_to_full, maximum):
    """The rule, over a list of batches of logits."""
    p, window, path = 0.0, [], []
    for batch in logits:
        window += [np.mean(np.sign(sample)) for sample in batch]
        if (len(path) + 1) % interval == 0:
            step = len(window) / images_to_full
            p += np.sign(round(np.mean(window) - target, 9)) * step
            p, window = min(max(p, 0.0), maximum), []
        path.append(p)
    return path


@pytest.mark.parametrize("shape", [(10,), (10, 1), (10, 3, 5, 1)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_adaptive_rule(shape, jit_compile):
    """A walk that meets both limits and the target itself, in one graph."""
    rng = np.random.default_rng(0)
    levels = np.repeat([0.9, -0.5, 1.2, 2.0, 0.4, 0.3], 12)
    noise = rng.normal(size=(len(levels), *shape))
    logits = noise + levels.reshape(-1, *[1] * len(shape))
    logits[:3, :8], logits[:3, 8:] = 2.0, -2.0
    logits = logits.astype("float32")
    rule = {"target": 0.6, "interval": 3, "images_to_full": 200, "maximum": 0.7}
    expected = ada(logits, **rule)
    assert expected[2] == 0.0 and max(expected) == 0.7
    assert min(expected[40:]) == 0.0 or expected[-1] < 0.7
    augment = AdaptiveAugment(**rule)

    def walk(logits):
        path = tf.TensorArray("float32", len(levels))
        for n in tf.range(len(levels)):
            augment.observe(logits[n])
            path = path.write(n, augment.probability.value)
        return path.stack()

    found = tf.function(walk, jit_compile=jit_compile)(tf.constant(logits))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_zero_logits_and_the_target_itself_change_nothing():
    """The sign of 0 is 0; at mean sign = target = 0.5, p stands still."""
    augment = AdaptiveAugment(target=0.5, interval=1, images_to_full=100)
    augment.probability.assign(0.4)
    augment.observe(ops.convert_to_tensor([[1.0], [0.0], [3.0], [0.0]]))
    assert float(augment.probability) == np.float32(0.4)


def test_nan_in_the_logits_changes_nothing():
    """Once: the interval after it counts again."""
    augment = AdaptiveAugment(interval=2, images_to_full=100)
    for batch in ([1.0, 1.0], [1.0, np.nan]):
        augment.observe(ops.array(batch))
    assert float(augment.probability) == 0.0
    for _ in range(2):
        augment.observe(ops.ones((5, 1)))
    assert float(augment.probability) == np.float32(0.1)


def test_scalar_is_no_logits():
    with pytest.raises(ValueError, match=r"must be \(batch.*real_logits=.*2"):
        AdaptiveAugment().observe(ops.array(2.0))


def test_adaptive_inside_another_layer_observes():
    """One step of 4 positive logits of 8: p = 4 / 8."""
    augment = keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            AdaptiveAugment("color", -1.0, interval=1, images_to_full=8),
        ]
    )
    players = keras_gan.architectures.mlp((2, 2, 1), 2, units=(4,))
    gan = keras_gan.GAN(*players, augment=augment, seed=0)
    gan.compile("sgd", "sgd")
    gan.fit(images((2, 2, 1), 4, dtype="float32"), batch_size=4, verbose=0)
    assert float(augment.layers[-1].probability) == 0.5


def test_half_precision_logits_and_policies():
    for policy in ("mixed_bfloat16", "mixed_float16", "bfloat16"):
        augment = AdaptiveAugment("cutout", interval=1, dtype=policy, seed=0)
        augment.observe(ops.ones((333, 1), "float16"))
        assert augment.probability.dtype == "float32"
        assert float(augment.probability) == np.float32(333 / 500_000)
        # 0.333 is not a number of half precision; 20,000 draws tell.
        exact = AdaptiveAugment("cutout", seed=0)
        x = np.ones((20_000, 1, 1, 1), "float32")
        for layer in (augment, exact):
            layer.probability.assign(0.333)
        found, expected = (a(x, training=True) for a in (augment, exact))
        np.testing.assert_array_equal(found, expected)
        assert abs(1 - np.mean(expected) - 0.333) < 0.015
    found = adaptive_augment.sums(ops.ones((3001, 3), "float16"))
    np.testing.assert_array_equal(found, [3001, 3001])


def test_adaptive_probability_is_used():
    augment = AdaptiveAugment("cutout", seed=0)
    x = np.ones((2000, 4, 4, 1), "float32")
    step = tf.function(lambda x: augment(x, training=True))
    np.testing.assert_array_equal(step(x), x)
    augment.probability.assign(0.25)
    changed = (np.array(step(x)) != x).any((1, 2, 3))
    assert abs(changed.mean() - 0.25) < 0.04
    np.testing.assert_array_equal(augment(x), x)


def test_adaptive_state_survives(tmp_path):
    """In the middle of an interval, with arguments that are no defaults."""

    def make():
        return AdaptiveAugment(
            "color",
            target=0.2,
            interval=3,
            images_to_full=90,
            maximum=0.5,
            seed=4,
        )

    augment = make()
    model = keras.Sequential([keras.Input((4, 4, 1)), augment])
    first, rest = [1.0] * 5, [1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0]
    for sign in first:
        augment.observe(sign * ops.ones((7, 1)))
    assert float(augment.probability) == np.float32(21 / 90)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
    again = make()
    again.set_weights(augment.get_weights())
    for other in (loaded, again):
        assert other.get_config() == {
            **augment.get_config(),
            "name": other.name,
        }
    for sign in rest:
        for layer in (augment, loaded, again):
            layer.observe(sign * ops.ones((7, 1)))
        for layer in (loaded, again):
            assert float(layer.probability) == float(augment.probability)
    whole = [[s] * 7 for s in first + rest]
    expected = ada(whole, 0.2, 3, 90, 0.5)[-1]
    assert float(augment.probability) == pytest.approx(expected, abs=1e-6)
    assert not augment.trainable_weights


@pytest.mark.large
@pytest.mark.parametrize("options", [{}, {"steps_per_execution": 3}])
def test_adaptive_in_training(options, tmp_path):
    """6 steps of 8 images, interval 2: p ends at 3 changes of 16 / 80."""
    players = keras_gan.architectures.dcgan((8, 8, 1), latent_dim=4, width=4)
    gan = keras_gan.GAN(
        *players,
        augment=AdaptiveAugment(
            target=-1.0, interval=2, images_to_full=80, seed=1
        ),
        seed=0,
    )
    gan.compile(
        keras.optimizers.Adam(1e-3),
        keras.optimizers.Adam(1e-3),
        penalties=[keras_gan.penalties.R1(1.0)],
        **options,
    )
    x = images((8, 8, 1), rows=48, dtype="float32")
    gan.fit(x, batch_size=8, verbose=0)
    assert float(gan.augment.probability) == pytest.approx(0.6, abs=1e-6)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert float(loaded.augment.probability) == float(gan.augment.probability)


SCRIPT = """
import json, sys
import numpy as np, tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_gan.layers.adaptive_augment import AdaptiveAugment

logits = np.random.default_rng(0).normal(size=(36, 10, 1)) + 0.8
logits[1::2, :5] -= 1.5  # the replicas do not see the same
logits[:12] += 1.0
logits = logits.astype("float32")


def observed(strategy):
    with strategy.scope():
        augment = AdaptiveAugment(
            "cutout", target=0.3, interval=3, images_to_full=300, seed=1)

    @tf.function
    def step(batch):
        strategy.run(augment.observe, args=(batch,))

    @tf.function
    def draw():
        ones = tf.ones((50, 4, 4, 1))
        return strategy.run(lambda: augment(ones, training=True))

    def of_each_replica(values):
        values = strategy.experimental_local_results(values)
        return [v.numpy().tolist() for v in values]

    count = strategy.num_replicas_in_sync
    path, states = [], []
    for batch in logits:
        parts = iter(np.split(batch, count))
        step(strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant(next(parts))) if count > 1 else
            tf.constant(batch))
        path.append(of_each_replica(augment.probability.value))
        states.append(of_each_replica(augment.total.value))
    images = of_each_replica(draw())
    return {"path": path, "states": states, "images": images}


two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
found = [observed(s) for s in (tf.distribute.get_strategy(), two)]
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""


@pytest.mark.large
def test_adaptive_on_two_replicas(tmp_path):
    """Both copies equal p of the global batch, and draw for themselves."""
    out = tmp_path / "found.json"
    subprocess.run([sys.executable, "-c", SCRIPT, str(out)], check=True)
    one, two = json.loads(out.read_text())
    path = np.array(one["path"])
    assert len(np.unique(path)) > 4 and path[-1] < path.max() < 1.0
    np.testing.assert_array_equal(two["path"], np.repeat(path, 2, axis=1))
    states = np.array(one["states"])
    np.testing.assert_array_equal(two["states"], np.repeat(states, 2, axis=1))
    first, second = two["images"]
    assert not np.array_equal(first, second)
