"""ACGAN, ReACGAN, SemiSupervisedGAN, InfoGAN, PackedGAN: numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

import keras_gan
from keras_gan import architectures
from keras_gan import latents
from keras_gan import penalties
from keras_gan import presets
from keras_gan import tasks
from keras_gan.callbacks.health_probe import Probe
from keras_gan.tasks.heads import with_heads
from keras_gan.tasks.reacgan import data_to_data

V, T = ValueError, TypeError


def softplus(x):
    return np.logaddexp(0.0, np.asarray(x, "float64"))


def cross_entropy(logits, labels):
    logits = np.asarray(logits, "float64")
    total = np.log(np.exp(logits).sum(axis=1))
    return total - logits[np.arange(len(labels)), labels]


def softmax(logits):
    powers = np.exp(np.asarray(logits, "float64"))
    return powers / powers.sum(axis=1, keepdims=True)


def still(gan, **kwargs):
    """The model, compiled so that nothing moves."""
    gan.compile("sgd", "adam", **kwargs)
    gan.d_optimizer.learning_rate = gan.g_optimizer.learning_rate = 0.0
    return gan


def label_generator_of_images():
    return architectures.dcgan((8, 8, 1), 4, 3, width=2)[0]


def label_generator():
    """Fakes `(label, 1)`, whatever the latents are."""
    z, y = keras.Input((4,)), keras.Input((1,), dtype="int32")
    told = layers.Embedding(3, 2)(y)
    nothing = layers.Dense(2, kernel_initializer="zeros")(z)
    fake = layers.Add()([layers.Flatten()(told), nothing])
    generator = keras.Model([z, y], fake)
    table = next(x for x in generator.layers if hasattr(x, "embeddings"))
    table.embeddings.assign([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    return generator


def plain_generator(size=2, latent_dim=4):
    z = keras.Input((latent_dim,))
    return keras.Model(z, layers.Dense(size)(z))


def linear_discriminator(size=2):
    """Features are the samples."""
    x = keras.Input((size,))
    features = layers.Dense(size, kernel_initializer="identity")(x)
    return keras.Model(x, layers.Dense(1)(features))


def classes_of(gan):
    return gan.discriminator.get_layer("classes")


X = np.array([[0.5, -1.0], [2.0, 0.3], [-1.0, 1.0], [0.1, 0.2]], "float32")
Y = np.array([0, 2, 1, 1])
KERNEL = np.array([[1.0, -0.5, 0.3], [0.2, 0.8, -1.0]], "float32")


def known_acgan(discriminator, fake_term):
    """Class logits are samples times `KERNEL`; their weight is a half."""
    gan = tasks.ACGAN(
        label_generator(),
        discriminator,
        3,
        classification_weight=0.5,
        fake_term=fake_term,
        seed=0,
    )
    classes_of(gan).kernel.assign(KERNEL)
    return gan


@pytest.mark.parametrize("fake_term", [True, False])
def test_acgan_terms_by_hand(fake_term):
    gan = known_acgan(linear_discriminator(), fake_term)
    logs = still(gan).fit(X, Y, batch_size=4, verbose=0).history
    fakes = np.stack([Y, np.ones(4)], axis=1)
    real = cross_entropy(X @ KERNEL, Y).mean()
    fake = cross_entropy(fakes @ KERNEL, Y).mean()
    wanted = 0.5 * (real + fake * fake_term)
    np.testing.assert_allclose(logs["d_class_loss"], [wanted], rtol=1e-5)
    np.testing.assert_allclose(logs["g_class_loss"], [0.5 * fake], rtol=1e-5)
    found = (X @ KERNEL).argmax(axis=1)
    assert logs["accuracy"] == [(found == Y).mean()]
    told = gan.evaluate(X, Y, verbose=0, return_dict=True)
    assert told["accuracy"] == (found == Y).mean()
    wanted = softmax(X @ KERNEL)
    np.testing.assert_allclose(gan.classify(X), wanted, rtol=1e-5)
    # The total that both players minimise: what is logged, accuracy not.
    parts = ("d_loss", "g_loss", "d_class_loss", "g_class_loss")
    total = sum(logs[name][0] for name in parts)
    np.testing.assert_allclose(logs["loss"], [total], rtol=1e-5)


def test_acgan_logits_are_those_of_the_discriminator():
    discriminator = linear_discriminator()
    gan = tasks.ACGAN(label_generator(), discriminator, 3, seed=0)
    np.testing.assert_allclose(gan.discriminate(X), discriminator(X))
    shared = discriminator.trainable_weights
    own = gan.discriminator.trainable_weights
    assert {id(v) for v in shared} < {id(v) for v in own}


def projecting_discriminator():
    """Logits `x_0 + <(y, 0), x>`, features the samples."""
    x, y = keras.Input((2,)), keras.Input((1,), dtype="int32")
    first = layers.Dense(1, name="plain")
    table = layers.Embedding(3, 2)
    code = layers.Flatten()(table(y))
    logits = layers.Add()([first(x), layers.Dot(1)([code, x])])
    model = keras.Model([x, y], logits)
    first.kernel.assign([[1.0], [0.0]])
    table.embeddings.assign([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    return model


def test_a_projection_beside_the_classes(tmp_path):
    gan = known_acgan(projecting_discriminator(), fake_term=False)
    np.testing.assert_allclose(
        gan.discriminate(tf.constant(X), tf.constant(Y[:, None]))[:, 0],
        X[:, 0] * (1 + Y),
        rtol=1e-6,
    )
    logs = still(gan, loss="non_saturating").fit(X, Y, 4, verbose=0).history
    fakes = np.stack([Y, np.ones(4)], axis=1)
    real, fake = X[:, 0] * (1 + Y), Y * (1 + Y)
    wanted = {
        "d_loss": softplus(-real).mean() + softplus(fake).mean(),
        "g_loss": softplus(-fake).mean(),
        "d_class_loss": 0.5 * cross_entropy(X @ KERNEL, Y).mean(),
        "g_class_loss": 0.5 * cross_entropy(fakes @ KERNEL, Y).mean(),
    }
    for name, value in wanted.items():
        np.testing.assert_allclose(logs[name], [value], rtol=1e-5)
    shares = softmax(X @ KERNEL)
    np.testing.assert_allclose(gan.classify(X), shares, rtol=1e-5)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(again.classify(X), gan.classify(X))
    gan.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.classify(X), shares, rtol=1e-5)


def test_a_projection_beside_the_proxies():
    gan = tasks.ReACGAN(
        label_generator(),
        projecting_discriminator(),
        3,
        embedding_dim=4,
        temperature=0.5,
        seed=0,
    )
    h = X @ gan.discriminator.get_layer("projection").kernel.numpy()
    h /= np.linalg.norm(h, axis=1, keepdims=True)
    proxies = next(x for x in gan.discriminator.layers if "prox" in x.name)
    proxies = proxies.kernel.numpy()
    proxies /= np.linalg.norm(proxies, axis=0)
    wanted = softmax(2.0 * h @ proxies)
    np.testing.assert_allclose(gan.classify(X), wanted, rtol=1e-5)
    logs = still(gan).fit(X, Y, batch_size=4, verbose=0).history
    real = X[:, 0] * (1 + Y)
    np.testing.assert_allclose(logs["d_real"], [real.mean()], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (lambda: architectures.dcgan((8, 8, 1), 4, 3, width=5)[1], 4 * 4 * 5),
        (
            lambda: architectures.sn_resnet((8, 8, 1), 4, 3, 4, 6)[1],
            6,
        ),
        (lambda: architectures.r3gan((8, 8, 1), 4, 3, width=8)[1], 8),
    ],
)
def test_classes_are_made_of_the_features_behind_all_layers(make, size):
    discriminator = make()
    gan = tasks.ACGAN(label_generator_of_images(), discriminator, 3, seed=0)
    assert (size, 3) in [v.shape for v in gan.discriminator.weights]


def test_a_table_as_deep_as_the_features():
    """Labels through a dense layer of their own: it makes no classes."""
    x, y = keras.Input((2,)), keras.Input((1,), dtype="int32")
    code = layers.Flatten()(layers.Embedding(3, 2)(y))
    trunk = layers.Dense(5, name="trunk")(x)
    dot = layers.Dot(1)([layers.Dense(4)(trunk), layers.Dense(4)(code)])
    gan = tasks.ACGAN(label_generator(), keras.Model([x, y], dot), 3, seed=0)
    assert classes_of(gan).kernel.shape == (5, 3)


@pytest.mark.parametrize(
    ("preset", "weight", "fake_term"),
    [
        (presets.conditional, 0.01, False),
        (presets.acgan, 1.0, True),
        (presets.semi_supervised, 1.0, None),
    ],
)
def test_presets_fall_to_a_twentieth(preset, weight, fake_term):
    gan = preset((8, 8, 1), 3, latent_dim=3, seed=0)
    assert gan.classification_weight == weight
    assert getattr(gan, "fake_term", None) is fake_term
    for images, rate in ((0, 2e-3), (320_000, 1.05e-3), (700_000, 1e-4)):
        gan.images_seen.assign(images)
        for optimizer in (gan.d_optimizer, gan.g_optimizer):
            found = float(optimizer.learning_rate)
            np.testing.assert_allclose(found, rate, rtol=1e-5)
    gan = preset((8, 8, 1), 3, latent_dim=3, learning_rate=0.5, seed=0)
    assert float(gan.g_optimizer.learning_rate) == 0.5


@pytest.mark.large
@pytest.mark.parametrize("task", [tasks.ACGAN, tasks.ReACGAN])
def test_a_classifier_and_samples_of_each_class(task):
    rng = np.random.default_rng(0)
    centres = np.array([[0.8, 0.0], [-0.4, 0.7], [-0.4, -0.7]])
    y = rng.integers(0, 3, 4096)
    x = (centres[y] + 0.05 * rng.normal(size=(4096, 2))).astype("float32")
    generator, _ = architectures.mlp((2,), 4, num_classes=3, units=(32, 32))
    _, discriminator = architectures.mlp((2,), units=(32, 32))
    gan = task(generator, discriminator, 3, seed=0)
    adam = [keras.optimizers.Adam(2e-3, beta_1=0.5) for _ in range(2)]
    gan.compile(*adam, penalties=[penalties.R1(0.1)])
    gan.fit(x, y, batch_size=64, epochs=6, verbose=0)
    assert gan.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.99
    for label in range(3):
        fakes = gan.generate([label] * 100, seed=1)
        found = gan.classify(fakes).argmax(axis=1)
        assert (found == label).mean() > 0.95
        np.testing.assert_allclose(fakes.mean(0), centres[label], atol=0.2)


def test_classify_is_exported(tmp_path):
    gan = tasks.ACGAN(label_generator(), linear_discriminator(), 3, seed=0)
    gan.export(str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(
        served.classify(X), gan.classify(X, batch_size=3), rtol=1e-5
    )


def test_data_to_data_has_the_numbers_of_the_formula():
    """From /reference/objectives.md: proxies are the axes."""
    h = np.array([[1, 0], [0.6, 0.8], [0, 1]], "float32")
    found = data_to_data(h, h, np.array([0, 1, 1]), 0.98, 0.5)
    np.testing.assert_allclose(found, [1.646721, 1.717794, 0.693147], 1e-5)
    eye = np.eye(2, dtype="float32")
    found = data_to_data(eye, eye, np.array([0, 1]), 0.98, 0.5)
    np.testing.assert_allclose(found, [0.693147] * 2, rtol=1e-5)
    alone = data_to_data(h, h, np.array([1, 1, 1]), 0.98, 0.5)
    np.testing.assert_allclose(alone, [0.0] * 3, atol=1e-6)


def d2d_by_loops(h, v, labels, m, t):
    """The formula of the paper, a term at a time."""
    found = []
    for i, y in enumerate(labels):
        p = np.exp(min(h[i] @ v[y] - m, 0.0) / t)
        others = sum(
            np.exp(max(h[i] @ h[j] - (1 - m), 0.0) / t)
            for j in range(len(labels))
            if labels[j] != y
        )
        found.append(-np.log(p / (p + others)))
    return found


@pytest.mark.parametrize(("margin", "temperature"), [(0.98, 0.5), (0.5, 0.2)])
def test_data_to_data_equals_loops(margin, temperature):
    rng = np.random.default_rng(1)
    h = rng.normal(size=(9, 4))
    v = rng.normal(size=(3, 4))
    h, v = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (h, v))
    labels = rng.integers(0, 3, 9)
    found = data_to_data(h, h @ v.T, labels, margin, temperature)
    wanted = d2d_by_loops(h, v, labels, margin, temperature)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_reacgan_terms_by_hand():
    """Unit vectors and proxies of any length: only directions count."""
    gan = tasks.ReACGAN(
        label_generator(), linear_discriminator(), 3, embedding_dim=2, seed=0
    )
    gan.discriminator.get_layer("projection").kernel.assign(2.0 * np.eye(2))
    proxies = gan.discriminator.layers[-1].kernel
    proxies.assign(3.0 * KERNEL)
    logs = still(gan).fit(X, Y, batch_size=4, verbose=0).history
    v = (KERNEL / np.linalg.norm(KERNEL, axis=0)).T.astype("float64")

    def loss(x):
        h = x / np.linalg.norm(x, axis=1, keepdims=True)
        return 0.5 * np.mean(d2d_by_loops(h, v, Y, 0.98, 0.5))

    fakes = np.stack([Y, np.ones(4)], axis=1).astype("float64")
    np.testing.assert_allclose(logs["d_class_loss"], [loss(X)], rtol=1e-5)
    np.testing.assert_allclose(logs["g_class_loss"], [loss(fakes)], rtol=1e-5)
    h = X / np.linalg.norm(X, axis=1, keepdims=True)
    found = (h @ v.T).argmax(axis=1)
    np.testing.assert_array_equal(gan.classify(X).argmax(axis=1), found)


def semi_supervised(**kwargs):
    players = plain_generator(), linear_discriminator()
    gan = tasks.SemiSupervisedGAN(*players, num_classes=3, seed=0, **kwargs)
    units = 4 if kwargs.get("fake_class") else 3
    kernel = np.zeros((2, units), "float32")
    kernel[:, :3] = KERNEL
    classes_of(gan).kernel.assign(kernel)
    return gan


@pytest.mark.parametrize("fake_class", [False, True])
def test_semi_supervised_logits_by_hand(fake_class):
    """Class logits (1, 2, -1): L = 2.349012, sp(-L) = 0.091177, sp(L) =
    2.440190. A fake class whose logit is 0 changes nothing."""
    gan = semi_supervised(fake_class=fake_class)
    logits = np.array([[1.0, 2.0, -1.0, 0.0][: 3 + fake_class]], "float32")
    found = float(gan.logits([None, logits])[0, 0])
    np.testing.assert_allclose(found, 2.349012, rtol=1e-6)
    np.testing.assert_allclose(softplus(-found), 0.091177, rtol=1e-5)
    np.testing.assert_allclose(softplus(found), 2.440190, rtol=1e-6)
    if fake_class:
        logits[0, 3] = 0.5
        found = float(gan.logits([None, logits])[0, 0])
        np.testing.assert_allclose(found, 1.849012, rtol=1e-6)


def test_semi_supervised_terms_by_hand():
    """Rows of label -1 count as real, not as a class."""
    gan = still(semi_supervised(classification_weight=2.0))
    labels = np.array([0, -1, 1, -1])
    logs = gan.fit(X, labels, batch_size=4, verbose=0).history
    loss = cross_entropy(X @ KERNEL, np.maximum(labels, 0))[[0, 2]].mean()
    np.testing.assert_allclose(logs["d_class_loss"], [2.0 * loss], rtol=1e-5)
    found = (X @ KERNEL).argmax(axis=1)
    assert logs["accuracy"] == [(found == labels)[[0, 2]].mean()]
    real = np.log(np.exp(X @ KERNEL).sum(axis=1)).mean()
    np.testing.assert_allclose(logs["d_real"], [real], rtol=1e-5)


def test_features_are_matched():
    """Fakes are always (b1, b2): the distance to the mean, squared."""
    gan = semi_supervised()
    dense = gan.generator.layers[-1]
    dense.kernel.assign(np.zeros((4, 2)))
    dense.bias.assign([0.5, -0.25])
    logs = still(gan).fit(X, Y, batch_size=4, verbose=0).history
    apart = X.mean(axis=0) - np.array([0.5, -0.25])
    np.testing.assert_allclose(logs["g_loss"], [(apart**2).sum()], rtol=1e-5)
    plain = semi_supervised(feature_matching=False)
    dense = plain.generator.layers[-1]
    dense.kernel.assign(np.zeros((4, 2)))
    dense.bias.assign([0.5, -0.25])
    logs = still(plain).fit(X, Y, batch_size=4, verbose=0).history
    logit = np.log(np.exp([0.5, -0.25] @ KERNEL).sum())
    np.testing.assert_allclose(logs["g_loss"], [softplus(-logit)], rtol=1e-5)


@pytest.mark.parametrize("fake_class", [False, True])
def test_class_consistency_of_twins(fake_class):
    """Mixed with itself a sample stays: -log p of its label where there is
    one, the entropy of p where there is none. What is augmented counts."""
    double = layers.Rescaling(2.0)
    gan = semi_supervised(fake_class=fake_class, augment=double)
    rule = penalties.ClassConsistency(2.0, transform=tf.identity)
    still(gan, penalties=[rule])
    x, labels = X[[0, 0, 2, 2]], np.array([1, 1, -1, -1])
    logs = gan.fit(x, labels, batch_size=4, shuffle=False, verbose=0).history
    p = gan.classify(2.0 * X)
    entropy = -(p[2] * np.log(p[2])).sum()
    wanted = 2.0 * (-np.log(p[0, 1]) + entropy) / 2.0
    np.testing.assert_allclose(logs["class_consistency"], [wanted], rtol=1e-5)


def test_class_consistency_of_an_acgan():
    """It has a layer of logits beside the classes, which is left alone."""
    gan = known_acgan(linear_discriminator(), fake_term=False)
    rule = penalties.ClassConsistency(2.0, transform=tf.identity)
    still(gan, penalties=[rule])
    logs = gan.fit(X[:1], Y[:1], batch_size=1, verbose=0).history
    wanted = 2.0 * cross_entropy(X[:1] @ KERNEL, Y[:1])
    np.testing.assert_allclose(logs["class_consistency"], wanted, rtol=1e-5)


def test_penalties_of_the_preset():
    sizes = {"image_shape": (8, 8, 1), "num_classes": 3, "latent_dim": 3}
    (rule,) = presets.semi_supervised(**sizes).penalties
    assert isinstance(rule, penalties.ClassConsistency)
    assert rule.weight == 1.0 and rule.transform is None
    assert presets.semi_supervised(**sizes, penalties=[]).penalties == []


def test_no_labels_at_all_in_a_batch():
    gan = semi_supervised()
    gan.compile("sgd", "adam")
    logs = gan.fit(X, np.full(4, -1), batch_size=4, verbose=0).history
    assert logs["d_class_loss"] == [0.0] and logs["accuracy"] == [0.0]
    assert all(np.isfinite(w).all() for w in gan.get_weights())


@pytest.mark.large
def test_learns_classes_from_one_label_each():
    """Three clusters, three labels: the rest follows from the clusters."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.8, 0.0], [-0.4, 0.7], [-0.4, -0.7]])
    true = rng.integers(0, 3, 2048)
    x = (centres[true] + 0.1 * rng.normal(size=(2048, 2))).astype("float32")
    y = np.full(2048, -1)
    for label in range(3):
        y[np.flatnonzero(true == label)[0]] = label
    rows = np.concatenate(
        [np.arange(2048), np.repeat(np.flatnonzero(y >= 0), 400)]
    )
    players = architectures.mlp((2,), 8, units=(32, 32))
    gan = tasks.SemiSupervisedGAN(*players, num_classes=3, seed=0)
    adam = [keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in range(2)]
    gan.compile(*adam)
    gan.fit(x[rows], y[rows], batch_size=64, epochs=5, verbose=0)
    assert gan.evaluate(x, true, verbose=0, return_dict=True)["accuracy"] > 0.95


