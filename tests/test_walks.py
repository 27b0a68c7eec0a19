import keras
import numpy as np
import pytest
from keras import layers
from keras import ops
from PIL import Image

import keras_gan
from keras_gan import architectures
from keras_gan import latents
from keras_gan import tasks
from keras_gan import walks

CLASSES = 4


def judge(shape, labels=None):
    x = keras.Input(shape)
    logits = layers.Dense(1)(layers.Flatten()(x))
    return keras.Model(x if labels is None else [x, labels], logits)


def plain(*stack, latent_shape=(5,), draw=None, kind=keras_gan.GAN, **options):
    """A GAN of these layers; the average is the generator itself."""
    generator = keras.Sequential([keras.Input(latent_shape), *stack])
    if draw is not None:
        options["latents"] = draw
    discriminator = judge(generator.output_shape[1:])
    return kind(generator, discriminator, ema_half_life=None, **options)


def as_is(latent_dim, **options):
    """A generator whose samples are its latents."""
    return plain(layers.Identity(), latent_shape=(latent_dim,), **options)


def labelled(make_samples, num_classes=CLASSES, size=1, latent_dim=3):
    """A conditional GAN, `make_samples(latents, labels)` its generator."""
    dtype = "float32" if num_classes is None else "int32"
    z, y = keras.Input((latent_dim,)), keras.Input((size,), dtype=dtype)
    generator = keras.Model([z, y], make_samples(z, y))
    shape = generator.output_shape[1:]
    given = keras.Input((size,), dtype=dtype)
    return tasks.ConditionalGAN(
        generator,
        judge(shape, given),
        num_classes,
        ema_half_life=None,
        seed=0,
    )


def coded(z, y):
    """Latents, and behind them the code of the class."""
    code = layers.Flatten()(layers.Embedding(CLASSES, 2)(y))
    return layers.Concatenate()([z, code])


def table(gan):
    (found,) = [x for x in gan.generator.layers if hasattr(x, "embeddings")]
    return found.embeddings.numpy()


PAPERS = {
    "mlp": lambda n: architectures.mlp((6,), 4, n, units=(8,)),
    "dcgan": lambda n: architectures.dcgan((8, 8, 1), 4, n, width=4),
    "sn_resnet": lambda n: architectures.sn_resnet(
        (8, 8, 1), 4, n, g_width=4, d_width=4
    ),
    "sagan": lambda n: architectures.sagan(
        (8, 8, 1), 4, n, width=4, max_width=8
    ),
    "r3gan": lambda n: architectures.r3gan((8, 8, 1), 4, n, width=8, blocks=1),
    "stylegan2": lambda n: architectures.stylegan2(
        (8, 8, 1), 4, n, mapping_layers=1, channel_max=4
    ),
}


# The parts of SAGAN's are in the others, and it is slow to trace.
NAMES = [
    pytest.param(n, marks=[pytest.mark.long] * (n == "sagan")) for n in PAPERS
]


def of_paper(name, num_classes=None):
    """A GAN of an architecture, its weights no longer those of the start."""
    players = PAPERS[name](num_classes)
    rng = np.random.default_rng(0)
    for weight in players[0].weights:
        noise = rng.normal(size=weight.shape) * 0.3
        weight.assign(weight + noise.astype("float32"))
    for weight in players[0].weights:
        if "variance" in weight.path:
            weight.assign(ops.abs(weight) + 0.5)
    if num_classes is None:
        return keras_gan.GAN(*players, seed=0)
    return tasks.ConditionalGAN(*players, num_classes=num_classes, seed=0)


def state(gan):
    return [np.array(v) for v in gan.variables]


@pytest.mark.parametrize("method", ["linear", "spherical", None])
def test_interpolations_follow_the_latents(method):
    gan = as_is(5)
    walk = walks.interpolation(gan, rows=3, steps=4, seed=2, method=method)
    assert walk.shape == (3, 4, 5) and walk.dtype == "float32"
    ends = gan.generate(6, seed=2)
    way = latents.interpolate(ends[:3], ends[3:], 4, method or "spherical")
    np.testing.assert_allclose(walk, np.moveaxis(way, 0, 1), atol=1e-6)


