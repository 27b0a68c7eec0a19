"""Backups from which training goes on as if it had never stopped."""

import logging
import signal

import keras
import numpy as np

from keras_gan.callbacks import backup_setting
from keras_gan.callbacks import callback_states
from keras_gan.callbacks.backup_files import Shelf
from keras_gan.callbacks.backup_files import check_peers
from keras_gan.callbacks.backup_signals import Signals
from keras_gan.checks import check_integer
from keras_gan.replicas import is_chief

logger = logging.getLogger(__name__)


class ExactBackup(keras.callbacks.Callback):
    """Lets a run that was killed end in the weights of one that was not.

    Backs up between two training steps, and when `fit` is called again with
    the same folder goes on at that step: the same command ends in the same
    weights, on CPU to the last bit (see `keras_gan.seeds.enable_exact_cpu`).
    A backup holds both players, the averaged generator, both optimizers, the
    state of penalties and augmentation, every random state, the means of the
    running epoch, the place in the data, and what callbacks remember: Keras'
    `EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint` and `History`, and
    each that has `get_state()` and `set_state(state)` for plain data.

    The first is made before the first step. All are written whole or not at
    all. A broken one is reported and the one before is used. If one cannot be
    written, the disk being full, training goes on with a logged warning. A
    backup of another objective, other layers or another order of the data is
    refused; other numbers, as the weight of a penalty, are reported.

    SIGTERM and Ctrl-C back up after the running step, or after a running
    evaluation, and end the program; a second one ends it at once. In a cluster
    one process that hears it ends all of them, at most ten steps later; the
    chief alone writes the backup.

    The order of `keras_gan.datasets.load` is taken up at once. Of other data
    the batches of the epoch that were used are read again and passed over;
    this is exact if the order is the same in each epoch and run. Not exact:
    shuffled arrays, `shuffle` of tf.data that reshuffles, `SwapEMAWeights`,
    another number of replicas, an epoch for whose `steps_per_epoch` the data do
    not suffice, random numbers of no layer of the model, such as
    `keras.random` without a seed in a penalty of yours. Callbacks see the steps
    of the resumed epoch that were done again, with the logs of the last one.
    `CSVLogger` needs `append=True`, and may write the row of an epoch twice.

    Args:
        dir: folder for the backups, one for each `fit` of a script.
        every: `"epoch"`, or integer >= 1, steps between two backups.
        keep: integer >= 1, how many backups stay.
        delete_checkpoint: whether the backups are removed at the end of
            training, as by `keras.callbacks.BackupAndRestore`. If not, `fit`
            with more epochs goes on where it ended, and a script that is
            killed after `fit`, before it saves, loses nothing.

    Raises:
        TypeError: an argument has a wrong type, or, when training begins, the
            model is no `keras_gan.GAN`.
        ValueError: an argument is out of range, or, when training begins, the
            backup is of another model or data set, or none is whole.

    Example:
    >>> backup = ExactBackup("run/backup", every=500)
    >>> backup.every, backup.keep
    (500, 2)
    """

    def __init__(self, dir, every="epoch", keep=2, delete_checkpoint=True):
        super().__init__()
        if every != "epoch":
            if isinstance(every, str):
                raise ValueError(
                    '`every` must be "epoch" or a number of steps. '
                    f"Received: every={every!r}"
                )
            check_integer("every", every, minimum=1)
        check_integer("keep", keep, minimum=1)
        self.shelf = Shelf(dir, keep)
        self.every = every
        self.keep = keep
        self.delete_checkpoint = delete_checkpoint
        self.stays = False
        self.signal = None

    @property
    def epoch(self):
        """The epoch that the newest whole backup goes on with, or None."""
        newest = self.newest()
        return newest and newest[1]["epoch"]

    def newest(self):
        """Arrays and facts of the newest whole backup, or None."""
        found = self.shelf.newest()
        if found is not None:
            backup_setting.check_facts(self.shelf.path, found[1])
        return found

    def on_train_begin(self, logs=None):
        self.course = getattr(self.model, "course", None)
        if self.course is None:
            raise TypeError(
                "ExactBackup backs up a keras_gan.GAN while it is in `fit`. "
                f"Received: {type(self.model).__name__}"
            )
        if self.course.around_step is not None:
            raise ValueError(
                "One ExactBackup is enough. Received: dir="
                f"{str(self.shelf.path)!r} beside another one"
            )
        self.shelf.writes = is_chief(self.model.distribute_strategy)
        self.position = getattr(self.course.data, "position", None)
        self.next_batch = self.position and self.position.batch
        self.num_since = 0
        self.has_trained = self.stays = False
        self.signal = None
        self.pending = self.latest = None
        self.logs = {}
        self.setting = backup_setting.setting(
            self.model, self.params["steps"], self.course.data
        )
        self.choices = backup_setting.choices(self.model)
        newest = self.newest()
        check_peers(self.model, newest)
        if newest is not None:
            self.load(*newest)
        backup_setting.warn_of_other_orders(self.course, self.pending)
        self.course.around_step = self.around_step
        self.signals = Signals(self.model.distribute_strategy)
        self.course.ending.callback(self.signals.let_go)
        self.signals.listen()

    def on_epoch_begin(self, epoch, logs=None):
        self.running_epoch = epoch
        if self.position is not None:
            if self.pending is None and self.has_trained:
                self.end_pass()
            self.first_batch = self.next_batch
            if self.pending is not None and not self.seeks():
                self.first_batch -= self.pending["step"]
            self.position.seek(self.first_batch)

    def end_pass(self):
        """Moves on to the next pass where an epoch is a whole pass."""
        num_batches = self.position.num_batches
        if self.params["steps"] == num_batches:
            # The last of several steps per execution may have found no data.
            begun = self.first_batch // num_batches
            self.next_batch = (begun + 1) * num_batches

    def on_train_batch_begin(self, batch, logs=None):
        self.step = batch

    def on_train_end(self, logs=None):
        good = all(np.isfinite(v) for v in (logs or {}).values())
        clears = self.delete_checkpoint and not self.stays
        self.signal = self.signals.agreed()
        if not self.has_trained:
            if self.pending is not None:
                self.restore_callbacks()
                if clears:
                    self.shelf.clear()
            return
        if good and clears and self.signal is None:
            self.shelf.clear()
        elif good:
            if self.position is not None:
                self.end_pass()
            self.running_epoch, self.step = self.running_epoch + 1, 0
            self.back_up(ended=True)
        if self.signal is not None:
            self.stop()

    def around_step(self, step, iterator):
        """Runs a training step, or passes over one that was done before."""
        num_steps = self.model.steps_per_execution
        goes_on = self.pending is not None
        if goes_on:
            if self.step < self.pending["step"]:
                if not self.seeks():
                    self.pass_over(iterator, num_steps)
                self.course.passing_over = True
                return self.pending["logs"]
            self.course.passing_over = False
            if not self.pending["ended"]:
                self.restore_variables()
            self.restore_callbacks()
        self.signal = self.signals.agreed(self.step)
        if not goes_on and self.is_due():
            self.back_up()
        if self.signal is not None:
            self.stop()
        if self.seeks() and not (self.has_trained and self.step):
            self.position.seek(self.next_batch)
        self.logs = step(iterator)
        self.has_trained = True
        self.num_since += num_steps
        if self.position is not None:
            self.next_batch += num_steps
        return self.logs

    def is_due(self):
        """Whether to back up before the step that comes."""
        if not self.has_trained:
            return True  # A run that dies soon has begun with these weights.
        if not self.num_since:
            return False
        if self.signal is not None:
            return True
        if self.every == "epoch":
            return self.step == 0
        return self.num_since >= self.every

    def seeks(self):
        """Whether the data can begin inside an epoch.

        Not if the last of several steps per execution ends with the data.
        """
        steps = self.params["steps"]
        whole = not steps or steps % self.model.steps_per_execution == 0
        return self.position is not None and whole

    def pass_over(self, iterator, num_steps):
        """Reads batches that were used before the backup."""
        for _ in range(num_steps):
            if next(iterator, None) is None:
                raise ValueError(
                    "The data has fewer batches than when the backup in "
                    f"{str(self.shelf.path)!r} was made. Received: "
                    f"{self.step} batches"
                )

    def back_up(self, ended=False):
        """Writes a backup of the moment before the step that comes.

        Args:
            ended: whether training ends here, so that no epoch has begun.
        """
        variables = self.model.running_state()
        arrays = {
            name: np.asarray(keras.ops.convert_to_numpy(variable))
            for name, variable in variables.items()
        }
        facts = {
            "epoch": self.running_epoch,
            "step": self.step,
            "ended": ended,
            "stopped": bool(self.model.stop_training),
            "next_batch": self.next_batch,
            "logs": {name: float(v) for name, v in self.logs.items()},
            "callbacks": self.callback_states(arrays),
            "setting": self.setting,
            "choices": self.choices,
            "versions": backup_setting.versions(),
        }
        try:
            self.shelf.write(arrays, facts)
            self.latest = facts
        except (OSError, ValueError) as error:
            logger.warning(
                "No backup before epoch %d, step %d: %s. Training goes on; "
                "the backups before are kept.",
                self.running_epoch + 1,
                self.step + 1,
                error,
            )
        self.num_since = 0

    def callback_states(self, arrays):
        """States of all callbacks for JSON; their arrays go into `arrays`."""
        states = {
            name: callback_states.get_state(callback)
            for name, callback in self.all_callbacks().items()
        }
        return {
            name: callback_states.to_json(state, arrays, name)
            for name, state in states.items()
            if state is not None
        }

    def all_callbacks(self):
        """The callbacks of `fit` by name, with Keras' own history."""
        given = [c for c in self.course.callbacks if c is not self]
        history = self.model.history
        if all(callback is not history for callback in given):
            given.append(history)
        return callback_states.named(given)

    def load(self, arrays, facts):
        """Takes up a backup, if it fits in all respects."""
        if facts["epoch"] < self.course.initial_epoch:
            raise ValueError(
                f"The backup in {str(self.shelf.path)!r} goes on with epoch "
                f"{facts['epoch']}: `fit` must not begin later. Received: "
                f"initial_epoch={self.course.initial_epoch}"
            )
        self.check_setting(facts)
        variables = self.model.running_state()
        self.check_variables(variables, arrays)
        self.states = callback_states.all_from_json(
            facts["callbacks"], arrays, self.all_callbacks()
        )
        self.arrays, self.pending = arrays, facts
        self.next_batch = facts["next_batch"]
        self.latest = facts
        self.restore_variables()
        callback_states.hush(self.all_callbacks(), self.states)
        # What a callback had stopped is over, whatever `epochs` says.
        if facts["ended"] and facts["stopped"]:
            self.course.begin_at(self.params["epochs"])
            logger.warning(
                "A callback had stopped this run, and nothing is left to do. "
                "Remove %s to train anew.",
                self.shelf.path,
            )
            return
        self.course.begin_at(facts["epoch"])
        logger.info(
            "Going on with epoch %d, step %d, from the backup in %s",
            facts["epoch"] + 1,
            facts["step"] + 1,
            self.shelf.path,
        )

    def check_setting(self, facts):
        """Raises unless the backup was made by a run like this one."""
        if (facts["next_batch"] is None) != (self.position is None):
            raise ValueError(
                f"The backup in {str(self.shelf.path)!r} is of a run on "
                f"another kind of data. Received: {self.course.data!r}"
            )
        backup_setting.check(self.shelf.path, facts["setting"], self.setting)
        backup_setting.warn_of_other_choices(facts["choices"], self.choices)
        backup_setting.warn_of_other_versions(facts["versions"])

    def check_variables(self, variables, arrays):
        """Raises unless the backup holds what the model has, and no more."""
        found = {name: a for name, a in arrays.items() if "/" not in name}
        for name in sorted(variables.keys() | found.keys()):
            variable, array = variables.get(name), found.get(name)
            own = variable is not None and signature(variable)
            theirs = array is not None and signature(array)
            if own != theirs:
                path = getattr(variable, "path", name)
                raise ValueError(
                    f"The backup in {str(self.shelf.path)!r} is of another "
                    f"model: there {name} ({path}) is "
                    f"{theirs or 'missing'}, here {own or 'missing'}. "
                    f"Received: {self.model!r}"
                )

    def restore_variables(self):
        """Gives the model the values of the pending backup."""
        for name, variable in self.model.running_state().items():
            variable.assign(self.arrays[name])

    def restore_callbacks(self):
        """Gives callbacks what they remembered; the backup is used up."""
        callbacks = self.all_callbacks()
        for name, state in self.states.items():
            callback_states.set_state(callbacks[name], state)
        missing = sorted(self.pending["callbacks"].keys() - self.states)
        if missing:
            logger.warning("States of missing callbacks: %s", missing)
        self.logs = self.pending["logs"]
        self.pending = self.arrays = self.states = None

    def how_to_go_on(self):
        """A sentence on the newest backup."""
        if self.latest is None:
            return "There is no backup to go on from."
        return (
            f"Call `fit` again with the backups in {str(self.shelf.path)!r} to "
            f"go on from epoch {self.latest['epoch'] + 1}, step "
            f"{self.latest['step'] + 1}."
        )

    def stop(self):
        """Ends training after a signal, with what to do next."""
        name = signal.Signals(self.signal).name
        message = (
            f"Stopped by {name} before epoch {self.running_epoch + 1}, step "
            f"{self.step + 1}. "
        ) + self.how_to_go_on()
        logger.warning(message)
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt(message)
        raise SystemExit(128 + self.signal)


def signature(variable):
    """Shape and dtype of a variable or an array, for messages too."""
    dtype = keras.backend.standardize_dtype(variable.dtype)
    return f"{dtype}{tuple(variable.shape)}"
