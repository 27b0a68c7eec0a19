"""Trains members of the conformance list in processes that may be killed.

Reads jobs from standard input, one JSON object a line, runs each in a forked
child and answers with its exit code. The child writes what its model ended
in to the job's `out`.
"""

import hashlib
import json
import logging
import os
import resource
import signal
import sys
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import conformance
import keras
import numpy as np

from keras_gan import callbacks
from keras_gan import datasets
from keras_gan.callbacks import backup_files
from keras_gan.seeds import enable_exact_cpu

EPOCHS, BATCHES = 3, 5
CASES = {case.name: case for case in conformance.CASES}


class Counter(keras.callbacks.Callback):
    """Remembers what it saw, and kills its process at a step."""

    def __init__(self, kill=None, kill_testing=None):
        super().__init__()
        self.kill = kill
        self.kill_testing = kill_testing
        self.seen = []
        self.num_steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(logs["d_loss"])
        self.num_steps += 1
        if self.num_steps == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_test_batch_end(self, batch, logs=None):
        if self.kill_testing is not None:
            self.kill_testing -= 1
            if not self.kill_testing:
                os.kill(os.getpid(), signal.SIGKILL)

    def get_state(self):
        return {"seen": np.array(self.seen)}

    def set_state(self, state):
        self.seen = list(state["seen"])


class Log(logging.Handler):
    """Warnings of the package, in a list."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def make_data(case):
    parts = [case.make_batch(seed) for seed in range(BATCHES + 1)]
    if isinstance(parts[0], tuple):
        return tuple(np.concatenate(p) for p in list(zip(*parts))[:2])
    return np.concatenate(parts)


def die_inside_a_backup(at):
    """SIGKILL at the n-th thing that backups do to the disk."""
    num_events = 0

    def event():
        nonlocal num_events
        num_events += 1
        if num_events == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(function):
        def call(*args, **kwargs):
            event()
            result = function(*args, **kwargs)
            event()
            return result

        return call

    write_file = backup_files.write_file

    def write_torn(path, parts):
        def parts_with_events():
            for index, part in enumerate(parts):
                if index % 20 == 0:
                    event()
                yield part[: len(part) // 2]
                yield part[len(part) // 2 :]

        return write_file(path, parts_with_events())

    backup_files.write_file = write_torn
    for module, name in (
        (os, "fsync"),
        (os, "replace"),
        (backup_files.shutil, "rmtree"),
    ):
        setattr(module, name, watched(getattr(module, name)))


def digest(arrays):
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def train(job):
    enable_exact_cpu()
    case = CASES[job["case"]]
    keras.utils.set_random_seed(1)
    gan = case.make_gan()
    train_data, test = datasets.load(
        make_data(case),
        batch_size=conformance.BATCH,
        test_fraction=1 / (BATCHES + 1),
        seed=4,
    )
    counter = Counter(job.get("kill"), job.get("kill_testing"))
    stop = keras.callbacks.EarlyStopping(
        "val_g_loss", mode="min", patience=1, restore_best_weights=True
    )
    slow = keras.callbacks.ReduceLROnPlateau(
        "d_loss", mode="min", min_delta=0.2, patience=1
    )
    watchers = [counter, stop, slow]
    if job.get("every"):
        backup = callbacks.ExactBackup(job["dir"], every=job["every"])
        watchers.insert(job["place"], backup)
    if job.get("inside"):
        die_inside_a_backup(job["inside"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if job.get("file_size"):
        full = (job["file_size"], limits[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, full)
    log = Log()
    logging.getLogger("keras_gan").addHandler(log)
    history = gan.fit(
        train_data,
        epochs=EPOCHS,
        validation_data=test,
        callbacks=watchers,
        shuffle=False,
        verbose=0,
    ).history
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    state = {
        name: digest([keras.ops.convert_to_numpy(variable)])
        for name, variable in gan.running_state().items()
    }
    told = {
        "state": state,
        "history": history,
        "seen": counter.seen,
        "stop": [stop.wait, stop.best, stop.best_epoch, stop.stopped_epoch],
        "best": digest(stop.best_weights),
        "slow": [slow.wait, slow.best],
        "log": log.lines,
    }
    with open(job["out"], "w") as file:
        json.dump(told, file, default=float)


def main():
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                train(json.loads(line))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
