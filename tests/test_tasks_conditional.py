import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import attribute_batch
from conformance import attribute_players
from keras import layers
from keras import ops

import keras_gan
from keras_gan import ConditionalGAN
from keras_gan import architectures
from keras_gan import metrics
from keras_gan.tasks import labels

V, T = ValueError, TypeError


def telling_players(shape=(2, 2, 1), num_classes=3):
    """Samples are the number of their label; logits look at both inputs."""
    z, y = keras.Input((4,)), keras.Input((1,), dtype="int32")
    size = int(np.prod(shape))
    told = layers.Embedding(num_classes, size, name="told")
    x = layers.Add()([layers.Flatten()(told(y)), layers.Dense(size)(z)])
    generator = keras.Model([z, y], layers.Reshape(shape)(x))
    told.embeddings.assign(
        np.repeat(np.arange(num_classes)[:, None], size, axis=1)
    )
    generator.layers[-3].kernel.assign(np.zeros((4, size)))
    x, y_2 = keras.Input(shape), keras.Input((1,), dtype="int32")
    code = layers.Flatten()(layers.Embedding(num_classes, 3)(y_2))
    both = layers.Concatenate()([layers.Flatten()(x), code])
    logits = layers.Dense(1)(layers.LeakyReLU()(layers.Dense(5)(both)))
    return generator, keras.Model([x, y_2], logits)


def telling_gan(**kwargs):
    gan = ConditionalGAN(*telling_players(), num_classes=3, seed=0)
    gan.compile("sgd", "adam", **kwargs)
    gan.d_optimizer.learning_rate = gan.g_optimizer.learning_rate = 0.0
    return gan


def telling_batch(n=8, seed=0):
    """Samples that are the number of their label too."""
    y = np.random.default_rng(seed).integers(0, 3, n)
    x = np.ones((n, 2, 2, 1), "float32") * y[:, None, None, None]
    return x, y


class Apart(keras.metrics.Metric):
    """The largest distance of a real sample and the fake of its row."""

    def __init__(self, name="apart"):
        super().__init__(name=name)
        self.most = self.add_weight(shape=(), initializer="zeros")

    def update_state(self, real, fake):
        apart = ops.max(ops.abs(real - fake))
        self.most.assign(ops.maximum(self.most, apart))

    def result(self):
        return self.most


def apart(discriminate, real, fake):
    return ops.max(ops.abs(real - fake), axis=(1, 2, 3))


# It looks at samples only.
apart.reaches_all = False


@pytest.mark.parametrize("update", ["alternating", "shared", "one_stage"])
def test_row_i_of_the_fakes_has_the_label_of_row_i(update):
    """What pairing by label rests on, in both halves and in evaluation."""

    def apart_in_generator(discriminate, real, fake):
        return apart(discriminate, real, fake)

    apart_in_generator.player = "generator"
    apart_in_generator.reaches_all = False
    gan = telling_gan(
        loss="relativistic",
        penalties=[apart, apart_in_generator],
        update=update,
        metrics=[Apart("far")],
    )
    x, y = telling_batch()
    assert len(set(y)) == 3
    logs = gan.fit(
        x, y, batch_size=4, verbose=0, validation_data=telling_batch(8, 1)
    ).history
    for name in ("apart", "apart_in_generator", "val_far"):
        assert logs[name] == [0.0], name
    x, y = telling_batch(6, 2)
    wrong = gan.evaluate(x, (y + 1) % 3, verbose=0, return_dict=True)
    assert wrong["far"] == 2.0


def test_relativistic_logits_of_a_pair_by_hand():
    """`d_loss` is softplus of the difference within rows of one label."""
    gan = telling_gan(loss="relativistic")
    x, y = telling_batch()
    logs = gan.evaluate(x + 0.5, y, batch_size=8, verbose=0, return_dict=True)
    real = gan.discriminator([x + 0.5, y[:, None]])
    fake = gan.discriminator([x, y[:, None]])
    loss = np.log1p(np.exp(np.float64(fake - real))).mean()
    np.testing.assert_allclose(logs["d_loss"], loss, rtol=1e-5)


