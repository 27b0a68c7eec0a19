"""Closed forms and NumPy re-derivations of objectives.md, section 6."""

import itertools
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_gan.gradients import input_gradient
from keras_gan.layers import BlurPool
from keras_gan.layers import EqualizedConv2D
from keras_gan.layers import EqualizedDense
from keras_gan.layers import MinibatchStd
from keras_gan.layers import PixelNorm
from keras_gan.layers import SpectralNormalization
from keras_gan.layers import Upsample

PASCAL = {2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1]}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def unit(x):
    return x / np.linalg.norm(x)


def kernel_of(layer):
    name = "embeddings" if hasattr(layer.layer, "embeddings") else "kernel"
    return getattr(layer.layer, name)


def spectral_dense(kernel, **kwargs):
    """A normalised dense layer that has that kernel."""
    layer = SpectralNormalization(
        keras.layers.Dense(
            kernel.shape[1], use_bias=False, dtype=str(kernel.dtype)
        ),
        **kwargs,
    )
    layer.build((None, kernel.shape[0]))
    layer.layer.kernel.assign(kernel)
    return layer


def applied(layer, gradient=None, rate=0.0, times=1):
    """Applies an optimizer to the kernel."""
    kernel = kernel_of(layer)
    optimizer = keras.optimizers.SGD(rate)
    optimizer.build([kernel])
    for _ in range(times):
        optimizer.apply(
            [ops.zeros_like(kernel) if gradient is None else gradient]
        )
    return layer


def iterated(kernel, vector, times=1):
    """`v`, `u` of so many power iterations."""
    matrix = np.reshape(kernel, (-1, kernel.shape[-1]))
    for _ in range(times):
        v = unit(matrix @ vector)
        vector = unit(matrix.T @ v)
    return v, vector


SPECTRAL = {
    "dense": (lambda: keras.layers.Dense(5), (7,)),
    "conv1d": (lambda: keras.layers.Conv1D(5, 3), (6, 2)),
    "conv2d": (lambda: keras.layers.Conv2D(5, 3), (6, 6, 2)),
    "conv3d": (lambda: keras.layers.Conv3D(5, 2), (3, 3, 3, 2)),
    "transpose": (lambda: keras.layers.Conv2DTranspose(5, 3), (4, 4, 3)),
    "depthwise": (lambda: keras.layers.DepthwiseConv2D(3), (4, 4, 3)),
    "embedding": (lambda: keras.layers.Embedding(6, 4), ()),
    "equalized_dense": (lambda: EqualizedDense(5), (7,)),
    "equalized_conv": (lambda: EqualizedConv2D(5, 3), (6, 6, 2)),
}


@pytest.mark.parametrize("name", SPECTRAL)
def test_spectral_norm_is_one_after_enough_iterations(name):
    keras.config.set_dtype_policy("float64")
    make_layer, shape = SPECTRAL[name]
    layer = SpectralNormalization(make_layer(), power_iterations=100, seed=1)
    layer.build((None, *shape))
    kernel = kernel_of(layer)
    kernel.assign(normal(*kernel.shape))
    stored = np.array(kernel)
    applied(layer, times=2)
    np.testing.assert_array_equal(kernel, stored)
    largest = np.linalg.svd(stored.reshape(-1, stored.shape[-1]))[1][0]
    np.testing.assert_allclose(
        layer.normalized_kernel(), stored / largest, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("kernel", "sigma"),
    [
        (np.ones((2, 2)), 2.0),
        (np.diag([3.0, 1.0, 0.5]), 3.0),
        (np.array([[3.0], [4.0]]), 5.0),
    ],
)
def test_known_singular_values(kernel, sigma):
    layer = applied(spectral_dense(kernel, seed=1), times=20)
    found = layer(np.eye(len(kernel)))
    np.testing.assert_allclose(found, kernel / sigma, rtol=1e-9, atol=1e-9)


def test_sigma_of_one_iteration():
    """The paper's estimate, on a kernel where one iteration is not enough."""
    kernel = normal(6, 4)
    layer = spectral_dense(kernel, seed=1)
    v, u = iterated(kernel, np.array(layer.vector))
    sigma = v @ kernel @ u
    assert sigma < 0.99 * np.linalg.svd(kernel)[1][0]
    np.testing.assert_allclose(layer(np.eye(6)), kernel / sigma, rtol=1e-12)


