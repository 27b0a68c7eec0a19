"""Bad arguments of all that is public, each with the error it must give.

One table: what to call, the error, a part of the message. All say what came:
`Received:`, or click's own wording on the command line.
"""

import inspect
import pathlib
import re

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from conformance import CASES as MODELS
from conformance import LAYERS

import keras_gan
from keras_gan import architectures
from keras_gan import cli
from keras_gan import constraints
from keras_gan import datasets
from keras_gan import latents
from keras_gan import layers
from keras_gan import losses
from keras_gan import metrics
from keras_gan import optimizers
from keras_gan import penalties
from keras_gan import presets
from keras_gan import schedules
from keras_gan.metrics import features
from keras_gan.metrics import inception

ROOT = pathlib.Path(__file__).parent.parent
V, T = ValueError, TypeError
NAN, INF = float("nan"), float("inf")
X = np.zeros((12, 3), "float32")
IMAGES = np.zeros((12, 4, 4), np.uint8)


def players(size=3, **kwargs):
    return architectures.mlp((size,), latent_dim=2, units=(4,), **kwargs)


def gan(**kwargs):
    model = keras_gan.GAN(*players(), seed=0, **kwargs)
    sgd = keras.optimizers.SGD
    model.compile(sgd(), sgd())
    return model


def fit(*data, **kwargs):
    return lambda: gan().fit(*data, shuffle=False, verbose=0, **kwargs)


def compiled(**kwargs):
    sgd = keras.optimizers.SGD
    given = {"d_optimizer": sgd(), "g_optimizer": sgd(), **kwargs}
    return lambda: keras_gan.GAN(*players()).compile(**given)


def load(data=X, **kwargs):
    return lambda: datasets.load(data, **{"batch_size": 4, **kwargs})


def with_labels(y):
    return load((X, y))


def squashed(activation):
    generator, _ = players()
    discriminator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, activation=activation)]
    )
    return keras_gan.GAN(generator, discriminator)


def two_outputs():
    z = keras.Input((2,))
    x = keras.layers.Dense(3)(z)
    return keras_gan.GAN(keras.Model(z, [x, x]), players()[1])


def judge():
    return features.raw((3,))


def classifier():
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Dense(4)(x))


