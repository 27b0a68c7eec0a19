"""A run that was killed ends like one that was not, to the last bit."""

import functools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import CASES
from conformance import compiled
from conformance import small
from resume_worker import BATCHES
from resume_worker import EPOCHS

from keras_gan import architectures
from keras_gan import datasets
from keras_gan import penalties
from keras_gan.callbacks import ExactBackup
from keras_gan.callbacks import Health
from keras_gan.callbacks import backup_files
from keras_gan.callbacks import callback_states

# State of augmentation and penalties; dropout and batch normalisation; two
# updates a step; labels; label noise, moving averages off and on.
CHEAP = (
    "few_data",
    "patches",
    "wgan_gp",
    "regularised",
    "labels",
    "smooth",
    "vector",
    "sequence",
    "volume",
    "preset_mlp",
)


class Worker:
    """The process that runs jobs in children of its own."""

    def __init__(self, folder):
        self.folder = folder
        here = pathlib.Path(__file__).parent
        self.errors = open(folder / "errors.txt", "w+")
        self.process = subprocess.Popen(
            [sys.executable, str(here / "resume_worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=here,
        )
        self.references = {}

    def run(self, case, **job):
        """What training ended in, and the exit code of its process."""
        out = self.folder / "out.json"
        out.unlink(missing_ok=True)
        job = {"case": case, "out": str(out), "place": 0, **job}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        told = json.loads(out.read_text()) if out.exists() else None
        assert code in (0, -signal.SIGKILL), self.told()
        assert (told is None) == (code != 0)
        return told, code

    def reference(self, case):
        """What an undisturbed run, without backups, ends in."""
        if case not in self.references:
            self.references[case], _ = self.run(case)
        return self.references[case]

    def told(self):
        """What it wrote to standard error."""
        self.errors.seek(0)
        return self.errors.read()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.errors.close()


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("worker"))
    yield worker
    worker.close()


LONG = (pytest.mark.large, pytest.mark.long)


def rounds(numbers, *marks):
    return [pytest.param(number, marks=marks) for number in numbers]


@pytest.mark.parametrize(
    "number", [*rounds(range(5)), *rounds(range(5, 50), *LONG)]
)
def test_killed_runs_end_like_undisturbed_ones(worker, tmp_path, number):
    rng = random.Random(number)
    case = CHEAP[number % len(CHEAP)]
    every = rng.choice([1, 2, 3, 4, 7, "epoch"])
    setting = {"dir": str(tmp_path), "every": every, "place": rng.randrange(4)}
    num_kills = 0
    for _ in range(1 + (number >= 5)):
        if rng.random() < 0.5:
            death = {"kill": rng.randint(1, EPOCHS * BATCHES - 1)}
        else:
            death = {"inside": rng.randint(1, 60)}
        told, code = worker.run(case, **setting, **death)
        if code == 0:
            break
        num_kills += 1
    if num_kills:
        told, _ = worker.run(case, **setting)
    assert told == worker.reference(case)
    # At the end nothing is left, unless it was killed while clearing up.
    assert not list(tmp_path.glob("backup_*"))


def test_killed_while_validation_runs(worker, tmp_path):
    setting = {"dir": str(tmp_path), "every": 2}
    _, code = worker.run("vector", **setting, kill_testing=2)
    assert code == -signal.SIGKILL
    told, _ = worker.run("vector", **setting)
    assert told == worker.reference("vector")


def test_the_cheap_cases_are_of_the_list():
    assert set(CHEAP) <= {case.name for case in CASES}


def test_full_disk_keeps_the_last_backup_and_training_alive(worker, tmp_path):
    reference = worker.reference("vector")
    told, code = worker.run("vector", dir=str(tmp_path), every=2, kill=5)
    assert code == -signal.SIGKILL
    before = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    assert min(map(len, before.values())) > 500
    settings = {"dir": str(tmp_path), "every": 2, "file_size": 500}
    _, code = worker.run("vector", **settings, kill=5)
    assert code == -signal.SIGKILL
    after = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    assert after == before
    told, _ = worker.run("vector", **settings)
    log = told.pop("log")
    assert len(log) == 5 and all("No backup before epoch" in e for e in log)
    assert told == {k: v for k, v in reference.items() if k != "log"}


DATA = np.random.default_rng(0).uniform(-1, 1, (40, 6)).astype("float32")
OFTEN = {"epochs": 3, "shuffle": False, "verbose": 0}


def made(**kwargs):
    keras.utils.set_random_seed(1)
    return compiled(small((6,)), "non_saturating", **kwargs)


def load():
    return datasets.load(DATA, batch_size=8, test_fraction=0.0)[0]


def state(gan):
    return {n: np.array(v) for n, v in gan.running_state().items()}


def assert_same(gan, expected):
    first, second = state(gan), expected
    if isinstance(expected, keras.Model):
        second = state(expected)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


class At(keras.callbacks.Callback):
    """Does something after a number of steps."""

    def __init__(self, num_steps, action):
        super().__init__()
        self.num_steps = num_steps
        self.action = action

    def on_train_batch_end(self, batch, logs=None):
        self.num_steps -= 1
        if self.num_steps == 0:
            self.action()


def crash():
    raise InterruptedError


def interrupted(folder, data=None, num_steps=8, every=2, **kwargs):
    """A model whose training broke off."""
    gan = made(**kwargs)
    watchers = [ExactBackup(folder, every), At(num_steps, crash)]
    with pytest.raises(InterruptedError):
        gan.fit(data or load(), callbacks=watchers, **OFTEN)
    return gan


def resumed(folder, data=None, every=2, **kwargs):
    gan = made(**kwargs)
    gan.fit(data or load(), callbacks=[ExactBackup(folder, every)], **OFTEN)
    return gan


@functools.cache
def undisturbed(data=None, **kwargs):
    """What a run without backups ends in, kept for all who ask alike."""
    gan = made(**kwargs)
    gan.fit(data or load(), **OFTEN)
    return state(gan)


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory):
    """Two backups, before step 5 and before step 7 of 15."""
    folder = tmp_path_factory.mktemp("broken_off")
    interrupted(folder)
    folders = sorted(f.name for f in folder.iterdir())
    assert folders == ["backup_00000003", "backup_00000004"]
    return folder