def test_call_stores_nothing():
    layer = spectral_dense(normal(6, 4), seed=1)
    x = normal(3, 6)
    before = [np.array(w) for w in layer.weights]
    first, second = layer(x, training=True), layer(x, training=True)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, layer(x, training=False))
    assert len(before) == 2
    for a, b in zip(before, layer.weights):
        np.testing.assert_array_equal(a, b)


def test_gradient_of_the_normalised_kernel():
    """`(G - <G, W / sigma> v u^T) / sigma`, orthogonal to W for any u."""
    kernel, upstream = normal(6, 4), normal(6, 4, seed=1)
    layer = spectral_dense(kernel, seed=1)
    with tf.GradientTape() as tape:
        loss = ops.sum(layer(np.eye(6)) * upstream)
    found = np.array(tape.gradient(loss, layer.layer.kernel.value))
    v, u = iterated(kernel, np.array(layer.vector))
    sigma = v @ kernel @ u
    along = np.sum(upstream * kernel) / sigma
    expected = (upstream - along * np.outer(v, u)) / sigma
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert abs(np.sum(found * kernel)) < 1e-12
    assert np.abs(found).max() > 0.1


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("power_iterations", [1, 3])
def test_vector_moves_once_an_apply(mode, power_iterations):
    kernel, gradient = normal(6, 4), normal(6, 4, seed=1)
    layer = spectral_dense(kernel, seed=1, power_iterations=power_iterations)
    vector = np.array(layer.vector)
    optimizer = keras.optimizers.SGD(0.5)
    optimizer.build(layer.trainable_variables)
    x = normal(3, 6)

    def step():
        first = layer(x, training=True)
        second = layer(x, training=True)
        optimizer.apply([ops.convert_to_tensor(gradient)])
        return first, second, layer(x, training=True)

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")
    for _ in range(2):
        first, second, third = step()
        np.testing.assert_allclose(first, second, rtol=1e-12)
        assert not np.allclose(first, third)
        kernel = kernel - 0.5 * gradient
        _, vector = iterated(kernel, vector, power_iterations)
        np.testing.assert_allclose(layer.layer.kernel, kernel, rtol=1e-12)
        np.testing.assert_allclose(layer.vector, vector, rtol=1e-9)


def test_constraint_of_the_user_comes_first():
    layer = SpectralNormalization(
        keras.layers.Dense(
            4,
            kernel_constraint=keras.constraints.MaxNorm(0.5),
            dtype="float64",
        ),
        seed=1,
    )
    layer.build((None, 6))
    kernel = normal(6, 4)
    kernel[:, 0] *= 9.0
    layer.layer.kernel.assign(kernel)
    vector = np.array(layer.vector)
    applied(layer)
    clipped = keras.constraints.MaxNorm(0.5)(kernel)
    np.testing.assert_allclose(layer.layer.kernel, clipped, rtol=1e-12)
    _, vector = iterated(np.array(clipped), vector)
    np.testing.assert_allclose(layer.vector, vector, rtol=1e-9)
    config = layer.get_config()["layer"]["config"]["kernel_constraint"]
    assert config["class_name"] == "MaxNorm"


def test_regularisers_act_once_and_on_the_stored_kernel():
    layer = SpectralNormalization(
        keras.layers.Dense(
            4,
            use_bias=False,
            kernel_regularizer=keras.regularizers.L2(0.5),
            activity_regularizer=keras.regularizers.L1(1.0),
            dtype="float64",
        )
    )
    x = normal(3, 6)
    y = layer(x)
    # Keras divides the activity's value by the batch size.
    activity = np.abs(y).sum() / 3
    stored = 0.5 * np.square(layer.layer.kernel).sum()
    found = sorted(float(loss) for loss in layer.losses)
    np.testing.assert_allclose(found, sorted([activity, stored]), rtol=1e-12)


@keras.saving.register_keras_serializable("keras_gan_tests")
class CountedDense(keras.layers.Dense):
    """A layer with state of its own."""

    def build(self, input_shape):
        super().build(input_shape)
        self.count = self.add_weight(initializer="zeros", trainable=False)

    def call(self, inputs):
        self.count.assign_add(1.0)
        return super().call(inputs)


def test_state_of_the_wrapped_layer_is_kept():
    layer = SpectralNormalization(CountedDense(4))
    for _ in range(3):
        layer(normal(3, 6))
    assert float(layer.layer.count) == 3.0


