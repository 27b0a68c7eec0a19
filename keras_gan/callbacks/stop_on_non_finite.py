"""A guard against NaN and infinite values."""

import logging
import math

import keras

# Within a step the discriminator's loss is computed first, these last.
LAST = ("d_real", "d_fake", "d_accuracy", "g_loss", "loss")

logger = logging.getLogger(__name__)


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops training at the first logged value that is NaN or infinite.

    Looks at every value that the model logs, after each batch (after each
    `steps_per_execution` batches) and each epoch, in the order in which a
    step computes them, and says which went first;
    `keras.callbacks.TerminateOnNaN` looks at `loss`, the sum of all.

    After a stop, `name`, `value`, `epoch` and `batch` say what went first;
    they are None as long as all is well. The weights are not touched: load
    the last file that `ModelCheckpoint` or `BackupAndRestore` wrote.

    Example:
    >>> guard = StopOnNonFinite()
    >>> guard.set_model(keras.Model())
    >>> guard.on_epoch_begin(3)
    >>> guard.on_train_batch_end(7, {"d_loss": 0.5, "r1": float("nan")})
    >>> guard.name, guard.epoch, guard.batch, guard.model.stop_training
    ('r1', 3, 7, True)
    """

    def __init__(self):
        super().__init__()
        self.forget()

    def forget(self):
        """Sets what `name`, `value`, `epoch` and `batch` say to None."""
        self.name = self.value = self.epoch = self.batch = None

    def on_train_begin(self, logs=None):
        self.forget()

    def on_epoch_begin(self, epoch, logs=None):
        self._running_epoch, self._running_batch = epoch, None

    def on_train_batch_end(self, batch, logs=None):
        self._running_batch = batch
        self.look(logs)

    def on_epoch_end(self, epoch, logs=None):
        self.look(logs)

    def look(self, logs):
        """Stops training if a value in `logs` is not finite."""
        name = first_non_finite(logs)
        if self.name is None and name is not None:
            self.stop(name, float(logs[name]))

    def stop(self, name, value):
        """Remembers and reports the value, and ends training."""
        self.name, self.value = name, value
        self.epoch, self.batch = self._running_epoch, self._running_batch
        self.model.stop_training = True
        logger.error(
            "Training stopped: %s became %s in epoch %d, batch %s. Lower the "
            "learning rates or raise the weight of the penalty.",
            name,
            value,
            self.epoch + 1,
            self.batch,
        )


def first_non_finite(logs):
    """The name of the first logged value that went, or None."""
    gone = [k for k, v in (logs or {}).items() if not math.isfinite(float(v))]
    return min(gone, key=order, default=None)


def order(name):
    """Sort key: the discriminator's loss, penalties, then `LAST`."""
    if name == "d_loss":
        return 0
    return 2 + LAST.index(name) if name in LAST else 1
