import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from keras_gan import cli
from keras_gan import run_folder
from keras_gan.callbacks import ExactBackup


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments, code=0):
    result = CliRunner().invoke(cli.main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


def write_vectors(path):
    x = np.random.default_rng(0).uniform(-1, 1, (20, 6))
    np.save(path, x.astype("float32"))


def write_images(path, n=20, size=8):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, size, size, 1), np.uint8)
    np.savez(path, x=x, y=np.arange(n) % 2)


def train(*arguments, code=0):
    small = ("--batch-size", 4, "--latent-dim", 3)
    return command("train", *small, *arguments, code=code)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A folder with images, and with a run of one epoch on them."""
    path = tmp_path_factory.mktemp("made")
    with contextlib.chdir(path):
        write_images("a.npz")
        train("--data", "a.npz", "--epochs", 1, "--out", "run")
    return path


@pytest.fixture
def trained(folder, made_once):
    """A copy of that folder, to work in."""
    shutil.copytree(made_once, folder, dirs_exist_ok=True)
    return folder


def files(path):
    return sorted(str(f.relative_to(path)) for f in path.rglob("*"))


MLP = ("--preset", "mlp")
RUN = ["curves.png", "history.csv", "model.keras", "run.json"]


def history(path):
    with open(path / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_run_folder_of_images(folder):
    write_images("a.npz")
    output = train("--data", "a.npz", "--epochs", 2, "--seed", 3)
    assert "Done. The run is in runs/a" in output
    run = folder / "runs" / "a"
    pictures = ["epoch_0001.png", "epoch_0002.png", "samples.gif"]
    expected = [*RUN, "samples", *(f"samples/{name}" for name in pictures)]
    assert files(run) == expected
    assert [row["epoch"] for row in history(run)] == ["0", "1"]
    assert {"d_loss", "g_loss", "zero_centered", "val_d_loss"} <= set(
        history(run)[0]
    )
    told = json.loads((run / "run.json").read_text())
    assert told["epochs_done"] == 2
    assert told["recipe"]["preset"] == "r3gan_small"
    assert told["recipe"]["seed"] == 3
    assert told["sessions"][0]["versions"]["keras"] == keras.__version__
    assert told["compile"]["loss"]["class_name"] == "Relativistic"
    gan = keras.saving.load_model(run / "model.keras")
    assert int(gan.images_seen) == 2 * 16 and gan.seed == 3


def test_run_folder_of_vectors(folder):
    np.save("v.npy", np.random.default_rng(0).uniform(-1, 1, (40, 6)))
    train("--data", "v.npy", "--preset", "mlp", "--epochs", 1, "--out", "run")
    assert files(folder / "run") == [*RUN, "samples.npy"]
    samples = np.load("run/samples.npy")
    assert samples.shape == (1000, 6) and np.abs(samples).max() <= 1
    train("--data", "v.npy", "--epochs", 1, "--out", "other")
    told = json.loads((folder / "other" / "run.json").read_text())
    assert told["recipe"]["preset"] == "mlp"


def test_folder_of_color_images_of_mixed_sizes(folder):
    (folder / "clothes").mkdir()
    for i in range(12):
        size = (20 + i, 40 - i)
        Image.new("RGB", size, (20 * i, 9, 90)).save(f"clothes/{i}.png")
    output = train("--data", "clothes", "--out", "run", code=1)
    assert "Error: " in output and "--image-size" in output
    assert not (folder / "run").exists()
    train("--data", "clothes", "--image-size", 8, "--epochs", 1, "--flip")
    with Image.open("runs/clothes/samples/epoch_0001.png") as picture:
        assert picture.mode == "RGB"


def write_clothes(records=False):
    os.mkdir("clothes")
    rng = np.random.default_rng(0)
    for i in range(20):
        pixels = rng.integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(f"clothes/{i:02}.png")
    if records:
        os.mkdir("records")
        with tf.io.TFRecordWriter("records/a.tfrecord") as writer:
            for i in range(20):
                content = Path(f"clothes/{i:02}.png").read_bytes()
                values = tf.train.BytesList(value=[content])
                feature = {"image": tf.train.Feature(bytes_list=values)}
                features = tf.train.Features(feature=feature)
                example = tf.train.Example(features=features)
                writer.write(example.SerializeToString())


def test_streams_when_asked_and_resumes_alike(folder):
    write_clothes(records=True)
    mlp = ("--preset", "mlp", "--flip", "--epochs")
    train("--data", "clothes", *mlp, 2, "--out", "whole")
    train("--data", "clothes", "--stream", *mlp, 1, "--out", "run")
    command("train", "--resume", "--out", "run", "--epochs", 2)
    assert_same_end(folder / "run", folder / "whole")
    recipes = [run_folder.RunFolder(n).read_recipe() for n in ("whole", "run")]
    assert [recipe["stream"] for recipe in recipes] == [False, True]
    recipes[0] |= {"data": "records", "stream": None}
    first, second = (run_folder.load_data(recipe)[0] for recipe in recipes)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert recipes[0]["stream"]


def test_what_does_not_stream_is_named(folder):
    write_images("a.npz")
    write_clothes(records=True)
    output = train("--data", "a.npz", "--stream", code=1)
    assert "folder of images or of TFRecord files" in output
    output = train("--data", "records", "--no-stream", code=1)
    assert "no image in" in output
    assert not (folder / "runs").exists()


def test_existing_folder_is_refused(folder):
    write_images("a.npz")
    (folder / "run").mkdir()
    (folder / "run" / "precious.txt").write_text("mine")
    output = train("--data", "a.npz", "--out", "run", code=1)
    assert "--resume" in output and "--out" in output
    assert files(folder / "run") == ["precious.txt"]


def test_resume_goes_on(folder):
    write_images("a.npz")
    train("--data", "a.npz", *MLP, "--epochs", 2, "--out", "run")
    before = history(folder / "run")
    output = command("train", "--resume", "--out", "run", code=1)
    assert "has 2 epochs already" in output
    command("train", "--resume", "--out", "run", "--epochs", 3)
    after = history(folder / "run")
    assert after[:2] == before and len(after) == 3
    gan = keras.saving.load_model("run/model.keras")
    assert int(gan.images_seen) == 3 * 16
    assert int(gan.g_optimizer.iterations) == 3 * 4
    assert len(list((folder / "run" / "samples").glob("epoch_*.png"))) == 3


@pytest.mark.long
def test_more_epochs_are_those_of_a_longer_run(folder):
    write_images("a.npz")
    train("--data", "a.npz", "--epochs", 3, "--flip", "--out", "whole")
    train("--data", "a.npz", "--epochs", 2, "--flip", "--out", "run")
    command("train", "--resume", "--out", "run", "--epochs", 3)
    assert_same_end(folder / "run", folder / "whole")


def test_a_policy_is_kept(folder):
    write_images("a.npz")
    half = ("--data", "a.npz", *MLP)
    half += ("--dtype-policy", "mixed_bfloat16", "--epochs")
    train(*half, 2, "--out", "whole")
    train(*half, 1, "--out", "run")
    keras.config.set_dtype_policy("float32")
    command("train", "--resume", "--out", "run", "--epochs", 2)
    assert_same_end(folder / "run", folder / "whole")
    gan = keras.saving.load_model("run/model.keras")
    layer = next(part for part in gan.generator.layers if part.weights)
    assert layer.compute_dtype == "bfloat16"
    assert layer.weights[0].dtype == "float32"
    # A run of before there was the option.
    file = folder / "run" / "run.json"
    run = json.loads(file.read_text())
    del run["recipe"]["dtype_policy"]
    file.write_text(json.dumps(run))
    command("train", "--resume", "--out", "run", "--epochs", 3)
    assert keras.config.dtype_policy().name == "float32"


def test_a_strategy_is_kept(folder, monkeypatch):
    """By a process that trains alone, though `TF_CONFIG` says otherwise."""
    cluster = {"worker": ["localhost:1", "localhost:2"]}
    task = {"type": "worker", "index": 1}
    config = json.dumps({"cluster": cluster, "task": task})
    monkeypatch.setenv("TF_CONFIG", config)
    used = []

    def one_device(name):
        used.append(name)
        return tf.distribute.MirroredStrategy(["CPU:0"])

    monkeypatch.setattr(cli.distribution, "strategy", one_device)
    write_vectors("a.npy")
    options = ("--data", "a.npy", "--epochs", 1, "--strategy", "mirrored")
    train(*options, "--out", "run")
    assert files(folder / "run") == [*RUN, "samples.npy"]
    command("train", "--resume", "--out", "run", "--epochs", 2)
    assert used == ["mirrored"] * 2
    run = run_folder.RunFolder(folder / "run")
    assert run.read_recipe()["strategy"] == "mirrored"
    run.run = run.read_run()
    again = run.how_to_go_on(SimpleNamespace(latest=None))
    assert again.endswith("run --strategy mirrored")
    last = ("--epochs", 3, "--strategy", "none")
    command("train", "--resume", "--out", "run", *last)
    assert len(used) == 2 and len(history(folder / "run")) == 3


# Backs up every 3 steps, and kills itself after a number of steps.
KILLED = """
import os, signal, sys
import keras
from keras_gan import cli, run_folder