def test_other_latents_have_other_ways():
    gan = as_is(5, draw=latents.Uniform((5,)))
    found = walks.interpolation(gan, rows=2, steps=3)
    np.testing.assert_allclose(
        found[:, 1], (found[:, 0] + found[:, 2]) / 2, atol=1e-6
    )
    gan = as_is(5, draw=lambda n, seed: keras.random.normal((n, 5), seed=seed))
    found = walks.interpolation(gan, rows=2, steps=3)
    np.testing.assert_allclose(
        found[:, 1], (found[:, 0] + found[:, 2]) / 2, atol=1e-6
    )


def test_codes_go_straight_and_noise_does_not():
    gan = as_is(9, draw=latents.Codes(4, (3,), 2))
    found = walks.interpolation(gan, rows=2, steps=3)
    ends = gan.generate(4, seed=0)
    noise = latents.interpolate(ends[:2, :4], ends[2:, :4], 3)[1]
    np.testing.assert_allclose(found[:, 1, :4], noise, atol=1e-6)
    codes = (ends[:2, 4:] + ends[2:, 4:]) / 2
    np.testing.assert_allclose(found[:, 1, 4:], codes, atol=1e-6)


@pytest.mark.parametrize("given", [None, [3, 1]])
def test_rows_keep_their_labels(given):
    gan = labelled(coded)
    labels = np.resize(np.arange(CLASSES) if given is None else given, 5)
    codes = np.repeat(table(gan)[labels][:, None], 4, axis=1)
    options = {"rows": 5, "labels": given}
    found = walks.interpolation(gan, steps=4, **options)
    np.testing.assert_allclose(found[..., 3:], codes, atol=1e-6)
    sweep = walks.truncation_sweep(gan, [0.5, 1, 2, 0], **options)
    np.testing.assert_allclose(sweep[..., 3:], codes, atol=1e-6)
    moved = walks.along(gan, [0, 1, 0], range(4), **options)
    np.testing.assert_allclose(moved[..., 3:], codes, atol=1e-6)


def test_codes_of_classes_move_and_latents_stay():
    gan = labelled(coded)
    walk = walks.morph(gan, 2, 1, rows=3, steps=5, seed=4)
    assert walk.shape == (3, 5, 5) and walk.dtype == "float32"
    drawn = gan.sample_latents(3, 4).numpy()
    np.testing.assert_allclose(
        walk[:, :, :3], np.repeat(drawn[:, None], 5, axis=1)
    )
    codes = table(gan)
    way = np.linspace(codes[2], codes[1], 5)
    np.testing.assert_allclose(
        walk[:, :, 3:], np.repeat(way[None], 3, axis=0), atol=1e-6
    )


def test_conditional_normalisation_morphs():
    def make_samples(z, y):
        by_class = keras_gan.layers.ConditionalBatchNormalization(
            CLASSES, epsilon=1e-12
        )
        return by_class([z, y])

    gan = labelled(make_samples)
    (layer,) = gan.generator.layers[-1:]
    rng = np.random.default_rng(0)
    gamma, beta = rng.normal(size=(2, CLASSES, 3)).astype("float32")
    layer.gamma.embeddings.assign(gamma)
    layer.beta.embeddings.assign(beta)
    walk = walks.morph(gan, 0, 3, rows=2, steps=3, seed=1)
    z = gan.sample_latents(2, 1).numpy()
    for column, t in enumerate((0, 0.5, 1)):
        scale, shift = ((1 - t) * x[0] + t * x[3] for x in (gamma, beta))
        np.testing.assert_allclose(
            walk[:, column], scale * z + shift, atol=1e-5
        )


@pytest.mark.parametrize("name", NAMES)
def test_papers_morph_from_label_to_label(name):
    gan = of_paper(name, 3)
    before = state(gan)
    walk = walks.morph(gan, 2, 0, rows=2, steps=3, seed=1)
    for column, label in ((0, 2), (-1, 0)):
        expected = gan.generate([label] * 2, seed=1)
        np.testing.assert_allclose(walk[:, column], expected, atol=1e-4)
    changes = np.abs(np.diff(walk, axis=1)).max(axis=(0, *range(2, walk.ndim)))
    assert changes.min() > 1e-3
    for was, now in zip(before, state(gan)):
        np.testing.assert_array_equal(was, now)


