"""Hand numbers of objectives.md, section 2, computed in NumPy float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan import losses

REAL = np.array([[2.0], [-1.0], [0.5]])
FAKE = np.array([[-0.5], [1.0], [0.0]])
EXPECTED = {
    "minimax": (
        [0.601005, 2.626523, 1.167224],
        [-0.474077, -1.313262, -0.693147],
    ),
    "non_saturating": (
        [0.601005, 2.626523, 1.167224],
        [0.974077, 0.313262, 0.693147],
    ),
    "least_squares": ([0.625, 2.5, 0.125], [1.125, 0.0, 0.5]),
    "wasserstein": ([-2.5, 2.0, -0.5], [0.5, -1.0, 0.0]),
    "hinge": ([0.5, 4.0, 1.5], [0.5, -1.0, 0.0]),
    "relativistic_average": (
        [0.461578, 2.411841, 1.014383],
        [3.294911, 0.745175, 1.847716],
    ),
    "relativistic": (
        [0.078890, 2.126928, 0.474077],
        [2.578890, 0.126928, 0.974077],
    ),
}


def softplus(t):
    return np.logaddexp(0.0, t)


def sides(loss):
    return loss.discriminator_loss, loss.generator_loss


@pytest.fixture(params=sorted(losses.LOSSES))
def name(request):
    return request.param


def test_each_name_has_hand_numbers():
    assert set(EXPECTED) == set(losses.LOSSES)


def test_hand_numbers(name):
    for side, expected in zip(sides(losses.get(name)), EXPECTED[name]):
        found = side(REAL, FAKE)
        assert found.dtype == "float64"
        np.testing.assert_allclose(found, expected, atol=6e-7)


def test_float64_formula():
    r, f = REAL[:, 0], FAKE[:, 0]
    d_loss = softplus(-(r - f.mean())) + softplus(f - r.mean())
    found = losses.RelativisticAverage().discriminator_loss(REAL, FAKE)
    np.testing.assert_allclose(found, d_loss, rtol=1e-12)
    found = losses.Relativistic().generator_loss(REAL, FAKE)
    np.testing.assert_allclose(found, softplus(r - f), rtol=1e-12)


def test_logits_without_last_axis(name):
    for side in sides(losses.get(name)):
        np.testing.assert_allclose(
            side(REAL, FAKE), side(REAL[:, 0], FAKE[:, 0]), rtol=1e-12
        )


def test_patches_are_averaged_after_the_loss(name):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 4, 3, 3, 1)) * 3
    loss = losses.get(name)
    for side, values in zip(
        sides(loss), (loss.discriminator_values, loss.generator_values)
    ):
        found = side(real, fake)
        assert found.shape == (4,)
        each = np.array(values(real, fake)).reshape(4, -1)
        np.testing.assert_allclose(found, each.mean(-1), rtol=1e-12)
    if name not in ("wasserstein",):
        of_mean = loss.discriminator_loss(
            real.mean((1, 2, 3))[:, None], fake.mean((1, 2, 3))[:, None]
        )
        assert not np.allclose(loss.discriminator_loss(real, fake), of_mean)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_extreme_logits_are_safe(name, dtype):
    grid = [-1e4, -50.0, 0.0, 50.0, 1e4]
    real, fake = (
        tf.cast(g.reshape(-1, 1), dtype) for g in np.meshgrid(grid, grid)
    )
    for side in sides(losses.get(name)):
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            value = side(real, fake)
        assert value.dtype == "float32"
        assert np.isfinite(value).all()
        for gradient in tape.gradient(value, [real, fake]):
            if gradient is not None:
                assert np.isfinite(tf.cast(gradient, "float32")).all()


def test_low_precision_is_computed_in_float32():
    real, fake = (tf.cast(x, "float16") for x in (REAL, FAKE))
    found = losses.NonSaturating().discriminator_loss(real, fake)
    np.testing.assert_allclose(found, EXPECTED["non_saturating"][0], atol=1e-6)


def test_pairing_sees_differences_only():
    loss = losses.Relativistic()
    for side in sides(loss):
        np.testing.assert_allclose(side(REAL + 7, FAKE + 7), side(REAL, FAKE))
        np.testing.assert_allclose(side(REAL, REAL), np.log(2.0))


def test_round_trip(name):
    loss = losses.get(name)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)


def test_own_object_is_taken_as_it_is():
    class Own:
        def discriminator_loss(self, real_logits, fake_logits):
            return fake_logits[:, 0]

        def generator_loss(self, real_logits, fake_logits):
            return fake_logits[:, 0]

    own = Own()
    assert losses.get(own) is own


@pytest.mark.parametrize("wrong", ["hing", None, 3, losses.Hinge, "Hinge"])
def test_unknown_loss_is_named(wrong):
    with pytest.raises(ValueError, match="non_saturating.*Received: loss="):
        losses.get(wrong)


@pytest.mark.parametrize("make", [losses.NonSaturating, losses.Minimax])
def test_label_smoothing_is_cross_entropy_with_a_soft_label(make):
    """Label 0.9: 0.9 softplus(-r) + 0.1 softplus(r); fakes keep theirs."""
    found = make(label_smoothing=0.1).discriminator_loss(REAL, FAKE)
    real = 0.9 * softplus(-REAL) + 0.1 * softplus(REAL)
    expected = (real + softplus(FAKE))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    smooth = make(label_smoothing=0.1).generator_loss(REAL, FAKE)
    np.testing.assert_array_equal(smooth, make().generator_loss(REAL, FAKE))


def test_label_smoothing_of_least_squares():
    """(2 - .9)^2 / 2 + .25 / 2 = .73, and so on."""
    loss = losses.LeastSquares(label_smoothing=0.1)
    found = loss.discriminator_loss(REAL, FAKE)
    np.testing.assert_allclose(found, [0.73, 2.305, 0.08], rtol=1e-12)
    expected = EXPECTED["least_squares"][1]
    np.testing.assert_allclose(loss.generator_loss(REAL, FAKE), expected)


def test_certain_label_noise_exchanges_the_sides(name):
    noisy = type(losses.get(name))(label_noise=1.0)
    clean = losses.get(name)
    np.testing.assert_allclose(
        noisy.discriminator_loss(REAL, FAKE),
        clean.discriminator_loss(FAKE, REAL),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        noisy.generator_loss(REAL, FAKE), clean.generator_loss(REAL, FAKE)
    )


def test_label_noise_hits_its_share_of_rows():
    loss = losses.Wasserstein(label_noise=0.3)
    loss.seed_generator = keras.random.SeedGenerator(0)
    real, fake = np.zeros((5000, 1)), np.ones((5000, 1))
    found = np.array(loss.discriminator_loss(real, fake))
    assert set(found) == {1.0, -1.0}
    np.testing.assert_allclose((found == -1.0).mean(), 0.3, atol=0.03)
    again = np.array(loss.discriminator_loss(real, fake))
    assert not np.array_equal(found, again)
    patches = loss.discriminator_loss(
        np.zeros((50, 2, 2, 1)), np.ones((50, 2, 2, 1))
    )
    assert set(np.array(patches)) == {1.0, -1.0}


def test_evaluation_sees_labels_as_they_are():
    noisy = losses.Hinge(label_noise=1.0)
    clean = losses.without_noise(noisy)
    expected = EXPECTED["hinge"][0]
    np.testing.assert_allclose(clean.discriminator_loss(REAL, FAKE), expected)
    assert noisy.label_noise == 1.0
    own = object()
    assert losses.without_noise(own) is own


def test_round_trip_keeps_every_argument():
    for loss in (
        losses.NonSaturating(label_smoothing=0.1, label_noise=0.2),
        losses.LeastSquares(label_smoothing=0.3),
        losses.Relativistic(label_noise=0.4),
    ):
        config = keras.saving.serialize_keras_object(loss)
        again = keras.saving.deserialize_keras_object(config)
        assert again.get_config() == loss.get_config()
        assert loss.get_config() != type(loss)().get_config()


@pytest.mark.parametrize("argument", ["label_smoothing", "label_noise"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_label_arguments_out_of_range(argument, value):
    with pytest.raises(ValueError, match=f"Received: {argument}="):
        losses.NonSaturating(**{argument: value})


def test_noisy_loss_belongs_to_one_model():
    loss = losses.Hinge(label_noise=0.1)
    first, second = object(), object()
    losses.adopt(loss, first)
    losses.adopt(loss, first)
    with pytest.raises(ValueError, match="which another model uses"):
        losses.adopt(loss, second)