def test_scope_around_the_layer_gives_every_weight():
    """`stateless_call` with a bias and a count of its own, stored ones kept."""
    layer = SpectralNormalization(CountedDense(4), seed=1)
    x = normal(3, 6).astype("float32")
    before = layer(x)
    weights = [ops.array(w) for w in layer.trainable_variables]
    state = [ops.array(v) for v in layer.non_trainable_variables]
    weights = [w + 5.0 if w.shape == (4,) else w for w in weights]
    state = [v + 7.0 if v.shape == () else v for v in state]
    found, after = layer.stateless_call(weights, state, x)
    np.testing.assert_allclose(found, before + 5.0, rtol=1e-5)
    assert [float(v) for v in after if v.shape == ()] == [9.0]
    assert float(layer.layer.count) == 1.0
    np.testing.assert_array_equal(layer.layer.bias, np.zeros(4))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("inside_a_model", [False, True])
def test_sigma_is_float32_and_rounded_once(policy, inside_a_model):
    keras.config.set_dtype_policy(policy)
    layer = SpectralNormalization(keras.layers.Dense(4, use_bias=False), seed=1)
    run = layer
    if inside_a_model:
        run = keras.Sequential([keras.Input((6,)), layer])
        assert run.outputs[0].dtype == layer.layer.compute_dtype
    else:
        layer.build((None, 6))
    kernel = normal(6, 4).astype("float32")
    layer.layer.kernel.assign(kernel)
    v, u = iterated(kernel, np.array(layer.vector))
    expected = tf.cast(kernel / (v @ kernel @ u), layer.layer.compute_dtype)
    found = run(np.eye(6))
    assert found.dtype == expected.dtype
    # An ulp, where NumPy and TensorFlow round float32 the other way.
    ulp = 2.0 ** (-7 if policy == "mixed_bfloat16" else -10)
    found, expected = (
        np.array(tf.cast(t, "float32")) for t in (found, expected)
    )
    assert (found == expected).mean() > 0.9
    np.testing.assert_allclose(found, expected, rtol=ulp)


def test_low_precision_variables():
    layer = SpectralNormalization(keras.layers.Dense(4, dtype="bfloat16"))
    assert layer(normal(3, 6)).dtype == "bfloat16"
    assert layer.vector.dtype == "float32"


def test_kernel_of_zeros_stays_zeros():
    layer = spectral_dense(np.zeros((6, 4)), seed=1)
    vector = np.array(layer.vector)
    with tf.GradientTape() as tape:
        output = layer(normal(3, 6))
    np.testing.assert_array_equal(output, np.zeros((3, 4)))
    gradient = tape.gradient(output, layer.layer.kernel.value)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() < 10
    applied(layer)
    np.testing.assert_array_equal(layer.vector, vector)


def test_frozen_layer_does_not_move():
    layer = spectral_dense(normal(6, 4), seed=1)
    layer.trainable = False
    assert not layer.trainable_variables
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    vector = np.array(layer.vector)
    model.fit(normal(8, 6), normal(8, 1), verbose=0)
    np.testing.assert_array_equal(layer.vector, vector)


def spectral_model():
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            SpectralNormalization(keras.layers.Conv2D(3, 3), seed=2),
            keras.layers.LeakyReLU(),
            keras.layers.Flatten(),
            SpectralNormalization(keras.layers.Dense(1), power_iterations=2),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


@pytest.mark.large
@pytest.mark.parametrize("way", ["file", "clone"])
def test_copies_go_on_alike(way, tmp_path):
    x, y = normal(8, 6, 6, 1), normal(8, 1)
    model = spectral_model()
    model.fit(x, y, verbose=0)
    if way == "file":
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
    else:
        again = keras.models.clone_model(model)
        again.compile(keras.optimizers.SGD(0.1), "mse")
        again.set_weights(model.get_weights())
    before = [np.array(w) for w in model.weights]
    for each in (model, again):
        each.fit(x, y, verbose=0, shuffle=False)
    assert len(model.weights) == 6
    for a, b, old in zip(model.weights, again.weights, before):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
        assert np.abs(np.array(a) - old).max() > 0 or a.shape == (1,)


