"""How training is left and taken up again between two steps."""

import contextlib
import functools
import inspect
import weakref

import keras
import tensorflow as tf
from keras import tree

from keras_gan.distribution import Replicated
from keras_gan.layer_walk import take_frozen
from keras_gan.saving import SavedWhole
from keras_gan.saving import numbered
from keras_gan.seeds import states


class Course:
    """What a running `fit` was given, and what is done around its steps.

    A callback such as `keras_gan.callbacks.ExactBackup` finds it as
    `gan.course` while `fit` runs.

    Args:
        model: the model that `fit` trains.
        data: `x` of `fit`.
        callbacks: list of the callbacks, without those that Keras adds.
        shuffles: whether `fit` shuffles, as it does arrays.
        initial_epoch: integer, of `fit`.
        ending: `contextlib.ExitStack` that closes however `fit` ends.

    Attributes:
        passing_over: whether the running steps were done before and are not
            done again, so that what callbacks see of them means nothing.
        around_step: None, or a callable `(step, iterator)` that is called in
            place of each training step, `step(iterator)`.
    """

    def __init__(self, model, data, callbacks, shuffles, initial_epoch, ending):
        self.model = model
        self.data = data
        self.callbacks = callbacks
        self.shuffles = shuffles
        self.initial_epoch = initial_epoch
        self.ending = ending
        self.around_step = None
        self.passing_over = False

    def begin_at(self, epoch):
        """Lets `fit` begin with an epoch; to be called before the first."""
        self.model._initial_epoch = epoch
        self.ending.callback(setattr, self.model, "_initial_epoch", None)


class GraphStep:
    """A training step of one replica, from the iterator to the logs.

    One call of a graph that is looked up once a pass. Keras looks it up in
    each step and wraps the logs into an optional, time that a step of a small
    network notices.

    Args:
        model: compiled Keras model.
        otherwise: Keras' own step, for data on several replicas.

    Call arguments:
        iterator: of a `tf.data.Dataset`.

    Returns:
        The logs.
    """

    def __init__(self, model, otherwise):
        self.otherwise = otherwise
        self.iterator, self.graph = lambda: None, None
        train = tf.function(
            model.fetching_step,
            jit_compile=model.jit_compile,
            reduce_retracing=True,
            autograph=False,
        )
        self.step = tf.function(
            lambda iterator: train(iterator.get_next()),
            reduce_retracing=True,
            autograph=False,
        )

    def __call__(self, iterator):
        """Trains on the next batch."""
        if not isinstance(iterator, tf.data.Iterator):
            return self.otherwise(iterator)
        if iterator is not self.iterator():
            self.graph = self.step.get_concrete_function(iterator)
            self.iterator = weakref.ref(iterator)
        return self.graph(iterator)


class Resumable(Replicated, SavedWhole):
    """A model with two optimizers whose training can be left and resumed."""

    course = None

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        """As in Keras; the docstring of `keras.Model.fit` takes its place."""
        signature = inspect.signature(keras.Model.fit)
        given = signature.bind(self, *args, **kwargs).arguments
        callbacks = given.get("callbacks")
        callbacks = getattr(callbacks, "callbacks", callbacks)
        callbacks = tree.flatten(callbacks) if callbacks else []
        data = given.get("x")
        arrays = all(hasattr(x, "shape") for x in tree.flatten(data))
        shuffles = arrays and bool(given.get("shuffle", True))
        with contextlib.ExitStack() as ending:
            first = given.get("initial_epoch", 0)
            self.course = Course(self, data, callbacks, shuffles, first, ending)
            ending.callback(setattr, self, "course", None)
            return super().fit(*args, **kwargs)

    def make_train_function(self, force=False):
        """The function that runs a step, open to `course.around_step`.

        Asked for at the start of `fit`, and before each `train_on_batch`.
        """
        made = self.train_function is not None and not force
        if self.course is not None or not made:
            self.copy_frozen()
        if made:
            return self.train_function
        super().make_train_function(force=force)
        self._step = self.train_function
        if self.steps_per_execution == 1 and not self.run_eagerly:
            self._step = GraphStep(self, otherwise=self.train_function)

        def train_function(iterator):
            if self.course is None or self.course.around_step is None:
                return self._step(iterator)
            # What is done around a step may change it, as a new weight does.
            return self.course.around_step(
                lambda iterator: self._step(iterator), iterator
            )

        self.train_function = train_function
        return train_function

    def copy_frozen(self):
        """Gives the averaged generator what steps leave as it is."""
        if self.averaged_generator is not self.generator:
            take_frozen(self.averaged_generator, self.generator)

    def running_state(self):
        """By name, every variable that the next training step depends on.

        Beyond what a `.keras` file holds: the means of the running epoch.
        """
        optimizers = self.optimizer.optimizers
        means = self.trackers.means.values()
        return numbered(
            {
                "weights": self.weights,
                "seeds": states(self),
                "compiled": self.compiled_state().values(),
                **{f"{o.name}_optimizer": o.variables for o in optimizers},
                "means": [v for mean in means for v in mean.variables],
            }
        )