@pytest.fixture
def folder(broken_off, tmp_path):
    """Those backups in a folder of its own for each test."""
    return shutil.copytree(broken_off, tmp_path, dirs_exist_ok=True)


def torn(path):
    path.write_bytes(path.read_bytes()[:-7])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("file", ["arrays.bin", "manifest.json"])
@pytest.mark.parametrize("harm", [torn, flipped, os.remove, os.truncate])
def test_a_broken_backup_is_reported_and_the_one_before_used(
    folder, file, harm
):
    broken = folder / "backup_00000004" / file
    harm(broken, 0) if harm is os.truncate else harm(broken)
    first_step = []
    gan = made()
    watch = At(1, lambda: first_step.append(int(gan.g_optimizer.iterations)))
    with pytest.warns(UserWarning, match="backup_00000004' is broken"):
        gan.fit(load(), callbacks=[ExactBackup(folder), watch], **OFTEN)
    assert first_step == [4]
    assert_same(gan, undisturbed())


def test_no_whole_backup_is_an_error(folder):
    for path in folder.rglob("arrays.bin"):
        flipped(path)
    with pytest.warns(UserWarning, match="is broken"):
        with pytest.raises(ValueError, match="None of the backups.*Received"):
            resumed(folder)


@pytest.mark.parametrize("bit", range(0, 4000, 450))
def test_every_flipped_bit_is_found(folder, bit):
    for name in ("arrays.bin", "manifest.json"):
        path = folder / "backup_00000004" / name
        data = bytearray(path.read_bytes())
        data[bit % len(data)] ^= 1 << bit % 8
        path.write_bytes(data)
        with pytest.raises((ValueError, TypeError, KeyError)):
            backup_files.read(path.parent)
        data[bit % len(data)] ^= 1 << bit % 8
        path.write_bytes(data)
    backup_files.read(path.parent)


def test_a_backup_of_another_model_changes_nothing(folder):
    players = compiled(small((6,)), "non_saturating", g_steps=2)
    wider = compiled(
        architectures.mlp((6,), latent_dim=4, units=(8, 9)), "non_saturating"
    )
    for gan, message in (
        (players, r"g_steps was 1.*g_steps=2"),
        (wider, r"layer 3 of the generator/units was 8. Rec.*units=9$"),
    ):
        before = state(gan)
        with pytest.raises(ValueError, match=message):
            gan.fit(load(), callbacks=[ExactBackup(folder)], **OFTEN)
        for name, value in state(gan).items():
            np.testing.assert_array_equal(value, before[name])


class Silent(keras.layers.Layer):
    """Says nothing of its width."""

    width = 3

    def build(self, shape):
        self.scale = self.add_weight(shape=(self.width,), name="scale")
        super().build(shape)

    def call(self, x):
        return x * keras.ops.mean(self.scale)

    def get_config(self):
        return {}


