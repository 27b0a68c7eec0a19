"""Pyramids of given networks, and what is made of them."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import batch_of
from conformance import compiled
from conformance import small_backbone
from conformance import small_pyramid
from keras import layers
from keras import ops
from PIL import Image

import keras_gan
from keras_gan import architectures
from keras_gan import backbones
from keras_gan import penalties
from keras_gan.layer_walk import leaves
from keras_gan.layer_walk import without_frozen
from keras_gan.layers import BackboneInput
from keras_gan.layers import Frozen
from keras_gan.layers import Resize
from keras_gan.layers import Upsample
from keras_gan.layers import resize
from keras_gan.metrics import features
from keras_gan.players import averaged_copy
from keras_gan.players import coupling_layer

V, T = ValueError, TypeError
APPLICATIONS = keras.applications
# Taps at 64 pixels that decoders on these networks are commonly built on.
FAMILIES = {
    "MobileNetV2": (
        "tf",
        ["block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu"]
        + ["block_13_expand_relu", "out_relu"],
    ),
    "VGG16": (
        "caffe",
        ["block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"]
        + ["block5_conv3", "block5_pool"],
    ),
    "ResNet50": (
        "caffe",
        ["conv1_relu", "conv2_block3_out", "conv3_block4_out"]
        + ["conv4_block6_out", "conv5_block3_out"],
    ),
    "MobileNetV3Small": ("pixels", None),
    "EfficientNetB0": (
        "pixels",
        ["block2a_expand_activation", "block3a_expand_activation"]
        + ["block4a_expand_activation", "block6a_expand_activation"]
        + ["top_activation"],
    ),
}


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def assert_equal(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def draw(*shape, seed=0):
    return tf.constant(
        np.random.default_rng(seed).uniform(-1, 1, shape), "float32"
    )


def stirred(model):
    """The model, its statistics and biases no longer as they start."""
    rng = np.random.default_rng(5)
    for variable in model.weights:
        noise = rng.uniform(0.5, 1.5, variable.shape)
        variable.assign(variable + noise.astype("float32") / 4)
    return model


def names(pyramid):
    (part,) = [x for x in pyramid.layers if x.name == "backbone"]
    network = getattr(part, "layer", part)
    return [x._keras_history.operation.name for x in network.outputs]


def frozen_part(player):
    (part,) = [x for x in leaves(player) if x.name == "backbone"]
    return part


def test_default_taps_are_the_last_of_each_resolution():
    """No padding, no squeezed branch, no rescaled image, no top."""
    pyramid = small_pyramid()
    assert names(pyramid) == ["gated", "last"]
    assert [x.shape for x in pyramid.outputs] == [
        (None, 6, 6, 4),
        (None, 3, 3, 6),
    ]


def test_taps_keep_their_order():
    """Weights of `Perceptual` go to them by it."""
    pyramid = small_pyramid(taps=["gated", "stem", "project"])
    assert names(pyramid) == ["gated", "stem", "project"]


def pooled(*sizes):
    """A network whose pools take no map of one pixel, as those of VGG."""
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(2, 3, padding="same", name="first")(image)
    for size in sizes:
        x = layers.MaxPooling2D(name=f"pool_{size}")(x)
        x = layers.Conv2D(2, 1, name=f"conv_{size}")(x)
    return keras.Model(image, x)


@pytest.mark.parametrize(
    "size, expected",
    [
        (16, ["first", "conv_8", "conv_4", "conv_2"]),
        (8, ["first", "conv_8", "conv_4"]),
        (5, ["first", "conv_8"]),
    ],
)
def test_default_taps_end_above_one_pixel(size, expected):
    """What comes after need not run at that size."""
    backbone = pooled(8, 4, 2, 1)
    pyramid = backbones.pyramid((size, size, 3), backbone, size=size)
    assert names(pyramid) == expected
    own = keras.Model(backbone.input, backbone.get_layer("first").output)
    x = draw(2, 16, 16, 3)
    if size == 16:
        np.testing.assert_allclose(pyramid(x)[0], own(x), atol=1e-6)


@pytest.mark.parametrize(
    "given, size, expected",
    [(None, None, 8), (10, None, 10), (10, 6, 6), (10, (6, 4), (6, 4))],
)
def test_size(given, size, expected):
    pyramid = backbones.pyramid(
        (8, 8, 3), small_backbone(size=given), ["stem"], size=size
    )
    sides = np.broadcast_to(expected, 2)
    assert pyramid.outputs[0].shape[1:3] == tuple((sides + 1) // 2)


def test_values_are_those_of_the_backbone():
    backbone = stirred(small_backbone(size=8))
    taps = ["stem_relu", "last"]
    pyramid = backbones.pyramid((8, 8, 1), backbone, taps, "pixels")
    x = draw(2, 8, 8, 1)
    own = keras.Model(
        backbone.input, [backbone.get_layer(tap).output for tap in taps]
    )
    expected = own(tf.repeat(127.5 * x + 127.5, 3, axis=-1), training=False)
    for a, b in zip(pyramid(x, training=True), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def adapted(size=None):
    """A backbone that has seen data, as EfficientNet has."""
    norm = layers.Normalization()
    backbone = keras.Sequential(
        [keras.Input((size, size, 3)), norm, layers.Conv2D(2, 3)]
    )
    norm.adapt(np.array(5.0 + 3.0 * draw(2, 8, 8, 3)))
    return backbone


def test_statistics_are_copied(tmp_path):
    """Keras runs on constants, which `set_weights` leaves as they were."""
    backbone = adapted()
    pyramid = backbones.pyramid((8, 8, 3), backbone)
    x = draw(2, 8, 8, 3)
    expected = backbone(x)
    np.testing.assert_allclose(pyramid(x), expected, rtol=1e-4, atol=1e-5)
    generator = architectures.encoder_decoder(pyramid, width=2)
    averaged = averaged_copy(generator, generator.input)
    found = np.array(generator(x))
    np.testing.assert_allclose(averaged(x), found, rtol=1e-4, atol=1e-5)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_allclose(loaded(x), found, rtol=1e-4, atol=1e-5)


def test_a_pyramid_is_a_copy():
    backbone = small_backbone()
    before = values(backbone.weights)
    pyramid = backbones.pyramid((8, 8, 3), backbone, frozen=False)
    for variable in pyramid.weights:
        variable.assign(variable + 1.0)
    assert_equal(before, values(backbone.weights))
    assert backbone.trainable
    player = architectures.projected_discriminator(pyramid, width=2)
    before = values(pyramid.weights)
    for variable in player.weights:
        variable.assign(variable + 1.0)
    assert_equal(before, values(pyramid.weights))


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_preprocessing_is_that_of_keras_applications(mode):
    x = draw(2, 3, 4, 3)
    found = BackboneInput(mode)(x)
    expected = keras.applications.imagenet_utils.preprocess_input(
        np.array((x + 1.0) * 127.5), mode=mode
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@keras.saving.register_keras_serializable("keras_gan_tests")
def doubled(x):
    return 2.0 * x


class Unhashable:
    """A callable without a name that no dictionary takes."""

    __hash__ = None

    def __call__(self, x):
        return x


registered_lambda = keras.saving.register_keras_serializable(
    "keras_gan_tests", "by_name"
)(lambda x: x)


@pytest.mark.parametrize("given", [doubled, layers.Rescaling(2.0)])
def test_preprocessing_by_a_callable_that_files_hold(given):
    layer = BackboneInput(given, 3)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    x = draw(2, 3, 3, 1)
    expected = np.repeat(2.0 * x, 3, axis=-1)
    np.testing.assert_array_equal(layer(x), expected)
    np.testing.assert_array_equal(again(x), expected)


@keras.saving.register_keras_serializable("keras_gan_tests")
class Shifted(layers.Dense):
    """A layer with weights, of which training gives something else."""

    def call(self, inputs, training=False):
        return super().call(inputs) + (100.0 if training else 0.0)


def test_a_layer_as_preprocessing_is_built_and_frozen(tmp_path):
    given = Shifted(3)
    pyramid = backbones.pyramid(
        (8, 8, 1), small_backbone(), preprocessing=given, frozen=False
    )
    (part,) = [x for x in pyramid.layers if isinstance(x, BackboneInput)]
    bare = BackboneInput(Shifted(3), 3)
    bare.build((None, 8, 8, 1))
    assert [v.shape for v in bare.weights] == [(3, 3), (3,)]
    pyramid.trainable = False
    pyramid.trainable = True
    assert len(part.weights) == 2 and not part.trainable_weights
    assert {id(v) for v in part.weights}.isdisjoint(
        id(v) for v in without_frozen(pyramid.weights, pyramid)
    )
    x = draw(2, 8, 8, 1)
    np.testing.assert_array_equal(part(x, training=True), part(x))
    pyramid.save(tmp_path / "pyramid.keras")
    loaded = keras.saving.load_model(tmp_path / "pyramid.keras")
    for a, b in zip(pyramid(x), loaded(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert len(loaded.trainable_weights) == len(pyramid.trainable_weights)


@pytest.mark.parametrize("target", [(5, 9), (7, 3), (2, 16), (6, 8)])
def test_resize_is_that_of_pillow(target):
    x = np.random.default_rng(1).normal(size=(6, 8)).astype("float32")
    expected = Image.fromarray(x).resize(
        target[::-1], Image.Resampling.BILINEAR
    )
    found = Resize(*target)(x[None, :, :, None])[0, :, :, 0]
    np.testing.assert_allclose(found, np.array(expected), atol=1e-5)


def test_resize_by_a_factor_is_upsample():
    x = draw(2, 3, 4, 2)
    np.testing.assert_allclose(Resize(6, 8)(x), Upsample()(x), atol=1e-6)
    assert resize.triangles(4, 4).tolist() == np.eye(4).tolist()


def projected_gan(rules=(), **kwargs):
    return compiled(
        (
            architectures.mlp((8, 8, 1), 4, units=(8,))[0],
            architectures.projected_discriminator(
                small_pyramid(**kwargs), width=4
            ),
        ),
        "hinge",
        rules,
    )


def fit(gan, batches=3):
    x = np.concatenate([batch_of(8, 8, 1)(seed) for seed in range(batches)])
    return gan.fit(x, batch_size=8, verbose=0, shuffle=False)


def kernels(model):
    """Those that train; a bias cancels out of the hinge."""
    return [v for v in model.trainable_weights if len(v.shape) > 1]


@pytest.mark.large
def test_frozen_stays_frozen(tmp_path):
    """Through training, `trainable`, a file and training again."""
    gan = projected_gan()
    part = frozen_part(gan.discriminator)
    before = values(part.weights)
    mixing = values(gan.discriminator.get_layer("mixing").weights)
    gan.discriminator.trainable = False
    gan.discriminator.trainable = True
    gan.trainable = True
    assert not part.trainable_weights and len(part.weights) == 15
    moving = values(kernels(gan.discriminator))
    fit(gan)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    loaded.discriminator.trainable = True
    fit(loaded)
    for each in (gan, loaded):
        d = each.discriminator
        assert_equal(before, values(frozen_part(d).weights))
        assert_equal(mixing, values(d.get_layer("mixing").weights))
        assert isinstance(frozen_part(d), Frozen)
        after = values(kernels(d))
        assert all((a != b).any() for a, b in zip(moving, after, strict=True))


def test_frozen_freezes_all_below():
    """Also in a model that says it is frozen and has layers that are not."""
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
    inner.trainable = False
    inner.layers[0].trainable = True
    model = keras.Sequential([keras.Input((2,)), Frozen(inner)])
    assert len(model.weights) == 2 and not model.trainable_weights
    model.layers[0].trainable = True
    assert model.layers[0].trainable is False


def test_frozen_runs_in_inference_mode():
    """Statistics that moved, no dropout, no sample touches another."""
    backbone = stirred(small_backbone(1, 8))
    pyramid = backbones.pyramid((8, 8, 1), backbone)
    x = draw(4, 8, 8, 1)
    for a, b in zip(pyramid(x, training=True), pyramid(x[:1], training=False)):
        np.testing.assert_allclose(a[:1], b, rtol=1e-4, atol=1e-5)
    assert coupling_layer(pyramid) is None
    learning = backbones.pyramid((8, 8, 1), backbone, frozen=False)
    assert coupling_layer(learning).name == "stem_norm"


@pytest.mark.large
def test_fine_tuned_moves():
    gan = projected_gan(frozen=False)
    part = gan.discriminator.get_layer("pyramid").get_layer("backbone")
    before = values(part.weights)
    fit(gan)
    after = values(part.weights)
    assert len(part.trainable_weights) == 11
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    # A classifier that came frozen learns as well.
    clothes = features.fashion_mnist()
    pyramid = backbones.pyramid((28, 28, 1), clothes, frozen=False)
    assert len(pyramid.trainable_weights) == 4
    assert not clothes.trainable_weights


def test_steps_leave_frozen_weights_out():
    gan = projected_gan()
    d = gan.discriminator
    frozen = frozen_part(d).variables + d.get_layer("mixing").variables
    kept = without_frozen(d.variables, d)
    assert len(frozen) == 16 + 5
    assert {id(v) for v in kept} == {id(v) for v in d.variables} - {
        id(v) for v in frozen
    }
    half = gan.half_step(d, None, None)
    assert not {id(v) for v in half.state()} & {id(v) for v in frozen}


@pytest.mark.large
def test_gradients_reach_fakes_and_penalties_reach_heads():
    d = projected_gan().discriminator
    x = draw(2, 8, 8, 1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = d(x, training=True)
    assert np.abs(tape.gradient(logits, x)).min() > 0
    gan = projected_gan([penalties.ZeroCentered(0.5)])
    assert fit(gan).history["zero_centered"][0] > 0


def test_logits_are_as_many_from_each_scale():
    """28, 14 and 7 pixels: each is judged at 7, by 4x4 patches."""
    clothes = backbones.pyramid((28, 28, 1), features.fashion_mnist())
    d = architectures.projected_discriminator(clothes, width=4)
    (joined,) = [x for x in d.layers if isinstance(x, layers.Concatenate)]
    assert [x.shape for x in joined.input] == [(None, 16)] * 3
    halved = [
        x.layer.strides[0]
        for x in leaves(d)
        if isinstance(x, keras_gan.layers.SpectralNormalization)
    ]
    assert sorted(halved) == [1] * 6 + [2] * 3
    for scales, patches in ((1, 16), (2, 32)):
        part = architectures.projected_discriminator(clothes, scales=scales)
        assert part.output_shape == (None, patches)


@pytest.mark.parametrize("mixing", ["scales", "channels", "none"])
def test_mixing_brings_coarse_maps_to_fine_ones(mixing):
    d = architectures.projected_discriminator(
        small_pyramid(), width=5, mixing=mixing
    )
    if mixing == "none":
        assert "mixing" not in [x.name for x in d.layers]
        return
    mixed = d.get_layer("mixing")
    maps = [draw(1, 6, 6, 4), draw(1, 3, 3, 6)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(maps)
        fine, coarse = mixed(maps)
    assert fine.shape == (1, 6, 6, 5) and coarse.shape == (1, 3, 3, 10)
    reach = [
        [tape.gradient(y, x) is not None for x in maps] for y in (fine, coarse)
    ]
    assert reach == [[True, mixing == "scales"], [False, True]]


def test_conditional_logits_are_products_with_the_label():
    d = architectures.projected_discriminator(
        small_pyramid(), num_classes=3, width=4
    )
    x, labels = draw(3, 8, 8, 1), tf.constant([[0], [1], [1]])
    one = np.array(d([tf.repeat(x[:1], 3, axis=0), labels]))
    assert np.abs(one[0] - one[1]).min() > 0
    np.testing.assert_allclose(one[1], one[2], rtol=1e-5)
    for layer in d.layers:
        if isinstance(layer, layers.Embedding):
            table = np.array(layer.embeddings)
            table[2] = -3.0 * table[1]
            layer.embeddings.assign(table)
    other = np.array(d([x, tf.fill((3, 1), 2)]))
    np.testing.assert_allclose(
        other, -3.0 * d([x, tf.fill((3, 1), 1)]), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=(pytest.mark.large, pytest.mark.long)[: 1 + (i > 0)],
        )
        for i, name in enumerate(FAMILIES)
    ],
)
def test_families_of_keras_applications(name):
    """Built on 64 pixels, and one step, which leaves the backbone alone."""
    preprocessing, taps = FAMILIES[name]
    make = getattr(APPLICATIONS, name)
    backbone = make(weights=None, include_top=False)
    pyramid = backbones.pyramid(
        (64, 64, 1), backbone, preprocessing=preprocessing
    )
    assert taps is None or names(pyramid) == taps
    sides = [x.shape[1] for x in pyramid.outputs]
    assert sides == [64, 32, 16, 8, 4, 2][-len(sides) :] and len(sides) >= 5
    generator = architectures.encoder_decoder(pyramid, width=2, max_width=4)
    fake = generator(draw(2, 64, 64, 1))
    assert fake.shape == (2, 64, 64, 1) and np.isfinite(fake).all()
    gan = keras_gan.GAN(
        architectures.mlp((64, 64, 1), 2, units=(2,))[0],
        architectures.projected_discriminator(pyramid, width=2, max_width=4),
        seed=0,
    )
    gan.compile("adam", keras.optimizers.Adam(), loss="hinge")
    before = values(gan.generator.trainable_weights)
    part = frozen_part(gan.discriminator)
    still = values(part.weights)
    logs = gan.train_on_batch(np.array(draw(2, 64, 64, 1)), return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    assert_equal(still, values(part.weights))
    after = values(gan.generator.trainable_weights)
    assert any((a != b).any() for a, b in zip(before, after))


def same(channels=2):
    """A pyramid whose one map is the image."""
    backbone = keras.Sequential(
        [
            keras.Input((2, 2, channels)),
            layers.Conv2D(channels, 1),
        ]
    )
    kernel = np.eye(channels, dtype="float32")[None, None]
    backbone.layers[0].set_weights([kernel, np.zeros(channels)])
    return backbones.pyramid((2, 2, channels), backbone)


def test_perceptual_is_its_formula():
    x = np.zeros((2, 2, 2, 2), "float32")
    y = x.copy()
    x[0], y[0] = [0.3, 0.4], [0.4, 0.3]
    x[1], y[1] = [0.5, 0.5], [0.25, 0.25]
    unit = keras_gan.Perceptual(same(), [3.0])
    np.testing.assert_allclose(unit(x, y), [3 * 0.08, 0.0], atol=1e-6)
    plain = keras_gan.Perceptual(same(), normalize=False)
    np.testing.assert_allclose(plain(x, y), [0.01, 0.0625], rtol=1e-5)


def test_perceptual_sums_taps_by_weight():
    backbone = stirred(small_backbone(1, 8))
    pyramid = backbones.pyramid((8, 8, 1), backbone)
    x, y = draw(3, 8, 8, 1), draw(3, 8, 8, 1, seed=1)
    parts = [
        np.array(keras_gan.Perceptual(pyramid, weights)(x, y))
        for weights in ([1, 0], [0, 1], [0.5, 2.0])
    ]
    assert min(part.min() for part in parts) > 0
    np.testing.assert_allclose(
        parts[2], 0.5 * parts[0] + 2.0 * parts[1], rtol=1e-5
    )


@pytest.mark.parametrize("normalize", [True, False])
def test_perceptual_has_a_gradient_where_nothing_is_seen(normalize):
    x, y = tf.zeros((2, 2, 2, 2)), draw(2, 2, 2, 2)
    loss = keras_gan.Perceptual(same(), normalize=normalize)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        total = ops.sum(loss(x, y))
    first, second = tape.gradient(total, [x, y])
    assert np.isfinite(first).all() and np.isfinite(second).all()


def test_perceptual_never_trains_and_is_saved_in_a_model(tmp_path):
    pyramid = small_pyramid(frozen=False)
    loss = keras_gan.Perceptual(pyramid, [0.5, 2.0], normalize=False)
    assert not loss.trainable_weights and loss.weights
    images, fakes = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    model = keras.Model([images, fakes], loss(images, fakes))
    model.trainable = True
    assert not model.trainable_weights
    model.save(tmp_path / "loss.keras")
    loaded = keras.saving.load_model(tmp_path / "loss.keras")
    pair = [draw(3, 8, 8, 1), draw(3, 8, 8, 1, seed=1)]
    np.testing.assert_array_equal(model(pair), loaded(pair))
    again = next(x for x in loaded.layers if x.name == loss.name)
    assert again.factors == [0.5, 2.0] and again.normalize is False


def test_encoder_decoder_joins_each_map_and_the_image():
    generator = architectures.encoder_decoder(
        small_pyramid(), channels=3, width=4
    )
    joined = [
        [x.shape[1:] for x in layer.input]
        for layer in generator.layers
        if isinstance(layer, layers.Concatenate)
    ]
    assert joined == [
        [(6, 6, 6), (6, 6, 4)],
        [(8, 8, 8), (8, 8, 1)],
    ]
    fake = generator(draw(2, 8, 8, 1))
    assert fake.shape == (2, 8, 8, 3) and np.abs(fake).max() <= 1.0
    count = len(frozen_part(generator).weights)
    assert count and len(generator.non_trainable_weights) == count + 2 * 4
    trained = architectures.encoder_decoder(small_pyramid(frozen=False))
    assert not [x for x in leaves(trained) if isinstance(x, Frozen)]


@pytest.mark.large
def test_averaged_encoder_is_the_encoder(tmp_path):
    gan = compiled(
        (
            architectures.encoder_decoder(small_pyramid(), width=4),
            architectures.mlp((8, 8, 1), units=(8,))[1],
        ),
        "non_saturating",
    )
    fit(gan)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    encoders = [
        values(frozen_part(player).weights)
        for each in (gan, loaded)
        for player in (each.generator, each.averaged_generator)
    ]
    for encoder in encoders[1:]:
        assert_equal(encoders[0], encoder)


def test_training_starts_with_the_frozen_weights_of_the_generator():
    """Also of those that were set after the model was made."""
    gan = compiled(
        (
            keras.Sequential(
                [keras.Input((2,)), Frozen(layers.Dense(3)), layers.Dense(2)]
            ),
            keras.Sequential([keras.Input((2,)), layers.Dense(1)]),
        ),
        "non_saturating",
    )
    x = np.zeros((8, 2), "float32")
    frozen, averaged = [
        player.layers[0].weights
        for player in (gan.generator, gan.averaged_generator)
    ]

    def change():
        for variable in frozen:
            variable.assign(variable + 1.0)
        assert all((a != b).any() for a, b in zip(*map(values, both)))

    both = frozen, averaged
    change()
    gan.train_on_batch(x)
    assert_equal(*map(values, both))
    change()
    gan.fit(x, batch_size=8, verbose=0)
    assert_equal(*map(values, both))


def nested():
    inner = small_backbone()
    return keras.Sequential([keras.Input((8, 8, 3)), inner, layers.Dense(1)])


def with_input(*shapes, dtype="float32"):
    inputs = [keras.Input(shape, dtype=dtype) for shape in shapes]
    flat = [layers.Flatten()(x) for x in inputs]
    joined = layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    return keras.Model(inputs, joined)


def of(backbone, shape=(8, 8, 3), **kwargs):
    return lambda: backbones.pyramid(shape, backbone(), **kwargs)


MISTAKES = [
    (of(lambda: "VGG16"), T, "backbone='VGG16'"),
    (of(lambda: keras.Sequential([layers.Dense(1)])), V, "keras.Input"),
    (of(lambda: with_input((4,))), V, r"shapes=\[\(None, 4\)\]"),
    (of(lambda: with_input((4, 4, 3), (2,))), V, r"\(None, 2\)"),
    (
        of(lambda: with_input((4, 4, 3), dtype="int32")),
        V,
        r"dtypes=\['int32'\]",
    ),
    (of(lambda: with_input((4, 4, 3))), V, "no layer that gives maps"),
    (of(nested), V, r"inner models \['small_backbone'\]"),
    (of(small_backbone, (8, 8, 2)), V, "with 2 channels"),
    (of(lambda: small_backbone(1)), V, "images of 1 channels"),
    (of(small_backbone, (8, 8)), V, r"image_shape=\(8, 8\)"),
    (of(small_backbone, taps=["top"]), V, r"stem, stem_norm.*taps=\['top'\]"),
    (of(small_backbone, taps=["stem", "stem"]), V, "each once"),
    (of(small_backbone, taps=[]), V, r"taps=\[\]"),
    (of(small_backbone, taps="stem"), T, "taps='stem'"),
    (
        of(small_backbone, taps=["project", "stem"]),
        V,
        r"fine to coarse.*\['project', 'stem'\] with .*\(2, 2\), \(4, 4\)",
    ),
    (of(small_backbone, size=0), V, "size=0"),
    (of(small_backbone, size=(8, 8, 3)), V, r"size=\(8, 8, 3\)"),
    (of(small_backbone, size=1), V, "a larger `size` helps"),
    (of(small_backbone, frozen="no"), T, "frozen='no'"),
    (of(small_backbone, preprocessing="vgg"), V, "preprocessing='vgg'"),
    *[
        (of(small_backbone, preprocessing=given), T, f"preprocessing=.*{name}")
        for given, name in (
            (lambda x: x, "<lambda>"),
            (registered_lambda, "<lambda>"),
            (functools.partial(doubled), "partial"),
            (Unhashable(), "Unhashable"),
            (Shifted, "Shifted"),
            (keras.activations.relu, "relu"),
            (3, "3"),
        )
    ],
    (
        of(lambda: small_backbone(1), (8, 8, 1), preprocessing="caffe"),
        V,
        "channels=1",
    ),
    (lambda: architectures.projected_discriminator("a"), T, "pyramid='a'"),
    (
        lambda: architectures.encoder_decoder(features.fashion_mnist()),
        V,
        r"output shapes=\[\(128,\)\]",
    ),
    (
        lambda: architectures.projected_discriminator(same(), mixing="all"),
        V,
        "mixing='all'",
    ),
    (
        lambda: architectures.projected_discriminator(same(), scales=0),
        V,
        "scales=0",
    ),
    (
        lambda: architectures.encoder_decoder(same(), channels=0),
        V,
        "channels=0",
    ),
    (lambda: keras_gan.Perceptual(same(), [1.0, 1.0]), V, r"\[1.0, 1.0\]"),
    (lambda: keras_gan.Perceptual(same(), [-1.0]), V, "weights=-1.0"),
    (lambda: keras_gan.Perceptual(same(), normalize=1), T, "normalize=1"),
    (lambda: Resize(2, 2)(tf.zeros((1, 2, 2))), V, r"\(1, 2, 2\)"),
    (
        lambda: BackboneInput(None, 3)(tf.zeros((1, 2, 2, 2))),
        V,
        r"\(1, 2, 2, 2\)",
    ),
]


@pytest.mark.parametrize(
    "call, error, message", MISTAKES, ids=[m[2] for m in MISTAKES]
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=f"(?s){message}") as caught:
        call()
    assert "Received: " in str(caught.value)


def test_a_backbone_that_takes_no_such_size():
    fixed = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.Conv2D(2, 9, padding="valid")]
    )
    with pytest.raises(ValueError, match="another `size` may do. Received: "):
        backbones.pyramid((16, 16, 3), fixed, size=4)
