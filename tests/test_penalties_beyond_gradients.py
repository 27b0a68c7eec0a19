"""Closed forms of objectives.md, sections 3 and 6."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops
from test_tasks_classes import softmax

import keras_gan
from keras_gan import constraints
from keras_gan import penalties
from keras_gan import schedules
from keras_gan import seeds
from keras_gan.penalties import penalty as rules
from keras_gan.penalties.class_consistency import mixed
from keras_gan.penalties.consistency import flip_and_shift

REAL = np.array([[2.0], [-1.0], [0.5]])
FAKE = np.array([[-0.5], [1.0], [0.0]])


def same(x):
    return ops.convert_to_tensor(x)


def entropy_by_hand(f):
    p = 1.0 / (1.0 + np.exp(-f))
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


class Step:
    """What a model gives to penalties, made by hand."""

    def __init__(self, player=None, latents=None, generate=None):
        self.player, self.latents = player, latents
        self.generate = generate
        self.pathway = lambda: (latents, generate)

    def __call__(self, x):
        return ops.sum(x, axis=-1, keepdims=True)


def player_with(*weights):
    model = keras.Sequential([keras.Input((1,))])
    for weight in weights:
        use = keras.layers.Dense(weight.shape[1], use_bias=False)
        model.add(use)
    model.set_weights([np.array(w) for w in weights])
    return model


# objectives.md, section 3: f, H, log1p(softplus(-f)).
TUTORIAL = [
    (0.0, 0.693147, 0.526589),
    (2.0, 0.365334, 0.119495),
    (-2.0, 0.365334, 1.140051),
]


@pytest.mark.parametrize(("f", "entropy", "log_term"), TUTORIAL)
def test_terms_of_the_tutorials(f, entropy, log_term):
    f = np.array([[f]])
    found = penalties.DiscriminatorEntropy(1.0)(same, None, f)
    np.testing.assert_allclose(found, [[-entropy]], atol=1e-6)
    found = penalties.LogCrossEntropy(1.0)(same, None, f)
    np.testing.assert_allclose(found, [[log_term]], atol=1e-6)


def test_terms_against_float64():
    f = np.random.default_rng(0).normal(0, 5, size=(50, 1))
    found = penalties.DiscriminatorEntropy(0.3)(same, None, f)
    np.testing.assert_allclose(found, -0.3 * entropy_by_hand(f), rtol=1e-9)
    expected = 0.7 * np.log(1.0 + np.log(1.0 + np.exp(-f)))
    found = penalties.LogCrossEntropy(0.7)(same, None, f)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_whole_objective_of_the_tutorials():
    """G = 0.779150 and D = 1.636294: objectives.md, section 3."""
    x, zero = np.array([[1.0, 2.0]]), np.zeros((1, 1))
    loss = keras_gan.losses.NonSaturating()
    g = loss.generator_loss(zero, zero)
    g += penalties.DiscriminatorEntropy(0.1)(same, None, zero)[:, 0]
    g += penalties.LogCrossEntropy(0.2)(same, None, zero)[:, 0]
    g += ops.cast(penalties.SampleEnergy(0.01)(None, None, x), g.dtype)
    np.testing.assert_allclose(g, [0.779150], atol=1e-6)
    decay = penalties.WeightDecay(0.01)
    step = Step(player_with(np.array([[3.0, 4.0]])))
    d = loss.discriminator_loss(zero, zero) + ops.cast(
        decay(step, zero, zero), g.dtype
    )
    np.testing.assert_allclose(d, [1.636294], atol=1e-6)


@pytest.mark.parametrize(
    ("f", "log_term"), [(-1e4, 9.210440), (1e4, 0.0), (-1e4, 9.210440)]
)
def test_terms_at_extreme_logits(f, log_term):
    f = tf.constant([[f]], "float32")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(f)
        entropy = penalties.DiscriminatorEntropy(1.0)(same, None, f)
        log_value = penalties.LogCrossEntropy(1.0)(same, None, f)
    np.testing.assert_allclose(entropy, [[0.0]], atol=1e-7)
    np.testing.assert_allclose(log_value, [[log_term]], atol=1e-5)
    assert np.isfinite(tape.gradient(entropy, f)).all()
    assert np.isfinite(tape.gradient(log_value, f)).all()


def test_entropy_does_not_cancel_in_float32():
    """softplus(f) - f s(f) gives 0 at f = 50; the entropy is 9.8e-21."""
    found = penalties.DiscriminatorEntropy(1.0)(
        same, None, np.array([[50.0]], "float32")
    )
    np.testing.assert_allclose(found, [[-9.837e-21]], rtol=1e-3)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (2, 1, 1), (1, 1, 2, 1)])
def test_sample_energy_sums_every_axis(shape):
    x = np.array([1.0, 2.0]).reshape((1, *shape))
    found = penalties.SampleEnergy(0.1)(None, None, np.repeat(x, 3, 0))
    np.testing.assert_allclose(found, [0.5] * 3, rtol=1e-6)


def test_weight_decay_counts_every_weight_once():
    model = player_with(np.ones((1, 2)), 2 * np.ones((2, 3)))
    step = Step(model)
    found = penalties.WeightDecay(0.5)(step, REAL, FAKE)
    np.testing.assert_allclose(found, [0.5 * (2 + 24)] * 3, rtol=1e-6)


def test_orthogonal_punishes_angles_only():
    """W^T W = [[4, 2], [2, 2]]: off the diagonal 2^2 twice."""
    kernel = np.array([[2.0, 1.0], [0.0, 1.0]])
    model = player_with(np.ones((1, 2)), kernel)
    # The first kernel is a row: gram of ones, off the diagonal 1 twice.
    found = penalties.Orthogonal(0.5)(Step(model), REAL, FAKE)
    np.testing.assert_allclose(found, [0.5 * (8 + 2)] * 3, rtol=1e-6)
    square = player_with(np.array([[5.0]]), np.array([[7.0]]))
    found = penalties.Orthogonal(0.5)(Step(square), REAL, FAKE)
    np.testing.assert_allclose(found, [0.0] * 3)


def test_orthogonal_sees_convolutions_as_filters():
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.Conv2D(3, 3, use_bias=False)]
    )
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 3))
    model.set_weights([kernel])
    gram = np.einsum("hwif,hwig->fg", kernel, kernel)
    expected = np.square(gram - np.diag(np.diag(gram))).sum()
    found = penalties.Orthogonal(1.0)(Step(model), REAL, FAKE)
    np.testing.assert_allclose(found, [expected] * 3, rtol=1e-5)


def test_drift():
    found = penalties.Drift(0.5)(same, REAL, FAKE)
    np.testing.assert_allclose(found, [[2.0], [0.5], [0.125]], rtol=1e-6)


# objectives.md, section 6.
@pytest.mark.parametrize(
    ("form", "real", "fake", "means", "expected"),
    [
        ("paper", (2, -1, 0.5), (-0.5, 1, 0), (1.0, -0.5), 3.583333),
        ("paper", (2, 0), (3, 0), (1.0, 0.0), 4.5),
        ("relu", (2, 0), (3, 0), (1.0, 0.0), 2.5),
    ],
)
def test_lecam_hand_numbers(form, real, fake, means, expected):
    rule = penalties.LeCam(1.0, form=form)
    found = rule.distance(
        tf.constant(real, "float32"), tf.constant(fake, "float32"), *means
    )
    np.testing.assert_allclose(np.mean(found), expected, atol=1e-6)


@pytest.mark.parametrize("start", [0, 2])
def test_lecam_means_and_start(start):
    """Means re-derived in NumPy; zero, and no memory, before the start."""
    rng = np.random.default_rng(0)
    rule = penalties.LeCam(0.5, decay=0.8, start=start)
    means = None
    for step in range(5):
        real, fake = rng.normal(size=(2, 4, 1)).astype("float32")
        now = np.array([real.mean(), fake.mean()])
        fresh = means is None or step < start
        means = now if fresh else 0.8 * means + 0.2 * now
        found = rule(same, real, fake)
        expected = (real - means[1]) ** 2 + (fake - means[0]) ** 2
        expected *= 0.5 * (step >= start)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_lecam_gives_no_gradient_through_its_means():
    real, fake = tf.constant(REAL), tf.constant(FAKE)
    with tf.GradientTape() as tape:
        tape.watch(real)
        rule = penalties.LeCam(1.0, decay=0.0, start=0)
        value = ops.sum(rule(same, real, fake))
    expected = 2 * (REAL - FAKE.mean())
    np.testing.assert_allclose(tape.gradient(value, real), expected, rtol=1e-5)


def test_flip_and_shift_by_whole_pixels_with_reflection():
    """Each image is one of the 2 x 3 x 5 that the definition allows."""
    images = np.random.default_rng(0).normal(size=(1, 8, 16, 2))
    padded = {
        flip: np.pad(
            images[0, :, ::flip], ((1, 1), (2, 2), (0, 0)), mode="reflect"
        )
        for flip in (1, -1)
    }
    allowed = {
        (flip, dy, dx): padded[flip][dy : dy + 8, dx : dx + 16]
        for flip in (1, -1)
        for dy in range(3)
        for dx in range(5)
    }
    seed = keras.random.SeedGenerator(0)
    copies = np.array(flip_and_shift(np.repeat(images, 400, 0), seed))
    seen = set()
    for copy in copies:
        fits = [k for k, image in allowed.items() if np.allclose(copy, image)]
        assert len(fits) == 1
        seen.add(fits[0])
    assert len(seen) == len(allowed)


def test_consistency():
    """T(x) = 3 x and D = sum: (s - 3 s)^2 = 4 s^2 for each side."""

    def triple(x):
        return 3.0 * x

    plain = penalties.Consistency(10.0, transform=triple)
    found = plain(Step(), REAL, FAKE)
    np.testing.assert_allclose(found, 10 * 4 * REAL**2, rtol=1e-6)
    both = penalties.Consistency(10.0, fake_weight=5.0, transform=triple)
    found = both(Step(), REAL, FAKE)
    expected = 40 * REAL**2 + 20 * FAKE**2
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    identity = penalties.Consistency(fake_weight=1.0, transform=same)
    np.testing.assert_array_equal(identity(Step(), REAL, FAKE), 0 * REAL)


def test_consistency_needs_a_transform_for_vectors():
    with pytest.raises(ValueError, match="Received: samples of shape"):
        penalties.Consistency()(Step(), REAL, FAKE)


class Classes(Step):
    """A step of a task that classifies; samples are their class logits."""

    def __init__(self, condition):
        super().__init__()
        self.condition = ops.convert_to_tensor(condition)
        self.class_logits = ops.convert_to_tensor


def test_neighbours_are_mixed():
    x = np.array([[1.0, 2.0], [3.0, 6.0], [7.0, 8.0]])
    share = np.array([0.25, 1.0, 0.5])
    wanted = [[2.5, 5.0], [3.0, 6.0], [7.0, 8.0]]
    np.testing.assert_allclose(mixed(tf.constant(x), share), wanted)


def test_class_consistency():
    """Samples are their class logits, T squares them: by NumPy, with the very
    shares that are drawn. Known labels stand in place of guesses."""
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    labels = np.array([[2], [-1], [-1], [0]])
    rule = penalties.ClassConsistency(0.5, transform=ops.square)
    rule.seed_generator = keras.random.SeedGenerator(4)
    real = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(real)
        found = rule(Classes(labels), real, None)
    share = np.array(
        keras.random.uniform((4,), seed=keras.random.SeedGenerator(4))
    )[:, None]
    swap = [1, 0, 3, 2]
    q = softmax(x)
    q[[0, 3]] = np.eye(3)[[2, 0]]
    q = share * q + (1 - share) * q[swap]
    p = softmax(share * x**2 + (1 - share) * x[swap] ** 2)
    np.testing.assert_allclose(found, -0.5 * (q * np.log(p)).sum(1), rtol=1e-5)
    # -sum q log p has the slope p - q in the logits; the guess has none.
    slope = 0.5 * (p - q)
    slope = 2 * x * (share * slope + ((1 - share) * slope)[swap])
    np.testing.assert_allclose(tape.gradient(found, real), slope, rtol=1e-4)


def test_class_consistency_needs_classes():
    gan = small_gan(penalties.ClassConsistency(transform=same))
    with pytest.raises(TypeError, match="needs a task that classifies"):
        gan.fit(np.zeros((4, 3)), batch_size=4, verbose=0)


@pytest.mark.parametrize("radius", [0.0, 0.5])
def test_changes_of_the_latents(radius):
    """G(z) = 2 z and D = sum, with the very noise that is drawn."""
    z = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    noise = keras.random.normal((3, 2), seed=keras.random.SeedGenerator(4))
    step = Step(latents=tf.constant(z), generate=lambda z: 2.0 * z)
    change = 2 * radius * np.array(noise)
    for make, expected in (
        (penalties.LatentConsistency, np.square(change.sum(1))),
        (penalties.LatentDiversity, -np.square(change).sum(1)),
    ):
        rule = make(3.0, radius=radius)
        rule.seed_generator = keras.random.SeedGenerator(4)
        found = np.reshape(rule(step, None, tf.constant(2 * z)), -1)
        np.testing.assert_allclose(found, 3 * expected, rtol=1e-4, atol=1e-5)


def test_path_length_of_a_linear_generator():
    """G(w) = w A: the length is ||A y||, y the very noise drawn."""
    a = np.random.default_rng(0).normal(size=(2, 6)).astype("float32")
    w = tf.constant(np.ones((4, 2)), "float32")
    rule = penalties.PathLength(1.0, rate=0.25)
    rule.build()
    rule.state[0].assign(2.0)
    rule.seed_generator = keras.random.SeedGenerator(4)
    y = np.array(
        keras.random.normal((4, 6), seed=keras.random.SeedGenerator(4))
    )
    lengths = np.linalg.norm(y @ a.T, axis=1)
    mean = 2.0 + 0.25 * (lengths.mean() - 2.0)
    step = Step(latents=w, generate=lambda w: ops.matmul(w, a))
    found = rule(step, None, tf.zeros((4, 6)))
    np.testing.assert_allclose(found, (lengths - mean) ** 2, rtol=1e-4)
    np.testing.assert_allclose(rule.state[0], mean, rtol=1e-5)


def test_path_length_divides_by_the_number_of_pixels():
    """Images of 2 x 3 pixels: y is divided by the root of 6."""
    rule = penalties.PathLength()
    noise = tf.ones((1, 2, 3, 1))
    found = rule.lengths(
        lambda w: w[:, :, None, None] * tf.ones((1, 2, 3, 1)),
        tf.ones((1, 2)),
        noise,
    )
    # Each style sees its own row of three pixels: (3 / sqrt 6)^2 twice.
    np.testing.assert_allclose(found, [np.sqrt(2 * 9 / 6)], rtol=1e-5)


def test_path_length_in_the_styles_of_a_generator_that_has_them():
    z = keras.Input((3,))
    w = keras_gan.layers.MeanStyle()(layers.Dense(2)(z))
    generator = keras.Model(z, layers.Dense(5)(w))
    discriminator = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    half = gan.half_step(generator, None, tf.ones((4, 3)))
    styles, synthesis = half.pathway()
    assert styles.shape == (4, 2)
    np.testing.assert_allclose(
        synthesis(styles), generator(tf.ones((4, 3))), rtol=1e-6
    )


def test_weights_and_latents_need_a_model():
    for rule in (
        penalties.WeightDecay(),
        penalties.LatentConsistency(),
        penalties.PathLength(),
    ):
        with pytest.raises(TypeError, match="Received: discriminate="):
            rule(same, REAL, FAKE)


def test_lazy_penalty_is_k_times_as_strong_every_k_updates():
    rule = penalties.Drift(1.0, every=3)
    one = tf.ones((1, 1))
    found = [
        rules.values([rule], same, one, None, tf.constant(step))["drift"][0]
        for step in range(6)
    ]
    assert found == [3.0, 0.0, 0.0, 3.0, 0.0, 0.0]


def test_lazy_penalty_in_training_counts_its_own_players_updates():
    """||w||^2 stays 2: 10, 0, 0, 0, 0 times 5 over the 5 updates."""
    generator = player_with(np.ones((1, 2)))
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(1, use_bias=False)]
    )
    discriminator.set_weights([np.ones((2, 1))])
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    lazy = penalties.R1(1.0, every=5)
    gan.compile(
        keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), penalties=[lazy]
    )
    x = np.zeros((4, 2), "float32")
    logs = [
        gan.fit(x, batch_size=4, verbose=0).history["r1"][0] for _ in range(6)
    ]
    np.testing.assert_allclose(logs, [5, 0, 0, 0, 0, 5], rtol=1e-6)


@pytest.mark.parametrize(
    "given",
    [
        [penalties.ZeroCentered(every=4)],
        [penalties.R1(every=4), penalties.R2()],
    ],
)
def test_lazy_r1_and_r2_together_warn(given):
    with pytest.warns(UserWarning, match="every 4th update"):
        rules.check(given)


def test_lazy_r1_alone_does_not_warn():
    rules.check([penalties.R1(every=16)])
    rules.check([penalties.PathLength(every=4), penalties.ZeroCentered()])


@pytest.mark.parametrize("every", [0, 1.5, True])
def test_every_out_of_range(every):
    with pytest.raises((TypeError, ValueError), match="Received: every="):
        penalties.R1(every=every)


def test_penalty_that_acts_on_no_player():
    with pytest.raises(ValueError, match="Received: player='critic'"):
        rules.check([penalties.WeightDecay(player="critic")])


def test_unknown_form():
    with pytest.raises(ValueError, match="Received: form='mine'"):
        penalties.LeCam(form="mine")


def test_dragan_draws():
    """Scaled: only upwards, by at most std / 2; symmetric: both ways."""
    real = tf.constant(np.random.default_rng(0).normal(size=(500, 3, 2)))
    std = np.std(real)
    for symmetric, low, high in ((False, 0.0, 0.5), (True, -0.5, 0.5)):
        rule = penalties.DRAGAN(symmetric=symmetric)
        rule.seed_generator = keras.random.SeedGenerator(0)
        delta = np.array(rule.perturb(real) - real) / std
        assert low - 1e-9 <= delta.min() < low + 0.02
        assert high - 0.02 < delta.max() <= high
        mean = 0.0 if symmetric else 0.125
        np.testing.assert_allclose(delta.mean(), mean, atol=0.02)
        # Deviation of the row means: one scale a sample, one u a value.
        scaled = np.sqrt((1 / 3 * (1 / 4 + 1 / 72) - 1 / 16) / 4)
        expected = np.sqrt(1 / 72) if symmetric else scaled
        spread = delta.mean((1, 2)).std()
        np.testing.assert_allclose(spread, expected, rtol=0.1)


def test_weight_clip_acts_on_the_discriminator_after_each_update():
    generator = player_with(5 * np.ones((1, 2)))
    discriminator = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile(
        keras.optimizers.SGD(10.0),
        keras.optimizers.SGD(0.0),
        loss="wasserstein",
        penalties=[constraints.WeightClip(0.1)],
    )
    x = np.ones((4, 2), "float32")
    logs = gan.fit(x, batch_size=4, verbose=0).history
    for weight in discriminator.get_weights():
        assert np.abs(weight).max() <= 0.1 + 1e-7
    np.testing.assert_allclose(np.abs(discriminator.get_weights()[0]), 0.1)
    np.testing.assert_array_equal(generator.get_weights()[0], [[5.0, 5.0]])
    assert "weight_clip" not in logs


def test_state_is_the_models_and_saved(tmp_path):
    players = keras_gan.architectures.mlp((3,), latent_dim=2, units=(4,))
    gan = keras_gan.GAN(*players, seed=0)
    rule = penalties.LeCam(start=0)
    gan.compile("adam", "adam", penalties=[rule])
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    gan.fit(x, batch_size=4, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    (again,) = loaded.penalties
    assert float(rule.state[2]) == float(again.state[2]) == 2.0
    for a, b in zip(rule.variables, again.variables):
        assert float(a) == float(b)
    assert isinstance(again.seed_generator, seeds.ReplicaSeedGenerator)


def test_file_of_a_model_with_other_penalties(tmp_path):
    players = keras_gan.architectures.mlp((3,), latent_dim=2, units=(4,))
    gan = keras_gan.GAN(*players, seed=0)
    gan.compile("adam", "adam", penalties=[penalties.LeCam()])
    gan.save_weights(tmp_path / "gan.weights.h5")
    gan.compile(
        "adam", "adam", penalties=[penalties.LeCam(), penalties.PathLength()]
    )
    with pytest.raises(ValueError, match="path_length_0"):
        gan.load_weights(tmp_path / "gan.weights.h5")


def test_orthogonal_finds_the_filters_of_a_transposed_convolution():
    model = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            layers.Conv2DTranspose(3, 3, use_bias=False),
        ]
    )
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 2))
    model.set_weights([kernel])
    gram = np.einsum("hwfi,hwgi->fg", kernel, kernel)
    expected = np.square(gram - np.diag(np.diag(gram))).sum()
    found = penalties.Orthogonal(1.0)(Step(model), REAL, FAKE)
    np.testing.assert_allclose(found, [expected] * 3, rtol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_path_length_of_styles_in_low_precision(policy):
    keras.config.set_dtype_policy(policy)
    z = keras.Input((3,))
    w = keras_gan.layers.MeanStyle()(layers.Dense(2)(z))
    generator = keras.Model(z, layers.Dense(5)(w))
    discriminator = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile("adam", "adam", penalties=[penalties.PathLength(every=1)])
    logs = gan.fit(np.ones((4, 5), "float32"), verbose=0).history
    assert np.isfinite(logs["path_length"]).all()
    assert float(gan.penalties[0].state[0]) > 0


def small_gan(*rules):
    players = keras_gan.architectures.mlp((3,), latent_dim=2, units=(4,))
    gan = keras_gan.GAN(*players, seed=0)
    gan.compile("adam", "adam", penalties=list(rules))
    return gan


def test_transform_of_consistency_is_bound_and_saved(tmp_path):
    noise = layers.GaussianNoise(0.1, seed=3)
    gan = small_gan(penalties.Consistency(transform=noise))
    x = np.ones((8, 3), "float32")
    gan.fit(x, batch_size=4, verbose=0)
    state = noise.seed_generator.state.numpy()
    assert state[1] == 2
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    again = loaded.penalties[0].transform.seed_generator.state
    np.testing.assert_array_equal(again, state)

    augment = keras_gan.layers.DiffAugment(
        "color", probability=schedules.Linear(0.0, 1.0, 16)
    )
    gan = small_gan(penalties.Consistency(transform=augment))
    gan.images_seen.assign(8)
    assert float(schedules.value(augment.probability)) == 0.5


def test_state_in_another_order_finds_its_penalty(tmp_path):
    first = small_gan(penalties.LeCam(start=0), penalties.PathLength())
    first.fit(np.ones((8, 3), "float32"), batch_size=4, verbose=0)
    first.save_weights(tmp_path / "gan.weights.h5")
    other = small_gan(penalties.PathLength(), penalties.LeCam(start=0))
    other.load_weights(tmp_path / "gan.weights.h5")
    path_length, lecam = other.penalties
    for a, b in zip(first.penalties, (lecam, path_length)):
        for one, two in zip(a.variables, b.variables):
            assert float(one) == float(two)


def test_lazy_penalty_beside_an_activity_regulariser():
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    discriminator = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activity_regularizer="l2"),
            layers.Dense(1),
        ]
    )
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile("adam", "adam", penalties=[penalties.R1(every=2)])
    logs = gan.fit(np.ones((8, 3), "float32"), batch_size=4, verbose=0)
    assert np.isfinite(logs.history["r1"]).all()


def test_zero_centered_keeps_batches_apart_if_samples_touch():
    """With batch normalisation in D it equals R1 and R2 in their own passes."""
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    discriminator = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, "tanh"),
            layers.BatchNormalization(),
            layers.Dense(1),
        ]
    )
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    half = gan.half_step(discriminator, None, None)
    rng = np.random.default_rng(0)
    real, fake = (tf.constant(rng.normal(size=(4, 3)), "float32") for _ in "ab")
    both = penalties.ZeroCentered(2.0)(half, real, 5 * fake)
    apart = penalties.R1(2.0)(half, real, None)
    apart += penalties.R2(2.0)(half, None, 5 * fake)
    np.testing.assert_allclose(both, apart, rtol=1e-5)


def test_schedule_counts_for_one_model():
    augment = keras_gan.layers.DiffAugment(
        "color", probability=schedules.Linear(0.0, 1.0, 16)
    )

    def make():
        players = keras_gan.architectures.dcgan((8, 8, 1), 2, width=2)
        return keras_gan.GAN(*players, augment=augment)

    make()
    with pytest.raises(ValueError, match="'probability' another model"):
        make()


def test_scalar_of_a_penalty_is_named():
    def total(discriminate, real, fake):
        return ops.sum(discriminate(real))

    gan = small_gan(total)
    with pytest.raises(ValueError, match="a scalar from 'total'"):
        gan.fit(np.ones((4, 3), "float32"), verbose=0)