class Kill(keras.callbacks.Callback):
    num_steps = int(sys.argv.pop(1))
    def on_train_batch_end(self, batch, logs=None):
        self.num_steps -= 1
        if not self.num_steps:
            os.kill(os.getpid(), getattr(signal, NAME))

NAME = sys.argv.pop(1)
run_folder.BACKUP_STEPS = int(sys.argv.pop(1))
watchers = run_folder.RunFolder.watchers
run_folder.RunFolder.watchers = lambda *all: [*watchers(*all), Kill()]
cli.main()
"""


def killed(num_steps, name, *arguments, every=3):
    script = [sys.executable, "-c", KILLED, str(num_steps), name, str(every)]
    return subprocess.run(
        [*script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_same_end(run, whole):
    first, second = (
        keras.saving.load_model(path / "model.keras") for path in (run, whole)
    )
    for a, b in zip(
        [*first.variables, *first.optimizer.variables],
        [*second.variables, *second.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert history(run) == history(whole)
    assert files(run) == files(whole)
    for file in [*whole.glob("samples/*"), *whole.glob("samples.npy")]:
        other = run / file.relative_to(whole)
        assert other.read_bytes() == file.read_bytes()


@pytest.mark.long
def test_killed_runs_end_like_undisturbed_ones(folder):
    write_images("a.npz")
    options = ["--data", "a.npz", "--batch-size", "4", "--latent-dim", "3"]
    options += ["--epochs", "4", "--flip"]
    command("train", *options, "--out", "whole")
    # Before the first backup; inside an epoch; after its end, where the
    # folder knows of an epoch that the backup does not; by SIGTERM.
    for steps, name in ((2, "SIGKILL"), (6, "SIGKILL"), (5, "SIGTERM")):
        first = not (folder / "run").exists()
        begin = options if first else ["--resume"]
        ended = killed(steps, name, "train", *begin, "--out", "run")
        if name == "SIGTERM":
            assert ended.returncode == 143, ended.stdout
            assert "keras-gan train --resume --out run" in ended.stdout
        else:
            assert ended.returncode == -signal.SIGKILL, ended.stdout
    assert files(folder / "run" / "backup")
    command("train", "--resume", "--out", "run")
    assert_same_end(folder / "run", folder / "whole")


@pytest.mark.long
def test_killed_with_fewer_steps_an_epoch_than_between_backups(folder):
    write_vectors("a.npy")
    options = ["--data", "a.npy", "--batch-size", "4", "--latent-dim", "3"]
    options += ["--epochs", "3"]
    command("train", *options, "--out", "whole")
    # Within the second epoch; backups come every 50 steps.
    ended = killed(6, "SIGKILL", "train", *options, "--out", "run", every=50)
    assert ended.returncode == -signal.SIGKILL, ended.stdout
    told = json.loads((folder / "run" / "run.json").read_text())
    assert told["epochs_done"] == 1
    command("train", "--resume", "--out", "run")
    assert_same_end(folder / "run", folder / "whole")


def test_stopped_in_the_very_last_step(folder):
    np.save("v.npy", np.random.default_rng(0).uniform(-1, 1, (40, 6)))
    options = ["--data", "v.npy", "--batch-size", "4", "--epochs", "1"]
    ended = killed(9, "SIGTERM", "train", *options, "--out", "my run")
    assert ended.returncode == 143, ended.stdout
    assert "keras-gan train --resume --out 'my run'" in ended.stdout
    assert not (folder / "my run" / "samples.npy").exists()
    assert "Done" in command("train", "--resume", "--out", "my run")
    assert files(folder / "my run") == [*RUN, "samples.npy"]
    assert "already" in command("train", "--resume", "--out", "my run", code=1)


# Ends without a word before a file gets its name.
DIES = """
import os, pathlib, sys
from keras_gan import cli