def test_linear_discriminator_has_no_slope_left():
    """`||grad|| = ||W / ||W|| || = 1`, so its gradient in W is 0."""
    layer = spectral_dense(normal(6, 1), seed=1)
    x = tf.constant(normal(3, 6))
    with tf.GradientTape() as tape:
        slope = ops.sum(ops.square(input_gradient(layer, x)), axis=-1)
    np.testing.assert_allclose(slope, np.ones(3), rtol=1e-12)
    gradient = tape.gradient(slope, layer.layer.kernel.value)
    np.testing.assert_allclose(gradient, np.zeros((6, 1)), atol=1e-12)


MIRRORED = """
import json, sys
import keras, numpy as np, tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_gan.layers.spectral_normalization import SpectralNormalization

strategy = tf.distribute.get_strategy()
if sys.argv[1] == "two":
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
keras.utils.set_random_seed(1)
with strategy.scope():
    model = keras.Sequential([
        keras.Input((6,)),
        SpectralNormalization(
            keras.layers.Dense(8, kernel_constraint="max_norm"), seed=1),
        keras.layers.LeakyReLU(),
        SpectralNormalization(keras.layers.Dense(3), seed=2),
    ])
    model.compile(keras.optimizers.SGD(0.1), "mse")
x = np.random.default_rng(0).normal(size=(32, 9)).astype("float32")
start = [np.asarray(w).tolist() for w in model.weights]
model.fit(x[:, :6], x[:, 6:], batch_size=8, epochs=2, verbose=0, shuffle=False)
local = strategy.experimental_local_results
copies = [
    [np.asarray(copy).tolist() for copy in local(w.value)]
    for w in model.weights
]
print(json.dumps([start, copies]))
"""


def mirrored(mode):
    command = [sys.executable, "-W", "ignore", "-c", MIRRORED, mode]
    output = subprocess.run(command, check=True, capture_output=True)
    return json.loads(output.stdout.decode().splitlines()[-1])


@pytest.mark.long
def test_vector_is_the_same_in_each_replica():
    (start, one), (_, two) = mirrored("one"), mirrored("two")
    assert len(start) == len(one) == len(two) == 6
    for first, (single,), copies in zip(start, one, two):
        assert len(copies) == 2
        for copy in copies:
            np.testing.assert_allclose(copy, single, rtol=1e-4, atol=1e-6)
        assert np.abs(np.array(single) - first).max() > 1e-4


@pytest.mark.parametrize(
    "layer", [keras.layers.ReLU, lambda: keras.layers.SeparableConv1D(2, 3)]
)
def test_layer_without_one_kernel(layer):
    with pytest.raises(ValueError, match="kernel.*Received: layer="):
        SpectralNormalization(layer())(normal(2, 5, 3))


def test_spectral_arguments():
    with pytest.raises(ValueError, match="Received: power_iterations=0"):
        SpectralNormalization(keras.layers.Dense(1), power_iterations=0)
    with pytest.raises(ValueError, match="Received: seed=-1"):
        SpectralNormalization(keras.layers.Dense(1), seed=-1)
    with pytest.raises(TypeError, match="Received: layer='dense'"):
        SpectralNormalization("dense")


def blurred(x, taps, strides):
    """Convolution of each axis between batch and channels, in NumPy."""
    taps = np.array(taps) / np.sum(taps)
    before = (len(taps) - 1) // 2

    def along(row):
        padded = np.pad(row, (before, len(taps) - 1 - before))
        return np.convolve(padded, taps, mode="valid")[::strides]

    for axis in range(1, x.ndim - 1):
        x = np.apply_along_axis(along, axis, x)
    return x


@pytest.mark.parametrize("shape", [(7, 2), (8, 5, 2), (4, 5, 6, 2)])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", PASCAL)
def test_blur_equals_convolution(shape, strides, kernel_size):
    # TensorFlow pools no volumes of float64 on CPUs.
    dtype, close = ("float32", 1e-5) if len(shape) > 3 else ("float64", 1e-12)
    x = normal(3, *shape)
    layer = BlurPool(kernel_size, strides, dtype=dtype)
    found = layer(x)
    expected = blurred(x, PASCAL[kernel_size], strides)
    np.testing.assert_allclose(found, expected, rtol=close, atol=close)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_blur_keeps_constants_but_at_the_border():
    found = BlurPool(4, strides=1)(np.ones((1, 8, 8, 1)))[0, :, :, 0]
    np.testing.assert_allclose(found[1:-2, 1:-2], np.ones((5, 5)), rtol=1e-6)
    np.testing.assert_allclose(
        found[3], [7 / 8, 1, 1, 1, 1, 1, 7 / 8, 0.5], rtol=1e-6
    )