def test_generate_gives_what_is_asked_for():
    gan = telling_gan()
    y = np.array([2, 0, 0, 1, 2])
    for options in ({}, {"truncation": 0.0}, {"batch_size": 2}):
        x = gan.generate(y, seed=0, **options)
        assert x.shape == (5, 2, 2, 1)
        np.testing.assert_array_equal(x[:, 0, 0, 0], y)
    as_column = gan.generate(y[:, None].tolist(), averaged=False)
    np.testing.assert_array_equal(as_column[:, 0, 0, 0], y)


def test_exported_model_takes_labels_in_turn(tmp_path):
    gan = telling_gan()
    gan.export(str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    fakes = served.generate(5, 0, 1.0, tf.constant([2, 1]))
    assert fakes.numpy()[:, 0, 0, 0].tolist() == [2, 1, 2, 1, 2]
    fakes = served.serve(tf.zeros((2, 4)), tf.constant([1, 0]))
    assert fakes.numpy()[:, 0, 0, 0].tolist() == [1, 0]
    for wrong in (3, -1):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="in \\[0, num"
        ):
            served.generate(1, 0, 1.0, tf.constant([wrong]))


def test_sample_grid_has_a_row_a_class(tmp_path):
    gan = telling_gan()
    grid = keras_gan.callbacks.SampleGrid(tmp_path, columns=2, animation=None)
    gan.fit(*telling_batch(), verbose=0, callbacks=[grid])
    rows = grid.samples()[:, 0, 0, 0].reshape(-1, 2)
    assert rows.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert (tmp_path / "epoch_0001.png").is_file()


def attribute_images():
    """Players of images of 2 x 2 pixels with two attributes."""
    z, a = keras.Input((4,)), keras.Input((2,))
    x = layers.Dense(4)(layers.Concatenate()([z, a]))
    generator = keras.Model([z, a], layers.Reshape((2, 2, 1))(x))
    x, a_2 = keras.Input((2, 2, 1)), keras.Input((2,))
    logits = layers.Dense(1)(layers.Concatenate()([layers.Flatten()(x), a_2]))
    return generator, keras.Model([x, a_2], logits)


def test_sample_grid_of_attributes(tmp_path):
    gan = ConditionalGAN(*attribute_images(), num_classes=None, seed=0)
    gan.compile("sgd", "adam")
    data = np.zeros((4, 2, 2, 1), "float32"), np.zeros((4, 2), "float32")
    for given, message in (
        (None, "labels=None"),
        (np.zeros((2, 3)), r"n_or_labels of shape=\(2, 3\)"),
    ):
        grid = keras_gan.callbacks.SampleGrid(tmp_path, labels=given)
        with pytest.raises(ValueError, match=message):
            gan.fit(*data, verbose=0, callbacks=[grid])
    assert int(gan.images_seen) == 0
    given = [[0, 1], [1, 0]]
    grid = keras_gan.callbacks.SampleGrid(
        tmp_path, columns=2, animation=None, labels=given
    )
    gan.fit(*data, verbose=0, callbacks=[grid])
    np.testing.assert_array_equal(grid.samples(), gan.generate(given, seed=0))
    assert (tmp_path / "epoch_0001.png").is_file()


def test_metrics_that_need_labels_take_what_is_generated():
    """Two classes of fakes are right, the third is shifted by 1: distance 4
    of 4 features."""
    gan = telling_gan()
    y = np.arange(30) % 3
    real = gan.generate(y, seed=0)
    real[y == 2] += 1.0
    fake = gan.generate(y, seed=1).reshape(30, 4)
    found = metrics.frechet_distance_per_class(real.reshape(30, 4), y, fake, y)
    distances = [found["values"][label] for label in range(3)]
    np.testing.assert_allclose(distances, [0, 0, 4], atol=1e-6)


