"""Layers of styles, classes, attention and batches against NumPy in float64."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_gan.gradients import input_gradient
from keras_gan.layers.adain import AdaIN
from keras_gan.layers.conditional_batch_normalization import (
    ConditionalBatchNormalization,
)
from keras_gan.layers.mean_style import MeanStyle
from keras_gan.layers.minibatch_discrimination import MinibatchDiscrimination
from keras_gan.layers.modulated_conv import ModulatedConv2D
from keras_gan.layers.noise_injection import NoiseInjection
from keras_gan.layers.phase_shuffle import PhaseShuffle
from keras_gan.layers.self_attention import SelfAttention

# Each layer with the shapes of its inputs, and whether it has randomness.
STYLED = ((6, 6, 8), (5,))
CASES = {
    "attention": (lambda **k: SelfAttention(4, 2, **k), ((4, 3, 8),)),
    "spectral_attention": (
        lambda **k: SelfAttention(4, 2, spectral=True, **k),
        ((4, 3, 8),),
    ),
    "class_norm": (
        lambda **k: ConditionalBatchNormalization(3, 0.7, 0.02, **k),
        ((4, 3, 8), "labels"),
    ),
    "adain": (lambda **k: AdaIN(1e-3, **k), STYLED),
    "modulated": (lambda **k: ModulatedConv2D(3, (3, 2), **k), STYLED),
    "modulated_only": (
        lambda **k: ModulatedConv2D(3, 1, demodulate=False, **k),
        STYLED,
    ),
    "noise": (lambda **k: NoiseInjection(seed=3, **k), ((4, 3, 8),)),
    "mean_style": (lambda **k: MeanStyle(0.9, **k), ((5,),)),
    "batch": (lambda **k: MinibatchDiscrimination(4, 3, **k), ((5,),)),
    "shift": (lambda **k: PhaseShuffle(2, seed=3, **k), ((9, 4),)),
}


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def inputs_of(name, dtype="float64", rows=4):
    parts = []
    for index, shape in enumerate(CASES[name][1]):
        if shape == "labels":
            parts.append(tf.constant([0, 2, 2, 1, 0, 0][:rows]))
        else:
            parts.append(tf.cast(normal(rows, *shape, seed=index), dtype))
    return parts[0] if len(parts) == 1 else parts


def moved(layer, x, seed=5):
    """The layer built, none of its weights where it starts."""
    layer(x)
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        size = rng.uniform(0.2, 0.8, weight.shape)
        sign = rng.choice([-1, 1], weight.shape)
        negative = weight.trainable and "kernel" in weight.path
        weight.assign(size * sign if negative else size)
    return layer


def settle(attention):
    """Puts in the singular vectors, which the gradient holds fixed."""
    for part in (attention.f, attention.g, attention.h, attention.v):
        part.vector.assign(np.linalg.svd(part.layer.kernel)[2][0])


def arrays(*things):
    return [np.array(thing, "float64") for thing in things]


# Properties with weights away from the start, where gates are open.


def test_file_keeps_what_the_layer_does(name, tmp_path):
    make, shapes = CASES[name]
    x = inputs_of(name, "float32")
    specs = [
        keras.Input((), dtype="int32") if s == "labels" else keras.Input(s)
        for s in shapes
    ]
    specs = specs[0] if len(specs) == 1 else specs
    layer = make()
    model = keras.Model(specs, layer(specs))
    moved(layer, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(x), loaded(x))
    np.testing.assert_array_equal(
        model(x, training=True), loaded(x, training=True)
    )


@pytest.mark.large
def test_xla_gives_the_same(name):
    """In training, but for noise, whose bits XLA draws by other ways."""
    x, training = inputs_of(name), name not in ("noise", "shift")
    layer = moved(CASES[name][0](dtype="float64"), x)
    expected = layer(x, training=training)
    found = tf.function(layer, jit_compile=True)(x, training=training)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_bfloat16_rounds_once(name):
    """The float32 result of the same inputs, rounded to bfloat16."""
    x = inputs_of(name, "bfloat16")
    layer = moved(CASES[name][0](dtype="mixed_bfloat16"), x)
    exact = CASES[name][0](dtype="float32")
    wide = tf.nest.map_structure(
        lambda t: tf.cast(t, "float32") if t.dtype == "bfloat16" else t, x
    )
    exact(wide)
    for a, b in zip(exact.weights, layer.weights):
        a.assign(b)
    found = layer(x, training=name == "class_norm")
    expected = exact(wide, training=name == "class_norm")
    assert found.dtype == "bfloat16"
    if name in ("adain", "class_norm", "batch", "mean_style", "shift"):
        np.testing.assert_array_equal(found, tf.cast(expected, "bfloat16"))
    else:
        np.testing.assert_allclose(
            *arrays(found, expected), rtol=0.05, atol=0.03
        )


def test_penalty_gradient_is_that_of_finite_differences(name):
    """The gradient of a gradient penalty in the weights and the input."""
    x = inputs_of(name)
    layer = moved(CASES[name][0](dtype="float64"), x)
    if name == "spectral_attention":
        settle(layer)
    head, *rest = tf.nest.flatten(x)
    seeds = getattr(layer, "seed_generator", None)
    state = None if seeds is None else np.array(seeds.state)

    def penalty(head):
        if seeds is not None:
            seeds.state.assign(state)

        def logits(head):
            inputs = [head, *rest] if rest else head
            y = layer(inputs, training=name in ("shift", "class_norm"))
            return ops.sum(ops.sin(y) + ops.square(y))

        return ops.sum(ops.square(input_gradient(logits, head)))

    weights = [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch([head, *weights])
        value = penalty(head)
    found = tape.gradient(value, [head, *weights])
    found = [ops.convert_to_numpy(gradient) for gradient in found]
    step, along = 1e-6, 0.0
    ways = [normal(*np.shape(v), seed=i) for i, v in enumerate(found)]
    for gradient, way in zip(found, ways):
        assert np.isfinite(gradient).all()
        along += np.sum(gradient * way)
    ends = []
    for sign in (1, -1):
        for w, way in zip(layer.trainable_weights, ways[1:]):
            w.assign(w + sign * step * way)
        ends.append(float(penalty(head + sign * step * ways[0])))
        for w, way in zip(layer.trainable_weights, ways[1:]):
            w.assign(w - sign * step * way)
    difference = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(along, difference, rtol=1e-6)


# Self-attention.


def attention_by_hand(x, f, g, h, v, gamma):
    """Equations 1 and 2 of 1805.08318 as they stand, position by position."""
    y = np.array(x)
    for sample, result in zip(x, y):
        flat = sample.reshape(-1, x.shape[-1])
        out = result.reshape(-1, x.shape[-1])
        for j, here in enumerate(flat):
            s = np.array([(there @ f) @ (here @ g) for there in flat])
            share = np.exp(s) / np.exp(s).sum()
            mixed = sum(b * (there @ h) for b, there in zip(share, flat))
            out[j] += gamma * (mixed @ v)
    return y


@pytest.mark.parametrize("shape", [(5,), (3, 2), (2, 1, 3)])
def test_attention_equals_the_formula(shape):
    x = normal(2, *shape, 8)
    layer = moved(SelfAttention(4, 2, dtype="float64"), x)
    kernels = [np.array(p.kernel) for p in (layer.f, layer.g, layer.h, layer.v)]
    assert [k.shape for k in kernels] == [(8, 2), (8, 2), (8, 4), (4, 8)]
    expected = attention_by_hand(x, *kernels, float(layer.gamma))
    assert np.abs(expected - x).max() > 0.1
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)


def test_attention_starts_as_the_identity():
    x = tf.constant(normal(2, 3, 3, 8), "float32")
    layer = SelfAttention()
    np.testing.assert_array_equal(layer(x), x)
    assert layer.f.kernel.shape == layer.h.kernel.shape == (8, 1)


def test_spectral_attention_does_not_see_the_size_of_kernels():
    x = normal(2, 3, 3, 8)
    layer = moved(SelfAttention(4, 2, spectral=True, dtype="float64"), x)
    before = layer(x)
    for part in (layer.f, layer.g, layer.h, layer.v):
        part.layer.kernel.assign(part.layer.kernel * 7.0)
    np.testing.assert_allclose(layer(x), before, rtol=1e-10)


def test_attention_softmax_is_float32(monkeypatch):
    softmax, seen = ops.softmax, []

    def spy(x, axis=-1):
        seen.append(x.dtype)
        return softmax(x, axis=axis)

    monkeypatch.setattr(ops, "softmax", spy)
    SelfAttention(dtype="mixed_bfloat16")(ops.ones((1, 2, 2, 8)))
    assert seen == ["float32"]


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16"])
def test_attention_logits_may_leave_float16(dtype):
    """`f . g = 2^18`, alike everywhere: attention is the mean."""
    layer = SelfAttention(1, 8, dtype=dtype)
    x = tf.cast(tf.fill((1, 4, 8), 8.0), "float16")
    layer(x)
    for part in (layer.f, layer.g):
        part.kernel.assign(np.full((8, 8), 2.828125))
    layer.h.kernel.assign(np.eye(8)[:, :1])
    layer.v.kernel.assign(np.eye(8)[:1])
    layer.gamma.assign(0.5)
    expected = np.full((1, 4, 8), 8.0)
    expected[..., 0] += 0.5 * 8.0
    np.testing.assert_array_equal(layer(x), expected)


# Conditional batch normalisation.


@pytest.mark.parametrize("shape", [(), (5,), (3, 2)])
@pytest.mark.parametrize("column", [False, True])
def test_class_norm_equals_the_formula(shape, column):
    x = 3 * normal(6, *shape, 4) + 2
    labels = np.array([0, 2, 2, 1, 0, 0])
    given = labels[:, None] if column else labels
    layer = ConditionalBatchNormalization(3, 0.7, 0.02, dtype="float64")
    layer([x, given])
    gamma, beta = normal(3, 4, seed=1), normal(3, 4, seed=2)
    layer.gamma.embeddings.assign(gamma)
    layer.beta.embeddings.assign(beta)
    axes = tuple(range(x.ndim - 1))
    wide = (6, *[1] * len(shape), 4)
    rows = [t[labels].reshape(wide) for t in (gamma, beta)]

    def expected(mean, variance):
        return rows[0] * (x - mean) / np.sqrt(variance + 0.02) + rows[1]

    mean, variance = x.mean(axes), x.var(axes)
    np.testing.assert_allclose(
        layer([x, given], training=True), expected(mean, variance), rtol=1e-9
    )
    # One step from mean 0 and variance 1 with momentum 0.7.
    np.testing.assert_allclose(
        layer([x, given]),
        expected(0.3 * mean, 0.7 + 0.3 * variance),
        rtol=1e-9,
    )


def test_class_norm_starts_as_batch_norm():
    x, labels = normal(6, 5, 4), np.arange(6) % 3
    layer = ConditionalBatchNormalization(3, dtype="float64")
    plain = keras.layers.BatchNormalization(epsilon=1e-5, dtype="float64")
    np.testing.assert_allclose(
        layer([x, labels], training=True), plain(x, training=True), rtol=1e-12
    )


def test_class_norm_trains_the_classes_present():
    layer = ConditionalBatchNormalization(3)
    x, labels = ops.convert_to_tensor(normal(4, 5)), np.array([0, 2, 2, 0])
    layer([x, labels])
    tables = [layer.gamma.embeddings.value, layer.beta.embeddings.value]
    with tf.GradientTape() as tape:
        tape.watch(tables)
        value = ops.sum(ops.square(layer([x, labels], training=True) + 1.0))
    for gradient in tape.gradient(value, tables):
        touched = np.abs(tf.convert_to_tensor(gradient)).sum(-1) > 0
        assert touched.tolist() == [True, False, True]


def test_class_norm_refuses_labels_it_cannot_read():
    layer = ConditionalBatchNormalization(3)
    with pytest.raises(TypeError, match="integers.*dtype=.*float32"):
        layer([ops.ones((2, 4)), ops.ones((2,))])
    layer = ConditionalBatchNormalization(3)
    with pytest.raises(ValueError, match=r"labels of shape=\(2, 3\)"):
        layer([ops.ones((2, 4)), ops.ones((2, 3), "int32")])


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(), (3, 2)])
def test_class_norm_gives_nan_to_what_is_no_class(mode, dtype, shape):
    x = ops.array(normal(5, *shape, 4), "float32")
    labels = tf.constant([0, 2, 1, 3, 255 if dtype == "uint8" else -1], dtype)
    layer = ConditionalBatchNormalization(3)
    expected = np.array(layer([x, tf.constant([0, 2, 1, 0, 0])], training=True))
    step = layer
    if mode != "eager":
        step = tf.function(layer, jit_compile=mode == "xla")
    found = np.array(step([x, labels], training=True))
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-5, atol=1e-6)
    assert np.isnan(found[3:]).all()


def test_class_norm_wants_one_label_a_sample():
    x, labels = tf.ones((4, 3, 2)), tf.zeros((1,), "int32")
    message = r"x of shape=\(4, 3, 2\), labels of shape=\(1,\)"
    with pytest.raises(ValueError, match=message):
        ConditionalBatchNormalization(3)([x, labels])
    layer = ConditionalBatchNormalization(3)
    layer.build([(None, 3, 2), (None,)])
    specs = [tf.TensorSpec((None, 3, 2)), tf.TensorSpec((None,), "int32")]
    step = tf.function(lambda *inputs: layer(inputs), input_signature=specs)
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        step(x, labels)


# Adaptive instance normalisation.


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 2)])
def test_adain_equals_the_formula(shape):
    x, style = 3 * normal(2, *shape, 4) + 2, normal(2, 6, seed=1)
    layer = moved(AdaIN(1e-3, dtype="float64"), [x, style])
    kernel, bias = np.array(layer.affine.kernel), np.array(layer.affine.bias)
    affine = (style @ kernel + bias).reshape(2, *[1] * len(shape), 8)
    axes = tuple(range(1, x.ndim - 1))
    mean = x.mean(axes, keepdims=True)
    root = np.sqrt(x.var(axes, keepdims=True) + 1e-3)
    expected = (1 + affine[..., :4]) * (x - mean) / root + affine[..., 4:]
    np.testing.assert_allclose(layer([x, style]), expected, rtol=1e-10)


def test_adain_asks_for_mean_and_deviation():
    """Scale 1 + 2 and shift -4 of the bias alone, for any input."""
    x = 50 * normal(3, 8, 8, 1) + 7
    layer = AdaIN(dtype="float64")
    layer([x, np.zeros((3, 2))])
    layer.affine.bias.assign([2.0, -4.0])
    y = np.array(layer([x, np.zeros((3, 2))]))
    np.testing.assert_allclose(y.mean((1, 2)), -4 * np.ones((3, 1)))
    np.testing.assert_allclose(y.std((1, 2)), 3 * np.ones((3, 1)), rtol=1e-6)


def test_adain_of_a_constant_is_safe():
    x = tf.fill((2, 4, 4, 3), 1000.0)
    layer = AdaIN()
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer([x, ops.zeros((2, 5))])
    np.testing.assert_allclose(y, np.zeros((2, 4, 4, 3)), atol=1e-6)
    assert np.isfinite(tape.gradient(y, x)).all()


# Modulated convolution.


def convolved(x, kernel):
    """One image with zeros around it, by the definition."""
    height, width = kernel.shape[:2]
    edges = [((k - 1) // 2, k // 2) for k in (height, width)]
    padded = np.pad(x, [*edges, (0, 0)])
    y = np.zeros((*x.shape[:2], kernel.shape[-1]))
    for row, column in np.ndindex(*x.shape[:2]):
        patch = padded[row : row + height, column : column + width]
        y[row, column] = np.tensordot(patch, kernel, 3)
    return y


@pytest.mark.parametrize("size", [1, 3, 4, (3, 5)])
@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
def test_modulated_conv_has_a_kernel_for_each_sample(
    size, demodulate, use_bias
):
    """Equations 1 to 3 of 1912.04958 as they stand."""
    x, style = normal(3, 5, 6, 4), normal(3, 7, seed=1)
    layer = ModulatedConv2D(2, size, demodulate, use_bias, dtype="float64")
    moved(layer, [x, style])
    kernel = np.array(layer.kernel)
    kernel = kernel / np.sqrt(np.prod(kernel.shape[:3]))
    a, b = layer.affine.weights
    scales = 1 + style @ np.array(a) / np.sqrt(7) + np.array(b)
    bias = np.array(layer.bias) if use_bias else 0.0
    expected = []
    for sample, scale in zip(x, scales):
        own = kernel * scale[:, None]
        if demodulate:
            own = own / np.sqrt(np.square(own).sum((0, 1, 2)) + 1e-8)
        expected.append(convolved(sample, own) + bias)
    np.testing.assert_allclose(
        layer([x, style]), expected, rtol=1e-10, atol=1e-12
    )
    single = ModulatedConv2D(2, size, demodulate, use_bias)
    single([x, style])
    single.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        single([x, style]), expected, rtol=1e-5, atol=2e-6
    )


def test_modulated_conv_starts_with_equalised_weights():
    """Standard normal kernel over root of fan-in 900, scale 1, bias 0."""
    x, style = tf.ones((1, 3, 3, 100)), tf.zeros((1, 5))
    layer = ModulatedConv2D(200, 3, demodulate=False)
    y = np.array(layer([x, style]))
    kernel = np.array(layer.kernel)
    assert kernel.shape == (3, 3, 100, 200)
    assert abs(kernel.std() - 1) < 0.01 and abs(kernel.mean()) < 0.01
    np.testing.assert_allclose(
        y[0, 1, 1], kernel.sum((0, 1, 2)) / 30, rtol=1e-3, atol=1e-4
    )


def test_demodulated_output_keeps_unit_variance():
    x = tf.constant(normal(4, 16, 16, 32), "float32")
    style = tf.constant(5 * normal(4, 8, seed=1), "float32")
    y = np.array(ModulatedConv2D(16)([x, style]))[:, 1:-1, 1:-1]
    assert abs(y.std() - 1) < 0.05


# Noise.


def loud(layer, x, strength=0.5):
    layer(x)
    layer.strength.assign(strength)
    return layer


def test_noise_starts_silent():
    x, layer = ops.convert_to_tensor(normal(2, 4, 4, 3)), NoiseInjection()
    x = ops.cast(x, "float32")
    for training in (False, True):
        np.testing.assert_array_equal(layer(x, training=training), x)
    assert len(layer.trainable_weights) == 1


def test_noise_in_training_is_standard_normal():
    x = tf.fill((20, 32, 32, 3), 2.0)
    layer = loud(NoiseInjection(seed=1), x)
    first, second = (np.array(layer(x, training=True)) for _ in range(2))
    noise = (first - 2.0) / 0.5
    np.testing.assert_array_equal(noise, np.repeat(noise[..., :1], 3, axis=-1))
    draws = noise[..., 0]
    # Four deviations of 20480 draws.
    assert abs(draws.mean()) < 0.028 and abs(draws.std() - 1) < 0.02
    for bound, share in ((-1, 0.158655), (0, 0.5), (1, 0.841345)):
        assert abs((draws < bound).mean() - share) < 0.014
    other = [second[..., 0], np.roll(draws, 1, 0), np.roll(draws, 1, 1)]
    for noise in (*other, np.roll(draws, 1, 2)):
        assert abs(np.corrcoef(draws.ravel(), noise.ravel())[0, 1]) < 0.028


def test_noise_outside_training_is_one_saved_map():
    x = tf.zeros((5, 32, 32, 2))
    layer = loud(NoiseInjection(seed=1), x)
    y = np.array(layer(x))
    np.testing.assert_array_equal(y, layer(x))
    np.testing.assert_array_equal(y, np.broadcast_to(y[:1, ..., :1], y.shape))
    np.testing.assert_allclose(y[:1, ..., :1], 0.5 * np.array(layer.noise))
    assert abs(np.array(layer.noise).std() - 1) < 0.1
    again, other = (loud(NoiseInjection(seed=s), x)(x) for s in (1, 2))
    np.testing.assert_array_equal(y, again)
    assert not np.allclose(y, other)
    drawn = np.array(layer(x, training=True))
    assert not np.allclose(drawn[0], y[0])


# Mean style.


def test_mean_style_is_a_moving_average():
    layer = MeanStyle(decay=0.75)
    batches = [tf.constant([[1.0, 8.0], [3.0, 0.0]]), tf.ones((3, 2))]
    for batch in batches:
        np.testing.assert_array_equal(layer(batch, training=True), batch)
    # 0.25 * (2, 4) = (0.5, 1), then 0.75 * (0.5, 1) + 0.25 * (1, 1).
    np.testing.assert_allclose(layer.mean, [0.625, 1.0])
    layer(batches[0])
    np.testing.assert_allclose(layer.mean, [0.625, 1.0])
    assert not layer.trainable_weights


def test_truncation_moves_towards_the_mean():
    layer = MeanStyle()
    w = np.array([[3.0, -1.0], [1.0, 1.0]], "float32")
    layer(w)
    layer.mean.assign([1.0, 3.0])
    np.testing.assert_allclose(layer.truncate(w, 0.5), [[2, 1], [1, 2]])
    np.testing.assert_allclose(
        layer.truncate(w, tf.constant(0.25)), [[1.5, 2], [1, 2.5]]
    )
    np.testing.assert_allclose(layer.truncate(w, 1.0), w)
    np.testing.assert_allclose(layer.truncate(w, 0), [[1, 3], [1, 3]])
    assert layer.truncate(tf.cast(w, "bfloat16"), 0.5).dtype == "bfloat16"


def test_mean_style_averages_in_float32():
    """In bfloat16 1 + 0.005 * (2 - 1) would stay 1."""
    layer = MeanStyle(dtype="mixed_bfloat16")
    layer(tf.ones((2, 1)))
    layer.mean.assign([1.0])
    layer(tf.fill((2, 1), 2.0), training=True)
    np.testing.assert_allclose(layer.mean, [1.005], rtol=1e-6)
    # Two neighbours in bfloat16, with no number between them.
    layer = MeanStyle(decay=0.0, dtype="mixed_bfloat16")
    layer(ops.array([[1.0], [1.0078125]]), training=True)
    np.testing.assert_allclose(layer.mean, [1.00390625], rtol=1e-7)


# Minibatch discrimination.


def test_batch_closeness_equals_the_formula():
    x = normal(6, 5)
    layer = MinibatchDiscrimination(4, 3, dtype="float64")
    found = np.array(layer(x))
    rows = (x @ np.array(layer.kernel)).reshape(6, 4, 3)
    expected = np.zeros((6, 4))
    for i, j, b in np.ndindex(6, 6, 4):
        if i != j:
            distance = np.abs(rows[i, b] - rows[j, b]).sum()
            expected[i, b] += np.exp(-distance)
    np.testing.assert_array_equal(found[:, :5], x)
    np.testing.assert_allclose(found[:, 5:], expected, rtol=1e-12)


def test_batch_closeness_of_one_of_equals_and_of_strangers():
    layer = MinibatchDiscrimination(2, 1)
    assert layer.couples_samples
    layer(ops.ones((1, 1)))
    layer.kernel.assign([[1.0, 2.0]])
    assert layer(ops.ones((1, 1))).numpy().tolist() == [[1.0, 0.0, 0.0]]
    same = np.array(layer(ops.ones((4, 1))))
    np.testing.assert_array_equal(same[:, 1:], np.full((4, 2), 3.0))
    # exp(-25) and exp(-50) survive, as nothing is added to 1.
    far = np.array(layer(ops.array([[0.0], [25.0]])))
    np.testing.assert_allclose(
        far[:, 1:], [[1.388794e-11, 1.928750e-22]] * 2, rtol=1e-5
    )


# Phase shuffle.


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_shift_is_a_window_of_the_mirrored_sequence(radius):
    rows = 2 * radius + 1
    x, shifts = normal(rows, 6, 3), np.arange(-radius, radius + 1)
    padded = np.pad(x, [(0, 0), (radius, radius), (0, 0)], mode="reflect")
    expected = [p[radius + s :][:6] for p, s in zip(padded, shifts)]
    found = PhaseShuffle(radius).shift(ops.array(x), ops.array(shifts))
    np.testing.assert_array_equal(found, expected)


def test_shifts_are_uniform_and_of_each_sample():
    x = np.tile(np.arange(9.0)[None, :, None], (4000, 1, 1))
    layer = PhaseShuffle(2, seed=0, dtype="float64")
    shifts = np.array(layer(x, training=True))[:, 4, 0] - 4
    found, counts = np.unique(shifts, return_counts=True)
    assert found.tolist() == [-2, -1, 0, 1, 2]
    # Four deviations of a binomial with p = 1/5.
    assert np.abs(counts - 800).max() < 102
    again = np.array(layer(x, training=True))[:, 4, 0] - 4
    assert (shifts != again).any()


def test_shift_rests_outside_training():
    x = ops.array(normal(3, 9, 2), "float32")
    np.testing.assert_array_equal(PhaseShuffle(2)(x), x)
    np.testing.assert_array_equal(PhaseShuffle(0)(x, training=True), x)


# Bad input.


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SelfAttention(key_ratio=0), "key_ratio=0"),
        (lambda: SelfAttention(value_ratio=0), "value_ratio=0"),
        (lambda: ConditionalBatchNormalization(0), "num_classes=0"),
        (lambda: ConditionalBatchNormalization(2, 1.5), "momentum=1.5"),
        (lambda: ConditionalBatchNormalization(2, 0.9, 0.0), "epsilon=0.0"),
        (lambda: AdaIN(0.0), "epsilon=0.0"),
        (lambda: ModulatedConv2D(0), "filters=0"),
        (lambda: ModulatedConv2D(2, 0), "kernel_size=0"),
        (lambda: ModulatedConv2D(2, (3, 3, 3)), r"kernel_size=\(3, 3, 3\)"),
        (lambda: MeanStyle(1.1), "decay=1.1"),
        (lambda: MinibatchDiscrimination(0), "num_kernels=0"),
        (lambda: MinibatchDiscrimination(2, 0), "kernel_dim=0"),
        (lambda: PhaseShuffle(-1), "radius=-1"),
        (lambda: PhaseShuffle(seed=-1), "seed=-1"),
        (lambda: NoiseInjection(seed=-1), "seed=-1"),
    ],
)
def test_argument_out_of_range(make, message):
    with pytest.raises(ValueError, match=f"Received: {message}"):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (SelfAttention(), (2, 8), "input_shape"),
        (SelfAttention(3), (2, 4, 8), "key_ratio=3"),
        (SelfAttention(2, 3), (2, 4, 8), "value_ratio=3"),
        (AdaIN(), (2, 8), "two tensors.*input_shape"),
        (AdaIN(), [(2, 8), (2, 3)], "x of shape"),
        (AdaIN(), [(2, 4, None), (2, 3)], r"known.*x of shape=\(2, 4, None"),
        (AdaIN(), [(2, 4, 8), (2, 4, 3)], r"style of shape=\(2, 4, 3\)"),
        (AdaIN(), [(2, 4, 8), (2, None)], r"style of shape=\(2, None\)"),
        (ModulatedConv2D(2), [(2, 4, 8), (2, 3)], "x of shape"),
        (
            ModulatedConv2D(2),
            [(2, 4, 4, None), (2, 3)],
            r"channels known.*x of shape=\(2, 4, 4, None\)",
        ),
        (ModulatedConv2D(2), [(2, 4, 4, 8), (2, 4, 3)], "style of shape"),
        (ModulatedConv2D(2), [(2, 4, 4, 8), (2, None)], "style of shape"),
        (
            ConditionalBatchNormalization(2),
            [(2, 4, None), (2,)],
            r"channels known.*x of shape=\(2, 4, None\)",
        ),
        (ConditionalBatchNormalization(2), [(2,), (2,)], r"x of shape=\(2,\)"),
        (NoiseInjection(), (2, 8), "input_shape"),
        (NoiseInjection(), (2, None, 4, 8), "input_shape"),
        (MinibatchDiscrimination(), (2, 4, 8), "input_shape"),
        (PhaseShuffle(4), (2, 4, 8), "time > 4.*input_shape"),
        (PhaseShuffle(4), (2, None, 8), "input_shape"),
    ],
)
def test_input_that_does_not_fit(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.build(shape)


# Replicas.

SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf

replicas, out = int(sys.argv[1]), sys.argv[2]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_gan.layers import conditional_batch_normalization, mean_style
from keras_gan.layers import noise_injection, phase_shuffle

strategy = tf.distribute.get_strategy()
if replicas > 1:
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
labels = np.arange(8) % 3
with strategy.scope():
    style = mean_style.MeanStyle(decay=0.5)
    norm = conditional_batch_normalization.ConditionalBatchNormalization(3)
    noise = noise_injection.NoiseInjection(seed=0)
    shift = phase_shuffle.PhaseShuffle(2, seed=0)
    style.build((None, 6)), norm.build([(None, 6), (None,)])
    noise.build((None, 6, 1)), shift.build((None, 6, 1))
    noise.strength.assign(1.0)

def take(context):
    share = 8 // replicas
    start = context.replica_id_in_sync_group * share
    return start, share

@tf.function
def step():
    def run():
        start, share = take(tf.distribute.get_replica_context())
        part = tf.constant(x)[start:start + share]
        part.set_shape((share, 6))
        names = tf.constant(labels)[start:start + share]
        style(part, training=True)
        y = norm([part, names], training=True)
        zeros = tf.zeros((4, 6, 1))
        ramp = zeros + tf.range(6.0)[None, :, None]
        return (y, noise(zeros, training=True), shift(ramp, training=True))
    return strategy.run(run)

step()
y, drawn, shifted = [
    [t.numpy().tolist() for t in strategy.experimental_local_results(v)]
    for v in step()]
with open(out, "w") as file:
    json.dump({
        "y": sum(y, []), "drawn": drawn, "shifted": shifted,
        "weights": [np.asarray(w).tolist() for w in
                    [*style.weights, *norm.weights]]}, file)
"""


def run(replicas, tmp_path):
    out = tmp_path / f"{replicas}.json"
    command = [sys.executable, "-c", SCRIPT, str(replicas), str(out)]
    subprocess.run(command, check=True)
    return json.loads(out.read_text())


@pytest.mark.long
def test_replicas_share_statistics_and_draw_their_own(tmp_path):
    one, two = run(1, tmp_path), run(2, tmp_path)
    np.testing.assert_allclose(one["y"], two["y"], rtol=1e-4, atol=1e-6)
    assert np.abs(one["weights"][0]).max() > 0.1
    for a, b in zip(one["weights"], two["weights"]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for name in ("drawn", "shifted"):
        first, second = two[name]
        assert first != second