CASES = [
    # The model.
    (lambda: keras_gan.GAN(None, players()[1]), T, "generator=None"),
    (lambda: keras_gan.GAN(players()[0], "d"), T, "discriminator='d'"),
    (lambda: keras_gan.GAN(players()[0], players()[0]), V, "must be two|fit"),
    (lambda: keras_gan.GAN(*[players()[0]] * 2), V, "must be two models"),
    (lambda: keras_gan.GAN(*players()[::-1]), V, "do not fit"),
    (lambda: keras_gan.GAN(players(4)[0], players(3)[1]), V, r"shape=\(4,\)"),
    (lambda: squashed("sigmoid"), V, "without a sigmoid.*'sigmoid'"),
    (lambda: squashed("softmax"), V, "'softmax'"),
    (two_outputs, V, "must give one tensor"),
    (lambda: gan(latents=3), T, "latents=3"),
    (lambda: gan(latents=lambda n, seed: None), T, "of type NoneType"),
    (lambda: gan(latents=latents.Normal((3,))), V, r"of shape=\(3,\)"),
    (lambda: gan(augment="flip"), T, "augment='flip'"),
    (lambda: gan(ema_half_life=-1), V, "ema_half_life=-1"),
    (lambda: gan(ema_half_life=NAN), V, "ema_half_life=nan"),
    (lambda: gan(ema_half_life="long"), T, "ema_half_life='long'"),
    (lambda: keras_gan.GAN(*players(), seed=-1), V, "seed=-1"),
    (lambda: keras_gan.GAN(*players(), seed=True), T, "seed=True"),
    # compile.
    (compiled(d_optimizer=None), T, "d_optimizer=None"),
    (compiled(g_optimizer=0.1), T, "g_optimizer=0.1"),
    (compiled(loss="gan"), V, "loss='gan'"),
    (compiled(loss=losses.Hinge), V, "Hinge"),
    (compiled(penalties=[penalties.R1]), T, "R1"),
    (compiled(penalties=3), T, "penalties=3"),
    (compiled(d_steps=0), V, "d_steps=0"),
    (compiled(g_steps=2.0), T, "g_steps=2.0"),
    (compiled(update="both"), V, "update='both'"),
    (compiled(metrics=["fid"]), T, "'fid'"),
    # fit and evaluate: before a step.
    (fit(X[:, :2]), V, r"shape=\(None, 2\)"),
    (fit(X[..., None]), V, r"shape=\(None, 3, 1\)"),
    (fit(X.astype("uint8")), V, "dtype=uint8"),
    (fit(X.astype("int32")), V, "dtype=int32"),
    (fit(X.astype("bool")), V, "dtype=bool"),
    (fit({"x": X}), V, r"keys=\['x'\]"),
    (
        fit(X, np.zeros(12), sample_weight=np.ones((12, 2))),
        V,
        r"one number a sample.*sample_weight of shape=\(None, 2\)",
    ),
    (lambda: gan().evaluate(IMAGES, verbose=0), V, "dtype=uint8"),
    # generate.
    (lambda: gan().generate(0), V, "n_or_labels=0"),
    (lambda: gan().generate(-5), V, "n_or_labels=-5"),
    (lambda: gan().generate("3"), T, "n_or_labels='3'"),
    (lambda: gan().generate(3, averaged="no"), T, "averaged='no'"),
    (lambda: gan().generate(2.0), T, "n_or_labels=2.0"),
    (lambda: gan().generate([0, 1]), T, r"n_or_labels=\[0, 1\]"),
    (lambda: gan().generate(2, seed=-1), V, "seed=-1"),
    (lambda: gan().generate(2, seed="a"), T, "seed='a'"),
    (lambda: gan().generate(2, truncation=-1), V, "truncation=-1"),
    (lambda: gan().generate(2, truncation=NAN), V, "truncation=nan"),
    (lambda: gan().generate(2, batch_size=0), V, "batch_size=0"),
    # Data: arrays.
    (load(None), T, "type NoneType"),
    (load([1, 2, 3]), T, "type list"),
    (load(b"a.npy"), T, "type bytes"),
    (load(""), V, "data=''"),
    (load("no such file.npy"), V, "data='no such file.npy'"),
    (load("a\0b"), V, "data="),
    (load(X.astype("int64")), V, "dtype=int64"),
    (load(X.astype("complex64")), V, "dtype=complex64"),
    (load(X.astype("U3")), V, "dtype=<U3"),
    (load(X.astype(object)), V, "dtype=object"),
    (load(X.astype("bool")), V, "dtype=bool"),
    (load(X[:, 0]), V, r"shape=\(12,\)"),
    (load(np.zeros(())), V, r"shape=\(\)"),
    (load(X[:0]), V, r"shape=\(0, 3\)"),
    (load(X[:, :0]), V, r"shape=\(12, 0\)"),
    (load(IMAGES[:, :0]), V, r"shape=\(12, 0, 4\)"),
    (load(X + NAN), V, "NaN or infinite.*sample 0"),
    (load(np.where(np.eye(12, 3, -5), INF, 0.0)), V, "in sample 5"),
    (load(X + 255.0), V, r"data in \[255, 255\]"),
    (load(X - 1.001), V, r"must be scaled to \[-1, 1\]"),
    (load((X + 256).astype("float16")), V, r"data in \[256, 256\]"),
    (load(np.ma.masked_array(X, mask=X == 0)), V, "36 masked"),
    (load(X, batch_size=12), V, "batch_size=12"),
    (load(((X,), (X[:, :2],))), V, "must be alike"),
    (load(((X, np.zeros(12, int)), (X,))), V, "Both splits must have labels"),
    # Data: labels.
    (with_labels(np.zeros(11, int)), V, r"labels of shape=\(11,\)"),
    (with_labels(np.full(12, -1)), V, r"labels in \[-1, -1\]"),
    (with_labels(np.arange(12) - 2), V, r"labels in \[-2, 9\]"),
    (with_labels(np.full(12, 2**63, np.uint64)), V, "labels in .*9223372036"),
    (with_labels(np.full(12, 0.5)), V, "dtype=float64"),
    (with_labels(np.full(12, "cat")), V, "dtype=<U3"),
    (with_labels(np.full(12, None)), V, "dtype=object"),
    (with_labels(np.zeros((12, 0))), V, r"labels of shape=\(12, 0\)"),
    (with_labels(np.full((12, 2), NAN)), V, "finite numbers"),
    (with_labels(np.full((12, 2), 1e300)), V, "finite numbers"),
    (with_labels(np.ones((12, 2), "complex64")), V, "dtype=complex64"),
    (with_labels(np.zeros((12, 2, 2))), V, r"labels of shape=\(12, 2, 2\)"),
    (with_labels(np.array(3)), V, r"labels of shape=\(\)"),
    # Data: options.
    (load(batch_size=0), V, "batch_size=0"),
    (load(batch_size=4.0), T, "batch_size=4.0"),
    (load(batch_size=True), T, "batch_size=True"),
    (load(IMAGES, channels=2), V, "channels=2"),
    (load(IMAGES, channels=True), T, "channels=True"),
    (load(IMAGES, channels="3"), T, "channels='3'"),
    (load(IMAGES, image_size=0), V, "image_size=0"),
    (load(IMAGES, image_size=-4), V, "image_size=-4"),
    (load(IMAGES, image_size=4.5), T, "image_size=4.5"),
    (load(IMAGES, image_size="big"), T, "image_size='big'"),
    (load(IMAGES, image_size=(4,)), V, r"image_size=\(4,\)"),
    (load(IMAGES, image_size=10**6), V, "pixels at most.*1000000"),
    (load(X, image_size=4), V, "dtype=float32"),
    (load(X, channels=1), V, "dtype=float32"),
    (load(IMAGES, flip="no"), T, "flip='no'"),
    (load(X, flip=True), V, "flip=True"),
    (load(test_fraction=1.0), V, "test_fraction=1.0"),
    (load(test_fraction=NAN), V, "test_fraction=nan"),
    (load(test_fraction="half"), T, "test_fraction='half'"),
    (load(seed=-1), V, "seed=-1"),
    (load(seed=2**63), V, "seed=9223372036854775808"),
    # Losses, latents, schedules, optimizers, constraints.
    (lambda: losses.Hinge(label_noise=2), V, "label_noise=2"),
    (lambda: losses.Hinge(label_noise="a"), T, "label_noise='a'"),
    (lambda: losses.Minimax(label_smoothing=NAN), V, "label_smoothing=nan"),
    (lambda: latents.Normal(4), T, "shape=4"),
    (lambda: latents.Normal(()), V, r"shape=\(\)"),
    (lambda: latents.Uniform((0,)), V, r"shape=\(0,\)"),
    (lambda: latents.Uniform("ab"), T, "shape='ab'"),
    (lambda: schedules.Linear(0.0, INF, 5), V, "end=inf"),
    (lambda: schedules.Linear(0.0, 1.0, 0), V, "duration=0"),
    (lambda: schedules.CosineBurnIn("a", 1.0, 5), T, "start='a'"),
    (lambda: schedules.Constant(None), T, "value=None"),
    (lambda: schedules.Step(1.0, [5]), T, "values=1.0"),
    (lambda: schedules.Step([1.0, 2.0], 5), T, "boundaries=5"),
    (lambda: schedules.Step([1.0], [5]), V, "one entry more"),
    (lambda: schedules.Step([1.0, 2.0, 3.0], [5, 5]), V, "must increase"),
    (lambda: optimizers.Adam(NAN), V, "learning_rate=nan"),
    (lambda: optimizers.Adam(-1.0), V, "learning_rate=-1.0"),
    (lambda: optimizers.Adam(beta_1=1.0), V, "beta_1=1.0"),
    (lambda: constraints.WeightClip(0), V, "limit=0"),
    # Penalties.
    (lambda: penalties.R1(-1), V, "weight=-1"),
    (lambda: penalties.R1("a"), T, "weight='a'"),
    (lambda: penalties.R1(INF), V, "weight=inf"),
    (lambda: penalties.R1(1.0, name=None), T, "name=None"),
    (lambda: penalties.R1(1.0, name=""), V, "name=''"),
    (lambda: penalties.R2(1.0, every=0), V, "every=0"),
    (lambda: penalties.WGANGP(1.0, one_sided="no"), T, "one_sided='no'"),
    (lambda: penalties.DRAGAN(1.0, symmetric=1), T, "symmetric=1"),
    (lambda: penalties.DRAGAN(1.0, k=-1), V, "k=-1"),
    (lambda: penalties.LeCam(form="other"), V, "form='other'"),
    (lambda: penalties.LeCam(decay=1.5), V, "decay=1.5"),
    (lambda: penalties.Consistency(transform=3), T, "transform=3"),
    (lambda: penalties.ClassConsistency(-1.0), V, "weight=-1.0"),
    (lambda: penalties.ClassConsistency(transform="x"), T, "transform='x'"),
    (lambda: penalties.LatentConsistency(radius=NAN), V, "radius=nan"),
    (lambda: penalties.PathLength(rate=2), V, "rate=2"),
    (compiled(penalties=[penalties.WeightDecay(player="both")]), V, "'both'"),
    # Layers.
    (lambda: layers.AdaIN(epsilon=0), V, "epsilon=0"),
    (lambda: layers.AdaptiveAugment("rotate"), V, "rotate"),
    (lambda: layers.AdaptiveAugment(target=3), V, "target=3"),
    (lambda: layers.BlurPool(0), V, "kernel_size=0"),
    (
        lambda: layers.ConditionalBatchNormalization(0),
        V,
        "num_classes=0",
    ),
    (
        lambda: layers.ConditionalBatchNormalization(3, synchronized="no"),
        T,
        "synchronized='no'",
    ),
    (lambda: layers.DiffAugment(probability=2), V, "probability=2"),
    (lambda: layers.EqualizedConv2D(0, 3), V, "filters=0"),
    (lambda: layers.EqualizedConv2D(3, 3, padding="full"), V, "'full'"),
    (lambda: layers.BackboneInput("imagenet"), V, "preprocessing='imagenet'"),
    (lambda: layers.BackboneInput(lambda x: x), T, "preprocessing=<function"),
    (lambda: layers.Frozen("dense"), T, "layer='dense'"),
    (lambda: layers.Resize(0, 3), V, "height=0"),
    (lambda: layers.Resize(3, 1.5), T, "width=1.5"),
    (lambda: layers.EqualizedDense(3, use_bias="no"), T, "use_bias='no'"),
    (lambda: layers.MeanStyle(2), V, "decay=2"),
    (lambda: layers.MinibatchDiscrimination(0), V, "num_kernels=0"),
    (lambda: layers.MinibatchStd(0), V, "group_size=0"),
    (lambda: layers.ModulatedConv2D(3, demodulate=0), T, "demodulate=0"),
    (lambda: layers.NoiseInjection(seed="a"), T, "seed='a'"),
    (lambda: layers.PhaseShuffle(-1), V, "radius=-1"),
    (lambda: layers.PixelNorm(-1), V, "epsilon=-1"),
    (lambda: layers.SelfAttention(0), V, "key_ratio=0"),
    (lambda: layers.SelfAttention(spectral="yes"), T, "spectral='yes'"),
    (lambda: layers.SpectralNormalization("dense"), T, "layer='dense'"),
    (lambda: layers.Upsample(1.5), T, "factor=1.5"),
    # Architectures and presets.
    (lambda: architectures.mlp(()), V, r"image_shape=\(\)"),
    (lambda: players(generator_norm="no"), T, "generator_norm='no'"),
    (lambda: architectures.dcgan((7, 7, 1)), V, r"\(7, 7, 1\)|7"),
    (lambda: architectures.dcgan(normalize="all"), V, "normalize='all'"),
    (lambda: architectures.sn_resnet((5, 5, 3)), V, r"\(5, 5, 3\)"),
    (lambda: architectures.sagan((8, 8)), V, r"\(8, 8\)"),
    (lambda: architectures.r3gan(config="Z"), V, "config='Z'"),
    (lambda: architectures.stylegan2(output="rgb"), V, "output='rgb'"),
    (lambda: presets.mlp((3,), latent_dim=0), V, "latent_dim=0"),
    (lambda: presets.mlp((3,), learning_rate=NAN), V, "learning_rate=nan"),
    (lambda: presets.dcgan((28, 28)), V, r"\(28, 28\)"),
    # Metrics.
    (lambda: metrics.FrechetDistance("inception"), T, "'inception'"),
    (lambda: metrics.KernelDistance(judge(), seed="a"), T, "seed='a'"),
    (lambda: metrics.PrecisionRecall(judge(), k=0), V, "k=0"),
    (lambda: metrics.DensityCoverage(judge(), num_samples=0), V, "=0"),
    (
        lambda: metrics.InceptionScore(classifier(), from_logits="no"),
        T,
        "from_logits='no'",
    ),
    (lambda: metrics.Duplicates((3,), tolerance=-1), V, "tolerance=-1"),
    (lambda: metrics.frechet_distance(X + NAN, X), V, "NaN or infinite|finite"),
    (lambda: metrics.frechet_distance(X[:1], X), V, "1"),
    (lambda: metrics.kernel_distance(X, X, subset_size=99), V, "99"),
    (lambda: features.raw(3), T, "sample_shape=3"),
    (lambda: features.small_classifier(0), V, "num_classes=0"),
    (lambda: metrics.inception_v3((8, 8, 2), weights=None), V, r"\(8, 8, 2\)"),
    (lambda: inception.InceptionInput("exact"), V, "convention='exact'"),
]


