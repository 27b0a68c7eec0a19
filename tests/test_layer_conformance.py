"""Properties of every layer, over the one list in conformance.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import LAYERS
from keras import ops

import keras_gan
from keras_gan import players

# They hand on what they get, or what the layer in them makes of it.
TAKE_INTEGERS = {
    "Frozen",
    "MeanStyle",
    "PhaseShuffle",
    "SpectralNormalization",
}


def layer_name(case):
    return type(case.make_layer()).__name__


@pytest.fixture(params=LAYERS, ids=layer_name)
def case(request):
    return request.param


def inputs_of(case, batch_size=4, seed=0):
    rng = np.random.default_rng(seed)

    def draw(shape):
        if shape == "labels":
            return tf.constant(rng.integers(0, 3, batch_size), "int32")
        return tf.constant(rng.normal(size=(batch_size, *shape)), "float32")

    return pack([draw(shape) for shape in case.shapes])


def pack(parts):
    return parts[0] if len(parts) == 1 else list(parts)


def symbolic(case):
    def spec(shape):
        if shape == "labels":
            return keras.Input((), dtype="int32")
        return keras.Input(shape)

    return pack([spec(shape) for shape in case.shapes])


def model_of(case):
    inputs = symbolic(case)
    return keras.Model(inputs, case.make_layer()(inputs))


def test_every_layer_is_covered():
    names = {layer_name(case) for case in LAYERS}
    assert names == set(keras_gan.layers.__all__)


def test_config(case):
    layer = case.make_layer()
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(layer)
    assert keras.saving.serialize_keras_object(again) == config
    registered = keras.saving.get_registered_name(type(layer))
    assert registered == f"keras_gan>{type(layer).__name__}"


def test_file(case, tmp_path):
    model = model_of(case)
    x = inputs_of(case)
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(x), loaded(x))
    assert len(model.weights) == len(loaded.weights)
    for a, b in zip(model.weights, loaded.weights):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 6])
@pytest.mark.parametrize("training", [False, True])
def test_any_batch_size(case, batch_size, training):
    model = model_of(case)
    assert model.output_shape[0] is None
    found = model(inputs_of(case, batch_size), training=training)
    assert found.shape == (batch_size, *model.output_shape[1:])
    assert np.isfinite(found).all()


def test_forward_pass_leaves_trainable_weights(case):
    model = model_of(case)
    before = [np.array(w) for w in model.trainable_weights]
    model(inputs_of(case), training=True)
    for a, b in zip(before, model.trainable_weights):
        np.testing.assert_array_equal(a, b)


def test_xla(case):
    model = model_of(case)
    x = inputs_of(case)
    compiled = tf.function(model, jit_compile=True)
    np.testing.assert_allclose(
        compiled(x, training=False), model(x), rtol=1e-4, atol=1e-5
    )
    assert np.isfinite(compiled(x, training=True)).all()


def test_graph_with_unknown_batch_size(case):
    model = model_of(case)
    x = inputs_of(case)
    specs = tf.nest.map_structure(
        lambda t: tf.TensorSpec((None, *t.shape[1:]), t.dtype), x
    )
    step = tf.function(lambda t: model(t, training=True))
    found = step.get_concrete_function(specs)(
        *tf.nest.flatten(inputs_of(case, 5))
    )
    assert found.shape == (5, *model.output_shape[1:])
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    "case",
    [case for case in LAYERS if layer_name(case) not in TAKE_INTEGERS],
    ids=layer_name,
)
def test_integers_are_refused(case):
    """Results in the dtype of the input would be cut to integers."""
    first, *rest = tf.nest.flatten(inputs_of(case))
    inputs = pack([tf.cast(9 * first, "int32"), *rest])
    message = r"`\w+` must be floats. Received: \w+ of dtype=int32"
    with pytest.raises(TypeError, match=message):
        case.make_layer()(inputs, training=True)


def test_layer_says_whether_it_couples_samples(case):
    """Row 0 alone must stay the same where the other rows change."""
    model = model_of(case)
    state = [np.array(v) for v in model.variables]
    first = tf.nest.flatten(inputs_of(case))
    other = tf.nest.flatten(inputs_of(case, seed=1))
    mixed = [tf.concat([a[:1], b[1:]], axis=0) for a, b in zip(first, other)]
    rows = []
    for inputs in (first, mixed):
        for variable, value in zip(model.variables, state):
            variable.assign(value)
        rows.append(np.array(model(pack(inputs), training=True))[0])
    couples = not np.allclose(*rows, rtol=1e-4, atol=1e-6)
    found = players.coupling_layer(model)
    assert found is (model.layers[-1] if couples else None)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(case, policy):
    keras.config.set_dtype_policy(policy)
    model = model_of(case)
    found = model(inputs_of(case), training=True)
    assert found.dtype == policy.removeprefix("mixed_")
    assert np.isfinite(ops.convert_to_numpy(ops.cast(found, "float32"))).all()
    floats = {w.dtype for w in model.weights if "float" in w.dtype}
    assert floats <= {"float32"}


def test_second_derivative(case):
    """What a gradient penalty asks of each layer below the logits."""
    model = model_of(case)
    x = inputs_of(case)
    first = tf.nest.flatten(x)[0]
    rest = tf.nest.flatten(x)[1:]
    upstream = tf.random.stateless_normal(
        model(x, training=False).shape, seed=(1, 2)
    )
    with tf.GradientTape() as outer:
        outer.watch(upstream)
        with tf.GradientTape() as inner:
            inner.watch(first)
            output = model(pack([first, *rest]), training=True)
        gradient = inner.gradient(output, first, output_gradients=upstream)
        value = ops.sum(ops.square(gradient))
    assert gradient is not None and np.isfinite(gradient).all()
    again = outer.gradient(value, upstream)
    assert again is not None and np.isfinite(again).all()
    assert np.abs(again).max() > 0