name, replace = sys.argv.pop(1), os.replace

def dies(source, target):
    if pathlib.Path(target).name == name:
        os._exit(9)
    replace(source, target)

os.replace = dies
cli.main()
"""


@pytest.mark.long
def test_killed_while_the_folder_is_made(folder):
    write_vectors("a.npy")
    options = ["--data", "a.npy", "--batch-size", "4", "--latent-dim", "3"]
    options += ["--epochs", "1"]
    command("train", *options, "--out", "whole")
    for file, again in (("run.json", options), ("model.keras", ["--resume"])):
        out = f"run without {file}"
        script = [sys.executable, "-c", DIES, file, "train", *options]
        assert subprocess.run([*script, "--out", out]).returncode == 9
        assert f"unfinished.{file}" in files(folder / out)
        command("train", *again, "--out", out)
        assert_same_end(folder / out, folder / "whole")


def test_killed_after_the_last_epoch(folder, monkeypatch):
    np.save("v.npy", np.random.default_rng(0).uniform(-1, 1, (40, 6)))
    options = ("--data", "v.npy", "--preset", "mlp", "--epochs", 1)

    def dies(*arguments):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(run_folder.RunFolder, "write_samples", dies)
        train(*options, "--out", "run", code=1)
    assert not (folder / "run" / "samples.npy").exists()
    assert "Done" in command("train", "--resume", "--out", "run")
    assert files(folder / "run") == [*RUN, "samples.npy"]


def test_a_refused_backup_leaves_the_history(folder):
    write_images("a.npz")
    train("--data", "a.npz", *MLP, "--epochs", 3, "--out", "run")
    shelf = ExactBackup(folder / "run" / "backup").shelf
    facts = dict.fromkeys(["epoch", "step", "next_batch"], 1)
    facts |= dict.fromkeys(["setting", "choices", "versions"], {})
    facts |= {"logs": {}, "callbacks": {}, "ended": False, "stopped": False}
    shelf.write({"weights_0": np.zeros(3)}, facts)
    before = (folder / "run" / "history.csv").read_bytes()
    output = command("train", "--resume", "--out", "run", code=1)
    assert "is of another run" in output
    assert (folder / "run" / "history.csv").read_bytes() == before
    del facts["epoch"]
    shelf.write({"weights_0": np.zeros(3)}, facts)
    output = command("train", "--resume", "--out", "run", code=1)
    assert "says what no backup says. Received: epoch" in output


def test_a_lost_model_is_named(folder, trained):
    (folder / "run" / "model.keras").unlink()
    output = command("train", "--resume", "--out", "run", "--epochs", 2, code=1)
    assert "model.keras missing" in output


def test_an_empty_history_is_begun_anew(folder, trained):
    (folder / "run" / "history.csv").write_text("")
    command("train", "--resume", "--out", "run", "--epochs", 2)
    assert [row["epoch"] for row in history(folder / "run")] == ["1"]


def test_resume_from_another_folder(folder, trained, monkeypatch):
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    command("train", "--resume", "--out", "../run", "--epochs", 2)
    told = json.loads((folder / "run" / "run.json").read_text())
    assert [part["first_epoch"] for part in told["sessions"]] == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is broken"), ("[]", "is broken"), ('{"recipe": {}}', "lacks")],
)
def test_resume_of_a_broken_run(folder, text, message):
    (folder / "run").mkdir()
    (folder / "run" / "model.keras").write_bytes(b"")
    (folder / "run" / "run.json").write_text(text)
    output = command("train", "--resume", "--out", "run", code=1)
    assert "run.json" in output and message in output


def test_resume_changes_nothing_but_epochs(folder):
    output = command("train", "--resume", "--seed", 1, "--out", "a", code=2)
    assert "--seed" in output and "run.json" in output
    assert "--out" in command("train", "--resume", code=2)
    assert "no run" in command("train", "--resume", "--out", "a", code=1)


def test_rows_of_an_unfinished_epoch_are_cut(folder):
    write_images("a.npz")
    train("--data", "a.npz", *MLP, "--epochs", 2, "--out", "run")
    told = json.loads((folder / "run" / "run.json").read_text())
    told["epochs_done"] = 1
    (folder / "run" / "run.json").write_text(json.dumps(told))
    command("train", "--resume", "--out", "run")
    assert [row["epoch"] for row in history(folder / "run")] == ["0", "1"]


def test_non_finite_values_keep_the_last_good_model(
    folder, trained, monkeypatch
):
    good = (folder / "run" / "model.keras").read_bytes()
    load = run_folder.load_model

    def poisoned(path):
        gan = load(path)
        gan.generator.trainable_variables[0].assign(
            np.nan * gan.generator.trainable_variables[0]
        )
        return gan

    monkeypatch.setattr(run_folder, "load_model", poisoned)
    output = command("train", "--resume", "--out", "run", "--epochs", 5, code=1)
    assert re.search(r"Stopped: \w+ became nan.*epoch 1", output)
    assert (folder / "run" / "model.keras").read_bytes() == good


@pytest.mark.long
def test_interrupt_saves_and_says_how_to_go_on(folder):
    write_images("a.npz", n=400)
    arguments = ["train", "--data", "a.npz", "--epochs", "1000"]
    arguments += ["--batch-size", "4", "--out", "my run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_gan.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A job in the background of a shell starts with the signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = folder / "my run" / "history.csv"
    for _ in range(600):
        if log.exists() and len(log.read_text().splitlines()) > 2:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "keras-gan train --resume --out 'my run'" in output
    told = json.loads((folder / "my run" / "run.json").read_text())
    gan = keras.saving.load_model(folder / "my run" / "model.keras")
    assert int(gan.images_seen) == told["epochs_done"] * 360 >= 360
    epochs = str(told["epochs_done"] + 1)
    command("train", "--resume", "--out", "my run", "--epochs", epochs)
    assert len(history(folder / "my run")) == told["epochs_done"] + 1


def test_tensorboard_files(folder):
    pytest.importorskip("tensorboard")
    write_images("a.npz")
    train("--data", "a.npz", "--epochs", 1, "--out", "r", "--tensorboard")
    for part in ("train", "validation", "samples"):
        assert list((folder / "r" / "tensorboard" / part).glob("events*"))


@pytest.fixture
def model(trained):
    return keras.saving.load_model("run/model.keras")


def test_generate(folder, model):
    options = ("--count", 6, "--seed", 4)
    command("generate", "run", *options, "--out", "a.npy")
    expected = model.generate(6, seed=4)
    np.testing.assert_array_equal(np.load("a.npy"), expected)
    command("generate", "run/model.keras", *options, "--out", "b/grid.png")
    with Image.open("b/grid.png") as picture:
        assert picture.size == (480, 48)
    command("generate", "run", *options, "--out", "many", "--truncation", 0)
    assert files(folder / "many") == [f"{i}.png" for i in range(6)]
    with Image.open("many/0.png") as first, Image.open("many/5.png") as last:
        assert first.size == (8, 8)
        np.testing.assert_array_equal(np.asarray(first), np.asarray(last))
    output = command("generate", "run", "--out", "a.npy", code=1)
    assert "nothing is overwritten" in output
    np.testing.assert_array_equal(np.load("a.npy"), expected)
    assert ".npy" in command("generate", "run", "--out", "a.bmp", code=1)


@pytest.mark.large
def test_labels_from_training_to_export(folder):
    """Classes come from the data; what is asked for is what is drawn."""
    write_images("a.npz")
    train("--data", "a.npz", "--preset", "conditional", "--epochs", 1)
    run = folder / "runs" / "a-conditional"
    gan = keras.saving.load_model(run / "model.keras")
    assert gan.num_classes == 2
    with Image.open(run / "samples" / "epoch_0001.png") as picture:
        assert picture.size == (480, 2 * 48)
    options = ("--count", 5, "--seed", 4)
    for labels, asked in (("1", [1] * 5), ("1,0", [1, 0, 1, 0, 1])):
        out = f"{len(labels)}.npy"
        command("generate", run, *options, "--labels", labels, "--out", out)
        np.testing.assert_array_equal(np.load(out), gan.generate(asked, seed=4))
    command("generate", run, *options, "--out", "all.npy")
    np.testing.assert_array_equal(
        np.load("all.npy"), gan.generate([0, 1, 0, 1, 0], seed=4)
    )
    output = command("generate", run, "--labels", 2, "--out", "b.npy", code=1)
    assert "n_or_labels from 2 to 2" in output and not os.path.exists("b.npy")
    output = command("generate", run, "--labels", "a", "--out", "b", code=2)
    assert "Received: 'a'" in output
    command("export", run, "served")
    served = tf.saved_model.load("served")
    fakes = served.generate(3, 1, 1.0, tf.constant([1]))
    np.testing.assert_allclose(
        fakes, gan.generate([1, 1, 1], seed=1), atol=1e-6
    )
    command("train", "--resume", "--out", run, "--epochs", 2)
    assert len(history(run)) == 2


def test_labels_where_there_are_none(folder, model):
    output = command("generate", "run", "--labels", 0, "--out", "b.npy", code=1)
    assert "takes no labels" in output
    np.save("plain.npy", np.zeros((20, 8, 8, 1), np.uint8))
    output = train("--data", "plain.npy", "--preset", "conditional", code=1)
    assert "--preset conditional needs data with classes" in output
    assert not os.path.exists("runs")


@pytest.mark.large
@pytest.mark.parametrize("preset", ["acgan", "infogan", "semi_supervised"])
def test_other_tasks_train(folder, preset):
    write_images("a.npz")
    size = ("--latent-dim", 14, "--batch-size", 4)
    command(
        "train", "--data", "a.npz", "--preset", preset, *size, "--epochs", 1
    )
    run = folder / "runs" / f"a-{preset}"
    assert (run / "samples" / "epoch_0001.png").is_file()
    has_accuracy = "val_accuracy" in history(run)[0]
    assert has_accuracy == (preset != "infogan")
    command("generate", run, "--count", 3, "--out", "a.npy")
    assert np.load("a.npy").shape == (3, 8, 8, 1)


def test_export(folder, model):
    command("export", "run", "served")
    served = tf.saved_model.load("served")
    np.testing.assert_allclose(
        served.generate(3, 1, 1.0), model.generate(3, seed=1), atol=1e-6
    )
    assert "overwritten" in command("export", "run", "served", code=1)


def test_what_is_no_model(folder):
    (folder / "text.keras").write_text("no model")
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.save("other.keras")
    (folder / "empty").mkdir()
    for path, message in (
        ("text.keras", "Error: "),
        ("other.keras", "no keras_gan.GAN"),
        ("empty", "run folder"),
    ):
        assert message in command("export", path, "served", code=1)
        assert not (folder / "served").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--epochs", 0),
        ("--preset", "stylegan9"),
        ("--batch-size", "many"),
        ("--learning-rate", 0),
        ("--seed", -1),
        ("--channels", 2),
        ("--data", "no/such/file.npy"),
        ("--data", "a.npz", "--batch-size", 4000),
        ("--data", "a.npz", "--image-size", 30),
    ],
)
def test_bad_options_leave_nothing_behind(folder, arguments):
    write_images("a.npz")
    before = files(folder)
    result = CliRunner().invoke(cli.main, ["train", *map(str, arguments)])
    assert result.exit_code in (1, 2)
    assert "Error: " in result.output and "Traceback" not in result.output
    assert files(folder) == before


def test_help_names_every_option():
    output = command("train", "--help")
    for parameter in cli.train.params:
        assert parameter.opts[0] in output
    assert "fashion_mnist_10k" in output
    for name in ("train", "generate", "evaluate", "compare", "export"):
        assert name in command("--help")
    assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") is not None