def test_blur_is_not_nearest_or_shifted():
    """A spike at 2 of 6 values: output 1 is centred on it."""
    spike = np.eye(6)[None, 2, :, None]
    np.testing.assert_allclose(BlurPool()(spike)[0, :, 0], [0, 0.5, 0])
    spike = np.eye(6)[None, 3, :, None]
    np.testing.assert_allclose(BlurPool()(spike)[0, :, 0], [0, 0.25, 0.25])


def interpolated(row, factor):
    centres = (np.arange(len(row)) + 0.5) * factor
    return np.interp(np.arange(len(row) * factor) + 0.5, centres, row)


@pytest.mark.parametrize("shape", [(7, 2), (1, 5, 2), (4, 3, 2, 2)])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_upsample_equals_interpolation(shape, factor):
    x = expected = normal(3, *shape)
    for axis in range(1, x.ndim - 1):
        expected = np.apply_along_axis(interpolated, axis, expected, factor)
    layer = Upsample(factor, dtype="float64")
    found = layer(x)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_upsample_is_the_resize_of_keras():
    x = normal(2, 4, 5, 3).astype("float32")
    expected = ops.image.resize(x, (8, 10), interpolation="bilinear")
    np.testing.assert_allclose(Upsample()(x), expected, atol=1e-6)


def test_upsample_of_unknown_size():
    x = normal(2, 4, 5, 3).astype("float32")
    layer = Upsample()
    step = tf.function(layer).get_concrete_function(
        tf.TensorSpec((None, None, None, 3))
    )
    np.testing.assert_allclose(step(tf.constant(x)), layer(x), atol=1e-6)
    assert layer.compute_output_shape((None, None, 5, 3)) == (None, None, 10, 3)


def test_upsample_keeps_constants_everywhere():
    found = Upsample(3)(np.full((1, 4, 4, 1), 7.0))
    np.testing.assert_allclose(found, np.full((1, 12, 12, 1), 7.0), rtol=1e-6)


SMOOTH = {
    "blur": lambda: BlurPool(4),
    "upsample": Upsample,
    "minibatch_std": lambda: MinibatchStd(2, num_features=2),
    "pixel_norm": lambda: PixelNorm(0.1),
    "equalized": lambda: EqualizedConv2D(3, 3, strides=2, activation="tanh"),
    "spectral": lambda: SpectralNormalization(
        keras.layers.Conv2D(3, 3, activation="tanh"), 100, seed=1
    ),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient_of_a_penalty_reaches_kernels_around(name):
    """Against central differences of the penalty, in float64."""
    keras.config.set_dtype_policy("float64")
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1), dtype="float64"),
            keras.layers.Conv2D(4, 3, activation="tanh"),
            SMOOTH[name](),
            keras.layers.Conv2D(2, 1, activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    # Only at the largest singular value is sigma flat in the stored vector.
    if name == "spectral":
        applied(model.layers[1], times=2)
    x = tf.constant(normal(4, 6, 6, 1))

    def penalty():
        return ops.sum(ops.square(input_gradient(model, x)))

    with tf.GradientTape() as tape:
        value = penalty()
    kernels = [w for w in model.trainable_weights if len(w.shape) > 1]
    assert len(kernels) >= 3
    gradients = tape.gradient(value, [w.value for w in kernels])
    for kernel, gradient in zip(kernels, gradients):
        direction = normal(*kernel.shape, seed=1)
        start, change = np.array(kernel), 1e-5
        ends = []
        for sign in (1, -1):
            kernel.assign(start + sign * change * direction)
            ends.append(float(penalty()))
        kernel.assign(start)
        slope = (ends[0] - ends[1]) / (2 * change)
        assert abs(slope) > 1e-4
        found = np.sum(gradient * direction)
        np.testing.assert_allclose(found, slope, rtol=1e-5)


def deviations(x, group, num_features):
    """The appended channels, sample by sample, in NumPy."""
    n = len(x) // group
    rows = []
    for i in range(len(x)):
        members = x[i % n :: n]
        assert len(members) == group
        each = np.sqrt(members.var(axis=0) + 1e-8)
        blocks = np.split(each, num_features, axis=-1)
        feature = np.array([block.mean() for block in blocks])
        rows.append(np.broadcast_to(feature, (*x.shape[1:-1], num_features)))
    return np.stack(rows)


@pytest.mark.parametrize("shape", [(6,), (3, 6), (3, 2, 6), (2, 2, 3, 6)])
@pytest.mark.parametrize(
    ("batch_size", "group_size", "group"),
    [(8, 4, 4), (6, 4, 3), (5, 4, 1), (3, 8, 3), (10, 9, 5), (1, 4, 1)],
)
def test_minibatch_std(shape, batch_size, group_size, group):
    x = normal(batch_size, *shape)
    for num_features in (1, 3):
        layer = MinibatchStd(group_size, num_features, dtype="float64")
        found = layer(x)
        np.testing.assert_array_equal(found[..., :6], x)
        expected = deviations(x, group, num_features)
        np.testing.assert_allclose(found[..., 6:], expected, rtol=1e-9)
        assert layer.compute_output_shape(x.shape) == found.shape


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 6, 8])
def test_minibatch_std_of_unknown_batch_size(jit_compile, batch_size):
    layer = MinibatchStd(4)
    x = normal(batch_size, 3, 3, 2).astype("float32")
    step = tf.function(
        layer,
        input_signature=[tf.TensorSpec((None, None, 3, 2))],
        jit_compile=jit_compile,
    )
    np.testing.assert_allclose(step(x), layer(x), rtol=1e-5)


