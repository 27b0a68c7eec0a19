import builtins
import hashlib
import json
import pathlib
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_gan
from keras_gan import cli
from keras_gan import datasets
from keras_gan import metrics
from keras_gan import run_folder
from keras_gan.datasets import arrays
from keras_gan.evaluation import evaluate
from keras_gan.evaluation import labels
from keras_gan.evaluation import measures
from keras_gan.evaluation import novelty
from keras_gan.evaluation import pictures
from keras_gan.evaluation import pixels
from keras_gan.evaluation import sets
from keras_gan.evaluation import verdicts


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments, code=0):
    result = CliRunner().invoke(cli.main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


def read(path="m-evaluation"):
    with open(f"{path}/evaluation.json") as file:
        return json.load(file)


def write_images(path="a.npz", n=220, size=8):
    x = np.random.default_rng(0).integers(0, 256, (n, size, size, 1), np.uint8)
    np.savez(path, x=x)


def make_gan(shape=(8, 8, 1), kind=keras_gan.GAN):
    generator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(int(np.prod(shape)), "tanh"),
            keras.layers.Reshape(shape),
        ]
    )
    judge = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)]
    return kind(generator, keras.Sequential(judge), seed=0)


SMALL = ("--data", "a.npz", "--features", "raw", "--count", 60)
IMAGES = ["interpolations", "neighbours", "projection", "samples"]
IMAGES += ["truncations"]


@pytest.fixture
def model(folder):
    write_images()
    gan = make_gan()
    gan.save("m.keras")
    return gan


def files(path):
    return sorted(str(f.relative_to(path)) for f in path.rglob("*"))


def test_folder_and_numbers(folder, model):
    output = command("evaluate", "m.keras", *SMALL, "--seed", 3)
    written = ["evaluation.json", "evaluation.md"]
    written += [f"{name}.png" for name in IMAGES]
    assert files(folder / "m-evaluation") == written
    record, fake = read(), model.generate(60, seed=3)
    train, test = datasets.load("a.npz", batch_size=1, seed=3)
    train, real = (np.concatenate(list(d)) for d in (train, test))
    assert (len(train), len(real)) == (198, 22)
    rows = [x.reshape(len(x), -1).astype("float64") for x in (real, fake)]
    known, floor = train.reshape(198, -1), train[:60].reshape(60, -1)
    found = {k: v["value"] for k, v in record["measures"].items()}
    floors = {k: v["floor"] for k, v in record["measures"].items()}
    for values, x in ((found, rows[1]), (floors, floor.astype("float64"))):
        kernel = metrics.kernel_distance(rows[0], x, 100, 11, 3)
        expected = {
            "frechet_distance": metrics.frechet_distance(rows[0], x),
            "kernel_distance": kernel[0],
            "duplicates": metrics.duplicates(x),
            "duplicates_near": metrics.duplicates(x, 0.02),
        }
        for names, pair in (
            (("precision", "recall"), metrics.precision_recall(rows[0], x)),
            (("density", "coverage"), metrics.density_coverage(rows[0], x)),
        ):
            expected |= zip(names, pair)
        for name, value in expected.items():
            assert values[name] == pytest.approx(value, rel=1e-12), name
    error = record["measures"]["kernel_distance"]["floor_spread"]
    assert error == pytest.approx(kernel[1], rel=1e-12)
    for values, x in ((found, rows[1]), (floors, rows[0])):
        assert values["copies"] == metrics.copies(known, x)
        assert values["copies_near"] == metrics.copies(known, x, 0.02)
        assert values["authenticity"] == metrics.authenticity(known, x)
        score = metrics.copying_score(known, rows[0], x)
        assert values["copying_score"] == pytest.approx(score, rel=1e-12)
    assert floors["copying_score"] == 0
    entry = record["measures"]["frechet_distance"]
    assert entry["ratio"] == entry["value"] / entry["floor"]
    assert entry["better"] == "lower"
    assert record["measures"]["recall"]["better"] == "higher"
    counts = {"recall": (22, 22), "coverage": (22, 22), "precision": (60, 60)}
    counts |= dict.fromkeys(("duplicates", "duplicates_near"), (30, 30))
    new = ("copies", "copies_near", "authenticity")
    counts |= dict.fromkeys(new, (60, 22))
    for name, (n, m) in counts.items():
        entry = record["measures"][name]
        assert entry["spread_is"] == "binomial standard error"
        for key, end, size in (("value", "", n), ("floor", "floor_", m)):
            expected = (entry[key] * (1 - entry[key]) / size) ** 0.5
            assert entry[f"{end}spread"] == pytest.approx(expected), name
    entry = record["measures"]["authenticity"]
    assert entry["spread"] != entry["floor_spread"] > 0
    for end in ("", "floor_"):
        text = f"{entry[end and 'floor' or 'value']:.4g}"
        assert f"{text} ± {entry[f'{end}spread']:.2g}" in output
    page = (folder / "m-evaluation" / "evaluation.md").read_text()
    (line,) = (r for r in page.split("\n") if r.startswith("After ±"))
    some, none = line.split("No error is known of ")
    assert "binomial standard error: `precision`, `recall`, `cov" in some
    assert none == "`frechet_distance`, `density`, `copying_score`."
    for name, value in found.items():
        line = next(r for r in output.split("\n") if r.split()[:1] == [name])
        assert f"{value:.4g}" in line
    for verdict in record["verdicts"]:
        assert verdict["text"] in output