def infogan(categories=3, num_continuous=1, **kwargs):
    players = plain_generator(2, 7), linear_discriminator()
    return tasks.InfoGAN(*players, categories, num_continuous, seed=0, **kwargs)


def test_code_loss_by_hand():
    """Unit variance, error 0.3: 0.963939; a categorical code beside it."""
    gan = infogan(categories=(3,), num_continuous=1, code_weight=0.5)

    class Half:
        latents = np.array([[9, 9, 9, 0, 0, 1, 0.7]], "float32")

        def outputs(self, x):
            return None, np.array([[1.0, 2.0, -1.0, 0.4]], "float32")

    loss = gan.code_loss(Half(), None)
    wanted = 0.963939 + 2.349012 + 1.0
    np.testing.assert_allclose(loss, [0.5 * wanted], rtol=1e-5)


def test_code_losses_are_logged_and_added():
    gan = infogan(categories=3, num_continuous=1)
    gan.discriminator.get_layer("codes").kernel.assign(np.zeros((2, 4)))
    logs = still(gan).fit(X, batch_size=4, verbose=0).history
    least = np.log(3) + np.log(2 * np.pi) / 2
    for name in ("d_code_loss", "g_code_loss"):
        assert least < logs[name][0] < least + 0.5
    parts = ("d_loss", "g_loss", "d_code_loss", "g_code_loss")
    total = sum(logs[name][0] for name in parts)
    np.testing.assert_allclose(logs["loss"], [total], rtol=1e-5)


