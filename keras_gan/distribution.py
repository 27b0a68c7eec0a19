"""A model on many replicas: what `tf.distribute` and Keras do not care for.

Keras' own loop, under Keras' own strategies; here is what must hold before
it runs, and what a user is told when it ends early.
"""

import contextlib
import functools
import inspect
import json
import os
import weakref

import keras
import tensorflow as tf
from keras import tree

from keras_gan.replicas import UNEVEN
from keras_gan.replicas import check_scope
from keras_gan.replicas import is_chief
from keras_gan.replicas import spans_processes
from keras_gan.seeds import draw_apart
from keras_gan.seeds import restart
from keras_gan.shares import check_batches
from keras_gan.shares import check_order
from keras_gan.shares import of_this_process

LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
NO_TPU = (OSError, RuntimeError, ValueError, tf.errors.OpError)
# Callbacks of Keras that write or send, and move nothing in training.
WRITING = (
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TensorBoard,
)
# Those by which processes would read what another one is writing.
READING = (keras.callbacks.BackupAndRestore, keras.callbacks.OrbaxCheckpoint)


class LostWorker(RuntimeError):
    """Another process of the cluster is gone, and training with it."""


def of_one_replica(method):
    """A method of Keras, refused where each replica would take the batch."""

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        replicas = self.distribute_strategy.num_replicas_in_sync
        if replicas > 1:
            raise ValueError(
                f"`{method.__name__}` would give the whole batch to each "
                "replica: use `fit`, `evaluate` or `predict`. "
                f"Received: a model on {replicas} replicas"
            )
        return method(self, *args, **kwargs)

    return call


class Replicated(keras.Model):
    """A model whose training is the same on one replica and on many."""

    # What a running `fit` takes its samples from where they rest on the
    # device, and what the step was last made for.
    stored = None
    _made_for = staticmethod(lambda: None)
    train_on_batch = of_one_replica(keras.Model.train_on_batch)
    test_on_batch = of_one_replica(keras.Model.test_on_batch)
    predict_on_batch = of_one_replica(keras.Model.predict_on_batch)

    def join(self):
        """Makes the layers those of replicas; call it when all are there.

        What they draw differs from replica to replica, and batch statistics
        are those of the global batch. In the discriminator they are always
        computed in that way: the other one, `tf.nn.moments`, holds its mean
        fixed in second derivatives, which makes gradient penalties wrong.
        """
        draw_apart([self])
        if self.seed is not None:
            restart(self.layers, self.seed)
        alone = self.distribute_strategy.num_replicas_in_sync == 1
        for layer in (self.discriminator if alone else self)._flatten_layers():
            if getattr(layer, "synchronized", True) is False:
                layer.synchronized = True

    def compile(self, *args, **kwargs):
        """As in Keras; refuses what does not work on several replicas."""
        steps = kwargs.get("steps_per_execution", 1)
        replicas = self.distribute_strategy.num_replicas_in_sync
        if replicas > 1 and steps != 1:
            raise ValueError(
                "Keras cannot run several steps at once on several replicas: "
                "`steps_per_execution` must be 1. Received: "
                f"steps_per_execution={steps!r} with {replicas} replicas"
            )
        if replicas > 1 and kwargs.get("jit_compile") is True and self.on_cpu():
            raise ValueError(
                "TensorFlow cannot compile a step for several replicas on "
                'CPUs: leave `jit_compile` at "auto". '
                f"Received: jit_compile=True with {replicas} replicas"
            )
        super().compile(*args, **kwargs)

    def on_cpu(self):
        """Whether the replicas are on processors."""
        devices = self.distribute_strategy.extended.worker_devices
        return all("CPU" in device for device in devices)

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        """As in Keras, after a look at the sizes of the batches."""
        given = self.given_data(keras.Model.fit, args, kwargs)
        if given.get("shuffle", True):
            check_order(given["x"], self.distribute_strategy)
        size = given.get("validation_batch_size") or given.get("batch_size")
        held_out = given.get("validation_data")
        if held_out is not None:
            x, *rest = as_tuple(held_out)
            x = self.shares("validation_data", x, size)
            given["validation_data"] = (x, *rest) if rest else x
        with self.reading_rows(given), self.naming_causes():
            return super().fit(**given)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args, **kwargs):
        """As in Keras, after a look at the sizes of the batches."""
        given = self.given_data(keras.Model.evaluate, args, kwargs)
        with self.naming_causes():
            return super().evaluate(**given)

    def given_data(self, function, args, kwargs):
        """Arguments of `fit` or `evaluate`, the data fit for replicas."""
        given = inspect.signature(function).bind(self, *args, **kwargs)
        given = dict(given.arguments)
        given.update(given.pop("kwargs", {}))
        given.pop("self")
        if tf.distribute.has_strategy():
            check_scope("model", self)
        if given.get("callbacks") and spans_processes(self.distribute_strategy):
            given["callbacks"] = those_of_this_process(
                given["callbacks"], self.distribute_strategy
            )
        steps = given.get("steps_per_epoch") or given.get("steps")
        given["x"] = self.shares(
            "x",
            given.get("x"),
            given.get("batch_size"),
            steps,
            given.get("validation_split", 0.0),
            given.get("class_weight") is not None,
        )
        return given

    def shares(self, name, x, size=None, steps=None, split=0.0, weighted=False):
        """Data of which each replica gets an equal share, or an error."""
        strategy = self.distribute_strategy
        check_batches(name, x, strategy, size, steps, split)
        if spans_processes(strategy) and isinstance(x, tf.data.Dataset):
            return of_this_process(x, strategy, weighted)
        return x

    @contextlib.contextmanager
    def reading_rows(self, given):
        """Lets `fit` read numbers of rows of data that rest on the device."""
        stored = getattr(given["x"], "on_device", None)
        if stored is not None:
            stored.place(self.distribute_strategy)
            given["x"] = stored.rows
        if stored is not self._made_for():
            self._made_for = weakref.ref(stored) if stored else lambda: None
            self.train_function = None
        self.stored = stored
        try:
            yield
        finally:
            self.stored = None

    def make_train_function(self, force=False):
        """As in Keras, of the step that fetches its batch."""
        if self.train_function is None or force:
            self.train_function = self._make_function(self.fetching_step)

    def fetching_step(self, data):
        """`train_step`, its batch gathered where `fit` reads rows."""
        told = isinstance(data, dict) and "rows" in data
        if told and self.stored is not None:
            data = self.stored.gather(**data)
        return self.train_step(data)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # All is built. Keras would read a batch, and average it over workers.
        pass

    @contextlib.contextmanager
    def naming_causes(self):
        """Says what happened where a batch or another process is amiss."""
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            if UNEVEN not in error.message:
                raise
            replicas = self.distribute_strategy.num_replicas_in_sync
            raise ValueError(
                f"{UNEVEN} Received: a batch of no equal parts for "
                f"{replicas} replicas"
            ) from error
        except LOST as error:
            strategy = self.distribute_strategy
            if not spans_processes(strategy):
                raise
            resolver = strategy.cluster_resolver
            raise LostWorker(
                "Another process of the cluster was lost, and training "
                "cannot go on without it. Start all processes again: with "
                "keras_gan.callbacks.ExactBackup they go on at the last "
                f"backup. Received: {type(error).__name__} in task "
                f"{resolver.task_type}:{resolver.task_id}: {reason(error)}"
            ) from error