def test_protocol(model):
    command("evaluate", "m.keras", *SMALL, "--seed", 3)
    told = read()["protocol"]
    shas = [told["data"].pop(f"{k}_sha256") for k in ("real", "train")]
    shas.append(told["features"].pop("sha256"))
    assert all(len(sha) == 64 for sha in shas)
    assert told == {
        "features": {
            **{"name": "raw", "model": "raw", "num_outputs": 64},
            **{"layer": None, "accuracy": None, "file_sha256": None},
        },
        "classifier": None,
        "data": {
            **{"name": "a.npz", "sample_shape": [8, 8, 1]},
            "labels_sha256": None,
        },
        "resize": {"image_size": None, "channels": None, "method": None},
        "value_range": [-1, 1],
        "labels_asked": None,
        "num_labels": None,
        "real_split": "test",
        "floor_split": "train",
        "floor_split_of": {
            **{"copies": "test", "copies_near": "test", "as_asked": "test"},
            **{"authenticity": "test", "copying_score": "test"},
        },
        "num_real": 22,
        "num_fake": 60,
        "num_floor": 60,
        "num_train": 198,
        "averaged": True,
        "batch_norm": "moving statistics",
        "truncation": 1.0,
        "seeds": {
            **{"fakes": 3, "reals": 3, "subsets": 3},
            **{"patches": 3, "pairs": 3, "parts": 3},
        },
        "ddof": 1,
        "kernel_subsets": 100,
        "kernel_subset_size": 11,
        "precision_recall_k": 3,
        "density_coverage_k": 5,
        "near": 0.02,
        "sliced_wasserstein_samples": None,
        "sliced_wasserstein_patches": None,
        "sliced_wasserstein_directions": None,
        "multiscale_ssim_pairs": None,
        "inception_splits": None,
        "versions": run_folder.versions(),
    }
    assert set(told["versions"]) == {
        *("keras_gan", "keras", "tensorflow", "numpy", "python")
    }


def test_what_the_model_is(folder, model):
    plain = keras_gan.GAN(
        model.generator, model.discriminator, ema_half_life=None
    )
    plain.images_seen.assign(123)
    plain.save("p.keras")
    command("evaluate", "p.keras", *SMALL)
    told = read("p-evaluation")
    digest = hashlib.sha256((folder / "p.keras").read_bytes()).hexdigest()
    assert told["model"] == {
        **{"path": "p.keras", "sha256": digest, "images_seen": 123}
    }
    assert told["protocol"]["averaged"] is False
    page = (folder / "p-evaluation" / "evaluation.md").read_text()
    assert "60 fakes of the generator, truncation 1, against 22 sam" in page
    command("evaluate", "m.keras", *SMALL)
    page = (folder / "m-evaluation" / "evaluation.md").read_text()
    assert "60 fakes of the averaged generator" in page
    assert (
        "of `copies`, `copies_near`, `authenticity`, `copying_score` it is "
        "that of the test samples. No generator can be expected to be better "
        "than the floor; `copying_score`, `fine_detail` are best at the floor"
    ) in page


def test_same_command_same_numbers(model):
    for out, seed in (("a", 0), ("b", 0), ("c", 1)):
        command("evaluate", "m.keras", *SMALL, "--seed", seed, "--out", out)
    a, b, c = map(read, "abc")
    assert a == b
    assert a["measures"] != c["measures"]
    output = command("compare", "a/evaluation.json", "b")
    row = next(r.split() for r in output.split("\n") if " recall " in f" {r} ")
    value = f"{a['measures']['recall']['value']:.4g}"
    spread = f"{a['measures']['recall']['spread']:.2g}"
    assert row[1:4] == row[5:8] == [value, "±", spread]
    assert row[-1] == "higher"
    (row,) = (r for r in output.split("\n") if "copying_score" in r)
    assert row.split()[2] == row.split()[4] == "0"
    assert row.endswith("as the floor")
    refusal = command("compare", "a", "c", code=1)
    drawn = ("fakes", "reals", "subsets", "patches", "pairs", "parts")
    names = {"data.train_sha256", *(f"seeds.{name}" for name in drawn)}
    assert names == set(refusal.strip().split("Different: ")[1].split(", "))
    assert "seeds.fakes" in command("compare", "a", "c", "--force")


def test_what_is_no_record(folder, model):
    (folder / "x").mkdir()
    (folder / "bad.json").write_text('{"measures": {"recall": {}}}')
    (folder / "list.json").write_text("[]")
    half = {"measures": {}, "verdicts": [{}], "protocol": {}}
    (folder / "half.json").write_text(json.dumps(half))
    for name in ("x", "bad.json", "list.json", "half.json"):
        output = command("compare", name, name, code=1)
        assert "Error: " in output and name in output


def test_nothing_is_overwritten(folder, model, monkeypatch):
    (folder / "m-evaluation").mkdir()
    monkeypatch.delattr(run_folder, "load_model")
    output = command("evaluate", "m.keras", *SMALL, code=1)
    assert "m-evaluation exists" in output and "--out" in output
    assert files(folder / "m-evaluation") == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_midway_leaves_nothing(folder, model, monkeypatch, error):
    def fail(*arguments):
        raise error("no")

    before = files(folder)
    with monkeypatch.context() as patched:
        patched.setattr(evaluate.page, "markdown", fail)
        command("evaluate", "m.keras", *SMALL, code=1)
    assert files(folder) == before
    command("evaluate", "m.keras", *SMALL)


def test_other_data_is_not_made_like_the_runs(folder):
    recipe = dict.fromkeys(run_folder.OPTIONS)
    recipe |= {"data": "own", "image_size": 8, "channels": "1"}
    text = json.dumps({"recipe": recipe, "epochs_done": 1})
    (folder / "run.json").write_text(text)
    (folder / "model.keras").write_bytes(b"")
    given = {"data": "b.npz", "image_size": None, "channels": "3"}
    assert evaluate.with_recipe(folder, given) == given
    found = evaluate.with_recipe(folder, {**given, "data": None})
    assert found == {"data": "own", "image_size": 8, "channels": "3"}