def test_attributes_move_themselves():
    def make_samples(z, y):
        return layers.Concatenate()([z, y])

    gan = labelled(make_samples, None, size=2)
    walk = walks.morph(gan, [0.0, 1.0], [1.0, -1.0], rows=2, steps=3)
    way = [[0.0, 1.0], [0.5, 0.0], [1.0, -1.0]]
    np.testing.assert_allclose(walk[..., 3:], [way] * 2)
    np.testing.assert_allclose(walk[:, 1, :3], gan.sample_latents(2, 0))
    with pytest.raises(ValueError, match="`labels` must be given for a model"):
        walks.interpolation(gan)


@pytest.mark.parametrize("ends", [(0, 1), (2, 3)])
def test_labels_that_are_not_looked_up_do_not_morph(ends):
    def make_samples(z, y):
        shares = layers.Lambda(lambda y: ops.one_hot(y[:, 0], CLASSES))(y)
        return layers.Concatenate()([z, 1e-2 * layers.Dense(2)(shares)])

    gan = labelled(make_samples)
    with pytest.raises(ValueError, match="but look up rows of Embedding"):
        walks.morph(gan, *ends, rows=2)


def test_a_morph_of_nan_is_an_error():
    gan = labelled(coded)
    for variable in gan.averaged_generator.trainable_weights:
        variable.assign(variable * np.nan)
    with pytest.raises(ValueError, match="by nan. Received: "):
        walks.morph(gan, 0, 1, rows=1, steps=2)


def test_tables_of_other_things_stay():
    """A table of positions is no table of classes, whatever its size."""

    def make_samples(z, y):
        places = layers.Lambda(lambda y: 0 * y + 2)(y)
        place = layers.Flatten()(layers.Embedding(3, 1)(places))
        return layers.Concatenate()([place, coded(z, y)])

    gan = labelled(make_samples)
    found = walks.morph(gan, 1, 3, rows=2, steps=3)
    assert np.ptp(found[..., 0]) == 0
    with pytest.raises(ValueError, match="but look up rows of Embedding"):
        walks.morph(gan, 2, 1, rows=2, steps=3)


@pytest.mark.parametrize(
    ("name", "num_classes"),
    [("mlp", None), ("mlp", 3), ("stylegan2", None), ("stylegan2", 3)],
)
def test_truncation_is_that_of_generate(name, num_classes):
    gan = of_paper(name, num_classes)
    values = (0, 0.3, 1, 1.7)
    walk = walks.truncation_sweep(gan, values, rows=4, seed=3)
    asked = 4 if num_classes is None else [0, 1, 2, 0]
    for column, value in enumerate(values):
        expected = gan.generate(asked, seed=3, truncation=value)
        np.testing.assert_allclose(walk[:, column], expected, atol=1e-5)


def test_truncation_leaves_codes():
    gan = as_is(9, draw=latents.Codes(4, (3,), 2))
    walk = walks.truncation_sweep(gan, [0.5], rows=3)
    np.testing.assert_allclose(
        walk[:, 0], gan.generate(3, seed=0, truncation=0.5)
    )


def test_codes_are_swept():
    gan = as_is(12, draw=latents.Codes(4, (3, 2), 3))
    drawn = gan.generate(2, seed=5)
    for code, first, size in ((0, 4, 3), (1, 7, 2)):
        walk = walks.code_sweep(gan, code, rows=2, seed=5)
        expected = np.repeat(drawn[:, None], size, axis=1)
        expected[:, :, first : first + size] = np.eye(size)
        np.testing.assert_array_equal(walk, expected)
    walk = walks.code_sweep(gan, 3, rows=2, steps=3, seed=5)
    expected = np.repeat(drawn[:, None], 3, axis=1)
    expected[:, :, 10] = [-1, 0, 1]
    np.testing.assert_array_equal(walk, expected)


def top(matrix, count):
    """The first left singular vectors."""
    return np.linalg.svd(np.asarray(matrix, "float64"))[0].T[:count]


def assert_same_lines(found, expected):
    np.testing.assert_allclose(
        np.abs(np.sum(found * expected, axis=1)), 1, atol=1e-5
    )