def test_a_backup_of_other_variables_changes_nothing(tmp_path, monkeypatch):
    def run():
        latents, x = keras.Input((4,)), keras.Input((6,))
        generator = keras.Model(latents, keras.layers.Dense(6)(latents))
        judge = keras.Model(x, keras.layers.Dense(1)(Silent()(x)))
        gan = compiled((generator, judge), "non_saturating")
        before = state(gan)
        try:
            watchers = [ExactBackup(tmp_path, 2), At(3, crash)]
            gan.fit(load(), callbacks=watchers, **OFTEN)
        except ValueError:
            for name, value in state(gan).items():
                np.testing.assert_array_equal(value, before[name])
            raise

    with pytest.raises(InterruptedError):
        run()
    monkeypatch.setattr(Silent, "width", 5)
    message = r"model: there \w+ \(.*scale.*\) is float32\(3,\), here"
    with pytest.raises(ValueError, match=message):
        run()


def test_a_backup_of_another_data_set_is_refused(folder):
    small_batches, _ = datasets.load(DATA, batch_size=4, test_fraction=0.0)
    with pytest.raises(ValueError, match="steps an epoch was 5.*Received.*10"):
        resumed(folder, small_batches)
    with pytest.raises(ValueError, match="another kind of data"):
        resumed(folder, tf.data.Dataset.from_tensor_slices(DATA).batch(8))


def test_other_data_in_a_fixed_order_goes_on_inside_an_epoch(tmp_path):
    data = tf.data.Dataset.from_tensor_slices(DATA).batch(8)
    interrupted(tmp_path, data)
    assert_same(resumed(tmp_path, data), undisturbed(data))


@pytest.mark.parametrize("steps", [2, 3])
def test_several_steps_per_execution(tmp_path, steps):
    """With 3, which does not divide 5, an epoch cannot begin inside."""
    kwargs = {"steps_per_execution": steps}
    data, _ = datasets.load(
        np.tile(DATA, (2, 1))[:48], batch_size=8, test_fraction=0.0
    )
    data = None if steps == 3 else data
    gan = made(**kwargs)
    backup = ExactBackup(tmp_path, 2)
    watchers = [backup, At(4, crash)]
    fresh = load() if data is None else data
    with pytest.raises(InterruptedError):
        gan.fit(fresh, callbacks=watchers, **OFTEN)
    # The fourth execution begins the second half of the second epoch.
    assert (backup.latest["epoch"], backup.latest["step"]) == (1, steps % 2 * 3)
    if data is not None:
        data.position.seek(0)
    ended = resumed(tmp_path, data, **kwargs)
    if data is not None:
        data.position.seek(0)
    assert_same(ended, undisturbed(data, **kwargs))


@pytest.mark.parametrize("steps", [2, 3])
def test_epochs_shorter_than_the_data(tmp_path, steps):
    """Keras goes on in the data where the epoch before ended."""
    options = {**OFTEN, "epochs": 4, "steps_per_epoch": steps}
    runs = []
    for kill in (None, 3, None):
        gan = made()
        data, _ = datasets.load(DATA[:32], batch_size=8, test_fraction=0.0)
        watchers = [ExactBackup(tmp_path, 1)] if runs or kill else []
        if kill:
            watchers.append(At(kill, crash))
            with pytest.raises(InterruptedError):
                gan.fit(data, callbacks=watchers, **options)
            continue
        if steps == 3:
            with pytest.warns(UserWarning, match="ran out of data"):
                gan.fit(data, callbacks=watchers, **options)
        else:
            gan.fit(data, callbacks=watchers, **options)
        runs.append(gan)
    assert_same(*runs)


@pytest.mark.parametrize(
    ("number", "error", "code"),
    [
        (signal.SIGTERM, SystemExit, 143),
        (signal.SIGINT, KeyboardInterrupt, None),
    ],
)
def test_signals_back_up_and_say_how_to_go_on(
    tmp_path, caplog, number, error, code
):
    before = signal.getsignal(number)
    gan = made()
    watchers = [
        ExactBackup(tmp_path),
        At(8, lambda: os.kill(os.getpid(), number)),
    ]
    with pytest.raises(error) as caught:
        gan.fit(load(), callbacks=watchers, **OFTEN)
    assert getattr(caught.value, "code", None) == code
    assert signal.getsignal(number) is before
    assert f"Stopped by {number.name} before epoch 2, step 4" in caplog.text
    assert str(tmp_path) in caplog.text
    assert int(gan.g_optimizer.iterations) == 8
    assert len(list(tmp_path.glob("backup_*"))) == 2
    assert_same(resumed(tmp_path), undisturbed())