def test_run_folder_gives_data_and_options(folder):
    write_images("b.npz", size=10)
    run = folder / "run"
    run.mkdir()
    make_gan().save(run / "model.keras")
    (run / "curves.png").write_bytes(b"curves")
    recipe = dict.fromkeys(run_folder.OPTIONS)
    recipe |= {"data": str(folder / "b.npz"), "image_size": 8, "channels": "1"}
    told = json.dumps({"recipe": recipe, "epochs_done": 1})
    (run / "run.json").write_text(told)
    output = command("evaluate", "run", "--count", 40)
    assert "random projections" in output
    assert (run / "evaluation" / "curves.png").read_bytes() == b"curves"
    page = (run / "evaluation" / "evaluation.md").read_text()
    assert "![Training](curves.png)" in page
    told = read(run / "evaluation")["protocol"]
    assert told["data"]["name"] == "b.npz"
    assert told["features"]["model"] == "random_projection"
    assert told["resize"] == {
        **{"image_size": 8, "channels": "1"},
        "method": "bilinear, antialiased, rounded to uint8",
    }
    output = command("evaluate", "run", "--image-size", 9, "--out", "o", code=1)
    assert "(9, 9, 1) from DATA" in output
    assert not (folder / "o").exists()


def test_images_of_clothes(folder):
    (x, y), (x_test, y_test) = clothes(600, 200)
    np.savez("c.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    gan = make_gan((28, 28, 1))
    gan.save("m.keras")
    data = ("--data", "c.npz", "--count", 200)
    output = command("evaluate", "m.keras", *data)
    assert "bundled classifier of clothes" in output
    record = read()
    found = record["measures"]
    assert record["protocol"]["features"]["model"] == "fashion_mnist_features"
    assert record["protocol"]["classifier"]["num_outputs"] == 10
    for part, layer in (("features", "features"), ("classifier", "logits")):
        assert record["protocol"][part]["layer"] == layer
        assert record["protocol"][part]["accuracy"] == 0.9159
    logits = metrics.features.fashion_mnist("logits")
    fake = logits.predict(gan.generate(200, seed=0), verbose=0)
    probabilities = keras.ops.softmax(fake.astype("float64")).numpy()
    order = np.random.default_rng(0).permutation(200)
    score = metrics.inception_score(probabilities[order])
    entry = found["inception_score"]
    assert (entry["value"], entry["spread"]) == pytest.approx(score, rel=1e-6)
    assert entry["floor"] > 5
    counts = np.bincount(fake.argmax(axis=1), minlength=10)
    assert record["classes"]["fake"] == counts.tolist()
    assert found["modes"]["value"] == np.count_nonzero(counts)
    assert found["modes"]["floor"] == 10
    told = record["protocol"]
    assert [told[name] for name in pixels.SETTINGS] == [200, 32, 128, 5_000]
    train, test = datasets.load("c.npz", batch_size=200, seed=0)
    (floor, _), (real, _) = (next(iter(d)) for d in (train, test))
    order = np.random.default_rng(0).choice(200, 200, replace=False)
    pairs = metrics.MultiscaleSSIM((28, 28, 1), num_pairs=5_000)
    for key, x in (("value", gan.generate(200, seed=0)), ("floor", floor)):
        x, known = np.array(x)[order], np.array(real)[order]
        distance, _ = metrics.sliced_wasserstein(known, x, 128, 32, 0)
        assert found["sliced_wasserstein"][key] == pytest.approx(distance)
        alike = pairs.compare(known, x[np.argsort(order)])["multiscale_ssim"]
        assert found["multiscale_ssim"][key] == pytest.approx(alike)
    assert found["multiscale_ssim"]["better"] == "as the floor"
    assert record["labels"] is None and "## Labels" not in output
    assert sum(record["classes"]["real"]) == 200
    page = (folder / "m-evaluation" / "evaluation.md").read_text()
    for name in (*IMAGES, "classes"):
        assert f"({name}.png)" in page
        Image.open(f"m-evaluation/{name}.png").verify()
    assert "| ankle boot" in page and record["verdicts"][0]["text"] in page


def test_vectors_and_a_missing_matplotlib(folder, monkeypatch):
    x = np.random.default_rng(0).uniform(-1, 1, (300, 3)).astype("float32")
    np.save("v.npy", x)
    make_gan((3,)).save("m.keras")
    imported = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("importlib.import_module", without)
    output = command("evaluate", "m.keras", "--data", "v.npy", "--count", 50)
    assert files(folder / "m-evaluation") == [
        "evaluation.json",
        "evaluation.md",
    ]
    page = (folder / "m-evaluation" / "evaluation.md").read_text()
    for text in (output, page, *read()["notes"][-1:]):
        assert "projection.png is left out" in text
    assert read()["protocol"]["features"]["name"] == "raw"


def test_features_of_a_file(folder, model):
    flat = [keras.Input((8, 8, 1)), keras.layers.Flatten()]
    keras.Sequential([*flat, keras.layers.Dense(5)]).save("f.keras")
    command("evaluate", "m.keras", *SMALL[:2], "--features", "f.keras")
    record = read()
    assert record["protocol"]["features"]["name"] == "f.keras"
    assert record["protocol"]["features"]["num_outputs"] == 5
    # No more fakes than training samples, for an equal floor.
    assert record["protocol"]["num_fake"] == 198
    assert "198 fakes in place of 10000: the floor" in record["notes"][0]


def test_networks_of_files_are_told_apart(folder, model):
    """By all of the file: pooling has no weights."""
    for name, pooling in (("f", "Max"), ("g", "Average")):
        pool = getattr(keras.layers, f"{pooling}Pooling2D")(2, name="pool")
        layers = [keras.Input((8, 8, 1)), pool, keras.layers.Flatten()]
        keras.Sequential(layers, name="n").save(f"{name}.keras")
    shutil.copyfile("f.keras", "same.keras")
    shutil.copyfile("a.npz", "b.npz")
    for name, data in (("f", "a"), ("g", "a"), ("same", "b")):
        command(
            *("evaluate", "m.keras", "--data", f"{data}.npz", "--count", 60),
            *("--features", f"{name}.keras", "--out", name),
        )
    told = read("f")["protocol"]["features"]
    digest = hashlib.sha256((folder / "f.keras").read_bytes()).hexdigest()
    assert told["file_sha256"] == digest
    assert told["sha256"] == read("g")["protocol"]["features"]["sha256"]
    assert told["layer"].startswith("flatten")
    refusal = command("compare", "f", "g", code=1)
    assert "features.file_sha256" in refusal and "features.name" in refusal
    # Other names of what is the same.
    assert read("same")["protocol"]["data"]["name"] == "b.npz"
    command("compare", "f", "same")


def test_broken_networks_are_errors(folder, model):
    with zipfile.ZipFile("z.keras", "w") as file:
        file.writestr("x", "")
    keras.Sequential([keras.Input((64,)), keras.layers.Dense(2)]).save(
        "h.keras"
    )
    with zipfile.ZipFile("h.keras") as whole:
        weights = whole.read("model.weights.h5")
    with zipfile.ZipFile("w.keras", "w") as file:
        file.writestr("model.weights.h5", weights)
    (folder / "t.keras").write_bytes(b"text")
    (folder / "l.h5").write_bytes(weights)
    with h5py.File("l.h5", "a") as file:
        file["more"] = h5py.ExternalLink("other.h5", "/")
    with zipfile.ZipFile("h.keras") as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    parts["model.weights.h5"] = (folder / "l.h5").read_bytes()
    with zipfile.ZipFile("l.keras", "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    for name in "zwtl":
        with pytest.raises(ValueError, match="cannot be loaded"):
            sets.read_network(f"{name}.keras")
    assert sets.read_network("h.keras").output_shape == (None, 2)


def test_too_few_samples_are_an_error(folder):
    make_gan().save("m.keras")
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)
    for few, name in (("test", "x_test"), ("training", "x_train")):
        arrays = {"x_train": x, "x_test": x}
        np.savez("a.npz", **{**arrays, name: x[:4]})
        output = command("evaluate", "m.keras", *SMALL, code=1)
        assert f"the {few} split has 4 samples; at least 6 are needed" in output
        np.savez("a.npz", **{**arrays, name: x[:6]})
        command("evaluate", "m.keras", *SMALL, "--out", few)


def test_large_samples_are_fewer(folder, model, monkeypatch):
    monkeypatch.setattr(sets, "MOST_VALUES", 64 * 20)
    command("evaluate", "m.keras", *SMALL)
    told = read()["protocol"]
    names = ("num_fake", "num_real", "num_floor", "num_train")
    assert [told[name] for name in names] == [20] * 4
    assert read()["notes"][0] == (
        "20 fakes in place of 60: more samples of this size would not fit "
        "into memory."
    )


def test_chosen_samples_come_with_their_labels():
    x = np.linspace(-1, 1, 2_500, dtype="float32")[:, None]
    y = np.arange(2_500) % 7
    _, test = datasets.load(((x, y), (x, y)), 1)
    rows = np.array([2_400, 3, 1_000, 999])
    found = sets.chosen(test, rows)
    for part, whole in zip(found, (x, y)):
        np.testing.assert_array_equal(part, whole[[3, 999, 1_000, 2_400]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("m.keras",), "--data is needed"),
        (("m.keras", "--data", "no.npz"), "no.npz"),
        (("m.keras", *SMALL[:2], "--features", "vgg"), "--features must be"),
        (("m.keras", *SMALL[:2], "--features", "fashion_mnist"), "28, 28, 1"),
        (("m.keras", *SMALL[:2], "--image-size", "9"), "--image-size"),
        (("a.npz", *SMALL), "model.keras"),
    ],
)
def test_errors_leave_nothing_behind(folder, model, arguments, message):
    before = files(folder)
    output = command("evaluate", *arguments, code=1)
    assert "Error: " in output and message in output
    assert files(folder) == before


