import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_gan
from keras_gan import architectures
from keras_gan import datasets
from keras_gan import latents
from keras_gan import tasks


def make_gan(*stack, latent_dim=4, kind=keras_gan.GAN, **options):
    """A GAN of these layers; the average is the generator itself."""
    generator = keras.Sequential([keras.Input((latent_dim,)), *stack])
    shape = generator.output_shape[1:]
    judge = [keras.Input(shape), layers.Flatten(), layers.Dense(1)]
    return kind(
        generator,
        keras.Sequential(judge),
        ema_half_life=None,
        seed=0,
        **options,
    )


def of_players(players, **task):
    kind = tasks.ConditionalGAN if task else keras_gan.GAN
    return kind(*players, seed=0, **task)


def test_linear_generators_are_solved():
    gan = make_gan(layers.Dense(12), layers.Reshape((2, 3, 2)))
    dense = gan.generator.layers[0]
    rng = np.random.default_rng(0)
    dense.kernel.assign(rng.normal(size=(4, 12)))
    dense.bias.assign(rng.normal(size=12))
    known = gan.sample_latents(3, seed=9).numpy()
    found = keras_gan.invert(gan, gan.generate(3, seed=9))
    assert found.labels is None and found.latents.dtype == "float32"
    np.testing.assert_allclose(found.latents, known, atol=1e-3)
    assert found.error.max() < 1e-6
    # Not to be reached: least squares, and what they leave.
    x = rng.normal(size=(2, 12))
    kernel, bias = (np.array(w, "float64") for w in dense.weights)
    expected = np.linalg.lstsq(kernel.T, (x - bias).T, rcond=None)[0].T
    found = keras_gan.invert(gan, x.reshape(2, 2, 3, 2), restarts=1)
    np.testing.assert_allclose(found.latents, expected, atol=1e-3)
    left = np.mean((expected @ kernel + bias - x) ** 2, axis=1)
    np.testing.assert_allclose(found.error, left, rtol=1e-4)