def test_a_signal_in_the_last_step_loses_nothing(tmp_path):
    gan = made()
    hit = At(15, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit):
        gan.fit(load(), callbacks=[ExactBackup(tmp_path), hit], **OFTEN)
    assert_same(resumed(tmp_path), undisturbed())


def test_a_second_signal_of_another_kind_ends_at_once(tmp_path):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGTERM) is before

    before = signal.getsignal(signal.SIGTERM)
    watchers = [ExactBackup(tmp_path), At(8, twice)]
    with pytest.raises(KeyboardInterrupt):
        made().fit(load(), callbacks=watchers, **OFTEN)


def test_handlers_come_back_when_fit_breaks_off(tmp_path):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    gan = interrupted(tmp_path)
    after = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    assert before == after and gan.course is None
    # Without the callback the model trains as ever.
    gan.fit(load(), **OFTEN)
    assert int(gan.g_optimizer.iterations) == 8 + 15


def test_the_end_clears_up_and_leaves_files_of_others(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    gan = made()
    gan.fit(load(), callbacks=[ExactBackup(tmp_path, 2)], **OFTEN)
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]
    gan.fit(load(), callbacks=[ExactBackup(tmp_path, 2)], **OFTEN)
    assert int(gan.g_optimizer.iterations) == 30
    gan.fit(load(), callbacks=[ExactBackup(tmp_path / "new", 2)], **OFTEN)
    assert not (tmp_path / "new").exists()


def test_one_that_trains_alone_backs_up_whatever_tf_config_says(
    tmp_path, monkeypatch
):
    """As a job of a cluster that trains without a strategy."""
    cluster = {"worker": ["localhost:1", "localhost:2"]}
    task = {"type": "worker", "index": 1}
    config = json.dumps({"cluster": cluster, "task": task})
    for text in (config, "{"):
        monkeypatch.setenv("TF_CONFIG", text)
        backup = ExactBackup(tmp_path, 2, delete_checkpoint=False)
        made().fit(load(), callbacks=[backup], **OFTEN)
        assert backup.shelf.folders()
        backup.shelf.clear()
        assert not tmp_path.exists()


def test_a_kill_while_clearing_up_leaves_a_whole_backup(folder, monkeypatch):
    rmtree, shelf = backup_files.shutil.rmtree, ExactBackup(folder).shelf

    def stopped(path, ignore_errors=False):
        if not ignore_errors:
            next(path.iterdir()).unlink()
            raise InterruptedError
        rmtree(path, ignore_errors=True)

    for _ in range(2):
        assert shelf.newest()[1]["step"] == 1
        with monkeypatch.context() as patch:
            patch.setattr(backup_files.shutil, "rmtree", stopped)
            with pytest.raises(InterruptedError):
                shelf.clear()
    assert shelf.newest() is None
    shelf.clear()
    assert not folder.exists()


def test_kept_backups_let_more_epochs_follow(tmp_path):
    longer = {**OFTEN, "epochs": 5}
    backup = ExactBackup(tmp_path, "epoch", keep=1, delete_checkpoint=False)
    first = made()
    first.fit(load(), callbacks=[backup], **OFTEN)
    assert backup.epoch == 3 and len(list(tmp_path.iterdir())) == 1
    again = made()
    history = again.fit(load(), callbacks=[backup], **OFTEN)
    assert history.epoch == [0, 1, 2] and len(history.history["d_loss"]) == 3
    assert_same(first, again)
    assert backup.epoch == 3
    more, whole = made(), made()
    history = more.fit(load(), callbacks=[backup], **longer)
    reference = whole.fit(load(), **longer)
    assert_same(more, whole)
    assert history.history == reference.history


def test_backups_do_not_change_training(tmp_path):
    assert_same(resumed(tmp_path, every=1), undisturbed())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"every": "step"}, ValueError, "every='step'"),
        ({"every": 0}, ValueError, "every=0"),
        ({"every": 2.5}, TypeError, "every=2.5"),
        ({"keep": 0}, ValueError, "keep=0"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        ExactBackup("x", **arguments)


def test_only_one_and_only_in_a_gan(tmp_path):
    two = [ExactBackup(tmp_path / "a"), ExactBackup(tmp_path / "b")]
    with pytest.raises(ValueError, match="One ExactBackup.*Received"):
        made().fit(load(), callbacks=two, **OFTEN)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="Sequential"):
        model.fit(DATA, DATA[:, :1], callbacks=two[:1], verbose=0)