def test_batches_may_be_dicts():
    gan = telling_gan(penalties=[apart])
    x, y = telling_batch()
    data = tf.data.Dataset.from_tensors({"image": x, "label": y})
    logs = gan.fit(data, shuffle=False, verbose=0).history
    assert logs["apart"] == [0.0]


@pytest.mark.large
def test_learns_what_a_label_means():
    """Three classes on a line, and where the label comes from is not seen
    in the latents: each mean is found."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 4096)
    x = (np.array([-0.6, 0.1, 0.7])[y] + 0.05 * rng.normal(size=4096))[:, None]
    players = architectures.mlp((1,), 4, num_classes=3, units=(32, 32))
    gan = ConditionalGAN(*players, num_classes=3, seed=0)
    adam = [keras.optimizers.Adam(2e-3, beta_1=0.0) for _ in range(2)]
    penalty = keras_gan.penalties.ZeroCentered(0.1)
    gan.compile(*adam, loss="relativistic", penalties=[penalty])
    gan.fit(x.astype("float32"), y, batch_size=64, epochs=6, verbose=0)
    means = [gan.generate([k] * 200, seed=1).mean() for k in range(3)]
    np.testing.assert_allclose(means, [-0.6, 0.1, 0.7], atol=0.1)


def test_attributes_reach_the_players():
    """A linear generator of its attributes gives them back."""
    z, a = keras.Input((4,)), keras.Input((2,))
    given = layers.Dense(2, use_bias=False)(layers.Concatenate()([z, a]))
    generator = keras.Model([z, a], given)
    generator.layers[-1].kernel.assign(np.eye(6)[:, 4:])
    x, a_2 = keras.Input((2,)), keras.Input((2,))
    logits = layers.Dense(1)(layers.Concatenate()([x, a_2]))
    gan = ConditionalGAN(
        generator, keras.Model([x, a_2], logits), num_classes=None, seed=0
    )
    wanted = [[0, 0.25], [1, -3.5]]
    np.testing.assert_array_equal(gan.generate(wanted), wanted)
    yes = np.array([[True, False]])
    np.testing.assert_array_equal(gan.generate(yes), [[1, 0]])


def test_labels_out_of_range_in_a_data_set_move_nothing():
    gan = telling_gan()
    gan.d_optimizer.learning_rate = gan.g_optimizer.learning_rate = 0.1
    x, y = telling_batch()
    players = (gan.generator, gan.discriminator, gan.averaged_generator)
    before = [np.array(w) for player in players for w in player.get_weights()]
    for wrong in (3, -1):
        y[5] = wrong
        data = tf.data.Dataset.from_tensors((x, y))
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="in \\[0, num"
        ):
            gan.fit(data, shuffle=False, verbose=0)
        after = [w for player in players for w in player.get_weights()]
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a, b)


def fit(y, **kwargs):
    return lambda gan: gan.fit(telling_batch()[0], y, verbose=0, **kwargs)


def with_names(gan):
    data = tf.data.Dataset.from_tensors(telling_batch())
    data.class_names = list("abcd")
    gan.fit(data, shuffle=False, verbose=0)


def with_number(gan):
    x = np.zeros((40, 2, 2, 1), "float32")
    data, _ = keras_gan.datasets.load((x, np.arange(40) % 4), batch_size=4)
    gan.fit(data, shuffle=False, verbose=0)


Y = telling_batch()[1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (fit(None), V, r"\(x, labels\).*labels=None"),
        (fit(Y + 0.0), T, "y of dtype=float64"),
        (fit(Y + 1), V, ">= 0 and < 3. Received: y from 1 to 3"),
        (fit(Y - 1), V, "y from -1 to 1"),
        (fit(np.eye(3, dtype=int)[Y]), V, r"y of shape=\(8, 3\)"),
        (fit(np.array(list("abcabcab"))), T, "must be an array of numbers"),
        (fit(Y == 1), T, "y of dtype=bool"),
        (
            fit(Y, validation_data=(telling_batch()[0], Y + 3)),
            V,
            "y of validation_data from 3 to 5",
        ),
        (lambda gan: gan.evaluate(*telling_batch()[:1]), V, "labels=None"),
        (
            lambda gan: gan.evaluate(telling_batch()[0], Y + 1),
            V,
            "y from 1 to 3",
        ),
        (with_names, V, "The data has 4 classes.*num_classes=3"),
        (with_number, V, "The data has 4 classes.*num_classes=3"),
        (lambda gan: gan.generate(3), V, "one label a sample.*n_or_labels=3"),
        (lambda gan: gan.generate([]), V, r"n_or_labels=\[\]"),
        (lambda gan: gan.generate([0, 3]), V, "n_or_labels from 0 to 3"),
        (lambda gan: gan.generate([-1]), V, "n_or_labels from -1 to -1"),
        (lambda gan: gan.generate([0.0]), T, "n_or_labels of dtype=float64"),
        (lambda gan: gan.generate("01"), T, "n_or_labels='01'"),
        (lambda gan: gan.generate([[0, 1]]), V, r"of shape=\(1, 2\)"),
        (lambda gan: gan.generate([1], seed=-1), V, "seed=-1"),
    ],
)
def test_bad_labels(call, error, message):
    gan = telling_gan()
    with pytest.raises(error, match=message):
        call(gan)
    assert int(gan.images_seen) == 0
    assert int(gan.d_optimizer.iterations) == 0


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (np.zeros((8, 3)), r"attributes of shape \(batch, 2\).*\(8, 3\)"),
        (np.zeros(8), r"y of shape=\(8,\)"),
        (np.full((8, 2), np.nan), "NaN or infinity"),
    ],
)
def test_bad_attributes(attributes, message):
    gan = ConditionalGAN(*attribute_players(), num_classes=None)
    gan.compile("sgd", "adam")
    with pytest.raises(ValueError, match=message):
        gan.fit(attribute_batch()[0], attributes, verbose=0)
    with pytest.raises(ValueError, match="n_or_labels"):
        gan.generate(attributes)


def other_attributes():
    generator, discriminator = attribute_players()
    x, a = keras.Input((6,)), keras.Input((3,))
    logits = layers.Dense(1)(layers.Concatenate()([x, a]))
    return generator, keras.Model([x, a], logits)


@pytest.mark.parametrize(
    ("players", "num_classes", "error", "message"),
    [
        (telling_players, 1, V, "num_classes=1"),
        (telling_players, "3", T, "num_classes='3'"),
        (telling_players, 3.0, T, "num_classes=3.0"),
        (telling_players, None, V, "generator must take floats.*int32"),
        (attribute_players, 3, V, "generator must take integer.*float32"),
        (other_attributes, None, V, r"generator \(None, 2\) and discrim"),
        (
            lambda: architectures.mlp((3,), 2, units=(4,)),
            3,
            V,
            r"generator must take two inputs, \[latents, labels\].*1 inputs",
        ),
        (
            lambda: (telling_players()[0], architectures.mlp((4,))[1]),
            3,
            V,
            r"discriminator must take two inputs, \[samples, labels\]",
        ),
        (lambda: ("a", telling_players()[1]), 3, T, "generator='a'"),
    ],
)
def test_bad_players(players, num_classes, error, message):
    with pytest.raises(error, match=message):
        ConditionalGAN(*players(), num_classes=num_classes)


def test_labels_of_any_integer_kind():
    spec = keras.Input((1,), dtype="int32")
    for dtype in ("uint8", "int16", "int64"):
        given = ops.convert_to_tensor(np.array([0, 2, 1], dtype))
        found = labels.as_condition(given, spec, 3)
        assert found.dtype == "int32" and found.numpy().tolist() == [
            [0],
            [2],
            [1],
        ]
