"""A watch over the health of a run, with a ladder of answers."""

import copy
import json
import logging
import math
import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_gan.callbacks import health_answers
from keras_gan.callbacks import health_signals
from keras_gan.callbacks.health_probe import Probe
from keras_gan.callbacks.health_probe import divergence
from keras_gan.callbacks.stop_on_non_finite import first_non_finite
from keras_gan.checks import check_integer
from keras_gan.replicas import is_chief

MAX_ROLL_BACKS = 3
NUM_SAMPLES = 128
GRADIENT_ROWS = 64
STATE = (
    *("step", "answers", "levels", "streaks", "history", "roll_backs"),
    *("good", "settings", "weights_before", "copied"),
)
ANSWERS = health_signals.ANSWERS
SIGNALS = health_signals.SIGNALS

logger = logging.getLogger(__name__)


class Health(keras.callbacks.Callback):
    """Watches a run, says what ails it and, if allowed, acts.

    Choose it for runs that nobody looks at. Every logged value is watched
    after each batch: at a NaN or infinity training stops. All else is looked
    at by a probe of 128 samples, once an epoch or every so many steps, which
    changes nothing in training. An alarm that lasts `patience` probes gives a
    warning with cause and remedy; if it lasts as long again, the next answer
    of its ladder that `answers` allows, and so on:

    - `"augment"`: probability of `DiffAugment` up by 0.1, at most to 0.8;
    - `"rates"`: both learning rates halved;
    - `"penalty"`: weights of the penalties doubled;
    - `"roll_back"`: all that training moves goes back to the last probe
      without an alarm, kept in memory, at most three times; rates are halved
      if `"rates"` is allowed too;
    - `"stop"`: training ends, with the name of the last good state.

    An answer acts where there is a number to change: schedules and
    `AdaptiveAugment` move by themselves. Each new number makes Keras trace
    the step anew.

    Signals, their alarms, and the ladder after `warn`:

    - `non_finite`, of any log: roll_back, stop, without patience;
    - `d_gradient`, `g_gradient`, norms, > 100; `d_gradient_jump`,
      `g_gradient_jump`, norms over their running median, > 10; `logit_gap`,
      of the mean logits, > 100: rates, penalty, roll_back, stop;
    - `g_gradient_low` < 1e-4: roll_back, stop;
    - `d_accuracy`, of pairs, > 0.995 *: penalty, roll_back, stop;
      `d_accuracy_low`, the same, < 0.05 *: roll_back, stop;
    - `held_out_gap` > 0.5: augment, stop. It is `(E D(real) - E D(held out))
      / (E D(real) - E D(fake))`, 1 or more where samples are known by heart;
    - `diversity`, mean distance of fakes over that of reals, < 0.1 *;
      `duplicates`, share of fakes less that of reals, > 0.5 *;
      `class_divergence`, KL of the classes over `ln K`, > 0.8 **: roll_back,
      stop;
    - `d_moved`, `g_moved`, change of the weights since the last probe over
      their norm, < 1e-6: stop.

    Those with * are judged after `warm_up` images only, ** after five times
    as many.

    Args:
        training_data: what `fit` gets: arrays `x` or `(x, y)`, or a
            `tf.data.Dataset` of batches, of which the first rows are used.
            None: the held-out samples stand in; without any, only logs and
            weights are watched. A data set that shuffles by state draws
            another order once it is read here: pass arrays to keep it.
        validation_data: the same of samples that are not trained on.
        classifier: Keras model, samples to logits or probabilities
            `(batch, K)`, for `class_divergence`.
        every: `"epoch"`, or integer >= 1, steps between two probes. A probe
            costs about two steps of a convolutional GAN.
        answers: tuple of the answers that are allowed beyond warning.
        thresholds: dictionary from signals to other thresholds, None
            switches one off.
        warm_up: integer >= 0, in images seen.
        patience: integer >= 1, alarms in a row before an answer.
        path: file that gets one line of JSON an answer, or None; answers
            that a resumed run gives again are in it twice. In a cluster the
            chief writes it.
        backup: the `ExactBackup` of the run: a stop names its newest backup
            of a healthy moment, which stays.

    Attributes `answers` (list of dictionaries: step, epoch, signal, value,
    threshold, answer, cause, remedy, effect), `values` (the last probe) and
    `roll_backs` say what happened; `get_state()` and `set_state(state)` carry
    them, and the last good copy, to another session.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range or unknown; too few samples.

    Example:
    >>> health = Health(answers=("rates", "roll_back", "stop"), every=500)
    >>> health.set_model(keras.Model())
    >>> health.on_epoch_begin(0)
    >>> health.on_train_batch_end(7, {"d_loss": float("nan")})
    >>> health.answers[0]["signal"], health.answers[0]["answer"]
    ('non_finite', 'stop')

    Reference: `held_out_gap` is r_v of Karras et al., arXiv 2006.06676; the
    exploding gradients are those of Huang et al., arXiv 2501.05441. All other
    thresholds are measured: `benchmarks/health_cost.json`.
    """

    def __init__(
        self,
        training_data=None,
        validation_data=None,
        classifier=None,
        every="epoch",
        answers=("warn",),
        thresholds=None,
        warm_up=20_000,
        patience=2,
        path=None,
        backup=None,
    ):
        super().__init__()
        if every != "epoch":
            check_integer("every", every, minimum=1)
        check_integer("warm_up", warm_up, minimum=0)
        check_integer("patience", patience, minimum=1)
        if not isinstance(classifier, (keras.Model, type(None))):
            raise TypeError(
                "`classifier` must be a Keras model. "
                f"Received: classifier={classifier!r}"
            )
        if backup is not None and not hasattr(backup, "shelf"):
            raise TypeError(
                "`backup` must be a keras_gan.callbacks.ExactBackup. "
                f"Received: backup={backup!r}"
            )
        self.allowed = checked_answers(answers)
        self.thresholds = health_signals.thresholds_of(thresholds or {})
        data = [
            first_rows("training_data", training_data),
            first_rows("validation_data", validation_data),
        ]
        self.data = data if data[0] is not None else data[::-1]
        self.classifier = classifier
        self.every = every
        self.warm_up = warm_up
        self.patience = patience
        self.path = None if path is None else pathlib.Path(path)
        self.backup = backup
        self.step = self.epoch = self.roll_backs = 0
        self.answers, self.values = [], {}
        self.levels, self.streaks, self.history = {}, {}, {}
        self.good = {"step": 0, "file": None}
        self.settings = self.weights_before = self.copied = None
        self._probe = self._weights = None
        self._batch, self._goes_on = -1, False

    def get_state(self):
        """What the next session must know: plain data and NumPy arrays."""
        return copy.deepcopy({name: getattr(self, name) for name in STATE})

    def set_state(self, state):
        """Takes over what `get_state` gave in another session."""
        for name, value in copy.deepcopy(state).items():
            setattr(self, name, value)
        self._goes_on = True
        if self.model is not None:
            self.take_up()

    def take_up(self):
        """Gives the model our settings; what is not known begins here."""
        if self.settings is None:
            self.settings = health_answers.settings(self.model)
        health_answers.restore_settings(self.model, self.settings)
        if self.weights_before is None:
            self.remember_weights()
        if "roll_back" in self.allowed and self.copied is None:
            self.copied = health_answers.good_copy(self.model)
        self.pin()

    def on_train_begin(self, logs=None):
        if self.data[0] is not None:
            self._probe = Probe(
                self.model, *self.data, self.classifier, GRADIENT_ROWS
            )
            self._probe()  # Traced now: what does not fit fails here.
        if not self._goes_on:
            self.settings = self.weights_before = self.copied = None
        self.take_up()

    def on_train_end(self, logs=None):
        self._goes_on = False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self._batch = epoch, -1

    def on_train_batch_end(self, batch, logs=None):
        before = self.step
        num_steps, self._batch = batch - self._batch, batch
        course = getattr(self.model, "course", None)
        if course is not None and course.passing_over:
            return  # `ExactBackup` gives the state back afterwards.
        self.step += num_steps
        name = first_non_finite(logs)
        if name is not None:
            self.not_finite(name, logs[name])
        elif self.every != "epoch":
            if self.step // self.every > before // self.every:
                self.check(logs or {})

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training:
            return
        name = first_non_finite(logs)
        if name is not None:
            self.not_finite(name, logs[name])
        elif self.every == "epoch":
            self.check(logs or {})

    def not_finite(self, name, value):
        """Goes back if that is allowed and possible, or stops."""
        record = {
            "signal": health_signals.NON_FINITE,
            "value": f"{name}={float(value)}",
            "threshold": "finite",
            "cause": health_signals.NAN_CAUSE,
            "remedy": health_signals.NAN_REMEDY,
        }
        may_return = "roll_back" in self.allowed
        effect = self.act("roll_back") if may_return else None
        answer = "stop" if effect is None else "roll_back"
        self.report(record, answer, effect or self.act("stop"))

    def check(self, logs):
        """Measures, judges and answers."""
        self.values = self.measured(logs)
        seen = float(keras.ops.convert_to_numpy(self.model.images_seen))
        warm_ups = seen / max(self.warm_up, 1e-9)
        alarms = health_signals.alarms(self.values, self.thresholds, warm_ups)
        for name in SIGNALS:
            if name not in alarms:
                self.streaks[name] = self.levels[name] = 0
        if not alarms:
            self.keep()
        for name in alarms:
            self.streaks[name] = self.streaks.get(name, 0) + 1
        due = [n for n in alarms if self.streaks[n] % self.patience == 0]
        self.weights_before = self._weights
        for name in due:
            if self.climb(name) not in ("warn", None):
                self.remember_weights()
                break  # What one answer changes is seen before the next.

    def measured(self, logs):
        """All values of this moment by name."""
        values = health_signals.from_logs(logs)
        self._weights = self.weights()
        for role, weights in self._weights.items():
            before = self.weights_before[role]
            values[f"{role}_moved"] = health_answers.moved(before, weights)
        if self._probe is not None:
            values |= self.probed()
        return values | health_signals.jumps(values, self.history)

    def probed(self):
        """What the probe tells."""
        found = self._probe()
        if self.classifier is not None:
            real, fake = found.pop("real_classes"), found.pop("fake_classes")
            found["class_divergence"] = divergence(fake, real) / np.log(
                len(real)
            )
        found = {name: float(value) for name, value in found.items()}
        return found | {"g_gradient_low": found["g_gradient"]}

    def climb(self, name):
        """Gives the next answer on a signal's ladder that can act.

        Returns:
            The answer, or None where the ladder has no more.
        """
        signal = SIGNALS[name]
        record = {
            "signal": name,
            "value": self.values[name],
            "threshold": self.thresholds[name],
            "cause": signal.cause,
            "remedy": signal.remedy,
        }
        ladder = ["warn", *(x for x in signal.answers if x in self.allowed)]
        level = self.levels.get(name, 0)
        while level < len(ladder):
            answer = ladder[level]
            effect = self.act(answer)
            # One can go back again; all else acts once an alarm.
            level += answer != "roll_back" or effect is None
            self.levels[name] = level
            if effect is not None:
                self.report(record, answer, effect)
                return answer
        return None

    def act(self, answer):
        """Does what an answer says; None where it cannot."""
        if answer == "warn":
            return "nothing was changed"
        if answer == "roll_back":
            return self.roll_back()
        if answer == "stop":
            return self.stop()
        effect = getattr(health_answers, answer)(self.model)
        self.settings = health_answers.settings(self.model)
        return effect

    def roll_back(self):
        """Goes back to the last good copy, with lower rates if allowed."""
        if self.roll_backs >= MAX_ROLL_BACKS or self.copied is None:
            return None
        self.roll_backs += 1
        self.streaks = {}
        health_answers.restore(self.model, self.copied)
        self.model.reset_metrics()
        effect = f"back to step {self.good['step']}"
        cut = "rates" in self.allowed and health_answers.rates(self.model)
        if cut:
            self.copied = health_answers.good_copy(self.model)
            effect = f"{effect}, {cut}"
        return f"{effect}; {MAX_ROLL_BACKS - self.roll_backs} left"

    def stop(self):
        """Ends training."""
        self.model.stop_training = True
        if self.backup is not None:
            self.backup.stays = True
        found = f"training ends; the last good step is {self.good['step']}"
        file = self.good["file"]
        if file is not None and pathlib.Path(file).exists():
            return f"{found}, the last good backup {file}"
        return found

    def report(self, record, answer, effect):
        """Remembers, logs and writes an answer."""
        where = {"step": self.step, "epoch": self.epoch}
        value = record["value"]
        if not isinstance(value, str) and not math.isfinite(value):
            value = str(value)
        record = {**where, **record, "value": value}
        record |= {"answer": answer, "effect": effect}
        self.answers.append(record)
        logger.warning(
            "Step %(step)d, %(signal)s is %(value)s, threshold %(threshold)s. "
            "%(answer)s: %(effect)s. Cause: %(cause)s. Remedy: %(remedy)s.",
            record,
        )
        if self.path is not None and is_chief(self.model.distribute_strategy):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as file:
                file.write(json.dumps(record) + "\n")

    def keep(self):
        """Remembers this moment as the last good one."""
        folders = [] if self.backup is None else self.backup.shelf.folders()
        file = str(folders[-1][1]) if folders else None
        self.good = {"step": self.step, "file": file}
        self.pin()
        if "roll_back" in self.allowed:
            self.copied = health_answers.good_copy(self.model) or self.copied

    def pin(self):
        """Lets the last good backup stay."""
        file = self.good["file"]
        if self.backup is not None and file is not None:
            self.backup.shelf.pinned = pathlib.Path(file)

    def weights(self):
        """The trainable values of both players."""
        model = self.model
        players = {"d": model.discriminator, "g": model.generator}
        return {k: health_answers.weights_of(v) for k, v in players.items()}

    def remember_weights(self):
        """Keeps the weights that the next probe compares with."""
        self.weights_before = self.weights()