def test_minibatch_std_by_hand():
    """Groups are strided: 1 with 3, 5 with 5."""
    x = np.array([[1.0], [5.0], [3.0], [5.0]])
    found = MinibatchStd(2, dtype="float64")(x)[:, 1]
    np.testing.assert_allclose(found, [1.0, 1e-4, 1.0, 1e-4], rtol=1e-7)


def test_minibatch_std_in_low_precision():
    """float16 holds neither 300^2 nor 1e-8; float32 does."""
    x = np.array([[-300.0], [300.0]], dtype="float16")
    found = MinibatchStd(2, dtype="float16")(x)
    np.testing.assert_array_equal(found[:, 1], [300.0, 300.0])
    found = MinibatchStd(2, dtype="float16")(x * 0)
    np.testing.assert_allclose(found[:, 1], [1e-4, 1e-4], rtol=1e-3)


def test_pixel_norm():
    x = normal(3, 2, 5)
    power = np.mean(np.square(x), axis=-1, keepdims=True)
    found = PixelNorm(0.5, dtype="float64")(x)
    np.testing.assert_allclose(found, x / np.sqrt(power + 0.5), rtol=1e-12)
    assert PixelNorm().epsilon == 1e-8


def test_pixel_norm_in_low_precision():
    """The square of 300 is beyond float16."""
    x = np.array([[300.0, -300.0], [0.0, 0.0]], dtype="float16")
    found = PixelNorm(dtype="float16")(x)
    np.testing.assert_array_equal(found, [[1.0, -1.0], [0.0, 0.0]])


def test_equalized_dense():
    layer = EqualizedDense(
        4, activation="tanh", gain=1.5, lr_multiplier=0.1, dtype="float64"
    )
    x = normal(3, 2, 9)
    layer.build(x.shape)
    layer.bias.assign(normal(4, seed=1))
    kernel, bias = (np.array(w) for w in (layer.kernel, layer.bias))
    expected = np.tanh(x @ kernel * 1.5 * 0.1 / 3 + bias * 0.1)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_equalized_conv(padding):
    layer = EqualizedConv2D(
        4, (3, 2), (1, 2), padding, activation="relu", gain=1.5, dtype="float64"
    )
    x = normal(3, 6, 7, 5)
    layer.build(x.shape)
    layer.bias.assign(normal(4, seed=1))
    plain = keras.layers.Conv2D(
        4, (3, 2), (1, 2), padding, activation="relu", dtype="float64"
    )
    plain.build(x.shape)
    scaled = np.array(layer.kernel) * 1.5 / np.sqrt(3 * 2 * 5)
    plain.set_weights([scaled, np.array(layer.bias)])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-10, atol=1e-12)