def test_codes_are_drawn_as_they_say():
    draw = latents.Codes(2, categories=(3, 4), num_continuous=2)
    rows = draw(20_000, seed=3).numpy()
    noise, first, second, rest = np.split(rows, [2, 5, 9], axis=1)
    np.testing.assert_allclose(noise.mean(), 0.0, atol=0.02)
    np.testing.assert_allclose(noise.std(), 1.0, atol=0.02)
    for hot, size in ((first, 3), (second, 4)):
        assert set(np.unique(hot)) == {0.0, 1.0}
        np.testing.assert_array_equal(hot.sum(axis=1), 1.0)
        np.testing.assert_allclose(hot.mean(axis=0), 1 / size, atol=0.02)
    assert -1 <= rest.min() < -0.99 and 0.99 < rest.max() < 1
    np.testing.assert_allclose(rest.var(), 1 / 3, atol=0.01)
    related = np.corrcoef(rows[:, [0, 1, 2, 5, 9, 10]].T) - np.eye(6)
    assert np.abs(related).max() < 0.03
    np.testing.assert_array_equal(rows, draw(20_000, seed=3))


def test_generate_by_codes_and_encode():
    """The generator shows its codes; Q reads them off."""
    generator = plain_generator(2, 7)
    generator.layers[-1].kernel.assign(np.eye(7)[:, 5:])
    gan = tasks.InfoGAN(
        generator, linear_discriminator(), categories=3, num_continuous=1
    )
    head = gan.discriminator.get_layer("codes")
    head.kernel.assign([[0, 0, 5, 0], [0, 0, 0, 1]])
    codes = [[0, 1, 0, -0.5], [0, 0, 1, 0.25]]
    x = gan.generate(codes, seed=0)
    np.testing.assert_array_equal(x, [[0, -0.5], [1, 0.25]])
    found = gan.encode(x, batch_size=1)
    one = 1 / (2 + np.exp(5))
    wanted = [[1 / 3] * 3 + [-0.5], [one, one, np.exp(5) * one, 0.25]]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_continuous_codes_alone():
    """(log(2 pi) + c^2) / 2 for each of two codes, c in [-1, 1)."""
    gan = infogan(categories=(), num_continuous=2)
    gan.discriminator.get_layer("codes").kernel.assign(np.zeros((2, 2)))
    logs = still(gan).fit(X, batch_size=4, verbose=0).history
    least = np.log(2 * np.pi)
    for name in ("d_code_loss", "g_code_loss"):
        assert least < logs[name][0] < least + 1.0
    np.testing.assert_array_equal(gan.encode(X), np.zeros((4, 2)))