def test_non_finite_samples_are_an_error(folder, model, monkeypatch):
    broken = make_gan(kind=Emits).of(np.full((60, 8, 8, 1), np.nan))
    monkeypatch.setattr(run_folder, "load_model", lambda path: broken)
    assert "NaN" in command("evaluate", "m.keras", *SMALL, code=1)
    assert not (folder / "m-evaluation").exists()


@keras.saving.register_keras_serializable("tests")
class Emits(keras_gan.GAN):
    """Generates what it is given."""

    def of(self, samples):
        self.samples = samples.astype("float32")
        return self

    def generate(self, n_or_labels, **options):
        assert n_or_labels == len(self.samples)
        return self.samples


def clothes(num_train, num_test):
    """Training and test arrays of the bundled images, classes mixed."""
    folder = pathlib.Path(datasets.__file__).parent
    file = arrays.read_file(folder / "fashion_mnist_10k.npz")
    rng = np.random.default_rng(0)
    for part, count in zip(file, (num_train, num_test)):
        rows = rng.permutation(len(part.x))[:count]
        yield part.x[rows], part.y[rows]


def blurred(x):
    kernel = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    kernel /= kernel.sum()
    for axis in (1, 2):
        x = np.apply_along_axis(
            lambda v: np.convolve(v + 1, kernel, "same") - 1, axis, x
        )
    return x