class Odd(keras.callbacks.Callback):
    def get_state(self):
        return {"thing": {1, 2}}

    def set_state(self, state):
        raise AssertionError


def test_state_that_is_no_plain_data_is_named_before_any_step(tmp_path):
    gan = made()
    with pytest.raises(TypeError, match=r"Odd_1/thing=\{1, 2\}"):
        gan.fit(load(), callbacks=[ExactBackup(tmp_path, 9), Odd()], **OFTEN)
    assert int(gan.g_optimizer.iterations) == 0


TWO_REPLICAS = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
import test_resume
from keras_gan.seeds import enable_exact_cpu

enable_exact_cpu()
made, load = test_resume.made, test_resume.load
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def in_scope():
    with strategy.scope():
        return made()

test_resume.made = in_scope
test_resume.interrupted(sys.argv[1])
ended = test_resume.resumed(sys.argv[1])
test_resume.assert_same(ended, test_resume.undisturbed())
assert test_resume.state(ended)["weights_0"] == 120
"""


@pytest.mark.large
def test_two_replicas(tmp_path):
    """In a process of its own: it has two virtual devices."""
    subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS, str(tmp_path)],
        cwd=pathlib.Path(__file__).parent,
        check=True,
    )


def test_numpy_scalars_in_states_stay_what_they_are():
    """`get_weights` has some, which `EarlyStopping` gives back."""
    given = [np.int64(3), np.float32(0.1), np.bool_(True), 2, 0.1, np.ones(2)]
    arrays = {}
    found = callback_states.to_json(given, arrays, "a")
    found = callback_states.from_json(json.loads(json.dumps(found)), arrays)
    for a, b in zip(found, given, strict=True):
        assert type(a) is type(b) and np.array_equal(a, b)


def forge(folder, change):
    """Alters a manifest and makes its sum fit."""
    path = folder / "backup_00000004" / "manifest.json"
    body = json.loads(path.read_text())["body"]
    change(body)
    told = {"sha256": backup_files.sum_of(body), "body": body}
    path.write_text(json.dumps(told))


@pytest.mark.parametrize("dtype", ["string", "resource", "variant", "O", "x"])
def test_no_type_but_numbers_is_read(folder, dtype):
    """Bytes of a file are no addresses of objects."""

    def change(body):
        entry = next(e for e in body["arrays"] if e["shape"] == [])
        entry["dtype"] = dtype

    forge(folder, change)
    with pytest.raises((ValueError, TypeError)):
        backup_files.read(folder / "backup_00000004")
    with pytest.warns(UserWarning, match="backup_00000004' is broken"):
        assert_same(resumed(folder), undisturbed())


@pytest.mark.parametrize("file", ["arrays.bin", "manifest.json"])
def test_links_out_of_the_folder_are_not_followed(folder, tmp_path, file):
    path = folder / "backup_00000004" / file
    outside = tmp_path / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    with pytest.warns(UserWarning, match=f"broken.*{file} is no file"):
        assert_same(resumed(folder), undisturbed())


def test_linked_folders_are_left_alone(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    for name in ("backup_00000009", "unfinished_backup"):
        (folder / name).symlink_to(outside)
    assert_same(resumed(folder), undisturbed())
    assert (outside / "mine").read_text() == "mine"
    left = {path.name for path in folder.iterdir()}
    assert left == {"backup_00000009", "outside"}


def test_values_that_are_not_finite_are_neither_kept_nor_taken(
    folder, caplog, monkeypatch
):
    gan = made()
    shelf = backup_files.Shelf(folder, 2)
    arrays, facts = shelf.newest()
    name = next(n for n in arrays if n.startswith("weights"))
    with monkeypatch.context() as patch:
        patch.setattr(backup_files, "check_finite", lambda arrays: None)
        shelf.write({**arrays, name: arrays[name] * np.nan}, facts)
    with pytest.warns(UserWarning, match=f"broken.*{name} holds values"):
        gan.fit(load(), callbacks=[ExactBackup(folder)], **OFTEN)
    assert_same(gan, undisturbed())

    def poison():
        weight = gan.generator.trainable_weights[0]
        weight.assign(weight * np.nan)

    gan = made()
    watchers = [ExactBackup(folder, 1, delete_checkpoint=False), At(3, poison)]
    gan.fit(load(), callbacks=watchers, **OFTEN)
    assert "values that are not finite" in caplog.text
    assert shelf.newest()[1]["step"] < 4


@pytest.mark.parametrize(
    "loss, penalty, message",
    [("hinge", False, "loss was 'NonSaturating'"), (None, True, "penalties")],
)
def test_a_backup_of_another_objective_is_refused(
    folder, loss, penalty, message
):
    gan = made()
    gan.compile(
        keras.optimizers.Adam(),
        keras.optimizers.Adam(),
        loss=loss or gan.adversarial_loss,
        penalties=[penalties.WeightDecay(0.1)] if penalty else (),
    )
    with pytest.raises(ValueError, match=message):
        gan.fit(load(), callbacks=[ExactBackup(folder, 2)], **OFTEN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 7}, "order of the data/seed was 0. Rec.*=7"),
        ({"flip": True}, "order of the data/flip was False"),
    ],
)
def test_a_backup_of_another_order_is_refused(tmp_path, change, message):
    pictures = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1))
    pictures = pictures.astype("uint8")

    def run(data, *watchers):
        keras.utils.set_random_seed(1)
        players = architectures.dcgan((8, 8, 1), latent_dim=4, width=4)
        gan = compiled(players, "non_saturating")
        watchers = [ExactBackup(tmp_path, 2), *watchers]
        gan.fit(data, callbacks=watchers, **OFTEN)

    def data(**kwargs):
        return datasets.load(
            pictures, batch_size=8, test_fraction=0.0, **kwargs
        )[0]

    with pytest.raises(InterruptedError):
        run(data(), At(3, crash))
    with pytest.raises(ValueError, match=message):
        run(data(**change))


def test_a_backup_of_other_layers_is_refused(folder):
    gan = made()
    layer = next(
        layer
        for layer in gan.discriminator.layers
        if isinstance(layer, keras.layers.LeakyReLU)
    )
    layer.negative_slope = 0.5
    with pytest.raises(
        ValueError, match="discriminator/negative_slope was.*0.5"
    ):
        gan.fit(load(), callbacks=[ExactBackup(folder, 2)], **OFTEN)


def test_other_numbers_are_told(folder, caplog):
    gan = made()
    gan.d_optimizer.learning_rate = 0.25
    gan.fit(load(), callbacks=[ExactBackup(folder, 2)], **OFTEN)
    told = [r.getMessage() for r in caplog.records if "made with" in r.msg]
    rate = "d_optimizer/config/learning_rate"
    assert any(rate in line and "now it is 0.25" in line for line in told)


def test_the_same_command_is_told_nothing(folder, caplog):
    resumed(folder)
    assert not caplog.records


def test_orders_that_no_backup_holds_are_told(tmp_path, caplog):
    made().fit(DATA, callbacks=[ExactBackup(tmp_path)], epochs=1, verbose=0)
    assert "`fit` shuffles arrays" in caplog.text
    caplog.clear()
    data = tf.data.Dataset.from_tensor_slices(DATA).batch(8)
    interrupted(tmp_path, data)
    assert not caplog.records
    resumed(tmp_path, data)
    assert "The data have no `position`" in caplog.text


class Squares:
    """A loss that Keras cannot serialise, and that remembers something."""

    def __init__(self):
        self.scale = keras.Variable(1.0, name="scale")
        self.variables = [self.scale]

    def discriminator_loss(self, real, fake):
        self.scale.assign(0.9 * self.scale)
        return self.scale * ((real - 1) ** 2 + fake**2)

    def generator_loss(self, real, fake):
        return self.scale * (fake - 1) ** 2


def test_a_loss_of_ones_own_with_state(tmp_path, caplog):
    def run(*watchers):
        keras.utils.set_random_seed(1)
        gan = compiled(small((6,)), Squares())
        gan.fit(load(), callbacks=watchers, **OFTEN)
        return gan

    with pytest.raises(InterruptedError):
        run(ExactBackup(tmp_path, 2), At(7, crash))
    gan, whole = run(ExactBackup(tmp_path, 2)), run()
    assert_same(gan, whole)
    # Gone down once a step, traced as long as variables are.
    assert float(gan.adversarial_loss.scale) == pytest.approx(0.9**15)
    assert not caplog.records


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("number", [None, 10])
def test_what_a_callback_stopped_stays_stopped(tmp_path, place, number):
    """Also if a signal comes in the last step."""

    def run(*others, backup=True):
        gan = made()
        stop = keras.callbacks.EarlyStopping(
            "g_loss", mode="max", patience=0, baseline=9.0
        )
        stop.set_model(gan)
        watchers = [stop, *others]
        if backup:
            kept = ExactBackup(tmp_path, delete_checkpoint=False)
            watchers.insert(place, kept)
        options = {**OFTEN, "epochs": 6}
        logs = gan.fit(load(), callbacks=watchers, **options).history
        return gan, logs, stop

    whole, logs, expected = run(backup=False)
    assert len(logs["g_loss"]) == 2
    if number:
        hit = At(number, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit):
            run(hit)
    else:
        run()
    gan, again, stop = run()
    assert_same(gan, whole)
    assert again == logs and stop.wait == expected.wait


@pytest.mark.parametrize(
    "state",
    [
        {"a": np.array(["text"])},
        {"a": np.datetime64("2026-01-01")},
        {"a": np.complex64(1)},
        {"array": np.zeros(3)},
        {1: 2.0},
    ],
)
def test_state_that_would_not_come_back_is_refused_at_once(tmp_path, state):
    odd = Odd()
    odd.get_state = lambda: state
    with pytest.raises(TypeError, match="Odd_1"):
        made().fit(load(), callbacks=[ExactBackup(tmp_path), odd], **OFTEN)


def test_text_of_numpy_is_text():
    assert callback_states.to_json(np.str_("a"), {}, "x") == "a"


class Wrapped(keras.layers.Wrapper):
    """A layer that is made with a number that is none, and with a model."""

    def __init__(self):
        inputs = keras.Input((6,))
        super().__init__(keras.Model(inputs, keras.layers.Dense(6)(inputs)))

    def call(self, x):
        return self.layer(x)

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.layer)
        return {"none": float("nan"), "layer": inner}


def test_what_is_by_chance_is_no_difference(tmp_path, caplog):
    """Seeds that were drawn, and names of what was made before."""

    def run(*watchers):
        keras.utils.set_random_seed(1)
        latents, x = keras.Input((4,)), keras.Input((6,))
        generator = keras.Model(latents, keras.layers.Dense(6)(latents))
        hidden = keras.layers.Dropout(0.1, seed=len(watchers))(Wrapped()(x))
        judge = keras.Model(x, keras.layers.Dense(1)(hidden))
        gan = compiled((generator, judge), "non_saturating")
        gan.fit(load(), callbacks=watchers, **OFTEN)

    with pytest.raises(InterruptedError):
        run(ExactBackup(tmp_path, 2), At(7, crash))
    run(ExactBackup(tmp_path, 2))
    assert not caplog.records


def test_a_broken_backup_does_not_count(folder):
    """The good one before stays until there are enough of them."""
    flipped(folder / "backup_00000004" / "arrays.bin")
    shelf = backup_files.Shelf(folder, 2)
    with pytest.warns(UserWarning, match="broken"):
        arrays, facts = shelf.newest()
    shelf.write(arrays, facts)
    names = [path.name for _, path in shelf.folders()]
    assert names == ["backup_00000003", "backup_00000005"]


def test_an_old_backup_that_cannot_be_removed(folder, caplog, monkeypatch):
    shelf = backup_files.Shelf(folder, 2)
    arrays, facts = shelf.newest()

    def fails(self, path):
        raise OSError("busy")

    monkeypatch.setattr(backup_files.Shelf, "remove", fails)
    shelf.write(arrays, facts)
    assert "backup_00000003 cannot be removed: busy" in caplog.text
    assert shelf.newest()[1] == facts


def test_fit_must_not_begin_later(folder):
    gan = made()
    before = state(gan)
    with pytest.raises(ValueError, match="goes on with epoch 1.*epoch=2"):
        watchers = [ExactBackup(folder, 2)]
        gan.fit(load(), callbacks=watchers, initial_epoch=2, **OFTEN)
    for name, value in state(gan).items():
        np.testing.assert_array_equal(value, before[name])


def test_checkpoints_are_not_written_while_steps_are_passed_over(tmp_path):
    """A file is that of the step in its name."""
    names = str(tmp_path / "{epoch}_{batch}.weights.h5")

    def content(file):
        with h5py.File(file) as opened:
            return opened.attrs["keras_gan_sha256"]

    def run(*watchers):
        gan = made()
        saves = keras.callbacks.ModelCheckpoint(
            names, save_freq=2, save_weights_only=True
        )
        backup = ExactBackup(tmp_path / "b", 4)
        gan.fit(load(), callbacks=[backup, saves, *watchers], **OFTEN)

    run()
    files = sorted(tmp_path.glob("*.h5"))
    whole = {file: content(file) for file in files}
    assert len(whole) > 5
    for file in files:
        file.unlink()
    with pytest.raises(InterruptedError):
        run(At(9, crash))
    run()
    assert sorted(tmp_path.glob("*.h5")) == files
    assert {file: content(file) for file in files} == whole


def test_killed_before_the_first_backup_is_due(tmp_path):
    """Not even the weights a run began with are lost."""
    keras.utils.set_random_seed(5)
    first = compiled(small((6,)), "non_saturating")
    with pytest.raises(InterruptedError):
        watchers = [ExactBackup(tmp_path), At(3, crash)]
        first.fit(load(), callbacks=watchers, **OFTEN)
    keras.utils.set_random_seed(5)
    whole = compiled(small((6,)), "non_saturating")
    whole.fit(load(), **OFTEN)
    assert_same(resumed(tmp_path, every="epoch"), whole)


@pytest.mark.parametrize(
    "options",
    [
        {"jit_compile": True},
        pytest.param({"policy": "mixed_float16"}, id="float16"),
        pytest.param({"policy": "mixed_bfloat16"}, id="bfloat16"),
    ],
)
def test_under_xla_and_mixed_precision(tmp_path, options):
    before = keras.config.dtype_policy()
    options = dict(options)
    keras.config.set_dtype_policy(options.pop("policy", "float32"))
    try:
        gan = interrupted(tmp_path, **options)
        scales = [v for v in gan.running_state().values() if "scale" in v.path]
        # Not the one that is kept: it was made under another policy.
        expected = undisturbed.__wrapped__(**options)
        assert_same(resumed(tmp_path, **options), expected)
        if before.name != keras.config.dtype_policy().name:
            assert gan.generator.compute_dtype != "float32"
        if gan.generator.compute_dtype == "float16":
            assert scales
    finally:
        keras.config.set_dtype_policy(before)


class Alarmed(Health):
    """A watch that is alarmed after given steps."""

    at = ()

    def measured(self, logs):
        super().measured(logs)
        return {"d_gradient": 1e9 if self.step in self.at else 0.0}


@pytest.mark.parametrize(
    "num_steps", [*rounds([3, 11, 14]), *rounds([5, 8], *LONG)]
)
def test_health_goes_back_to_what_it_kept_before_the_kill(tmp_path, num_steps):
    answers = ("rates", "penalty", "roll_back")

    def run(*watchers):
        keras.utils.set_random_seed(1)
        rules = [penalties.R1(0.5)]
        gan = compiled(small((6,)), "non_saturating", rules)
        health = Alarmed(DATA, every=1, answers=answers, patience=1)
        health.at = (4, 5, 6, 9, 10, 11, 12)
        gan.fit(load(), callbacks=[*watchers, health], **OFTEN)
        return gan, health

    whole, expected = run()
    assert [a["answer"] for a in expected.answers] == [
        *("warn", "rates", "penalty"),
        *("warn", "rates", "penalty", "roll_back"),
    ]
    with pytest.raises(InterruptedError):
        run(ExactBackup(tmp_path, 2), At(num_steps, crash))
    gan, health = run(ExactBackup(tmp_path, 2))
    assert_same(gan, whole)
    assert health.answers == expected.answers
    assert gan.penalties[0].weight == whole.penalties[0].weight == 2.0


def test_a_stop_says_what_there_is_to_go_on_from(tmp_path, monkeypatch):
    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr(backup_files.Shelf, "write", full)
    hit = At(3, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match="There is no backup"):
        made().fit(load(), callbacks=[ExactBackup(tmp_path), hit], **OFTEN)


def test_health_does_not_judge_steps_that_are_passed_over(tmp_path):
    """Weights that stand still there are no fault."""
    x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")

    def run(*watchers):
        gan = made()
        health = Health(x, every=1, answers=("stop",), patience=1)
        backup = ExactBackup(tmp_path, 2)
        gan.fit(load(), callbacks=[health, backup, *watchers], **OFTEN)
        return gan, health

    with pytest.raises(InterruptedError):
        run(At(7, crash))
    gan, health = run()
    assert not gan.stop_training
    assert_same(gan, undisturbed())
    assert all(answer["answer"] != "stop" for answer in health.answers)


def test_health_leaves_the_place_in_the_data():
    data = load()
    data.position.seek(5)
    gan = made()
    Health(data).set_model(gan)
    assert data.position.batch == 5