def test_equalized_start():
    """`N(0, 1) / lr_multiplier`; outputs of variance `gain^2`."""
    x = normal(200, 64)
    for lr_multiplier, gain in itertools.product((1.0, 0.01), (1.0, 2.0)):
        layer = EqualizedDense(500, gain=gain, lr_multiplier=lr_multiplier)
        found = np.array(layer(x))
        assert abs(found.std() / gain - 1) < 0.03
        kernel = np.array(layer.kernel) * lr_multiplier
        assert abs(kernel.std() - 1) < 0.02 and abs(kernel.mean()) < 0.02
        np.testing.assert_array_equal(layer.bias, np.zeros(500))
    conv = EqualizedConv2D(300, 3)
    found = np.array(conv(normal(2, 8, 8, 16)))[:, 1:-1, 1:-1]
    assert abs(found.std() - 1) < 0.03
    assert abs(np.array(conv.kernel).std() - 1) < 0.02


def test_equalized_without_bias():
    assert len(EqualizedDense(2, use_bias=False)(np.ones((1, 3))).shape) == 2
    for layer, x in (
        (EqualizedDense(2, use_bias=False), np.ones((1, 3))),
        (EqualizedConv2D(2, 3, use_bias=False), np.ones((1, 3, 3, 1))),
    ):
        layer(x)
        assert [w.name for w in layer.weights] == ["kernel"]


def test_equalized_kernel_is_rounded_once():
    layer = EqualizedDense(50, use_bias=False, dtype="mixed_bfloat16")
    layer.build((None, 7))
    expected = tf.cast(layer.kernel.value / np.float32(np.sqrt(7)), "bfloat16")
    found = tf.cast(layer(np.eye(7)), "float32")
    agree = np.array(found) == np.array(tf.cast(expected, "float32"))
    assert agree.mean() > 0.97


@pytest.mark.parametrize(
    ("make_layer", "message"),
    [
        (lambda: BlurPool(1), "Received: kernel_size=1"),
        (lambda: BlurPool(strides=0), "Received: strides=0"),
        (lambda: BlurPool()(np.ones((2, 3))), "BlurPool takes.*input_shape="),
        (lambda: Upsample(0), "Received: factor=0"),
        (lambda: Upsample()(np.ones((2, 3))), "Upsample takes.*input_shape="),
        (lambda: MinibatchStd(0), "Received: group_size=0"),
        (lambda: MinibatchStd(num_features=0), "Received: num_features=0"),
        (
            lambda: MinibatchStd(num_features=2)(np.ones((2, 3))),
            "divide the channels, 3 here.*num_features=2",
        ),
        (lambda: MinibatchStd()(np.ones(2)), "MinibatchStd takes.*shape="),
        (lambda: PixelNorm(0.0), "Received: epsilon=0.0"),
        (lambda: EqualizedDense(0), "Received: units=0"),
        (lambda: EqualizedDense(1, gain=-1.0), "Received: gain=-1.0"),
        (
            lambda: EqualizedDense(1, lr_multiplier=0.0),
            "Received: lr_multiplier=0.0",
        ),
        (
            lambda: EqualizedDense(1)(np.ones(3)),
            r"EqualizedDense takes.*input_shape=\(3,\)",
        ),
        (
            lambda: EqualizedDense(1).build((2, None)),
            r"features known.*input_shape=\(2, None\)",
        ),
        (
            lambda: EqualizedConv2D(1, 3).build((2, 4, 4, None)),
            r"channels known.*input_shape=\(2, 4, 4, None\)",
        ),
        (lambda: EqualizedConv2D(0, 3), "Received: filters=0"),
        (lambda: EqualizedConv2D(1, 0), "Received: kernel_size=0"),
        (lambda: EqualizedConv2D(1, (3,)), r"Received: kernel_size=\(3,\)"),
        (lambda: EqualizedConv2D(1, 3, (1, 0)), "Received: strides=.*0"),
        (lambda: EqualizedConv2D(1, 3, gain=-1.0), "Received: gain=-1.0"),
        (
            lambda: EqualizedConv2D(1, 3, padding="full"),
            "Received: padding='full'",
        ),
        (
            lambda: EqualizedConv2D(1, 3)(np.ones((2, 3))),
            "EqualizedConv2D takes.*input_shape=",
        ),
    ],
)
def test_what_does_not_fit(make_layer, message):
    with pytest.raises(ValueError, match=message):
        make_layer()