def label(case):
    return str(CASES.index(case)) + " " + case[2].replace("\\", "")


@pytest.mark.parametrize("case", CASES, ids=label)
def test_bad_argument(case):
    call, error, message = case
    with pytest.raises(error, match=f"(?s){message}") as caught:
        call()
    assert "Received: " in str(caught.value)


def test_the_list_is_long():
    assert len(CASES) >= 100


COMMANDS = [
    ("train --epochs 0", "--epochs"),
    ("train --epochs 1.5", "--epochs"),
    ("train --batch-size 0", "--batch-size"),
    ("train --preset big", "'big' is not one of"),
    ("train --learning-rate 0", "--learning-rate"),
    ("train --learning-rate nan --epochs 1 --preset mlp", "learning_rate=nan"),
    ("train --seed -1", "--seed"),
    ("train --channels 2", "--channels"),
    ("train --image-size 0", "--image-size"),
    ("train --latent-dim none", "--latent-dim"),
    ("train --samples-every 0", "--samples-every"),
    ("train --data no/such/folder", "data='no/such/folder'"),
    ("train --data text.npy", "sound .npy"),
    ("train --out .", "not overwritten"),
    ("train --resume", "--out"),
    ("train --resume --out nowhere", "no run to go on with"),
    ("train --resume --out nowhere --flip", "--flip"),
    ("train --colour", "--colour"),
    ("generate missing.keras --out a.png", "does not exist"),
    ("generate text.npy --out a.png", ".keras file or a run folder"),
    ("generate text.keras --out a.png", "cannot be loaded"),
    ("generate text.keras --out text.npy", "nothing is overwritten"),
    ("generate text.keras --out a.png --count 0", "--count"),
    ("generate text.keras --out a.png --truncation -1", "--truncation"),
    ("generate text.keras", "--out"),
    ("evaluate text.keras", "--data is needed"),
    ("evaluate text.keras --count 3", "--count"),
    ("compare text.npy text.npy", "text.npy"),
    ("export text.keras served", "cannot be loaded"),
    ("export text.keras .", "nothing is overwritten"),
    ("paint", "No such command"),
]


