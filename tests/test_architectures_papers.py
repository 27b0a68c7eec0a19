"""The players of the papers: sizes, counts, labels, gradients, files."""

import gc
import importlib
import math
import weakref

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

import keras_gan
from keras_gan import architectures
from keras_gan import truncation
from keras_gan.layers import BlurPool
from keras_gan.layers import MeanStyle
from keras_gan.layers import ModulatedConv2D
from keras_gan.layers import NoiseInjection
from keras_gan.layers import SelfAttention
from keras_gan.layers import SpectralNormalization
from keras_gan.layers import Upsample

# The front door has functions of the names of these files.
ROOMS = "keras_gan.architectures."
r3gan_room = importlib.import_module(ROOMS + "r3gan")
resnet_room = importlib.import_module(ROOMS + "sn_resnet")
style_room = importlib.import_module(ROOMS + "stylegan2")
LATENT_DIM = 6


def shape_of(size):
    return (*size, 3) if isinstance(size, tuple) else (size, size, 3)


def sn_resnet(size, **kwargs):
    options = {"g_width": 4, "d_width": 4, "max_width": 8, **kwargs}
    return architectures.sn_resnet(shape_of(size), LATENT_DIM, **options)


def sagan(size, **kwargs):
    options = {"width": 8, "max_width": 16, **kwargs}
    return architectures.sagan(shape_of(size), LATENT_DIM, **options)


def r3gan_d(size, **kwargs):
    options = {"width": 8, "blocks": 1, **kwargs}
    return architectures.r3gan(shape_of(size), LATENT_DIM, **options)


def r3gan_e(size, **kwargs):
    options = {"width": 16, "config": "E", "blocks": 1, **kwargs}
    return architectures.r3gan(shape_of(size), LATENT_DIM, **options)


def stylegan2(size, **kwargs):
    options = {
        "mapping_layers": 2,
        "channel_base": 64,
        "channel_max": 8,
        **kwargs,
    }
    return architectures.stylegan2(shape_of(size), LATENT_DIM, **options)


def stylegan2_residual(size, **kwargs):
    return stylegan2(size, output="residual", **kwargs)


SMALL = [sn_resnet, sagan, r3gan_d, r3gan_e, stylegan2, stylegan2_residual]


@pytest.fixture(params=SMALL, ids=lambda make: make.__name__)
def make(request):
    return request.param


def latents_of(rows, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, LATENT_DIM)).astype("float32")


def images_of(rows, size, seed=0):
    rng = np.random.default_rng(seed)
    shape = (rows, *shape_of(size))
    return rng.uniform(-1, 1, shape).astype("float32")


def labels_of(*labels):
    return tf.constant(labels, "int32")[:, None]