def test_directions_are_those_the_kernel_stretches_most():
    stretched = layers.Dense(6, activation="relu", bias_initializer="ones")
    gan = plain(stretched, layers.Dense(3, "tanh"))
    found = walks.directions(gan, 3)
    assert found.shape == (3, 5) and found.dtype == "float32"
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-6)
    assert_same_lines(found, top(stretched.kernel, 3))
    for row in found:
        assert row[np.abs(row).argmax()] > 0
    # By hand: each latent goes to its own output, times 1, 3 and 2.
    diagonal = layers.Dense(3, use_bias=False)
    gan = plain(diagonal, latent_shape=(3,))
    diagonal.kernel.assign(np.diag([1.0, -3.0, 2.0]))
    expected = np.eye(3)[[1, 2, 0]]
    np.testing.assert_allclose(walks.directions(gan, 3), expected, atol=1e-6)


def test_directions_of_shaped_latents_and_wrapped_layers():
    first = keras_gan.layers.SpectralNormalization(layers.Dense(6))
    gan = plain(layers.Flatten(), first, latent_shape=(2, 3))
    found = walks.directions(gan, 2)
    assert found.shape == (2, 2, 3)
    assert_same_lines(found.reshape(2, 6), top(first.layer.kernel, 2))
    first = layers.Conv2DTranspose(4, 3)
    gan = plain(layers.Reshape((1, 1, 5)), first)
    kernel = np.moveaxis(first.kernel.numpy(), -1, 0).reshape(5, -1)
    assert_same_lines(walks.directions(gan, 2), top(kernel, 2))


def test_directions_leave_labels_and_codes():
    gan = labelled(lambda z, y: layers.Dense(6)(coded(z, y)))
    kernel = gan.generator.layers[-1].kernel
    assert_same_lines(walks.directions(gan, 2), top(kernel[:3], 2))
    dense = layers.Dense(20)
    gan = plain(dense, latent_shape=(9,), draw=latents.Codes(4, (3,), 2))
    found = walks.directions(gan, 3)
    np.testing.assert_array_equal(found[:, 4:], 0)
    assert_same_lines(found[:, :4], top(dense.kernel[:4], 3))


def test_directions_of_styles():
    gan = of_paper("stylegan2")
    kernels = [
        layer.affine.kernel.numpy()
        for layer in gan.averaged_generator.layers
        if isinstance(layer, keras_gan.layers.ModulatedConv2D)
    ]
    assert len(kernels) == 5
    found = walks.directions(gan, 4)
    assert_same_lines(found, top(np.concatenate(kernels, axis=1), 4))
    walk = walks.along(gan, 2 * found[0], [0, 1], rows=3, seed=1)
    np.testing.assert_allclose(walk[:, 0], gan.generate(3, seed=1), atol=1e-5)
    generator = gan.averaged_generator
    styles = generator.get_layer("mean_style").output
    w = keras.Model(generator.input, styles)(gan.sample_latents(3, 1))
    expected = keras.Model(styles, generator.output)(w + 2 * found[0])
    np.testing.assert_allclose(walk[:, 1], expected, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num_classes", [None, 3])
def test_papers_have_directions(name, num_classes):
    gan = of_paper(name, num_classes)
    before = state(gan)
    found = walks.directions(gan, 4)
    np.testing.assert_allclose(found @ found.T, np.eye(4), atol=1e-5)
    walk = walks.along(gan, found[0], [-3, 0, 3], rows=3)
    asked = 3 if num_classes is None else [0, 1, 2]
    expected = gan.generate(asked, seed=0)
    np.testing.assert_allclose(walk[:, 1], expected, atol=1e-4)
    for was, now in zip(before, state(gan)):
        np.testing.assert_array_equal(was, now)


def test_half_precision_has_directions():
    keras.config.set_dtype_policy("mixed_bfloat16")
    gan = of_paper("dcgan")
    (dense,) = [
        x for x in gan.averaged_generator.layers if isinstance(x, layers.Dense)
    ]
    cosines = np.sum(walks.directions(gan, 2) * top(dense.kernel, 2), axis=1)
    np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-3)


def test_along_is_a_step_in_the_latents():
    gan = plain(layers.Dense(3))
    kernel = gan.generator.layers[0].kernel.numpy()
    direction = np.array([1.0, 0, 2, 0, 0])
    walk = walks.along(gan, direction, [-1, 0, 2.5], rows=2, seed=3)
    samples = gan.generate(2, seed=3)
    for column, distance in enumerate((-1, 0, 2.5)):
        np.testing.assert_allclose(
            walk[:, column],
            samples + distance * direction @ kernel,
            atol=1e-5,
        )


