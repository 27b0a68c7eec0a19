"""Training refuses to start where a penalty would train nothing."""

import conformance
import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_gan
from keras_gan import penalties


def gan_with(*between, rules, augment=None, wrap=None):
    """A discriminator with layers between two convolutions."""
    generator = keras.Sequential(
        [keras.Input((4,)), layers.Dense(64), layers.Reshape((8, 8, 1))]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, name="below"),
            layers.LeakyReLU(),
            *between,
            layers.Conv2D(4, 3, padding="same", name="above"),
            layers.LeakyReLU(),
            layers.Flatten(),
            layers.Dense(1, name="head"),
        ]
    )
    if wrap is not None:
        discriminator = wrap(discriminator)
    gan = keras_gan.GAN(generator, discriminator, augment=augment, seed=0)
    gan.compile(
        keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), penalties=rules
    )
    return gan


def train(gan):
    before = [np.array(w) for w in gan.weights]
    x = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1))
    gan.fit(x.astype("float32"), batch_size=4, verbose=0)
    return [np.array_equal(a, b) for a, b in zip(before, gan.weights)]


@pytest.mark.parametrize(
    "rule",
    [
        penalties.R1,
        penalties.R2,
        penalties.ZeroCentered,
        penalties.WGANGP,
        penalties.DRAGAN,
    ],
)
def test_bilinear_resize_is_refused_and_named(rule):
    swallower = layers.Resizing(4, 4, name="shrink")
    gan = gan_with(swallower, rules=[rule()])
    before = [np.array(w) for w in gan.weights]
    with pytest.raises(ValueError, match="swallowed by 'shrink'") as error:
        train(gan)
    assert "['above', 'head']" in str(error.value)
    assert f"penalty {rule().name!r}" in str(error.value)
    for a, b in zip(before, gan.weights):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("mode", ["bicubic", "lanczos3", "bilinear"])
def test_other_resizing_is_refused(mode):
    swallower = layers.UpSampling2D(interpolation=mode, name="grow")
    with pytest.raises(ValueError, match="swallowed by 'grow'"):
        train(gan_with(swallower, rules=[penalties.R1()]))


def test_augmentation_may_swallow_too():
    augment = layers.Resizing(8, 8, name="zoom")
    with pytest.raises(ValueError, match="'zoom'") as error:
        train(gan_with(rules=[penalties.R1()], augment=augment))
    assert "['below', 'above', 'head']" in str(error.value)


def test_second_of_two_penalties_is_named():
    rules = [penalties.Drift(), penalties.R2()]
    with pytest.raises(ValueError, match="penalty 'r2'"):
        train(gan_with(layers.Resizing(4, 4), rules=rules))


@pytest.mark.parametrize(
    "layer",
    [
        layers.UpSampling2D(),
        layers.AveragePooling2D(2),
        layers.MaxPooling2D(),
        layers.RandomZoom(0.1),
        layers.Conv2DTranspose(4, 4, 2),
        layers.LayerNormalization(),
        layers.Activation("softplus"),
        keras_gan.layers.BlurPool(),
        keras_gan.layers.Upsample(),
    ],
    ids=lambda layer: layer.name,
)
def test_safe_layers_train(layer):
    moved = train(gan_with(layer, rules=[penalties.ZeroCentered()]))
    assert not all(moved)


def test_penalties_without_input_gradient_may_pass_a_resize():
    rules = [penalties.Drift(), penalties.LeCam(), penalties.WeightDecay()]
    assert not all(train(gan_with(layers.Resizing(4, 4), rules=rules)))


def test_without_penalties_nothing_is_asked():
    assert not all(train(gan_with(layers.Resizing(4, 4), rules=[])))


def test_labels_added_to_the_logits_need_not_feel_a_penalty():
    """Their weights do not multiply anything that depends on the sample."""
    x, label = keras.Input((4, 4, 1)), keras.Input((1,), dtype="int64")
    hidden = layers.LeakyReLU()(layers.Dense(4)(layers.Flatten()(x)))
    bias = layers.Flatten()(layers.Embedding(3, 1, name="bias")(label))
    logits = layers.Add()([layers.Dense(1)(hidden), bias])
    discriminator = keras.Model([x, label], logits)
    generator = conformance.labelled_players()[0]
    gan = conformance.LabelledGAN(generator, discriminator, seed=0)
    gan.compile("adam", "adam", penalties=[penalties.ZeroCentered()])
    embedding = discriminator.get_layer("bias").embeddings
    before = np.array(embedding)
    gan.fit(*conformance.labelled_batch(), batch_size=4, verbose=0)
    assert not np.array_equal(before, embedding)


def test_penalty_that_means_to_move_some_kernels_only():
    class Head(penalties.Penalty):
        reaches_all = False

        def __call__(self, discriminate, real, fake):
            head = discriminate.player.layers[-1].kernel
            return self.factor * ops.sum(head**2) * ops.ones(ops.shape(real)[0])

    assert not all(train(gan_with(rules=[Head(1.0, name="head")])))
    Head.reaches_all = True
    with pytest.raises(ValueError, match=r"\['below', 'above'\]"):
        train(gan_with(rules=[Head(1.0, name="head")]))


def test_subclassed_discriminator_names_what_is_cut_off():
    class Wrapped(keras.Model):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def call(self, x, training=False):
            return self.inner(x, training=training)

    gan = gan_with(layers.Resizing(4, 4), rules=[penalties.R1()], wrap=Wrapped)
    with pytest.raises(ValueError, match=r"\['above', 'head'\]"):
        train(gan)


def test_generator_penalty_that_needs_a_second_derivative():
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(16),
            layers.Reshape((4, 4, 1)),
            layers.UpSampling2D(interpolation="bilinear", name="grow"),
            layers.Conv2D(1, 3, padding="same", name="paint"),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1)]
    )
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile("adam", "adam", penalties=[penalties.PathLength()])
    with pytest.raises(ValueError, match="swallowed by 'grow'") as error:
        train(gan)
    assert "Received: generator=" in str(error.value)