def test_own_samples_are_found_and_real_ones_are_not():
    players = architectures.mlp((28, 28, 1), latent_dim=6, units=(64, 64))
    gan = of_players(players)
    for weight in gan.averaged_generator.weights:
        weight.assign(2 * weight)
    own = gan.generate(8, seed=3)
    train, _ = datasets.load("fashion_mnist_10k", batch_size=8)
    real = next(iter(train))[0]
    found = keras_gan.invert(gan, np.concatenate([own, real]))
    assert found.error[:8].max() < 1e-4 < 0.05 < found.error[8:].min()
    again = gan(found.latents).numpy()
    np.testing.assert_allclose(again[:8], own, atol=0.05)
    errors = np.mean((again - np.concatenate([own, real])) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(found.error, errors, atol=1e-6)


def bent(**options):
    """A generator with more than one way down."""
    wave = layers.Lambda(lambda x: x + 2 * ops.sin(4 * x))
    return make_gan(wave, **options)


def test_the_seed_decides_and_nothing_else_does():
    gan = bent()
    x = np.random.default_rng(1).normal(size=(3, 4))
    options = {"steps": 40, "restarts": 3}
    before = [np.array(v) for v in gan.variables]
    first = keras_gan.invert(gan, x, **options)
    for was, now in zip(before, gan.variables):
        np.testing.assert_array_equal(was, now)
    again = keras_gan.invert(gan, x, **options)
    np.testing.assert_array_equal(first.latents, again.latents)
    other = keras_gan.invert(gan, x, seed=1, **options)
    assert np.abs(other.latents - first.latents).max() > 0.1
    # Each sample by itself, some at once or all.
    few = keras_gan.invert(gan, x, batch_size=2, **options)
    np.testing.assert_allclose(few.latents, first.latents, atol=1e-4)
    last = keras_gan.invert(gan, x[2:], **options)
    np.testing.assert_allclose(last.latents, first.latents[2:], atol=1e-4)


def test_the_best_start_is_kept():
    gan = bent()
    x = gan.generate(4, seed=7)
    errors = []
    starts = gan.sample_latents(5, 0).numpy()
    for start in starts:
        gan.latents = lambda n, seed, start=start: ops.array(start[None])
        errors.append(keras_gan.invert(gan, x, steps=60, restarts=1).error)
    gan.latents = latents.Normal((4,))
    found = keras_gan.invert(gan, x, steps=60, restarts=5)
    np.testing.assert_allclose(found.error, np.min(errors, axis=0), atol=1e-5)
    assert np.ptp(errors, axis=0).max() > 0.01
    assert len(set(np.argmin(errors, axis=0))) > 1


def test_classes_are_found_or_given():
    gan = of_players(
        architectures.mlp((9,), 3, num_classes=3, units=(16,)), num_classes=3
    )
    for weight in gan.averaged_generator.weights:
        weight.assign(2 * weight)
    labels = np.array([2, 0, 1, 1])
    x = gan.generate(labels, seed=1)
    found = keras_gan.invert(gan, x)
    np.testing.assert_array_equal(found.labels, labels[:, None])
    assert found.error.max() < 1e-4
    given = keras_gan.invert(gan, x, labels=labels)
    np.testing.assert_array_equal(given.labels, labels[:, None])
    np.testing.assert_allclose(given.latents, found.latents, atol=1e-3)
    wrong = keras_gan.invert(gan, x, labels=(labels + 1) % 3)
    np.testing.assert_array_equal(wrong.labels[:, 0], (labels + 1) % 3)
    assert (wrong.error > 10 * found.error).all()


def test_codes_are_found():
    draw = latents.Codes(2, (3, 2), 1)
    gan = make_gan(
        layers.Dense(10),
        latent_dim=8,
        latents=draw,
    )
    found = keras_gan.invert(gan, gan.generate(6, seed=2), restarts=1)
    known = gan.sample_latents(6, 2)
    np.testing.assert_allclose(found.latents, known, atol=1e-3)
    categories = found.latents[:, 2:7]
    assert set(np.unique(categories)) == {0.0, 1.0}
    far = keras_gan.invert(gan, 5 + gan.generate(6, seed=2), restarts=1)
    assert np.abs(far.latents[:, 7]).max() <= 1
    np.testing.assert_array_equal(far.latents[:, 2:5].sum(axis=1), 1)


def test_uniform_latents_stay_inside():
    gan = make_gan(layers.Identity(), latents=latents.Uniform((4,)))
    x = np.array([[0.5, -2.0, 3.0, -0.1]])
    found = keras_gan.invert(gan, x, restarts=1)
    np.testing.assert_allclose(found.latents, [[0.5, -1, 1, -0.1]], atol=1e-3)


def test_other_losses():
    gan = make_gan(layers.Dense(6))
    x = gan.generate(2, seed=4)

    def first_half(images, fakes):
        return ops.sum(ops.abs(images - fakes)[:, :3], axis=1)

    noisy = np.concatenate([x[:, :3], 0 * x[:, 3:]], axis=1)
    found = keras_gan.invert(gan, noisy, loss=first_half, restarts=1)
    again = gan(found.latents).numpy()
    np.testing.assert_allclose(again[:, :3], x[:, :3], atol=1e-2)
    left = np.abs(again - noisy)[:, :3].sum(axis=1)
    np.testing.assert_allclose(found.error, left, atol=1e-5)


def test_starts_that_lead_nowhere_lose():
    gan = make_gan(layers.Identity())
    x = gan.generate(2, seed=4)
    starts = np.array([[np.nan] * 4, [0.0] * 4], "float32")
    gan.latents = lambda n, seed: ops.convert_to_tensor(starts)
    found = keras_gan.invert(gan, x, restarts=2)
    np.testing.assert_allclose(found.latents, x, atol=1e-3)


@pytest.mark.parametrize(
    "name",
    ["dcgan", "stylegan2", pytest.param("sagan", marks=pytest.mark.long)],
)
def test_papers_are_inverted_and_stay(name):
    options = {"stylegan2": {"mapping_layers": 1, "channel_max": 4}}
    options |= {"dcgan": {"width": 4}, "sagan": {"width": 4, "max_width": 8}}
    make = getattr(architectures, name)
    players = make((8, 8, 1), 4, num_classes=2, **options[name])
    gan = of_players(players, num_classes=2)
    x = gan.generate([0, 1], seed=1)
    before = [np.array(v) for v in gan.variables]
    found = keras_gan.invert(gan, x, steps=60, restarts=1)
    for was, now in zip(before, gan.variables):
        np.testing.assert_array_equal(was, now)
    others = gan.generate([0, 1], seed=0)
    start = np.mean((others - x) ** 2, axis=(1, 2, 3))
    assert (found.error < 0.3 * start).all()


def test_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    gan = of_players(architectures.mlp((9,), 3, units=(16,)))
    found = keras_gan.invert(gan, gan.generate(2, seed=1), steps=100)
    assert found.error.dtype == found.latents.dtype == "float32"
    assert found.error.max() < 1e-3


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"images": np.zeros((2, 3))}, ValueError, r"shape=\(2, 3\)"),
        ({"images": np.zeros((2, 6), "uint8")}, ValueError, "must be floats"),
        ({"images": np.zeros((0, 6))}, ValueError, r"images of shape=\(0, 6\)"),
        ({"images": np.full((1, 6), np.nan)}, ValueError, "must be finite"),
        ({"labels": [1, 2]}, ValueError, r"Received: labels=\[1, 2\]"),
        ({"steps": 0}, ValueError, "steps=0"),
        ({"restarts": 0}, ValueError, "restarts=0"),
        ({"batch_size": 1.5}, TypeError, "batch_size=1.5"),
        ({"learning_rate": 0}, ValueError, "learning_rate=0"),
        ({"seed": None}, TypeError, "seed=None"),
        ({"loss": "mae"}, ValueError, "loss='mae'"),
        (
            {"loss": lambda x, y: ops.mean(x - y)},
            ValueError,
            r"values of shape=\(\)",
        ),
    ],
)
def test_errors_name_what_is_wrong(given, error, message):
    gan = make_gan(layers.Dense(6))
    arguments = {"images": np.zeros((2, 6)), **given}
    with pytest.raises(error, match=message):
        keras_gan.invert(gan, **arguments)


def test_labels_must_be_one_a_sample():
    players = architectures.mlp((9,), 3, num_classes=3, units=(4,))
    gan = of_players(players, num_classes=3)
    with pytest.raises(ValueError, match="1 labels for 2 images"):
        keras_gan.invert(gan, np.zeros((2, 9)), labels=[1])