def test_truncation_leaves_codes_as_they_are(tmp_path):
    """The generator gives its latents, three of noise and four of codes."""
    generator = plain_generator(7, 7)
    generator.layers[-1].kernel.assign(np.eye(7))
    gan = tasks.InfoGAN(generator, linear_discriminator(7), 3, 1, seed=0)
    codes = np.array([[0, 1, 0, -0.5], [0, 0, 1, 0.25]], "float32")
    whole = gan.generate(codes, seed=0)
    half = gan.generate(codes, seed=0, truncation=0.5)
    np.testing.assert_array_equal(half[:, 3:], codes)
    np.testing.assert_allclose(half[:, :3], whole[:, :3] / 2, rtol=1e-6)
    gan.export(str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    wanted = gan.generate(3, seed=0, truncation=0.5)
    found = served.generate(3, 0, 0.5)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.large
def test_codes_find_the_clusters():
    rng = np.random.default_rng(0)
    centres = np.array([[0.8, 0.0], [-0.4, 0.7], [-0.4, -0.7]])
    true = rng.integers(0, 3, 4096)
    x = (centres[true] + 0.05 * rng.normal(size=(4096, 2))).astype("float32")
    players = architectures.mlp((2,), 8, units=(32, 32))
    gan = tasks.InfoGAN(*players, categories=3, num_continuous=0, seed=0)
    adam = [keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in range(2)]
    gan.compile(*adam, penalties=[penalties.R1(0.1)])
    gan.fit(x, batch_size=64, epochs=10, verbose=0)
    code = gan.encode(x).argmax(axis=1)
    table = np.zeros((3, 3))
    np.add.at(table, (true, code), 1)
    assert table.max(axis=1).sum() / 4096 > 0.95
    assert sorted(table.argmax(axis=1)) == [0, 1, 2]


def packed(size=2, packing=2, **kwargs):
    generator = plain_generator(size)
    x = keras.Input((size * packing,))
    discriminator = keras.Model(x, layers.Dense(1, use_bias=False)(x))
    return tasks.PackedGAN(generator, discriminator, packing, seed=0, **kwargs)


def test_packs_hold_samples_in_order():
    gan = packed()
    x = np.arange(8.0).reshape(4, 2)
    packs = gan.judged(ops.convert_to_tensor(x))
    assert packs.numpy().tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    np.testing.assert_array_equal(gan.single(packs), x)
    images = np.arange(24.0).reshape(4, 2, 1, 3)
    packs = gan.judged(ops.convert_to_tensor(images)).numpy()
    np.testing.assert_array_equal(packs[1, ..., :3], images[2])
    np.testing.assert_array_equal(packs[1, ..., 3:], images[3])
    np.testing.assert_array_equal(gan.single(packs), images)


def test_a_discriminator_that_is_not_built_is_built_for_packs():
    discriminator = keras.Sequential([layers.Dense(1)])
    gan = tasks.PackedGAN(plain_generator(2), discriminator, 3, seed=0)
    assert discriminator.layers[0].kernel.shape == (6, 1)
    gan.compile("sgd", "adam")
    logs = gan.fit(np.ones((6, 2), "float32"), batch_size=6, verbose=0)
    assert np.isfinite(logs.history["d_loss"]).all()


class Rows(keras.metrics.Metric):
    """Samples seen, and the mean of the real ones."""

    def __init__(self):
        super().__init__(name="rows")
        self.total = self.add_weight(shape=(3,), initializer="zeros")

    def update_state(self, real, fake):
        sizes = [ops.shape(x)[0] for x in (real, fake)]
        found = [ops.cast(size, "float32") for size in sizes]
        self.total.assign_add(ops.stack([*found, ops.sum(real)]))

    def result(self):
        return {f"rows_{i}": self.total[i] for i in range(3)}


def test_a_penalty_counts_packs():
    """Linear in the pack with weights of norm 5: weight * (5 - 1)^2."""
    gan = packed()
    gan.discriminator.layers[-1].kernel.assign([[1.0], [4.0], [2.0], [2.0]])
    still(gan, penalties=[penalties.WGANGP(10.0)], metrics=[Rows()])
    logs = gan.fit(X, batch_size=4, shuffle=False, verbose=0).history
    np.testing.assert_allclose(logs["wgan_gp"], [160.0], rtol=1e-5)
    assert int(gan.images_seen) == 4
    logits = X.reshape(2, 4) @ [1.0, 4.0, 2.0, 2.0]
    np.testing.assert_allclose(logs["d_real"], [logits.mean()], rtol=1e-5)
    told = gan.evaluate(X, batch_size=4, verbose=0, return_dict=True)
    assert [told["rows_0"], told["rows_1"]] == [4.0, 4.0]
    np.testing.assert_allclose(told["rows_2"], X.sum(), rtol=1e-5)


@pytest.mark.parametrize("styles", [False, True])
def test_path_length_of_packs(styles):
    """The generator gives its latents: each length is that of its y."""
    z, x = keras.Input((2,)), keras.Input((4,))
    w = keras_gan.layers.MeanStyle()(z) if styles else z
    same = layers.Dense(2, use_bias=False, kernel_initializer="identity")
    generator = keras.Model(z, same(w))
    discriminator = keras.Model(x, layers.Dense(1)(x))
    gan = tasks.PackedGAN(generator, discriminator, 2, seed=0)
    rule = penalties.PathLength(1.0, rate=0.0, every=1)
    logs = still(gan, penalties=[rule]).fit(X, batch_size=4, verbose=0).history
    assert 0 < logs["path_length"][0] < np.inf
    rule.seed_generator = keras.random.SeedGenerator(4)
    y = keras.random.normal((2, 4), seed=keras.random.SeedGenerator(4))
    half = gan.half_step(generator, None, ops.ones((4, 2)))
    found = rule(half, None, ops.zeros((2, 4)))
    wanted = np.square(y).sum(axis=1) / 2
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_health_looks_at_samples_one_by_one():
    """Packs of three fill nine of ten rows; gradients are of one pack."""
    gan = packed(packing=3)
    gan.compile("sgd", "adam")
    x = np.random.default_rng(0).normal(size=(10, 2)).astype("float32")
    classifier = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    found = Probe(gan, x, x, classifier, gradient_rows=4)()
    assert found["real_classes"].sum() == 9
    assert found["fake_classes"].sum() == 4
    assert all(np.isfinite(value).all() for value in found.values())
    assert found["d_gradient"] > 0 and found["g_gradient"] > 0


def test_packed_samples_are_augmented_one_by_one():
    seen = []

    class Watch(layers.Layer):
        def call(self, x):
            seen.append(x.shape)
            return -x

    gan = packed(augment=Watch())
    x = ops.convert_to_tensor(X.reshape(2, 4))
    plain = gan.discriminate(x)
    np.testing.assert_allclose(gan.discriminate(x, training=True), -plain)
    assert tuple(seen[-1]) == (4, 2)


def heads(logits, features, head):
    return [logits, head(features, 3)]


def test_heads_share_layers_and_normalisation():
    _, discriminator = architectures.sn_resnet((8, 8, 1), g_width=4, d_width=4)
    found = with_heads(discriminator, heads, [(1,), (3,)])
    wrapped = keras_gan.layers.SpectralNormalization
    assert isinstance(found.layers[-1], wrapped)
    assert with_heads(found, heads, [(1,), (3,)]) is found
    sequential = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    found = with_heads(sequential, heads, [(1,), (3,)])
    assert [tuple(x.shape) for x in found.outputs] == [(None, 1), (None, 3)]


def two_outputs():
    x = keras.Input((2,))
    return keras.Model(x, [layers.Dense(1)(x), layers.Dense(4)(x)])


def patches():
    x = keras.Input((4, 4, 1))
    return keras.Model(x, layers.Conv2D(1, 3)(x))


def behind_an_activation():
    x = keras.Input((2,))
    return keras.Model(x, layers.Activation("linear")(layers.Dense(1)(x)))


def squashed(*activations):
    x = keras.Input((2,))
    found = [layers.Dense(n, a)(x) for n, a in zip((1, 3), activations)]
    return keras.Model(x, found if len(found) > 1 else found[0])


def sees_labels():
    """The labels go in before the last layer."""
    x, y = keras.Input((2,)), keras.Input((1,), dtype="int32")
    code = layers.Flatten()(layers.Embedding(3, 2)(y))
    return keras.Model([x, y], layers.Dense(1)(layers.Add()([x, code])))


def two_that_see():
    model = sees_labels()
    classes = layers.Dense(3)(model.layers[-1].input)
    return keras.Model(model.inputs, [*model.outputs, classes])


D = linear_discriminator
G, L = plain_generator, label_generator


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: tasks.ACGAN(G(), D(), 3), V, r"two inputs, \[latents"),
        (lambda: tasks.ACGAN(L(), D(), 1), V, "num_classes=1"),
        (lambda: tasks.ACGAN(L(), D(), None), T, "num_classes=None"),
        (
            lambda: tasks.SemiSupervisedGAN(G(), sees_labels(), 3),
            V,
            "one input each",
        ),
        (lambda: tasks.InfoGAN(G(2, 9), sees_labels(), 2), V, "samples only"),
        (lambda: tasks.ACGAN(L(), sees_labels(), 3), V, "do not reach"),
        (lambda: tasks.ACGAN(L(), two_that_see(), 3), V, "must not depend"),
        (lambda: tasks.ACGAN(L(), two_outputs(), 3), V, r"\[\(1,\), \(4,\)\]"),
        (lambda: tasks.ACGAN(L(), patches(), 3), V, "must end in a dense"),
        (
            lambda: tasks.ACGAN(L(), behind_an_activation(), 3),
            V,
            "must end in a dense",
        ),
        (lambda: tasks.ACGAN(L(), squashed("sigmoid"), 3), V, "='sigmoid'"),
        (
            lambda: tasks.ACGAN(L(), squashed("sigmoid", None), 3),
            V,
            "='sigmoid'",
        ),
        (
            lambda: tasks.ACGAN(L(), squashed(None, "softmax"), 3),
            V,
            "='softmax'",
        ),
        (
            lambda: tasks.SemiSupervisedGAN(L(), D(), 3),
            V,
            r"generator input shapes=\[\(4,\), \(1,\)\]",
        ),
        (
            lambda: tasks.ACGAN(L(), D(), 3, classification_weight=-1),
            V,
            "classification_weight=-1",
        ),
        (lambda: tasks.ACGAN(L(), D(), 3, fake_term=1), T, "fake_term=1"),
        (lambda: tasks.ReACGAN(L(), D(), 3, margin=2), V, "margin=2"),
        (lambda: tasks.ReACGAN(L(), D(), 3, temperature=0), V, "temperature=0"),
        (lambda: tasks.ReACGAN(L(), D(), 3, embedding_dim=0), V, "dim=0"),
        (lambda: tasks.SemiSupervisedGAN(G(), D(), 1), V, "num_classes=1"),
        (
            lambda: tasks.SemiSupervisedGAN(G(), D(), 3, fake_class="no"),
            T,
            "fake_class='no'",
        ),
        (
            lambda: tasks.SemiSupervisedGAN(G(), D(), 3, feature_matching=2),
            T,
            "feature_matching=2",
        ),
        (lambda: tasks.InfoGAN(G(), D(), 10), V, r"above 12.*\[\(4,\)\]"),
        (lambda: tasks.InfoGAN(G(), D(), 1), V, "categories=1"),
        (lambda: tasks.InfoGAN(G(), D(), "ab"), T, "categories='ab'"),
        (lambda: tasks.InfoGAN(G(), D(), (), 0), V, r"categories=\(\)"),
        (lambda: tasks.InfoGAN(G(), D(), 2, -1), V, "num_continuous=-1"),
        (
            lambda: tasks.InfoGAN(G(), D(), 2, 0, code_weight=None),
            T,
            "code_weight=None",
        ),
        (lambda: latents.Codes(0), V, "noise_dim=0"),
        (lambda: packed(packing=1), V, "packing=1"),
        (
            lambda: tasks.PackedGAN(G(), D(), 2),
            V,
            r"samples of shape \(2,\).*output shape=\(4,\)",
        ),
        (lambda: packed().generate([1, 2]), T, "n_or_labels"),
        (lambda: infogan().generate([[1.0]]), V, r"codes \(n, 4\)"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("gan", "batch", "error", "message"),
    [
        (
            semi_supervised,
            (X, Y + 1),
            V,
            ">= -1 and < 3.*y from 1 to 3",
        ),
        (semi_supervised, (X, Y - 2), V, "y from -2 to 0"),
        (semi_supervised, (X, Y + 0.5), T, "y of dtype=float64"),
        (semi_supervised, (X,), V, "labels=None"),
        (packed, (X[:3],), V, "packing=2, x with 3 rows in batches of 32"),
        (packed, (X, Y, np.ones(4)), V, "sample_weight"),
    ],
)
def test_bad_batches(gan, batch, error, message):
    gan = gan()
    gan.compile("sgd", "adam")
    with pytest.raises(error, match=message):
        gan.fit(*batch[:2], sample_weight=None if len(batch) < 3 else batch[2])
    assert int(gan.images_seen) == 0