def strategy(name=None):
    """The `tf.distribute` strategy of a name, on the machines at hand.

    Args:
        name: `"mirrored"`, all GPUs of this machine; `"multi_worker"`, the
            processes that `TF_CONFIG` names; `"tpu"`, the TPU that `TPU_NAME`
            names, or this machine's; None for one replica.

    Returns:
        A `tf.distribute.Strategy`; make and train a model in its `scope()`.

    Raises:
        ValueError: an unknown name, a `TF_CONFIG` that cannot be read, or no
            TPU.

    Example:
    >>> strategy().num_replicas_in_sync
    1
    """
    if name is None:
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multi_worker":
        check_cluster()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return tf.distribute.TPUStrategy(tpu())
    raise ValueError(
        '`name` must be "mirrored", "multi_worker", "tpu" or None. '
        f"Received: name={name!r}"
    )


def tpu():
    """The resolver of the TPU that `TPU_NAME` names, or of this machine's.

    Raises:
        ValueError: there is none.
    """
    name = os.environ.get("TPU_NAME") or "local"
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except NO_TPU as error:
        raise ValueError(
            "No TPU can be reached: TPU_NAME must name one, or be unset on a "
            f"machine that has one. Received: TPU_NAME={name!r}"
        ) from error
    return resolver


def check_cluster():
    """Raises unless `TF_CONFIG` says which process of which cluster this is.

    Raises:
        ValueError: it does not.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        task = config["task"]
        config["cluster"][task["type"]][int(task["index"])]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(
            "TF_CONFIG must name the cluster and this process's task, as in "
            '{"cluster": {"worker": ["host1:12345", "host2:12345"]}, "task": '
            '{"type": "worker", "index": 0}}. '
            f"Received: TF_CONFIG={text!r}"
        ) from error


def reason(error):
    """Why TensorFlow gave up, without the graph's traceback."""
    _, _, why = error.message.rpartition("aborted by: ")
    return why.split("\n")[0]


def in_scope(method):
    """Lets a method make variables for the model's strategy."""

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        with self.distribute_strategy.scope():
            return method(self, *args, **kwargs)

    return call


def those_of_this_process(callbacks, strategy):
    """Callbacks without those that the chief runs for all processes.

    Args:
        callbacks: what `fit` of one of several processes is given.
        strategy: the model's strategy.

    Raises:
        ValueError: one of them cannot work there.
    """
    found = tree.flatten(getattr(callbacks, "callbacks", callbacks))
    for callback in found:
        if isinstance(callback, READING):
            raise ValueError(
                "Each process would write and read its files by itself: use "
                "keras_gan.callbacks.ExactBackup in a cluster. Received: "
                f"callbacks with {type(callback).__name__}"
            )
    if is_chief(strategy):
        return callbacks
    kept = [c for c in found if not isinstance(c, WRITING)]
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.callbacks = kept
        return callbacks
    return kept


def as_tuple(data):
    """Arrays or a data set, as `validation_data` may be, as a tuple."""
    return data if isinstance(data, tuple) else (data,)