@pytest.mark.parametrize(("line", "message"), COMMANDS)
def test_bad_command(line, message, tmp_path, monkeypatch):
    """An error, no traceback, and no file written."""
    monkeypatch.chdir(tmp_path)
    for name in ("text.npy", "text.keras"):
        (tmp_path / name).write_text("hello")
    result = CliRunner().invoke(cli.main, line.split())
    assert result.exit_code in (1, 2), result.output
    assert message in result.output.replace("\n", " ")
    assert isinstance(result.exception, SystemExit)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"text.npy", "text.keras"}


def test_bad_batch_changes_nothing():
    model = gan()
    before = [v.numpy() for v in model.variables]
    for data in (X[:, :2], X.astype("uint8"), X[..., None]):
        with pytest.raises(ValueError, match="Received: "):
            model.fit(data, shuffle=False, verbose=0)
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, variable)


def constructors():
    """Classes of the conformance lists that take arguments, with a case."""
    yield from {type(case.make_layer()) for case in LAYERS}
    for module in (losses, penalties, latents):
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", "").startswith(module.__name__)
            if own and isinstance(thing, type) and name[0].isupper():
                yield thing


@pytest.mark.parametrize(
    "thing",
    sorted(set(constructors()), key=lambda t: t.__name__),
    ids=lambda t: t.__name__,
)
def test_every_number_is_checked(thing):
    """An object in place of any number is an error that names the argument."""
    parameters = inspect.signature(thing).parameters.values()
    kinds = (int, float)
    names = [
        p.name
        for p in parameters
        if isinstance(p.default, kinds) and p.name != "name"
    ]
    required = {
        p.name: keras.layers.Dense(2) if p.name == "layer" else 3
        for p in parameters
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    }
    if "shape" in required:
        required["shape"] = (3,)
    for name in names:
        with pytest.raises((TypeError, ValueError), match=f"{name}=<object"):
            thing(**{**required, name: object()})