def emitted(kind, train, held_out, classes):
    rng = np.random.default_rng(1)
    noise = rng.uniform(-1, 1, (200, 28, 28, 1))
    return {
        "healthy": held_out[:200],
        "repeated": np.tile(train[:100], (2, 1, 1, 1)),
        "half": held_out[classes < 5][:200],
        "noise": noise,
        "blurred": blurred(held_out[:200]),
        "retouched": np.clip(train[:200] + 0.06 * noise, -1, 1),
        "one_class": held_out[classes == 1][:200],
        "one_image": np.clip(train[:1] + 0.5 * noise, -1, 1),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("healthy", {"as_good_as_floor"}),
        ("repeated", {"repeats", "copies"}),
        ("half", {"missing_classes"}),
        ("noise", {"noise_or_blur"}),
        ("blurred", {"noise_or_blur"}),
        ("retouched", {"copies"}),
        ("one_class", {"missing_classes", "little_variety"}),
        # No variety is no less a fault where samples are no real ones.
        ("one_image", {"noise_or_blur", "little_variety"}),
    ],
)
def test_verdicts_catch(kind, expected):
    (x, _), (x_test, y_test) = clothes(800, 2_000)
    train, held_out = (v[..., None] / 127.5 - 1 for v in (x, x_test[200:]))
    np.savez("c.npz", x_train=x, x_test=x_test[:200])
    fake = emitted(kind, train, held_out, y_test[200:])
    gan = make_gan((28, 28, 1), kind=Emits).of(fake)
    settings = {
        **{"data": "c.npz", "features": None, "count": len(fake), "seed": 0},
        **{"batch_size": 256, "image_size": None, "channels": None},
    }
    record = evaluate.judge(gan, settings).record
    found = {v["key"] for v in record["verdicts"]}
    numbers = record["measures"]
    score = numbers["copying_score"]["value"]
    if kind in ("repeated", "retouched"):
        assert score < 0.9 * numbers["copying_score"]["least"] < -10
    if kind == "healthy":
        assert abs(score) < 3
    if kind == "one_image":
        assert numbers["multiscale_ssim"]["value"] > 0.8
    if kind in ("healthy", "repeated", "half", "retouched"):
        assert found == expected, record["verdicts"]
    assert expected <= found, record["verdicts"]
    if kind == "half":
        text = record["verdicts"][0]["text"]
        assert "classes" in text and "sneaker" in text and "dress" not in text
    if kind in ("blurred", "noise"):
        text = " ".join(v["text"] for v in record["verdicts"])
        word = {"blurred": "blurred", "noise": "noisy or grainy"}[kind]
        assert f"Samples are {word}: neighbouring" in text
    if kind == "healthy":
        assert not any(v["fault"] for v in record["verdicts"])


def entries(size=1_000, **values):
    plain = dict.fromkeys(
        ("precision", "recall", "density", "coverage", "authenticity"), (1, 1)
    )
    plain |= dict.fromkeys(
        ("duplicates", "duplicates_near", "copies", "copies_near"), (0, 0)
    )
    plain |= {"frechet_distance": (1, 1), "kernel_distance": ((0, 1), (0, 1))}
    plain |= {"copying_score": (0, 0)}
    sizes = dict.fromkeys(("fake", "real", "floor"), size)
    found = {
        name: measures.entry(name, *pair, measures.counts(name, sizes))
        for name, pair in {**plain, **values}.items()
    }
    found["copying_score"]["least"] = -10
    return found


FEW = {"authenticity": (0.3, 0.7)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "as_good_as_floor"),
        ({"frechet_distance": (2.1, 1)}, "no_fault"),
        ({"kernel_distance": ((5, 1), (0, 1))}, "no_fault"),
        ({"duplicates_near": (0.06, 0)}, "repeats"),
        ({"duplicates_near": (0.9, 0.86)}, "as_good_as_floor"),
        ({"duplicates": (0.5, 0), "duplicates_near": (1, 1)}, "repeats"),
        ({"copies": (0.03, 0)}, "copies"),
        ({"copies": (0.03, 0.02)}, "as_good_as_floor"),
        # Three standard errors of 500 are 0.023, of 100 are 0.051.
        ({"copies": (0.03, 0), "size": 500}, "copies"),
        ({"copies": (0.03, 0), "size": 100}, "as_good_as_floor"),
        # Of 100 pairs 0.16, of 200 samples 0.12.
        ({"duplicates": (0.15, 0.01), "size": 200}, "repeats"),
        ({"duplicates": (0.35, 0.2), "size": 200}, "as_good_as_floor"),
        # The one within its error hides not the other.
        ({"copies": (0.04, 0), "copies_near": (0.55, 0.5)}, "copies"),
        ({**FEW, "copying_score": (-3.1, 0)}, "copies"),
        # Next to outliers, which are far from one another.
        ({**FEW, "copying_score": (-2.9, 0)}, "as_good_as_floor"),
        ({"copying_score": (-9.7, 0)}, "copies"),
        ({"copying_score": (-9.5, 0)}, "as_good_as_floor"),
        ({"precision": (0.1, 0.8)}, "noise_or_blur"),
        ({"density": (0.1, 1)}, "noise_or_blur"),
        ({"density": (0.1, 1), "recall": (0, 1)}, "noise_or_blur"),
        ({"fine_detail": (1, 2)}, "noise_or_blur"),
        ({"fine_detail": (3, 2)}, "noise_or_blur"),
        ({"fine_detail": (2.1, 2)}, "as_good_as_floor"),
        ({"recall": (0.4, 0.9)}, "little_variety"),
        ({"coverage": (0.4, 0.9)}, "little_variety"),
        ({"multiscale_ssim": (0.7, 0.2)}, "little_variety"),
        ({"multiscale_ssim": (0.5, 0.2)}, "as_good_as_floor"),
        ({"multiscale_ssim": (0.7, 0.2), "recall": (0, 1)}, "little_variety"),
    ],
)
def test_thresholds(values, expected):
    found = verdicts.verdicts(entries(**values))
    assert [v.key for v in found] == [expected]