def stir(model, seed=0):
    """Moves every weight off its start, where some gradients are 0."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        noise = rng.normal(scale=0.2, size=weight.shape)
        weight.assign_add(noise.astype("float32"))


def count(model):
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def kinds(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def convolve(x, kernel, bias=0.0):
    """3x3 or 1x1 convolution of one image, zeros outside."""
    size = kernel.shape[0]
    height, width, _ = x.shape
    padded = np.pad(x, [(size // 2, size // 2)] * 2 + [(0, 0)])
    total = np.zeros((height, width, kernel.shape[-1]))
    for i in range(size):
        for j in range(size):
            total += padded[i : i + height, j : j + width] @ kernel[i, j]
    return total + bias


def repeat(x):
    return x.repeat(2, axis=0).repeat(2, axis=1)


def pool(x):
    height, width, channels = x.shape
    parts = x.reshape(height // 2, 2, width // 2, 2, channels)
    return parts.mean(axis=(1, 3))


def relu(x):
    return np.maximum(x, 0.0)


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def model_of(function, shape):
    """A model of one block, its weights off their start."""
    x = keras.Input(shape)
    model = keras.Model(x, function(x))
    stir(model)
    return model


# Sizes -----------------------------------------------------------------


@pytest.mark.large
@pytest.mark.parametrize("size", [8, 28, 32, 64, (16, 32)])
def test_shapes_and_training_pass(make, size):
    generator, discriminator = make(size)
    assert generator.input_shape == (None, LATENT_DIM)
    assert generator.output_shape == (None, *shape_of(size))
    assert discriminator.input_shape == (None, *shape_of(size))
    assert discriminator.output_shape == (None, 1)
    for training in (False, True):
        fake = generator(latents_of(4), training=training)
        logits = discriminator(fake, training=training)
        assert fake.shape == (4, *shape_of(size)) and logits.shape == (4, 1)
        assert np.isfinite(fake).all() and np.isfinite(logits).all()
    assert np.ptp(np.array(logits)) > 0


def test_one_channel(make):
    options = {"sn_resnet": {"g_width": 4, "d_width": 4}, "sagan": {"width": 8}}
    name = make.__name__.removesuffix("_d").removesuffix("_e")
    name = name.removesuffix("_residual")
    function = getattr(architectures, name)
    players = function((8, 8, 1), 2, **options.get(name, {}))
    assert players[0].output_shape == (None, 8, 8, 1)
    assert players[1].input_shape == (None, 8, 8, 1)


@pytest.mark.parametrize("size", [30, 7, 4])
def test_sizes_that_do_not_fit(make, size):
    with pytest.raises(ValueError, match=rf"image_shape=\({size}, {size}, 3\)"):
        make(size)


# Labels ----------------------------------------------------------------


@pytest.mark.large
def test_labels_matter(make):
    generator, discriminator = make(8, num_classes=3)
    for player, x in (
        (generator, latents_of(1)),
        (discriminator, images_of(1, 8)),
    ):
        x = tf.constant(x.repeat(3, axis=0))
        assert [i.name for i in player.inputs][1] == "labels"
        assert player.inputs[1].shape == (None, 1)
        stir(player)
        same = np.array(player([x, labels_of(1, 1, 1)]))
        np.testing.assert_allclose(same[0], same[1], rtol=1e-4, atol=1e-5)
        other = np.array(player([x, labels_of(0, 1, 2)]))
        np.testing.assert_allclose(other[1], same[1], rtol=1e-4, atol=1e-5)
        flat = player([x, tf.constant([0, 1, 2], "int64")])
        np.testing.assert_array_equal(flat, other)
        for a, b in ((0, 1), (1, 2), (0, 2)):
            assert np.abs(other[a] - other[b]).max() > 1e-3


# Gradients -------------------------------------------------------------


@pytest.mark.large
@pytest.mark.parametrize("num_classes", [None, 3])
def test_penalty_reaches_every_kernel(make, num_classes):
    """d/dW of the squared image gradient; a resize would give None."""
    _, discriminator = make(16, num_classes=num_classes)
    stir(discriminator)
    image = tf.constant(images_of(3, 16))
    labels = labels_of(0, 1, 2)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(image)
            inputs = image if num_classes is None else [image, labels]
            logits = ops.sum(discriminator(inputs, training=True))
        penalty = ops.sum(ops.square(inner.gradient(logits, image)))
    kernels = [w for w in discriminator.trainable_weights if len(w.shape) > 1]
    assert len(kernels) >= 6
    gradients = outer.gradient(penalty, [kernel.value for kernel in kernels])
    for kernel, gradient in zip(kernels, gradients):
        assert gradient is not None, kernel.path
        gradient = np.array(tf.convert_to_tensor(gradient))
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0, (
            kernel.path
        )


@pytest.mark.large
def test_generator_uses_every_weight(make):
    generator, _ = make(16, num_classes=3)
    stir(generator)
    z = tf.constant(latents_of(3))
    with tf.GradientTape() as tape:
        fake = generator([z, labels_of(0, 1, 2)], training=True)
        value = ops.sum(ops.square(fake - 0.3))
    weights = generator.trainable_weights
    gradients = tape.gradient(value, [weight.value for weight in weights])
    for weight, gradient in zip(weights, gradients):
        assert gradient is not None, weight.path
        # A bias before batch normalisation changes nothing.
        if len(weight.shape) > 1 or "noise" in weight.path:
            gradient = np.array(tf.convert_to_tensor(gradient))
            assert np.abs(gradient).max() > 0, weight.path


# Precision and files -----------------------------------------------------


@pytest.mark.parametrize(
    "num_classes", [None, pytest.param(2, marks=pytest.mark.large)]
)
def test_mixed_precision(make, num_classes):
    keras.config.set_dtype_policy("mixed_bfloat16")
    generator, discriminator = make(8, num_classes=num_classes)

    def inputs(x):
        return x if num_classes is None else [x, labels_of(0, 1)]

    fake = generator(inputs(tf.constant(latents_of(2))), training=True)
    logits = discriminator(inputs(fake), training=True)
    assert fake.dtype == "float32" and logits.dtype == "float32"
    assert np.isfinite(fake).all() and np.isfinite(logits).all()
    for player in (generator, discriminator):
        used = {layer.compute_dtype for layer in player.layers}
        assert "bfloat16" in used
        floats = {w.dtype for w in player.weights if "float" in w.dtype}
        assert floats == {"float32"}


@pytest.mark.large
def test_files(make, tmp_path):
    generator, discriminator = make(8, num_classes=2)
    labels = labels_of(0, 1)
    for player, x in (
        (generator, latents_of(2)),
        (discriminator, images_of(2, 8)),
    ):
        x = tf.constant(x)
        stir(player)
        player([x, labels], training=True)
        path = tmp_path / f"{player.name}.keras"
        player.save(path)
        loaded = keras.saving.load_model(path)
        np.testing.assert_array_equal(player([x, labels]), loaded([x, labels]))
        clone = keras.models.clone_model(player)
        clone.set_weights(player.get_weights())
        np.testing.assert_array_equal(player([x, labels]), clone([x, labels]))


# SN-ResNet ---------------------------------------------------------------


def block_shapes(player):
    return [layer.output.shape[1:] for layer in kinds(player, layers.Add)]


@pytest.mark.parametrize(
    ("size", "halvings"), [(8, 1), (10, 1), (14, 1), (12, 2), ((12, 14), 1)]
)
def test_sn_resnet_halvings_up_to_32_pixels(size, halvings):
    """Each halving pools both branches of its block."""
    _, discriminator = sn_resnet(size)
    found = kinds(discriminator, layers.AveragePooling2D)
    assert len(found) == 2 * halvings


def test_sn_resnet_count_at_32_pixels():
    """Table 3 of arXiv 1802.05957, counted by hand.

    Generator: dense to 4x4x256, three blocks of 256, batch normalisation,
    3x3 to 3. Discriminator: four blocks of 128, the first two halve; dense.
    """
    generator, discriminator = architectures.sn_resnet()
    block = 2 * (9 * 256**2 + 256) + (256**2 + 256) + 4 * 256
    g_count = 129 * 4096 + 3 * block + 2 * 256 + 27 * 256 + 3
    two = 2 * (9 * 128**2 + 128)
    first = (27 * 128 + 128) + (9 * 128**2 + 128) + (3 * 128 + 128)
    d_count = first + (two + 128**2 + 128) + 2 * two + 129
    assert (g_count, d_count) == (4_276_739, 1_053_825)
    assert (count(generator), count(discriminator)) == (g_count, d_count)
    assert block_shapes(generator) == [(s, s, 256) for s in (8, 16, 32)]
    assert block_shapes(discriminator) == [(s, s, 128) for s in (16, 8, 8, 8)]


@pytest.mark.large
@pytest.mark.parametrize(
    ("size", "generator_blocks", "discriminator_blocks"),
    [
        # Table 4: dense 6x6x512, blocks 256, 128, 64; 64 to 512, then 1024.
        (
            48,
            [(12, 256), (24, 128), (48, 64)],
            [(24, 64), (12, 128), (6, 256), (3, 512), (3, 1024)],
        ),
        # Tables 5 and 6: dense 4x4x1024, 1024 to 64; 64 to 1024, then 1024.
        (
            128,
            [(8, 1024), (16, 512), (32, 256), (64, 128), (128, 64)],
            [(64, 64), (32, 128), (16, 256), (8, 512), (4, 1024), (4, 1024)],
        ),
    ],
)
def test_sn_resnet_blocks_above_32_pixels(
    size, generator_blocks, discriminator_blocks
):
    generator, discriminator = architectures.sn_resnet((size, size, 3))
    base, width = {48: (6, 512), 128: (4, 1024)}[size]
    assert kinds(generator, layers.Reshape)[0].target_shape == (
        base,
        base,
        width,
    )
    for player, expected in (
        (generator, generator_blocks),
        (discriminator, discriminator_blocks),
    ):
        assert block_shapes(player) == [(s, s, w) for s, w in expected]
    # First convolutions of blocks keep the channels, but for the image.
    widths = [w for _, w in discriminator_blocks]
    convolutions = [
        (9 * i * h + h) + (9 * h * o + o) + (i * o + o) * (i != o)
        for i, h, o in zip([3, *widths], [64, *widths], widths)
    ]
    assert count(discriminator) == sum(convolutions) + 1025


def test_generator_block_by_hand():
    model = model_of(
        lambda x: resnet_room.generator_block(x, 5, layers.ReLU(), False),
        (2, 4, 3),
    )
    x = images_of(1, (2, 4))
    first, last, short = kinds(model, layers.Conv2D)
    if short.kernel_size != (1, 1):
        first, last, short = sorted(
            (first, last, short), key=lambda c: c.kernel_size, reverse=True
        )
    (k1, b1), (k2, b2), (k3, b3) = (
        [np.array(w) for w in c.weights] for c in (first, last, short)
    )
    y = convolve(relu(convolve(repeat(relu(x[0])), k1, b1)), k2, b2)
    expected = y + repeat(convolve(x[0], k3, b3))
    np.testing.assert_allclose(model(x)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("halve", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_discriminator_block_by_hand(first, halve):
    model = model_of(
        lambda x: resnet_room.discriminator_block(x, 5, 4, halve, first),
        (2, 4, 3),
    )
    x = images_of(1, (2, 4))
    wrapped = kinds(model, SpectralNormalization)
    sizes = [w.layer.kernel_size for w in wrapped]
    assert sorted(sizes) == [(1, 1), (3, 3), (3, 3)]
    by_size = sorted(wrapped, key=lambda w: w.layer.kernel_size, reverse=True)
    (k1, b1), (k2, b2), (k3, b3) = (
        (np.array(w.normalized_kernel()), np.array(w.layer.bias))
        for w in by_size
    )
    assert k1.shape == (3, 3, 3, 4) and k2.shape == (3, 3, 4, 5)
    y = convolve(x[0] if first else relu(x[0]), k1, b1)
    y = convolve(relu(y), k2, b2)
    short = convolve(x[0], k3, b3)
    expected = pool(y) + pool(short) if halve else y + short
    np.testing.assert_allclose(model(x)[0], expected, rtol=1e-5, atol=1e-5)


def test_block_without_change_has_no_shortcut_kernel():
    model = model_of(
        lambda x: resnet_room.discriminator_block(x, 3, 3, False, False),
        (2, 4, 3),
    )
    assert len(kinds(model, SpectralNormalization)) == 2


def test_projection_head_by_hand():
    """`(W / sigma) h + b + <E[y] / sigma, h>`, `h` the sum over positions."""
    x, labels = keras.Input((2, 3, 4)), keras.Input((1,), dtype="int32")
    model = keras.Model([x, labels], resnet_room.projection_head(x, labels, 3))
    stir(model)
    dense, embedding = kinds(model, SpectralNormalization)
    if isinstance(dense.layer, layers.Embedding):
        dense, embedding = embedding, dense
    values = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
    features = relu(values).sum(axis=(1, 2))
    kernel = np.array(dense.layer.kernel)
    expected = features @ kernel / np.linalg.norm(kernel)
    expected += np.array(dense.layer.bias)
    table = np.array(embedding.normalized_kernel())[[2, 0]]
    expected += (table * features).sum(axis=1, keepdims=True)
    found = model([tf.constant(values, "float32"), labels_of(2, 0)])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def with_kernels(player):
    """Layers that hold a kernel, wrapped ones by their wrapper."""
    for layer in player.layers:
        if any(len(w.shape) > 1 for w in layer.trainable_weights):
            yield layer


@pytest.mark.large
def test_where_spectral_normalization_is():
    normalized = (SpectralNormalization, SelfAttention)
    by_class = resnet_room.ConditionalBatchNormalization
    for make, everywhere in ((sn_resnet, False), (sagan, True)):
        generator, discriminator = make(16, num_classes=2)
        for layer in with_kernels(discriminator):
            assert isinstance(layer, normalized)
        for layer in with_kernels(generator):
            if not isinstance(layer, by_class):
                assert isinstance(layer, normalized) == everywhere
        for layer in kinds(generator, SelfAttention):
            assert layer.spectral
        # Two in each of two blocks; the last normalisation is not by class.
        assert len(kinds(generator, by_class)) == 4
        assert len(kinds(generator, layers.BatchNormalization)) == 1


# SAGAN -------------------------------------------------------------------


@pytest.mark.large
def test_sagan_count_at_128_pixels():
    """81.5 million for both: row 1 of table 1 of arXiv 1809.11096.

    It is "SA-GAN baseline", 128 pixels, 1000 classes, 64 channels.
    """
    generator, discriminator = architectures.sagan(num_classes=1000)

    def both(inner, outer, inputs):
        convolutions = 9 * inputs * inner + inner + 9 * inner * outer + outer
        return convolutions + inputs * outer + outer

    widths = [64, 128, 256, 512, 1024]
    g_ins, g_outs = [1024, *widths[:0:-1]], widths[::-1]
    g_count = 129 * 16 * 1024
    g_count += sum(both(o, o, i) for i, o in zip(g_ins, g_outs))
    g_count += 2 * 1000 * (sum(g_ins) + sum(g_outs))
    g_count += 2 * 64 + 27 * 64 + 3
    g_count += 4 * 256 * 256 // 8 + 1
    d_count = sum(both(o, o, i) for i, o in zip([3, *widths[:-1]], widths))
    d_count += 2 * (9 * 1024**2 + 1024) + 1025 + 1000 * 1024
    d_count += 4 * 128 * 128 // 8 + 1
    assert (count(generator), count(discriminator)) == (g_count, d_count)
    assert round((g_count + d_count) / 1e6, 1) == 81.5
    for player, channels in ((generator, 256), (discriminator, 128)):
        (attention,) = kinds(player, SelfAttention)
        assert attention.output.shape == (None, 32, 32, channels)


@pytest.mark.large
@pytest.mark.parametrize(
    ("size", "attention", "side"),
    [(64, None, 32), (32, None, 16), (28, None, 14), (64, 8, 8), (8, None, 4)],
)
def test_sagan_attention_side(size, attention, side):
    for player in sagan(size, attention=attention):
        (layer,) = kinds(player, SelfAttention)
        assert layer.output.shape[1:3] == (side, side)


# R3GAN -------------------------------------------------------------------


def r3gan_block(width, inner, groups):
    """1x1, 3x3 in groups, 1x1; biases at the first two."""
    return 2 * width * inner + 9 * inner * inner // groups + 2 * inner


@pytest.mark.large
def test_r3gan_count_of_the_cifar_preset():
    """Width 768, 96 groups, 2 blocks, 10 classes: arXiv 2501.05441, table 9.

    Counted by hand: 4 resolutions of equal width, so no transitions.
    """
    generator, discriminator = architectures.r3gan(
        num_classes=10, width=768, config="E"
    )
    blocks = 8 * r3gan_block(768, 1536, 96)
    g_count = 10 * 64 + 128 * 768 + 16 * 768 + blocks + 768 * 3
    d_count = 3 * 768 + blocks + 16 * 768 + 768 * 768 + 10 * 768
    assert (g_count, d_count) == (20_781_952, 21_280_512)
    assert (count(generator), count(discriminator)) == (g_count, d_count)


@pytest.mark.large
@pytest.mark.parametrize(("config", "width"), [("D", 1536), ("E", 768)])
def test_r3gan_count_at_256_pixels(config, width):
    """The paper's FFHQ-256 widths, halved above 32 pixels.

    It gives about 25 million for each player of the roadmap. With a quarter
    inside, "D" of twice the width has the size of "E".
    """
    generator, discriminator = architectures.r3gan(
        (256, 256, 3), width=width, config=config
    )
    widths = [width] * 4 + [width // 2, width // 4, width // 8]
    total = sum(a * b for a, b in zip(widths, widths[1:]) if a != b)
    for w in widths:
        inner = w // 4 if config == "D" else 2 * w
        groups = 1 if config == "D" else inner // 16
        total += 2 * r3gan_block(w, inner, groups)
    g_count = total + 64 * width + 16 * width + 3 * widths[-1]
    d_count = total + 3 * widths[-1] + 16 * width + width
    assert (count(generator), count(discriminator)) == (g_count, d_count)
    assert 22e6 < d_count < g_count < 26e6


@pytest.mark.parametrize(("config", "inner"), [("D", 4), ("E", 32)])
def test_r3gan_block_by_hand(config, inner):
    model = model_of(
        lambda x: r3gan_room.residual_block(x, config, 1.0), (3, 4, 16)
    )
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 16)).astype("float32")
    k1, b1, k2, b2, k3 = (np.array(w) for w in model.trainable_weights)
    assert k1.shape == (1, 1, 16, inner) and k3.shape == (1, 1, inner, 16)
    if config == "E":
        assert k2.shape == (3, 3, 16, 32)
        dense = np.zeros((3, 3, 32, 32), "float32")
        dense[:, :, :16, :16] = k2[..., :16]
        dense[:, :, 16:, 16:] = k2[..., 16:]
        k2 = dense
    y = leaky(convolve(x[0], k1, b1))
    y = convolve(leaky(convolve(y, k2, b2)), k3)
    np.testing.assert_allclose(model(x)[0], x[0] + y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", [r3gan_d, r3gan_e])
def test_r3gan_is_linear_at_the_start(make):
    """Last kernels of blocks are 0, no biases or norms: scale comes through."""
    generator, discriminator = make(16)
    x, z = images_of(2, 16), latents_of(2)
    for player, inputs in ((generator, z), (discriminator, x)):
        plain = np.array(player(inputs))
        assert np.abs(plain).max() > 1e-2
        np.testing.assert_allclose(player(8 * inputs), 8 * plain, rtol=1e-5)


@pytest.mark.large
def test_r3gan_starts_with_the_gains_of_the_paper():
    """Gain sqrt(2 / 1.04) L^-0.25 inside blocks, 1 elsewhere, L = 12."""
    generator, discriminator = architectures.r3gan(
        (16, 16, 3), 64, num_classes=40, width=(96, 64, 48), blocks=4
    )
    inside = math.sqrt(2 / 1.04) * 12**-0.25

    def assert_gain(weight, fan_in, expected):
        """Four standard deviations of the estimate on either side."""
        values = np.array(weight) * math.sqrt(fan_in) / expected
        assert abs(values.mean()) < 4 / math.sqrt(values.size)
        assert abs(values.std() - 1) < 4 / math.sqrt(2 * values.size)

    for player in (generator, discriminator):
        blocks = kinds(player, layers.Add)
        assert len(blocks) == 12
        for layer in kinds(player, layers.Conv2D):
            fan_in = math.prod(layer.kernel.shape[:3])
            last_of_block = any(layer.output is add.input[1] for add in blocks)
            if last_of_block:
                np.testing.assert_array_equal(layer.kernel, 0.0)
            else:
                expected = inside if layer.use_bias else 1.0
                assert_gain(layer.kernel, fan_in, expected)
        for layer in kinds(player, layers.Dense):
            assert_gain(layer.kernel, layer.kernel.shape[0], 1.0)
    assert_gain(generator.get_layer("basis").kernel, 1, 1.0)
    (depthwise,) = kinds(discriminator, layers.DepthwiseConv2D)
    assert_gain(depthwise.kernel, 16, 1.0)
    for player, expected in ((generator, 1.0), (discriminator, 96**-0.5)):
        (embedding,) = kinds(player, layers.Embedding)
        assert_gain(embedding.embeddings, 40, expected)


def test_r3gan_channels_change_at_the_lower_resolution():
    generator, discriminator = r3gan_d(16, width=(12, 8, 4))
    ups = [layer.input.shape[1:] for layer in kinds(generator, Upsample)]
    assert ups == [(4, 4, 8), (8, 8, 4)]
    downs = [layer.input.shape[1:] for layer in kinds(discriminator, BlurPool)]
    assert downs == [(16, 16, 4), (8, 8, 8)]
    (head,) = kinds(discriminator, layers.DepthwiseConv2D)
    assert head.kernel.shape == (4, 4, 12, 1)


def test_r3gan_input_is_a_weighted_basis():
    generator, _ = r3gan_d(8)
    (dense,) = kinds(generator, layers.Dense)
    basis = generator.get_layer("basis")
    z = latents_of(2)
    found = keras.Model(generator.input, basis.output)(z)
    weights = z @ np.array(dense.kernel)
    expected = weights[:, None, None] * np.array(basis.kernel)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_r3gan_widths():
    widths_of = r3gan_room.widths_of
    assert widths_of(64, 4, 6, "E") == (64, 64, 64, 64, 32, 16)
    assert widths_of(64, 4, 6, "D") == (64, 64, 64, 64, 32, 16)
    assert widths_of(64, 7, 4, "D") == (64, 64, 64, 32)
    assert widths_of([5, 6], 4, 2, "D") == (5, 6)


# StyleGAN2 ---------------------------------------------------------------


@pytest.mark.large
def test_stylegan2_count_at_1024_pixels():
    """NVIDIA's log of 1024 pixels: G 28 794 124, D 29 012 513.

    Printed by NVlabs/stylegan2-ada-pytorch with two mapping layers of
    262 656 each (the D in its issue 181); config F of arXiv 1912.04958
    has eight.
    """
    generator, discriminator = architectures.stylegan2(
        (1024, 1024, 3), mapping_layers=2
    )
    assert count(generator) == 28_794_124
    assert count(discriminator) == 29_012_513
    with_noise = [
        count(a) + count(b)
        for a, b in zip(
            [c for c in kinds(generator, ModulatedConv2D) if c.demodulate],
            kinds(generator, NoiseInjection),
        )
    ]
    # The same log, synthesis.b4.conv1, b8.conv0 ... b1024.conv1.
    assert with_noise == [2_622_465] * 9 + [
        *(1_442_561, 721_409),
        *(426_369, 213_249),
        *(139_457, 69_761),
        *(51_297, 25_665),
    ]
    images = [c for c in kinds(generator, ModulatedConv2D) if not c.demodulate]
    assert [count(c) for c in images] == [264_195] * 5 + [
        *(132_099, 66_051, 33_027, 16_515)
    ]


def test_stylegan2_count_of_the_mapping():
    """The eight layers of the paper: 8 times 512 * 513."""
    generator, _ = architectures.stylegan2((8, 8, 3), channel_max=4)
    w = generator.get_layer("mean_style").output
    assert count(keras.Model(generator.input, w)) == 8 * 262_656


def test_scaled_leaky_relu():
    found = style_room.scaled_leaky_relu(ops.array([-10.0, 0.0, 3.0]))
    expected = [-2 * math.sqrt(2), 0.0, 3 * math.sqrt(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_learned_constant_ignores_its_input():
    layer = style_room.LearnedConstant((2, 3, 1))
    found = np.array(layer(latents_of(4)))
    constant = np.array(layer.constant)
    assert constant.shape == (2, 3, 1) and constant.std() > 0.1
    np.testing.assert_array_equal(found, np.stack([constant] * 4))
    again = style_room.LearnedConstant.from_config(layer.get_config())
    assert again.shape == (2, 3, 1)


@pytest.mark.large
@pytest.mark.parametrize("output", ["skip", "residual"])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_stylegan2_splits_at_the_mean_style(output, num_classes):
    generator, _ = stylegan2(16, output=output, num_classes=num_classes)
    stir(generator)
    mean_style = generator.get_layer("mean_style")
    assert isinstance(mean_style, MeanStyle)
    to_styles = keras.Model(generator.input, mean_style.output)
    to_image = keras.Model(mean_style.output, generator.output)
    z = tf.constant(latents_of(5))
    inputs = z if num_classes is None else [z, labels_of(0, 1, 2, 0, 1)]
    styles = to_styles(inputs)
    assert styles.shape == (5, LATENT_DIM)
    whole = np.array(generator(inputs))
    np.testing.assert_allclose(to_image(styles), whole, atol=1e-5)
    mean = mean_style.truncate(styles, 0.0)
    average = np.array(to_image(mean))
    np.testing.assert_allclose(average, average[:1].repeat(5, 0), atol=1e-5)
    assert np.abs(whole - average).max() > 1e-3
    before = np.array(mean_style.mean)
    generator(inputs, training=True)
    assert np.abs(np.array(mean_style.mean) - before).max() > 0


def test_generator_is_split_once_and_not_kept_alive(tmp_path):
    gan = keras_gan.GAN(*stylegan2(8), seed=0)
    averaged = gan.averaged_generator
    averaged.get_layer("mean_style").mean.assign([1.0] * LATENT_DIM)

    def num_nodes(model):
        return [len(layer._inbound_nodes) for layer in model.layers]

    def names_in_file(model):
        model.save_weights(tmp_path / "a.weights.h5")
        names = []
        with h5py.File(tmp_path / "a.weights.h5") as file:
            file.visit(names.append)
        return names

    names = names_in_file(gan)
    first = gan.generate(3, seed=1, truncation=0.5)
    nodes, parts = num_nodes(averaged), truncation.split_at_styles(averaged)
    np.testing.assert_array_equal(
        first, gan.generate(3, seed=1, truncation=0.5)
    )
    assert num_nodes(averaged) == nodes
    assert truncation.split_at_styles(averaged) is parts
    assert truncation.split_at_styles(gan.generator)[1] is not parts[1]
    assert names_in_file(gan) == names
    # The last layer's bias is added to the image.
    to_image = kinds(averaged, ModulatedConv2D)[-1]
    to_image.bias.assign(to_image.bias + 1.0)
    second = gan.generate(3, seed=1, truncation=0.5)
    np.testing.assert_allclose(second, first + 1.0, rtol=1e-5)
    player = weakref.ref(averaged)
    del gan, averaged, parts, to_image
    gc.collect()
    assert player() is None


def test_stylegan2_mapping_by_hand():
    """Latents of length 1 a channel, then sqrt(2) leaky(0.01 w x / sqrt n)."""
    generator, _ = stylegan2(8)
    z = latents_of(3)
    w = generator.get_layer("mean_style").output
    found = keras.Model(generator.input, w)(z)
    x = z / np.sqrt((z**2).mean(axis=1, keepdims=True) + 1e-8)
    for dense in kinds(generator, style_room.EqualizedDense):
        kernel, bias = (np.array(v) for v in dense.trainable_weights)
        assert kernel.shape == (6, 6) and kernel.std() > 50
        x = x @ kernel * 0.01 / math.sqrt(6) + 0.01 * bias
        x = math.sqrt(2) * leaky(x)
    np.testing.assert_allclose(found, x, rtol=1e-4, atol=1e-5)


def test_stylegan2_ignores_the_length_of_latents():
    generator, _ = stylegan2(8)
    z = latents_of(2)
    np.testing.assert_allclose(
        generator(5 * z), generator(z), rtol=1e-3, atol=1e-5
    )


def test_stylegan2_skip_sums_images():
    """With all later images at 0 the output is the first, upsampled."""
    generator, _ = stylegan2(16)
    stir(generator)
    images = [c for c in kinds(generator, ModulatedConv2D) if not c.demodulate]
    assert [c.output.shape[1:] for c in images] == [
        (s, s, 3) for s in (4, 8, 16)
    ]
    for layer in images[1:]:
        layer.kernel.assign(0 * layer.kernel)
        layer.bias.assign(0 * layer.bias)
    first = keras.Model(generator.input, images[0].output)
    z = latents_of(2)
    expected = Upsample()(Upsample()(first(z)))
    np.testing.assert_allclose(generator(z), expected, rtol=1e-4, atol=1e-5)


def test_stylegan2_residual_has_one_image():
    generator, _ = stylegan2_residual(16)
    images = [c for c in kinds(generator, ModulatedConv2D) if not c.demodulate]
    assert [c.output.shape[1:] for c in images] == [(16, 16, 3)]


def test_merged_keeps_the_variance():
    a, b = keras.Input((1,)), keras.Input((1,))
    model = keras.Model([a, b], style_room.merged(a, b))
    found = model([np.array([[3.0]]), np.array([[5.0]])])
    np.testing.assert_allclose(found, [[8 / math.sqrt(2)]], rtol=1e-6)


def test_stylegan2_discriminator_branches_are_aligned():
    """A small bright spot moves both branches to the same place."""
    _, discriminator = stylegan2(16, channel_base=512, channel_max=32)
    (first, *_) = kinds(discriminator, layers.Add)
    branches = keras.Model(discriminator.input, first.input)
    for row, column in ((7, 8), (6, 9)):
        image = np.zeros((1, 16, 16, 3), "float32")
        image[0, row, column] = 1.0
        places = []
        for branch in branches(image):
            power = np.square(np.array(branch[0])).sum(axis=-1)
            weights = power / power.sum()
            grid = np.mgrid[: weights.shape[0], : weights.shape[1]]
            places.append((weights * grid).sum(axis=(1, 2)))
        np.testing.assert_allclose(places[0], places[1], atol=0.35)


def test_stylegan2_discriminator_blurs_before_it_halves():
    _, discriminator = stylegan2(16)
    blurs = kinds(discriminator, BlurPool)
    assert {blur.kernel_size for blur in blurs} == {4}
    sizes = [(blur.strides, blur.output.shape[1]) for blur in blurs]
    assert sorted(sizes) == [(1, 8), (1, 16), (2, 4), (2, 8)]
    strided = [
        layer
        for layer in kinds(discriminator, style_room.EqualizedConv2D)
        if layer.strides == (2, 2)
    ]
    assert [layer.output.shape[1] for layer in strided] == [8, 4]


@pytest.mark.parametrize("make", [stylegan2, r3gan_d])
def test_logits_by_class_by_hand(make):
    """`<e, features>`; `e` of mean square 1, over sqrt(8), in StyleGAN2."""
    _, discriminator = make(8, num_classes=3)
    stir(discriminator)
    x, labels = tf.constant(images_of(2, 8)), labels_of(2, 0)
    kind = style_room.EqualizedDense if make is stylegan2 else layers.Dense
    last = kinds(discriminator, kind)[-1]
    model = keras.Model(discriminator.input, last.output)
    features = np.array(model([x, labels]))
    (embedding,) = kinds(discriminator, layers.Embedding)
    code = np.array(embedding.embeddings)[[2, 0]]
    assert features.shape == code.shape == (2, 8)
    if make is stylegan2:
        code = code / np.sqrt((code**2).mean(axis=1, keepdims=True) * 8)
    expected = (features * code).sum(axis=1, keepdims=True)
    found = discriminator([x, labels])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_stylegan2_noise_in_training_only():
    generator, _ = stylegan2(8)
    stir(generator)
    z = latents_of(2)
    np.testing.assert_array_equal(generator(z), generator(z))
    first, second = (np.array(generator(z, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_stylegan2_channels():
    generator, _ = stylegan2(32, channel_base=128, channel_max=9)
    wide = [c.filters for c in kinds(generator, ModulatedConv2D)]
    # One convolution at 4 pixels, two above; an image after each.
    assert sorted(wide) == sorted([9, 9, 9, 8, 8, 4, 4, *[3] * 4])


# Bad arguments -----------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sn_resnet(8, g_width=0), ValueError, "g_width=0"),
        (lambda: sn_resnet(8, d_width=2.5), TypeError, "d_width=2.5"),
        (lambda: sn_resnet(8, max_width=0), ValueError, "max_width=0"),
        (lambda: sn_resnet(8, num_classes=0), ValueError, "num_classes=0"),
        (lambda: sagan(8, width=0), ValueError, "width=0"),
        (
            lambda: sagan(32, attention=32),
            ValueError,
            r"\[16, 8, 4\].*attention=32",
        ),
        (lambda: r3gan_d(8, config="F"), ValueError, "config='F'"),
        (lambda: r3gan_d(8, blocks=0), ValueError, "blocks=0"),
        (lambda: r3gan_d(8, num_classes=-1), ValueError, "num_classes=-1"),
        (lambda: r3gan_d(8, width=0), ValueError, "width=0"),
        (lambda: r3gan_d(8, width=(8,)), ValueError, r"2\..*width=\(8,\)"),
        (lambda: r3gan_e(8, width=12), ValueError, "multiple of 8.*width=12"),
        (lambda: stylegan2(8, output="both"), ValueError, "output='both'"),
        (lambda: stylegan2(8, mapping_layers=0), ValueError, "layers=0"),
        (lambda: stylegan2(8, channel_base=0), ValueError, "channel_base=0"),
        (lambda: stylegan2(8, channel_max="8"), TypeError, "channel_max='8'"),
        (lambda: stylegan2(8, num_classes=0), ValueError, "num_classes=0"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
