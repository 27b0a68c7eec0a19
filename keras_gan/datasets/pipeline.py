"""Arrays in memory to a `tf.data.Dataset` of batches in [-1, 1]."""

import logging

import numpy as np
import tensorflow as tf

from keras_gan.checks import check_integer

logger = logging.getLogger(__name__)


class Position:
    """Where the next pass over a data set begins.

    Batches are counted from the first pass on: with 200 batches a pass, 405
    is the sixth of the third pass. Each pass begins where a pass begins,
    unless `seek` says otherwise; then it is still as long as the others and
    ends in the pass that follows.

    Args:
        num_batches: integer >= 1, batches of a pass.
        batch: integer >= 0, where the first pass begins.
        origin: what the batches are a function of beside their number, as
            plain data, or None.

    Example:
    >>> position = Position(num_batches=200)
    >>> position.seek(405)
    >>> position.take(), position.batch
    (405, 600)
    """

    def __init__(self, num_batches, batch=0, origin=None):
        self.num_batches = num_batches
        self.origin = origin
        self.seek(batch)

    def seek(self, batch):
        """Lets the next pass begin at a batch, at no cost.

        Raises:
            TypeError: `batch` is no integer.
            ValueError: it is negative.
        """
        check_integer("batch", batch, minimum=0)
        self.batch = int(batch)

    def take(self):
        """The batch at which a pass begins now; moves on to the next pass."""
        batch = self.batch
        self.batch = (batch // self.num_batches + 1) * self.num_batches
        return batch


def batches(x, y, batch_size, seed=None, flip=False, on_device=False):
    """A finite data set of fixed-size float batches.

    Only row numbers are shuffled; each batch is gathered from the array,
    where images rest as uint8, and is cast and scaled as a whole. What a
    batch holds is a function of `seed` and of its number, counted from the
    first pass on: nothing else is remembered from one batch to the next.

    Args:
        x: array `(n, ...)`, uint8 images or floats in [-1, 1].
        y: array `(n, ...)` of labels, or None.
        batch_size: integer >= 1; the rows left over are dropped, others each
            epoch.
        seed: integer, seed of an order that changes each epoch; None keeps
            the order of the array.
        flip: whether half of the images, drawn anew each epoch, are mirrored
            left to right.
        on_device: whether `fit` takes the samples from the accelerator.

    Returns:
        `tf.data.Dataset` of float32 `x`, or of `(x, y)`. With a seed it has
        the attribute `position`, a `Position`, and if asked for `on_device`,
        an `OnDevice`.
    """
    # What tf.data gathers from rests where tf.data runs.
    with tf.device("CPU:0"):
        x = tf.constant(x)
        y = None if y is None else tf.constant(y)

    def fetch(indices):
        return gathered(x, indices), gathered(y, indices)

    dataset = from_rows(len(x), fetch, batch_size, seed, flip)
    if on_device:
        dataset.on_device = OnDevice(x, y, dataset.rows)
    return dataset


class OnDevice:
    """Training samples that rest on the accelerator, for `fit`.

    `fit` reads `rows` in place of the batches, and its compiled step begins
    with `gather`: only numbers of rows travel, and the batches are the same
    to the last bit.

    Args:
        x: tensor `(n, ...)`, uint8 images or floats.
        y: tensor `(n, ...)` of labels, or None.
        rows: `tf.data.Dataset` of what `gather` takes, see `from_rows`.
    """

    def __init__(self, x, y, rows):
        self.arrays = x, y
        self.rows = rows
        self.strategy = None

    def place(self, strategy):
        """Copies the samples to each replica's device, once a strategy.

        Args:
            strategy: `tf.distribute.Strategy` of one process.
        """
        if self.strategy is strategy:
            return
        with strategy.scope():
            self.placed = [
                None if array is None else tf.Variable(array, trainable=False)
                for array in self.arrays
            ]
        self.strategy = strategy

    def gather(self, rows, heads=None):
        """A batch, in graph: `x`, or `(x, y)`."""
        samples, labels = (gathered(v, rows) for v in self.placed)
        return finished(samples, labels, heads)


def from_rows(num_rows, fetch, batch_size, seed, flip, num_parallel=None):
    """A finite data set of fixed-size float batches, from numbers of rows.

    Args:
        num_rows: integer, at least `batch_size`.
        fetch: callable, row numbers `(n,)` to uint8 or float samples and
            their labels or None.
        batch_size: as for `batches`.
        seed: as for `batches`.
        flip: as for `batches`.
        num_parallel: integer, batches fetched at once, or None for one.

    Returns:
        As `batches`, with two more attributes. `for_worker`: callable,
        `tf.distribute.InputContext` to the data set of one worker, for
        `strategy.distribute_datasets_from_function`. It fetches this
        worker's rows only and gives each replica its part of each batch.
        `rows`: `tf.data.Dataset` of dicts with each batch's `"rows"`, their
        numbers, and with `flip` its `"heads"`, which to mirror.
    """
    num_batches = num_rows // batch_size
    origin = {"rows": num_rows, "batch_size": batch_size}
    origin |= {"seed": seed, "flip": flip}
    position = Position(num_batches, origin=origin)

    def ordered():
        if seed is not None:
            return shuffled_rows(num_rows, batch_size, seed, position)
        rows = tf.data.Dataset.range(num_batches * batch_size)
        return rows.batch(batch_size, drop_remainder=True).enumerate()

    def drawn(first, count, num_parts):
        rows = split_rows(ordered(), batch_size, first, count, num_parts)
        known = tf.data.experimental.assert_cardinality(num_batches * count)
        return rows.apply(known)

    def tossed(number, indices, part=0):
        found = {"rows": indices}
        if flip:
            heads = coins(batch_size, [-1 - (seed or 0), number])
            found["heads"] = tf.reshape(heads, [-1, len(indices)])[part]
        return found

    def fetched(*drawn):
        found = tossed(*drawn)
        return finished(*fetch(found["rows"]), found.get("heads"))

    def ready(dataset):
        dataset = without_autotune(dataset.prefetch(4), num_parallel is None)
        if seed is not None:
            dataset.position = position
        return dataset

    def parts(*which):
        return ready(drawn(*which).map(fetched, num_parallel))

    def for_worker(context):
        replicas = context.num_replicas_in_sync
        if batch_size % replicas:
            raise ValueError(
                "`batch_size` must be divisible by the number of replicas, "
                f"{replicas}. Received: batch_size={batch_size}"
            )
        own = replicas // context.num_input_pipelines
        return parts(context.input_pipeline_id * own, own, replicas)

    dataset = parts(0, 1, 1)
    dataset.for_worker = for_worker
    dataset.rows = ready(drawn(0, 1, 1).map(tossed))
    return dataset


def shared_out(dataset, count):
    """A data set in batches of which each replica gets an equal share.

    Args:
        dataset: `tf.data.Dataset` of batches of a fixed size, or None.
        count: integer, how many replicas.

    Returns:
        The data set, or one of smaller batches; None if all would be empty.
    """
    if dataset is None:
        return None
    rows = tf.nest.flatten(dataset.element_spec)[0].shape[0]
    if rows % count == 0:
        return dataset
    kept = rows - rows % count
    logger.warning(
        "Test batches have %d rows in place of %d, which %d replicas cannot "
        "share; what is left over is not used.",
        kept,
        rows,
        count,
    )
    return dataset.unbatch().batch(kept, drop_remainder=True) if kept else None


def split_rows(rows, batch_size, first, count, num_parts):
    """Some of the equal parts of each batch, one after the other.

    Args:
        rows: `tf.data.Dataset` of `(number, rows)`.
        batch_size: integer, rows of a batch.
        first: integer, the first part.
        count: integer, how many parts.
        num_parts: integer, parts of a batch.

    Returns:
        `tf.data.Dataset` of `(number, rows, part)`; where there is one part
        only, of `(number, rows)`.
    """
    shape = [num_parts, batch_size // num_parts]

    def split(number, indices):
        own = tf.range(first, first + count)
        own_rows = tf.reshape(indices, shape)[first : first + count]
        numbers = tf.fill([count], number)
        return tf.data.Dataset.from_tensor_slices((numbers, own_rows, own))

    return rows if num_parts == 1 else rows.flat_map(split)


def shuffled_rows(num_rows, batch_size, seed, position):
    """Numbers of batches and of their rows, from a position on.

    Args:
        num_rows: integer, how many rows there are.
        batch_size: integer >= 1, at most `num_rows`.
        seed: integer.
        position: `Position`, asked once a pass.

    Returns:
        `tf.data.Dataset` of `(number, rows)`.
    """
    num_batches = num_rows // batch_size

    def order(epoch):
        with tf.device("CPU:0"):
            rows = tf.random.experimental.stateless_shuffle(
                tf.range(num_rows, dtype=tf.int64),
                tf.constant([seed, epoch], tf.int64),
            )
        rows = rows.numpy()[: num_batches * batch_size]
        return rows.reshape(num_batches, batch_size)

    def one_pass():
        first = position.take()
        epoch, skipped = divmod(first, num_batches)
        rows = order(epoch)[skipped:]
        # A pass from its middle on lasts into the next.
        if skipped:
            rows = np.concatenate([rows, order(epoch + 1)[:skipped]])
        return np.arange(first, first + num_batches), rows

    # Each function in the graph of a data set makes each pass begin later.
    def slices(_):
        numbers, rows = tf.numpy_function(one_pass, [], [tf.int64] * 2)
        numbers = tf.ensure_shape(numbers, [num_batches])
        rows = tf.ensure_shape(rows, [num_batches, batch_size])
        return tf.data.Dataset.from_tensor_slices((numbers, rows))

    passes = tf.data.Dataset.range(1).flat_map(slices)
    known = tf.data.experimental.assert_cardinality(num_batches)
    return passes.apply(known)


def without_autotune(dataset, one_thread=False):
    """The data set without tf.data's tuning thread.

    A batch takes well below a millisecond, and in TensorFlow 2.21 the end of
    an epoch often waits for that thread, for up to a minute.

    Args:
        dataset: `tf.data.Dataset`.
        one_thread: whether all of it runs in one thread of its own: to go
            from thread to thread takes as long as a batch of small images.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    if one_thread:
        options.threading.private_threadpool_size = 1
    return dataset.with_options(options)


def gathered(array, indices):
    """Rows of an array that may be None."""
    return None if array is None else tf.gather(array, indices)


def finished(samples, labels, heads=None):
    """A batch as training takes it.

    Args:
        samples: tensor `(batch, ...)`, uint8 or floats.
        labels: tensor, or None.
        heads: booleans `(batch,)`, which images are mirrored, or None.
    """
    samples = scaled(samples)
    if heads is not None:
        heads = tf.reshape(heads, [-1, 1, 1, 1])
        samples = tf.where(heads, samples[:, :, ::-1], samples)
    return samples if labels is None else (samples, labels)


def scaled(samples):
    """Float32 samples in [-1, 1]; uint8 0 becomes -1 and 255 becomes 1."""
    if samples.dtype == tf.uint8:
        # XLA would make a product of a quotient, with other last bits.
        return (tf.cast(samples, tf.float32) - 127.5) * (1.0 / 127.5)
    return tf.cast(samples, tf.float32)


def coins(batch_size, seed):
    """Booleans `(batch_size,)`, as a seed of two integers decides."""
    return tf.random.stateless_uniform([batch_size], seed) < 0.5