def test_batches_of_a_known_size_that_packs_do_not_fill():
    gan = packed()
    gan.compile("sgd", "adam")
    data = tf.data.Dataset.from_tensors(X[:3])
    with pytest.raises(ValueError, match="packing=2 and 3 samples"):
        gan.fit(data, shuffle=False, verbose=0)
    data = tf.data.Dataset.from_tensor_slices(X[:3]).batch(4)
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match="must divide.*the last one too. Received: packing=2",
    ):
        gan.fit(data, shuffle=False, verbose=0)
    for options, message in (
        ({"batch_size": 3}, "x with 4 rows in batches of 3"),
        ({"validation_data": X[:3]}, "validation_data with 3 rows"),
        ({"validation_split": 0.25}, "x with 3 rows"),
    ):
        with pytest.raises(ValueError, match=message):
            gan.fit(X, verbose=0, **options)
    assert int(gan.images_seen) == 0


@pytest.mark.parametrize("make", [semi_supervised, infogan])
def test_one_stage_is_refused(make):
    with pytest.raises(ValueError, match="Received: 2 outputs"):
        make().compile("sgd", "adam", update="one_stage")


def test_wrong_samples_to_classify_and_encode():
    for call in (
        semi_supervised().classify,
        infogan(categories=3, num_continuous=1).encode,
    ):
        with pytest.raises(ValueError, match=r"shape=\(4, 1\)"):
            call(X[:, :1])
        with pytest.raises(ValueError, match="dtype=int64"):
            call(X.astype("int64"))
        with pytest.raises(ValueError, match="batch_size=0"):
            call(X, batch_size=0)