def test_copies_by_chance_are_no_fault():
    """Held-out samples are few, and their share of copies uncertain."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        n = 300 + 100 * seed
        train, real, fake = np.split(
            rng.uniform(-1, 1, (19 * n // 10, 2)), [9 * n // 10, n]
        )
        some = sets.Sets(fake, real, train)
        rows = {k: getattr(some, k) for k in ("fake", "real", "train")}
        found = verdicts.verdicts(measures.measure(some, rows)[0])
        assert not {"copies", "repeats"} & {v.key for v in found}, seed


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        ([50, 50], [100, 100], None),
        ([50, 50], [200, 0], "About half the classes, 1 of 2"),
        ([50, 50, 50], [100, 100, 9], "One class is missing"),
        ([50, 50, 50], [100, 100, 30], None),
        ([40] * 4, [160, 0, 0, 0], "3 of 4 classes are missing"),
        # Too few are expected of the last.
        ([100, 100, 1], [100, 100, 0], None),
    ],
)
def test_missing_classes(real, fake, words):
    names = [f"class {i}" for i in range(len(real))]
    found = list(verdicts.missing({"real": real, "fake": fake}, names))
    assert bool(found) == (words is not None)
    assert not found or words in found[0].text
    assert not found or "class 0" not in found[0].text.split(":")[1]


def test_what_pixels_say():
    board = np.indices((16, 16)).sum(axis=0) % 2 * 2.0 - 1.0
    board = np.stack([board, np.full((16, 16), 0.5)])[..., None]
    # Each pixel of a chess board differs by 2, of a plain image by 0.
    assert pixels.fine_detail(board) == pytest.approx((1, 0.5**0.5))
    many = pixels.fine_detail(board[np.arange(3_000) % 2])
    assert many == pytest.approx((1, 3_000**-0.5))
    found = pixels.numbers(board, board, seed=0)
    assert found["sliced_wasserstein"] == 0
    # Two images make one pair; never one of an image with itself.
    alike = metrics.multiscale_ssim(board[:1], board[1:])[0]
    assert found["multiscale_ssim"] == pytest.approx((alike, 0))
    assert alike < 0.5
    same = pixels.numbers(board, board[[0] * 9], seed=0)
    assert same["multiscale_ssim"] == pytest.approx((1, 0))
    assert same["sliced_wasserstein"] > 100
    assert list(pixels.numbers(board, board[:, :15], 0)) == ["fine_detail"]
    assert pixels.numbers(board[..., 0], board[..., 0], 0) == {}


def test_similarity_has_its_error():
    rng = np.random.default_rng(0)
    base, x = (
        rng.uniform(-1, 1, (1, 16, 16, 1)),
        rng.normal(size=(400, 1, 1, 1)),
    )
    x = np.clip(base * (1 + 0.5 * x), -1, 1)
    few = [pixels.similarity(x, 50, seed)[0] for seed in range(40)]
    error = pixels.similarity(x, 2_000, 0)[1] * 200**0.5 / 50**0.5
    assert np.std(few) == pytest.approx(error, rel=0.3)


def test_large_images_are_fewer():
    assert list(pixels.settings((64, 64, 3), 9_000, 8_000).values()) == [
        *(2_000, 32, 128, 2_034)
    ]
    assert list(pixels.settings((256, 256, 3), 9_000, 8_000).values()) == [
        *(127, 32, 128, 127)
    ]
    found = pixels.draw(np.arange(100), 50, seed=0)
    assert len(set(found)) == 50 and found.max() > 90


def test_modes_are_classes_seen():
    logits = np.eye(10)[np.arange(40) % 10]
    found = measures.by_classes(logits, logits[np.arange(40) % 10 < 5])
    assert found["modes"] == 5
    assert measures.by_classes(logits, logits)["modes"] == 10
    assert measures.entry("modes", 5, 10)["better"] == "higher"


def test_parts_of_the_inception_score_hold_all_classes():
    """Also where labels were asked for in turn."""
    logits = 50 * np.eye(10)[np.arange(1_000) % 10]
    score, _ = measures.by_classes(logits, logits)["inception_score"]
    assert score > 9


def test_novelty_is_what_metrics_say():
    rng = np.random.default_rng(0)
    train, held_out, fake = rng.normal(size=(3, 300, 4))
    fake[:100] = train[:100] + 0.01
    found, floor = novelty.novelty(train, held_out, fake)
    for numbers, x in ((found, fake), (floor, held_out)):
        share = metrics.authenticity(train, x)
        assert numbers["authenticity"] == share
        score = metrics.copying_score(train, held_out, x)
        assert numbers["copying_score"] == pytest.approx(score, abs=1e-12)
    assert found["authenticity"] < floor["authenticity"] - 0.1
    line = np.arange(2.0)[:, None], np.arange(5.0, 12)[:, None]
    found, _ = novelty.novelty(*line, np.linspace(0.1, 0.4, 4)[:, None])
    least = novelty.least_score(7, 4)
    assert found["copying_score"] == pytest.approx(least) == -(7.0**0.5)


def test_copies_of_what_repeats_are_found():
    """Nothing is further from twins than they are from one another."""
    rng = np.random.default_rng(0)
    x = np.tanh(rng.normal(size=(400, 6)))
    train = np.tanh(np.repeat(x[:200], 2, axis=0) * 0.9)
    train[1::2] += 1e-4
    held_out = np.tanh(x[200:] * 0.9)
    fake = train[::2] + 0.03 * rng.choice([-1, 1], (200, 6))
    np.savez("v.npz", x_train=train, x_test=held_out)
    gan = make_gan((6,), kind=Emits).of(fake)
    record = evaluate.judge(gan, {**PLAIN, "data": "v.npz"}).record
    assert record["measures"]["authenticity"]["value"] == 1
    (verdict,) = record["verdicts"]
    assert verdict["key"] == "copies"
    assert "copying score -1" in verdict["text"]


PLAIN = {
    **{"data": "c.npz", "features": None, "count": 200, "seed": 0},
    **{"batch_size": 256, "image_size": None, "channels": None},
}


def test_numbers_by_label():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(60, 2))
    kinds = np.arange(60) % 3
    fake = real + np.where(kinds == 1, 2.0, 0.0)[:, None]
    train = np.concatenate([real + 1.0, real[:30] + 99])
    told = sets.Labels(
        kinds, kinds, np.concatenate([kinds, kinds[:30]]), ["a", "b", "c", "d"]
    )
    rows = {"real": real, "fake": fake, "train": train}
    shown = {"real": np.eye(4)[kinds], "fake": np.eye(4)[kinds * 2 % 3]}
    found = labels.by_label(told, rows, shown)
    assert found["names"] == ["a", "b", "c", "d"]
    for name in ("num_real", "num_fake", "num_floor"):
        assert found[name] == [20, 20, 20, 0]
    # All of a label moved by c: the sum of c squared.
    expected = {"frechet_distance": [0, 8, 0], "floor": [2, 2, 2]}
    for name, values in expected.items():
        assert found[name][3] is None
        assert found[name][:3] == pytest.approx(values, abs=1e-9)
    assert found["as_asked"] == [1, 0, 0, None]
    assert found["as_asked_floor"] == [1, 1, 1, None]
    means = labels.overall(found)
    assert means["frechet_distance_per_class"] == pytest.approx((8 / 3, 2))
    assert means["as_asked"] == pytest.approx((1 / 3, 1))
    assert "as_asked" not in labels.by_label(told, rows)
    # One fake of a label makes no covariance.
    few = told._replace(fake=np.where(np.arange(60) == 2, 2, kinds % 2))
    assert labels.by_label(few, rows)["frechet_distance"][2] is None


class Asked(Emits):
    """Gives each label the next of its samples."""

    num_classes = 10

    def generate(self, n_or_labels, **options):
        found = np.empty((len(n_or_labels), 28, 28, 1), "float32")
        for label in range(10):
            rows = n_or_labels == label
            found[rows] = self.samples[self.kinds == label][: rows.sum()]
        return found


def test_labelled_generators(folder, monkeypatch):
    (x, y), (x_test, y_test) = clothes(600, 1_000)
    swapped = np.array([7, 1, 2, 3, 4, 5, 6, 0, 8, 9])
    np.savez(
        "c.npz", x_train=x, y_train=y, x_test=x_test[:250], y_test=y_test[:250]
    )
    gan = make_gan((28, 28, 1), kind=Asked)
    gan.of(x_test[250:, ..., None] / 127.5 - 1)
    gan.kinds = swapped[y_test[250:]]
    monkeypatch.setattr(run_folder, "load_model", lambda path: gan)
    (folder / "m.keras").write_bytes(b"")
    output = command("evaluate", "m.keras", "--data", "c.npz", "--count", 200)
    record = read()
    found, numbers = record["labels"], record["measures"]
    assert found["num_fake"] == found["num_floor"] == [20] * 10
    rows = np.random.default_rng(0).choice(250, 200, replace=False)
    assert found["num_real"] == np.bincount(y_test[rows]).tolist()
    assert numbers["as_asked"]["floor"] > 0.8
    far = numbers["frechet_distance_per_class"]
    assert far["value"] == pytest.approx(np.mean(found["frechet_distance"]))
    assert far["ratio"] > 1.5
    shares = np.array(found["as_asked"])
    assert shares[[0, 7]].max() < 0.3 < 0.5 <= np.delete(shares, [0, 7]).min()
    ratios = np.divide(found["frechet_distance"], found["floor"])
    assert ratios[[0, 7]].min() > 1.7 > np.delete(ratios, [0, 7]).max()
    assert "2 of 10 labels are not followed: 0, 7 " in output
    page = (folder / "m-evaluation" / "evaluation.md").read_text()
    for text in (output, page):
        assert "morphs.png is left out. The model takes no labels." in text
    assert record["protocol"]["labels_asked"] == "in turn"
    assert "## Labels" in page and "(labels.png)" in page
    row = next(r for r in page.split("\n") if r.startswith("| 7 "))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert (
        cells[1] == "20" and cells[2] == f"{found['frechet_distance'][7]:.4g}"
    )
    assert cells[3] == f"{found['floor'][7]:.4g}"
    assert cells[4] == f"{ratios[7]:.4g}"
    assert cells[5] == f"{found['as_asked'][7]:.4g}"
    assert cells[6] == f"{found['as_asked_floor'][7]:.4g}"
    # A row a label, from the first.
    fake = gan.generate(np.arange(200) % 10)
    logits = metrics.features.fashion_mnist("logits")(fake).numpy()
    classes = {"labels": np.arange(200) % 10, "classes": logits.argmax(axis=1)}
    for name, wanted in classes.items():
        with Image.open(f"m-evaluation/{name}.png") as picture:
            grid = np.array(picture)
        side = grid.shape[1] // 10
        for label in (1, 8):
            tile = grid[label * side :, :: side // 28][:side][:: side // 28]
            image = fake[wanted == label][0, ..., 0]
            expected = np.rint((image + 1) * 127.5)
            np.testing.assert_array_equal(tile[:, :28], expected)
    assert record["protocol"]["num_labels"] == 10
    assert len(record["protocol"]["data"]["labels_sha256"]) == 64


@pytest.mark.parametrize(
    "kinds", [None, np.arange(20) % 11, np.eye(20, 3, dtype="float32")]
)
def test_data_without_the_models_labels(kinds):
    gan = make_gan(kind=Asked)
    assert sets.labels(gan, 20, kinds, kinds, None) is None
    x = np.zeros((20, 8, 8, 1))
    network = sets.network("raw", (8, 8, 1))
    rows = {"real": x.reshape(20, -1)}
    told = evaluate.notes(gan, sets.Sets(x, x, x), rows, network, 20)
    assert "takes labels from 0 to 9" in told[0]
    known = np.arange(20) % 10
    found = sets.labels(gan, 12, known, known, ["x"] * 10)
    assert found.fake.tolist() == [*range(10), 0, 1] and found.names[0] == "x"


@pytest.mark.parametrize(
    ("fake", "real", "count", "wrong"),
    [
        ([0.9, 0.3], [0.9, 0.9], 8, "1 of 2 labels are not followed: b "),
        ([0.9, 0.3], [0.9, 0.9], 7, None),
        ([0.9, 0.5], [0.9, 0.9], 8, None),
        # A classifier of other things.
        ([0.1, 0.1], [0.4, 0.4], 8, None),
        ([0.1, 0.1], [0.4, None], 8, None),
    ],
)
def test_ignored_labels(fake, real, count, wrong):
    told = {"names": ["a", "b"], "num_fake": [count] * 2}
    told |= {"as_asked": fake, "as_asked_floor": real}
    found = list(verdicts.ignored(told))
    assert bool(found) == bool(wrong)
    assert not wrong or found[0].text.startswith(wrong)


def test_walks_begin_and_end_at_the_seeds_samples():
    gan = make_gan()
    ways, left_out = pictures.walked(gan, 4)
    assert sorted(ways) == ["interpolations.png", "truncations.png"]
    assert left_out == []
    samples, way = gan.generate(16, seed=4), ways["interpolations.png"]
    np.testing.assert_allclose(way[:, 0], samples[:8], atol=1e-5)
    np.testing.assert_allclose(way[:, -1], samples[8:], atol=1e-5)
    samples, way = gan.generate(8, seed=4), ways["truncations.png"]
    np.testing.assert_allclose(way[:, 5], samples, atol=1e-5)
    samples = gan.generate(8, seed=4, truncation=1.8)
    np.testing.assert_allclose(way[:, 9], samples, atol=1e-5)


def test_labels_morph_in_a_circle(folder):
    players = keras_gan.architectures.mlp((8, 8, 1), 2, num_classes=3)
    gan = keras_gan.ConditionalGAN(*players, num_classes=3, seed=0)
    ways, left_out = pictures.walked(gan, 4)
    assert left_out == []
    way = ways["morphs.png"]
    assert way.shape == (3, 10, 8, 8, 1)
    for row, (first, last) in enumerate([(0, 1), (1, 2), (2, 0)]):
        for column, label in ((0, first), (-1, last)):
            expected = gan.generate([label], seed=4)
            found = way[row, column]
            np.testing.assert_allclose(found[None], expected, atol=1e-5)
    first = gan.generate([0, 1, 2, 0, 1, 2, 0, 1] * 2, seed=4)[:8]
    found = ways["interpolations.png"][:, 0]
    np.testing.assert_allclose(found, first, atol=1e-5)


def test_walks_of_attributes_are_left_out():
    z, y, given = keras.Input((2,)), keras.Input((3,)), keras.Input((3,))
    x = keras.Input((64,))
    dense = keras.layers.Dense
    generator = dense(64)(keras.layers.Concatenate()([z, y]))
    logits = dense(1)(keras.layers.Concatenate()([x, given]))
    gan = keras_gan.ConditionalGAN(
        keras.Model([z, y], generator),
        keras.Model([x, given], logits),
        num_classes=None,
    )
    ways, left_out = pictures.walked(gan, 0)
    assert ways == {} and len(left_out) == 2
    assert left_out[0].startswith(
        "interpolations.png is left out. `labels` must be given for a model"
    )


def test_neighbours_classes_and_projection():
    train = np.linspace(-1, 1, 9).reshape(9, 1, 1, 1) * np.ones((1, 3, 3, 1))
    fake = train[[8, 0]] * 0.99
    rows = {"fake": fake.reshape(2, -1), "train": train.reshape(9, -1)}
    found = pictures.neighbours(sets.Sets(fake, train, train), rows)
    expected = [0.99, 1, 1, 0.75, 0.5, 0.25, 0, -0.99, 1, -1, -0.75, -0.5]
    np.testing.assert_allclose(found[:12, 0, 0, 0], expected)
    found = pictures.by_class(train, np.array([2] * 8 + [0]), 3)[:, 0, 0, 0]
    np.testing.assert_array_equal(found[:10], [1.0] * 10)
    np.testing.assert_array_equal(found[10:20], [1.0] * 10)
    np.testing.assert_array_equal(found[20:28], train[:8, 0, 0, 0])
    real = np.array([[0.0, 2, 0], [0, -2, 0], [1, 0, 0], [-1, 0, 0]]) + 7
    placed, fakes, shares = pictures.project(real, real[:1] + [0, 1, 5])
    np.testing.assert_allclose(np.abs(placed[0]), [2, 0], atol=1e-12)
    np.testing.assert_allclose(np.abs(fakes), [[3, 0]], atol=1e-12)
    np.testing.assert_allclose(shares, [0.8, 0.2])


def test_conditional_models_are_asked_for_all_classes():
    gan = make_gan(kind=Emits)
    gan.num_classes = 3
    gan.generate = lambda labels, **options: (labels.tolist(), options)
    found = sets.generate(gan, 7, 4, 3)
    assert found == ([0, 1, 2, 0, 1, 2, 0], {"seed": 4, "batch_size": 3})


def test_batch_size_reaches_the_generator(model, monkeypatch):
    asked = []

    def generate(self, n, seed, batch_size):
        asked.append((n, seed, batch_size))
        return np.zeros((n, 8, 8, 1), "float32")

    monkeypatch.setattr(keras_gan.GAN, "generate", generate)
    command("evaluate", "m.keras", *SMALL, "--seed", 2, "--batch-size", 7)
    assert asked == [(60, 2, 7)]