def test_pictures_have_a_row_of_the_walk_in_each_row(tmp_path):
    walk = np.linspace(-1, 1, 6).reshape(2, 3, 1, 1, 1) * np.ones((8, 8, 1))
    walks.save(tmp_path / "new" / "walk.png", walk)
    with Image.open(tmp_path / "new" / "walk.png") as picture:
        grid = np.array(picture)
    side = grid.shape[0] // 2
    assert grid.shape == (2 * side, 3 * side)
    expected = np.rint((np.linspace(-1, 1, 6) + 1) * 127.5).reshape(2, 3)
    middles = grid[side // 2 :: side, side // 2 :: side]
    np.testing.assert_array_equal(middles, expected)
    for wrong in (np.zeros((2, 3, 5)), np.zeros(7)):
        with pytest.raises(ValueError, match="Received: .* shape="):
            walks.save(tmp_path / "no.png", wrong)
    assert not (tmp_path / "no.png").exists()


def pixel_norm_first():
    return plain(keras_gan.layers.PixelNorm(), layers.Dense(4))


def without_weights():
    return plain(layers.Reshape((5, 1)))


def style_less():
    z = keras.Input((5,))
    styles = keras_gan.layers.MeanStyle()(layers.Dense(3)(z))
    generator = keras.Model(z, layers.Dense(2)(styles))
    return keras_gan.GAN(generator, judge((2,)), ema_half_life=None)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: walks.interpolation(as_is(3), rows=0), ValueError, "rows=0"),
        (lambda: walks.interpolation(as_is(3), steps=1), ValueError, "steps=1"),
        (
            lambda: walks.interpolation(as_is(3), method="cubic"),
            ValueError,
            "method='cubic'",
        ),
        (
            lambda: walks.interpolation(as_is(3), labels=[1]),
            ValueError,
            r"takes no labels. Received: labels=\[1\]",
        ),
        (
            lambda: walks.morph(as_is(3), 1, 2),
            ValueError,
            r"takes no labels. Received: first_label=\[1\]",
        ),
        (
            lambda: walks.morph(labelled(coded), 1, CLASSES),
            ValueError,
            "second_label from 4 to 4",
        ),
        (
            lambda: walks.morph(labelled(coded), 0.5, 1),
            TypeError,
            "`first_label` must be integers",
        ),
        (
            lambda: walks.truncation_sweep(as_is(3), [0.5, -1]),
            ValueError,
            "values=-1",
        ),
        (
            lambda: walks.truncation_sweep(as_is(3), []),
            ValueError,
            r"values=\[\]",
        ),
        (
            lambda: walks.truncation_sweep(as_is(3), 0.5),
            ValueError,
            "values=0.5",
        ),
        (lambda: walks.code_sweep(as_is(3), 0), ValueError, "latents=Normal"),
        (
            lambda: walks.code_sweep(as_is(6, draw=latents.Codes(2, 3, 1)), 2),
            ValueError,
            "code=2",
        ),
        (
            lambda: walks.along(as_is(3), [1, 0]),
            ValueError,
            r"direction of shape=\(2,\)",
        ),
        (
            lambda: walks.along(as_is(3), [1, 0, 0], ["a"]),
            TypeError,
            "distances='a'",
        ),
        (
            lambda: walks.directions(plain(layers.Dense(3)), 6),
            ValueError,
            "count=6",
        ),
        (
            lambda: walks.directions(pixel_norm_first()),
            ValueError,
            "must be linear",
        ),
        (
            lambda: walks.directions(without_weights()),
            ValueError,
            "layer with weights",
        ),
        (
            lambda: walks.directions(style_less()),
            ValueError,
            "AdaIN or ModulatedConv2D",
        ),
    ],
)
def test_errors_name_what_is_wrong(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_the_next_draws_stay():
    gan = plain(layers.Dense(3))
    states = [
        gan.seed_generator.state,
        gan.sampling_seed_generator.state,
        gan.evaluation_seed_generator.state,
    ]
    before = [np.array(x) for x in states]
    walks.interpolation(gan)
    walks.truncation_sweep(gan)
    walks.along(gan, walks.directions(gan, 1)[0])
    for was, now in zip(before, states):
        np.testing.assert_array_equal(was, now)