def checked_answers(answers):
    """The answers as a tuple, or an error."""
    if isinstance(answers, str) or not hasattr(answers, "__iter__"):
        raise TypeError(
            f"`answers` must be a tuple of some of {ANSWERS}. "
            f"Received: answers={answers!r}"
        )
    answers = tuple(answers)
    if not set(answers) <= set(ANSWERS):
        raise ValueError(
            f"`answers` must be some of {ANSWERS}. Received: answers={answers}"
        )
    return answers


def first_rows(name, data):
    """The first rows of data as `fit` takes it, in memory.

    Raises:
        ValueError: there are fewer than two.
    """
    if data is None:
        return None
    if isinstance(data, tf.data.Dataset):
        data = list_of_batches(data)
    rows = keras.tree.map_structure(as_rows, data)
    count = len(keras.tree.flatten(rows)[0])
    if count < 2:
        raise ValueError(
            f"`{name}` must hold two samples or more. Received: {name} with "
            f"{count}"
        )
    return rows


def list_of_batches(dataset):
    """The first batches of a data set as one."""
    found, count = [], 0
    position = getattr(dataset, "position", None)
    begins = position and position.batch
    for batch in dataset:
        found.append(batch)
        count += len(keras.tree.flatten(batch)[0])
        if count >= NUM_SAMPLES:
            break
    if position is not None:
        position.seek(begins)
    return keras.tree.map_structure(lambda *x: np.concatenate(x), *found)


def as_rows(x):
    """The first rows of an array; floats of the width that Keras takes."""
    x = np.asarray(x[:NUM_SAMPLES])
    floats = np.issubdtype(x.dtype, np.floating)
    return x.astype(keras.config.floatx()) if floats else x
