"""Properties that hold for any input: round trips, shapes, ranges, refusals."""

import json
import warnings

import keras
import numpy as np
import pytest
from conformance import CASES
from conformance import LAYERS
from conformance import PAPERS
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import keras_gan
from keras_gan import architectures
from keras_gan import datasets
from keras_gan import latents
from keras_gan import layers
from keras_gan import losses
from keras_gan import penalties
from keras_gan import schedules

BOUNDED = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


def again(thing):
    """What comes back from a config that went through JSON."""
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(thing)))
    return keras.saving.deserialize_keras_object(config)


def plain(config):
    """A config without the numbers of objects, which are counted anew."""
    if isinstance(config, dict):
        return {
            key: plain(value)
            for key, value in config.items()
            if key != "shared_object_id"
        }
    return [plain(v) for v in config] if isinstance(config, list) else config


def config(thing):
    """A config to compare, without the names that Keras counts up."""
    return json.loads(json.dumps(keras.saving.serialize_keras_object(thing)))


unit = st.floats(0, 1, width=32)
positive = st.floats(1e-6, 1e6)
counts = st.integers(1, 10**6)
WEIGHTS = st.one_of(
    st.floats(0, 1e6),
    st.builds(schedules.Constant, positive),
    st.builds(schedules.Linear, positive, positive, counts),
    st.builds(schedules.CosineBurnIn, positive, positive, counts),
    st.lists(counts, min_size=1, max_size=4, unique=True).map(
        lambda steps: schedules.Step(
            [float(n) for n in range(len(steps) + 1)], sorted(steps)
        )
    ),
)
EVERY = st.integers(1, 100)
NAMES = st.text(min_size=1, max_size=9)
SMOOTHED = (losses.NonSaturating, losses.Minimax, losses.LeastSquares)
PLAIN = (
    losses.Wasserstein,
    losses.Hinge,
    losses.Relativistic,
    losses.RelativisticAverage,
)
PARTS = st.one_of(
    *(st.builds(c, label_noise=unit) for c in PLAIN),
    *(st.builds(c, label_smoothing=unit, label_noise=unit) for c in SMOOTHED),
    *(
        st.builds(c, WEIGHTS, every=EVERY, name=NAMES)
        for c in (
            penalties.R1,
            penalties.R2,
            penalties.ZeroCentered,
            penalties.Drift,
            penalties.DiscriminatorEntropy,
            penalties.LogCrossEntropy,
            penalties.SampleEnergy,
            penalties.WeightDecay,
            penalties.Orthogonal,
            penalties.ClassConsistency,
            penalties.Consistency,
        )
    ),
    st.builds(penalties.WGANGP, WEIGHTS, one_sided=st.booleans()),
    st.builds(penalties.DRAGAN, WEIGHTS, symmetric=st.booleans(), k=unit),
    st.builds(
        penalties.LeCam,
        WEIGHTS,
        decay=unit,
        form=st.sampled_from(["paper", "relu"]),
    ),
    st.builds(penalties.PathLength, WEIGHTS, rate=unit, every=EVERY),
    st.builds(
        latents.Normal, st.lists(st.integers(1, 99), min_size=1, max_size=4)
    ),
    st.builds(
        latents.Uniform, st.lists(st.integers(1, 99), min_size=1, max_size=4)
    ),
    WEIGHTS.filter(lambda w: not isinstance(w, float)),
)
LAYER_PARTS = st.one_of(
    st.builds(layers.PixelNorm, st.floats(1e-12, 1)),
    st.builds(layers.Upsample, st.integers(1, 9)),
    st.builds(layers.PhaseShuffle, st.integers(0, 9), seed=counts),
    st.builds(layers.MinibatchStd, st.integers(1, 9), st.integers(1, 9)),
    st.builds(layers.EqualizedDense, counts, use_bias=st.booleans()),
    st.builds(
        layers.DiffAugment,
        st.lists(
            st.sampled_from(["color", "translation", "cutout"]),
            min_size=1,
            unique=True,
        ).map(",".join),
        unit,
        seed=counts,
    ),
)


@settings(max_examples=200, **BOUNDED)
@given(PARTS)
def test_configs_come_back(part):
    """Random arguments go through `get_config` and JSON and come back."""
    found = again(part)
    assert type(found) is type(part)
    assert config(found) == config(part)


@settings(max_examples=60, **BOUNDED)
@given(LAYER_PARTS)
def test_configs_of_layers_come_back(part):
    found = again(part)
    assert type(found) is type(part)
    assert found.get_config() == part.get_config()


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: str(LAYERS.index(c)))
def test_configs_of_listed_layers_come_back(case):
    layer = case.make_layer()
    assert config(again(layer))["config"] == config(layer)["config"]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, marks=[] if c in CASES[:3] else pytest.mark.large)
        for c in (*CASES, *PAPERS)
    ],
    ids=lambda c: c.name,
)
def test_configs_of_listed_models_come_back(case):
    """Whole models, compiled, by the config that `.keras` files hold."""
    gan = case.make_gan()
    assert plain(config(again(gan))) == plain(config(gan))


shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@settings(max_examples=10, **BOUNDED)
@given(shapes, st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))
def test_samples_have_the_shape_asked_for(shape, n, batch_size, latent_dim):
    """Any rank, any number, any batch size; the same seed, the same draw."""
    gan = keras_gan.GAN(*architectures.mlp(shape, latent_dim, units=(3,)))
    samples = gan.generate(n, seed=1, batch_size=batch_size)
    assert samples.shape == (n, *shape) and samples.dtype == np.float32
    assert np.abs(samples).max() <= 1
    np.testing.assert_allclose(
        gan.generate(n, seed=1, batch_size=n), samples, atol=1e-6
    )


numbers = st.sampled_from(["f2", "f4", "f8", ">f4", ">f8"])


@settings(max_examples=30, **BOUNDED)
@given(st.data())
def test_any_float_array_in_range_is_batched(data):
    """Nothing but rows that do not fill a batch is lost, or changed."""
    shape = (data.draw(st.integers(2, 9)), *data.draw(shapes))
    dtype = np.dtype(data.draw(numbers))
    values = st.floats(-1, 1, width=8 * dtype.itemsize)
    x = data.draw(arrays.arrays(dtype, shape, elements=values))
    batch_size = data.draw(st.integers(1, len(x)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train, test = datasets.load(x, batch_size=batch_size, test_fraction=0)
    assert test is None
    rows = np.concatenate(list(train.as_numpy_iterator()))
    assert rows.dtype == np.float32
    assert rows.shape == (len(x) // batch_size * batch_size, *shape[1:])
    if len(rows) == len(x):
        np.testing.assert_array_equal(
            np.sort(rows, axis=None), np.sort(x.astype("float32"), axis=None)
        )


@settings(max_examples=20, **BOUNDED)
@given(st.data())
def test_any_bytes_are_scaled(data):
    """uint8 0 becomes -1 and 255 becomes 1, in any order of any shape."""
    shape = (data.draw(st.integers(1, 6)), *data.draw(shapes))
    x = data.draw(arrays.arrays(np.uint8, shape))
    train, _ = datasets.load(x, batch_size=len(x), test_fraction=0)
    (rows,) = train.as_numpy_iterator()
    assert rows.min() >= -1 and rows.max() <= 1
    np.testing.assert_allclose(
        np.sort((rows + 1) * 127.5, axis=None), np.sort(x, axis=None), atol=1e-4
    )


@settings(max_examples=100, **BOUNDED)
@given(
    arrays.arrays(
        st.sampled_from(["i1", "i8", "u2", "u8", "f4", "c8", "?", "U1", "O"]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        fill=st.nothing(),
    )
)
def test_labels_are_kept_or_refused(y):
    """Labels never become other labels in silence."""
    x = np.zeros((max(1, y.shape[0] if y.ndim else 1), 2), np.float32)
    try:
        train, _ = datasets.load((x, y), batch_size=len(x), test_fraction=0)
    except ValueError as error:
        assert "Received: " in str(error)
        return
    ((_, found),) = train.as_numpy_iterator()
    assert found.dtype in (np.int64, np.float32)
    kept = np.sort(found, axis=None) == np.sort(y, axis=None)
    assert found.size == y.size and kept.all()
    assert found.ndim == 2 or found.min() >= 0


@settings(max_examples=100, **BOUNDED)
@given(
    arrays.arrays(
        st.sampled_from(["f4", "f8"]),
        (4, 3),
        elements=st.floats(width=32) | st.floats(-1.125, 1.125, width=32),
    )
)
def test_floats_out_of_range_are_refused(x):
    """Inside [-1, 1] all come through, else none."""
    inside = np.isfinite(x).all() and np.abs(x).max() <= 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if inside:
            datasets.load(x, batch_size=2, test_fraction=0)
            return
        with pytest.raises(ValueError, match="Received: "):
            datasets.load(x, batch_size=2, test_fraction=0)


bad_numbers = st.one_of(
    st.floats(max_value=-1e-6),
    st.sampled_from([float("nan"), float("inf"), None, "1", [], {}, True]),
)


@settings(max_examples=100, **BOUNDED)
@given(
    st.sampled_from(
        [penalties.R1, penalties.LeCam, penalties.WeightDecay, penalties.Drift]
    ),
    bad_numbers,
)
def test_bad_weights_are_named(penalty, value):
    with pytest.raises((TypeError, ValueError)) as caught:
        penalty(value)
    assert f"Received: weight={value!r}" in str(caught.value)