def test_models_of_the_list_take_no_bad_batch():
    """Every structure refuses another rank before a step."""
    for case in MODELS[:2]:
        model, batch = case.make_gan(), case.make_batch()
        with pytest.raises(ValueError, match="Received: real samples of shape"):
            model.fit(batch[..., None], shuffle=False, verbose=0)


def quoted_messages():
    """The second column of the tables in FAILURES.md."""
    for line in (ROOT / "FAILURES.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith(("| what", "| ---")):
            yield line.split(" | ")[1].removeprefix("a warning: ")


@pytest.mark.parametrize("message", list(quoted_messages()))
def test_quoted_messages_are_in_the_code(message):
    """Texts of the code, joined as Python joins them."""
    texts = "\n".join(p.read_text() for p in (ROOT / "keras_gan").rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", texts)
    assert message in joined


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readmes_lead_to_the_pages(name):
    text = (ROOT / name).read_text()
    assert "(FAILURES.md)" in text and "(SECURITY.md)" in text


class Gated(keras.Model):
    """A sigmoid inside, made last, and logits at the end."""

    def __init__(self):
        super().__init__()
        self.judge = keras.layers.Dense(1)
        self.gate = keras.layers.Dense(3, activation="sigmoid")

    def call(self, x):
        return self.judge(x * self.gate(x))


def test_a_sigmoid_inside_of_a_discriminator_is_no_mistake():
    x = np.ones((2, 3), "float32")
    found = keras_gan.GAN(players()[0], Gated()).discriminate(9 * x)
    assert np.shape(found) == (2, 1)
