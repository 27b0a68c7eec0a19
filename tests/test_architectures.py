import keras
import numpy as np
import pytest

from keras_gan import architectures


def kernels(model):
    return [w.shape for w in model.trainable_weights if len(w.shape) > 1]


@pytest.mark.parametrize(
    ("size", "stages"), [(28, 2), (32, 3), (64, 4), (128, 5), (96, 4)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_dcgan_stages(size, stages, channels):
    generator, discriminator = architectures.dcgan(
        (size, size, channels), latent_dim=5, width=2, max_width=16
    )
    assert generator.input_shape == (None, 5)
    assert generator.output_shape == (None, size, size, channels)
    assert discriminator.input_shape == (None, size, size, channels)
    assert discriminator.output_shape == (None, 1)
    convolutions = [s for s in kernels(discriminator) if len(s) == 4]
    widths = [min(2 * 2**i, 16) for i in range(stages)]
    assert convolutions == [
        (4, 4, i, o) for i, o in zip([channels, *widths], widths)
    ]
    transposed = [s for s in kernels(generator) if len(s) == 4]
    assert transposed == [
        (4, 4, o, i) for i, o in zip(widths[::-1], [*widths[-2::-1], channels])
    ]
    images = generator(np.zeros((2, 5), "float32"))
    assert float(np.abs(images).max()) <= 1.0
    assert discriminator(images).shape == (2, 1)


def test_dcgan_parameters_at_28_pixels():
    """G: 64*6272 + 256 + 4*4*128*64 + 128 + 4*4*64 + 1, D by hand too."""
    generator, discriminator = architectures.dcgan()
    g_trainable = 64 * 6272 + 2 * 128 + 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1
    d_trainable = 16 * 64 + 64 + 16 * 64 * 128 + 128 + 6272 + 1
    count = [
        sum(int(np.prod(w.shape)) for w in player.trainable_weights)
        for player in (generator, discriminator)
    ]
    assert count == [g_trainable, d_trainable]


def test_dcgan_widths_and_rectangles():
    generator, discriminator = architectures.dcgan(
        (32, 64, 3), latent_dim=4, widths=(3, 5, 7)
    )
    assert generator.output_shape == (None, 32, 64, 3)
    assert generator.layers[1].units == 4 * 8 * 7
    assert [s[-1] for s in kernels(discriminator)] == [3, 5, 7, 1]


@pytest.mark.parametrize(
    ("normalize", "counts"),
    [("none", [0, 0]), ("generator", [2, 0]), ("both", [2, 1])],
)
def test_dcgan_normalization(normalize, counts):
    players = architectures.dcgan((28, 28, 1), width=2, normalize=normalize)
    found = [
        sum("BatchNorm" in type(layer).__name__ for layer in player.layers)
        for player in players
    ]
    assert found == counts


@pytest.mark.parametrize("shape", [(28, 28, 1), (30,), (16, 4), (3, 4, 5, 1)])
def test_mlp_shapes_and_parameters(shape):
    generator, discriminator = architectures.mlp(shape)
    size = int(np.prod(shape))
    assert generator.output_shape == (None, *shape)
    assert discriminator.input_shape == (None, *shape)
    assert kernels(generator) == [(100, 128), (128, 128), (128, size)]
    assert kernels(discriminator) == [(size, 128), (128, 128), (128, 1)]


def test_mlp_slope_and_options():
    generator, discriminator = architectures.mlp(
        (4,), latent_dim=3, units=(7, 5), activation=None, generator_norm=True
    )
    assert kernels(generator) == [(3, 7), (7, 5), (5, 4)]
    assert kernels(discriminator) == [(4, 5), (5, 7), (7, 1)]
    slopes = [
        layer.negative_slope
        for layer in discriminator.layers
        if hasattr(layer, "negative_slope")
    ]
    assert slopes == [0.2, 0.2]
    far = generator(100.0 * np.ones((1, 3), "float32"))
    assert float(np.abs(far).max()) > 1.0


def test_dcgan_with_labels():
    """A code of as many numbers as the latents; a vector of the features."""
    generator, discriminator = architectures.dcgan(
        (16, 12, 3), latent_dim=5, num_classes=4, width=2
    )
    assert kernels(generator)[:2] == [(4, 5), (10, 8 * 6 * 2)]
    assert kernels(discriminator)[1:] == [(4, 96), (96, 1)]
    assert [x.shape for x in generator.inputs] == [(None, 5), (None, 1)]
    dense = next(x for x in discriminator.layers if hasattr(x, "units"))
    inputs = discriminator.inputs
    features = keras.Model(inputs, dense.input)
    x, y = np.random.rand(2, 16, 12, 3), np.array([[3], [1]])
    seen = keras.ops.convert_to_numpy(features([x, y]))
    table = next(
        keras.ops.convert_to_numpy(x.embeddings)
        for x in discriminator.layers
        if hasattr(x, "embeddings")
    )
    plain = keras.ops.convert_to_numpy(dense(seen))[:, 0]
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(discriminator([x, y]))[:, 0],
        plain + (seen * table[[3, 1]]).sum(axis=1),
        rtol=1e-4,
    )


def test_mlp_with_labels():
    generator, discriminator = architectures.mlp(
        (3, 2), latent_dim=5, num_classes=4, units=(7,)
    )
    assert kernels(generator) == [(4, 5), (10, 7), (7, 6)]
    assert kernels(discriminator) == [(4, 5), (11, 7), (7, 1)]


@pytest.mark.parametrize("make", [architectures.mlp, architectures.dcgan])
def test_labels_matter(make):
    """Same latents or sample, another label: another result."""
    generator, discriminator = make((8, 8, 1), latent_dim=3, num_classes=3)
    z = np.ones((3, 3), "float32")
    x = np.ones((3, 8, 8, 1), "float32")
    labels = np.array([[0], [2], [0]])
    for player, first in ((generator, z), (discriminator, x)):
        out = keras.ops.convert_to_numpy(player([first, labels]))
        np.testing.assert_allclose(out[0], out[2], rtol=1e-5)
        assert np.abs(out[0] - out[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: architectures.dcgan((28, 28)), ValueError, r"\(28, 28\)"),
        (
            lambda: architectures.dcgan((30, 30, 1)),
            ValueError,
            r"\(30, 30, 1\)",
        ),
        (lambda: architectures.dcgan((7, 7, 1)), ValueError, r"\(7, 7, 1\)"),
        (
            lambda: architectures.dcgan((None, 8, 1)),
            TypeError,
            r"image_shape=\(None, 8, 1\)",
        ),
        (lambda: architectures.dcgan(28), TypeError, "image_shape=28"),
        (
            lambda: architectures.dcgan(widths=(3,)),
            ValueError,
            r"2 stages.*widths=\(3,\)",
        ),
        (
            lambda: architectures.dcgan(normalize=True),
            ValueError,
            "normalize=True",
        ),
        (lambda: architectures.dcgan(latent_dim=0), ValueError, "latent_dim=0"),
        (lambda: architectures.dcgan(width=0.5), TypeError, "width=0.5"),
        (
            lambda: architectures.dcgan(num_classes=0),
            ValueError,
            "num_classes=0",
        ),
        (
            lambda: architectures.mlp((3,), num_classes=2.0),
            TypeError,
            "num_classes=2.0",
        ),
        (lambda: architectures.mlp(()), ValueError, r"image_shape=\(\)"),
        (
            lambda: architectures.mlp((3,), units=(0,)),
            ValueError,
            r"units=\(0,\)",
        ),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
