"""The folder of one training run: what it holds, how it goes on."""

import csv
import datetime
import inspect
import json
import logging
import pathlib
import platform
import shlex
import signal
from contextlib import nullcontext

import keras
import numpy as np
import tensorflow as tf

from keras_gan import callbacks
from keras_gan import datasets
from keras_gan import presets
from keras_gan import saving
from keras_gan.checks import check_installed
from keras_gan.datasets import pipeline
from keras_gan.datasets import streaming
from keras_gan.files import replacing
from keras_gan.gan import GAN
from keras_gan.sampling import wanted
from keras_gan.version import __version__

STEPS = 2_000
KEYS = {"recipe", "epochs_done"}
OPTIONS = {
    *("data", "preset", "epochs", "batch_size", "image_size", "channels"),
    *("flip", "learning_rate", "latent_dim", "seed", "samples_every"),
    "tensorboard",
}
MODEL, RUN, HISTORY = "model.keras", "run.json", "history.csv"
BACKUP, BACKUP_STEPS = "backup", 100

logger = logging.getLogger(__name__)


class RunFolder:
    """Trains into a folder, and goes on with what is in it.

    Args:
        path: `pathlib.Path` of the folder.
    """

    # The strategy that the model is made for; None: one replica.
    strategy = None

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.rows = []

    def check_new(self):
        """Raises if the folder holds anything of worth."""
        begun = self.path / f"unfinished.{RUN}"
        if self.path.exists() and (
            not self.path.is_dir()
            or any(f != begun for f in self.path.iterdir())
        ):
            raise ValueError(
                f"{self.path} exists and is not overwritten: go on with it "
                "by --resume, or name another folder by --out."
            )

    def read_recipe(self):
        """The recipe of the run in the folder."""
        return self.read_run()["recipe"]

    def read_run(self):
        """What `run.json` holds."""
        if not (self.path / RUN).is_file():
            raise ValueError(
                f"There is no run to go on with in {self.path}: {RUN} missing."
            )
        try:
            run = json.loads((self.path / RUN).read_text())
            missing = OPTIONS - run["recipe"].keys() | KEYS - run.keys()
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{self.path / RUN} is broken: {error!r}"
            ) from error
        if missing:
            raise ValueError(
                f"{self.path / RUN} lacks {', '.join(sorted(missing))}."
            )
        return run

    def train(self, recipe, resume=False):
        """Trains as the recipe says.

        Args:
            recipe: dict, the options of `keras-gan train`.
            resume: whether to go on with the run in the folder.

        Returns:
            Exit code and a sentence that says how training ended.
        """
        self.run = self.read_run() if resume else {"epochs_done": 0}
        backup = callbacks.ExactBackup(
            self.path / BACKUP, BACKUP_STEPS, delete_checkpoint=False
        )
        backed_up = backup.epoch if resume else None
        done = self.run["epochs_done"] if backed_up is None else backed_up
        if pathlib.Path(recipe["data"]).exists():
            recipe["data"] = str(pathlib.Path(recipe["data"]).resolve())
        train, test = load_data(recipe)
        train.position.seek(done * int(train.cardinality()))
        # Only what all processes make may be made inside the scope.
        with self.strategy.scope() if self.strategy else nullcontext():
            gan = self.model(recipe, train)
        replicas = gan.distribute_strategy.num_replicas_in_sync
        recipe["epochs"] = recipe["epochs"] or default_epochs(train)
        if recipe["epochs"] == backed_up:
            return self.finish(gan, backup)
        if recipe["epochs"] <= done:
            raise ValueError(
                f"The run in {self.path} has {done} epochs already; ask for "
                f"more by --epochs. Received: epochs={recipe['epochs']}"
            )
        watchers = self.watchers(gan, recipe, self.read_history(done))
        keep = keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: self.begin(gan),
            on_epoch_end=lambda epoch, logs: self.keep(gan, epoch, logs),
        )
        self.path.mkdir(parents=True, exist_ok=True)
        self.run.update(describe(gan, recipe, train))
        self.run.setdefault("sessions", []).append(session(done + 1))
        try:
            gan.fit(
                train,
                epochs=recipe["epochs"],
                initial_epoch=done,
                validation_data=pipeline.shared_out(test, replicas),
                callbacks=[backup, keep, *watchers],
                shuffle=False,
            )
        except (KeyboardInterrupt, SystemExit):
            code = 128 + (backup.signal or signal.SIGINT)
            return code, self.how_to_go_on(backup)
        guard = watchers[0]
        if guard.name is not None:
            return 1, (
                f"Stopped: {guard.name} became {guard.value}. {MODEL} in "
                f"{self.path} is that of epoch {self.run['epochs_done']}. Try "
                "a lower --learning-rate in another folder."
            )
        return self.finish(gan, backup)

    def model(self, recipe, train):
        """The model of the run, built where none was saved before."""
        if (self.path / MODEL).is_file():
            return load_model(self.path)
        if self.run["epochs_done"]:
            raise ValueError(
                f"There is no run to go on with in {self.path}: {MODEL} "
                "missing."
            )
        return build(recipe, train)

    def finish(self, gan, backup):
        """What is done once all epochs are trained."""
        self.write_samples(gan)
        backup.shelf.clear()
        return 0, f"Done. The run is in {self.path}"

    def how_to_go_on(self, backup):
        """The sentence after Ctrl-C and SIGTERM."""
        done = "Backed up" if backup.latest else "Nothing could be backed up"
        strategy = self.run["recipe"].get("strategy")
        return (
            f"\n{done} in {self.path} after {self.run['epochs_done']} whole "
            f"epochs; {MODEL} is that of the last. Go on with: keras-gan train "
            f"--resume --out {shlex.quote(str(self.path))}"
            + (f" --strategy {strategy}" if strategy else "")
        )

    def watchers(self, gan, recipe, history):
        """The callbacks of the run; the guard comes first."""
        log = keras.callbacks.CSVLogger(
            str(self.path / HISTORY), append=bool(history)
        )
        found = [callbacks.StopOnNonFinite(), log]
        board = self.path / "tensorboard" if recipe["tensorboard"] else None
        if board is not None:
            check_installed("tensorboard", "--tensorboard", "tensorboard")
            found.append(keras.callbacks.TensorBoard(str(board)))
        if makes_pictures(gan):
            grid = callbacks.SampleGrid(
                self.path / "samples",
                every=recipe["samples_every"],
                tensorboard_dir=board and board / "samples",
            )
            found.append(grid)
        try:
            curves = callbacks.LossCurves(self.path / "curves.png", history)
            found.append(curves)
        except ImportError as error:
            logger.warning("curves.png is left out. %s", error)
        return found

    def begin(self, gan):
        """Writes what a run begins with, so that it can be gone on with."""
        self.write_run()
        self.cut_history()
        if not (self.path / MODEL).is_file():
            gan.save(self.path / MODEL)

    def cut_history(self):
        """Leaves out rows of epochs that are trained again."""
        if self.rows:
            path = self.path / HISTORY
            with replacing(path) as new, open(new, "w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(self.rows)

    def keep(self, gan, epoch, logs):
        """Saves the model after an epoch, unless a value went bad."""
        if all(np.isfinite(float(value)) for value in logs.values()):
            gan.save(self.path / MODEL)
            self.run["epochs_done"] = epoch + 1
            self.write_run()

    def write_run(self):
        """Writes `run.json`."""
        with replacing(self.path / RUN) as path:
            path.write_text(json.dumps(self.run, indent=2, default=str))

    def write_samples(self, gan):
        """Writes `samples.npy` where samples are no pictures."""
        if not makes_pictures(gan):
            samples = gan.generate(wanted(gan, 1000), seed=0)
            with replacing(self.path / "samples.npy") as path:
                np.save(path, samples, allow_pickle=False)

    def read_history(self, epochs_done):
        """Logged values of the epochs done."""
        path = self.path / HISTORY
        if not epochs_done or not path.is_file():
            return {}
        with open(path, newline="") as file:
            rows = [r for r in csv.reader(file) if r]
        if not rows:
            return {}
        names, rows = rows[0], rows[1 : epochs_done + 1]
        self.rows = [names, *rows]
        columns = dict(zip(names, zip(*rows)))
        return {
            name: [float("nan" if v == "NA" else v) for v in values]
            for name, values in columns.items()
            if name != "epoch"
        }


def default_path(data, preset):
    """`runs/DATA` or `runs/DATA-PRESET` below the current folder."""
    name = pathlib.Path(data).stem or "data"
    return pathlib.Path("runs") / (f"{name}-{preset}" if preset else name)


def default_epochs(train):
    """As many passes over the data as make about `STEPS` steps."""
    return max(1, round(STEPS / int(train.cardinality())))


def makes_pictures(gan):
    """Whether samples are images with 1 or 3 channels."""
    return len(gan.sample_shape) == 3 and gan.sample_shape[-1] in (1, 3)


def load_data(recipe):
    """Training and test data as the recipe says; notes if they stream."""
    channels = recipe["channels"] and int(recipe["channels"])
    if recipe.get("stream") is None:
        reader = streaming.reader(
            recipe["data"], recipe["image_size"], channels
        )
        recipe["stream"] = reader is datasets.stream
    read = datasets.stream if recipe["stream"] else datasets.load
    return read(
        recipe["data"],
        batch_size=recipe["batch_size"],
        image_size=recipe["image_size"],
        channels=channels,
        flip=recipe["flip"],
        seed=recipe["seed"],
    )


def build(recipe, train):
    """A compiled model for the data; notes the preset in the recipe."""
    shape = sample_shape(train)
    if recipe["preset"] is None:
        recipe["preset"] = "r3gan_small" if len(shape) == 3 else "mlp"
    given = {
        name: recipe[name]
        for name in ("learning_rate", "latent_dim")
        if recipe[name] is not None
    }
    keras.utils.set_random_seed(recipe["seed"])
    preset = getattr(presets, recipe["preset"])
    if "num_classes" in inspect.signature(preset).parameters:
        given["num_classes"] = num_classes(train, recipe["preset"])
    return preset(shape, seed=recipe["seed"], **given)


def num_classes(dataset, preset):
    """How many classes a data set has, or an error."""
    names = dataset.class_names or ()
    found = getattr(dataset, "num_classes", None) or len(names)
    if not found:
        raise ValueError(
            f"--preset {preset} needs data with classes: integer labels, or a "
            f"folder of images a class. Received: {dataset.element_spec}"
        )
    return found


def sample_shape(dataset):
    """Shape of one sample in the batches of a data set."""
    spec = dataset.element_spec
    return tuple((spec[0] if isinstance(spec, tuple) else spec).shape[1:])


def describe(gan, recipe, train):
    """What `run.json` says about a run."""
    return {
        "recipe": recipe,
        "compile": gan.get_compile_config(),
        "data": {
            "batches": int(train.cardinality()),
            "element_spec": str(train.element_spec),
            "class_names": train.class_names,
        },
        "parameters": {
            "generator": gan.generator.count_params(),
            "discriminator": gan.discriminator.count_params(),
        },
    }


def session(first_epoch):
    """When, and with which versions, a part of a run was trained."""
    return {
        "first_epoch": first_epoch,
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "versions": {**versions(), "platform": platform.platform()},
    }


def versions():
    """Versions of what computes."""
    return {
        "keras_gan": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def load_model(path):
    """The GAN of a `.keras` file or a run folder.

    Raises:
        ValueError: there is none.
    """
    path = pathlib.Path(path)
    file = path / MODEL if path.is_dir() else path
    if not file.is_file() or file.suffix != ".keras":
        raise ValueError(
            "Expected a .keras file or a run folder with model.keras. "
            f"Received: {str(path)!r}"
        )
    saving.check_file(file)
    try:
        gan = keras.saving.load_model(file, safe_mode=True)
    except Exception as error:  # whatever a broken file leads to
        raise ValueError(f"{str(file)!r} cannot be loaded: {error}") from error
    if not isinstance(gan, GAN):
        raise ValueError(
            f"{str(file)!r} holds no keras_gan.GAN. "
            f"Received: {type(gan).__name__}"
        )
    return gan
