"""Arrays in memory to a `tf.data.Dataset` of batches in [-1, 1]."""

import tensorflow as tf

from keras_gan.checks import check_integer


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


def batches(x, y, batch_size, seed=None, flip=False):
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

    Returns:
        `tf.data.Dataset` of float32 `x`, or of `(x, y)`. With a seed it has
        the attribute `position`, a `Position`.
    """
    x = tf.constant(x)
    y = None if y is None else tf.constant(y)
    num_batches = len(x) // batch_size
    origin = {"rows": len(x), "batch_size": batch_size}
    origin |= {"seed": seed, "flip": flip}
    position = Position(num_batches, origin=origin)
    if seed is None:
        rows = tf.data.Dataset.range(num_batches * batch_size)
        rows = rows.batch(batch_size).enumerate()
    else:
        rows = shuffled_rows(len(x), batch_size, seed, position)

    def gather(number, indices):
        indices = tf.ensure_shape(indices, [batch_size])
        samples = scaled(tf.gather(x, indices))
        if flip:
            samples = mirrored(samples, [-1 - (seed or 0), number])
        return samples if y is None else (samples, tf.gather(y, indices))

    dataset = without_autotune(rows.map(gather).prefetch(4))
    if seed is not None:
        dataset.position = position
    return dataset


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

    def part(epoch, begin, end):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(num_rows, dtype=tf.int64), [seed, epoch]
        )
        order = order[: num_batches * batch_size]
        order = tf.reshape(order, [num_batches, batch_size])[begin:end]
        numbers = epoch * num_batches + tf.range(begin, end)
        return tf.data.Dataset.from_tensor_slices((numbers, order))

    def one_pass(_):
        first = tf.numpy_function(position.take, [], tf.int64)
        first = tf.ensure_shape(first, [])
        epoch, skipped = first // num_batches, first % num_batches
        # A pass from its middle on lasts into the next.
        parts = tf.data.Dataset.range(1 + tf.cast(skipped > 0, tf.int64))
        return parts.flat_map(
            lambda i: part(
                epoch + i,
                tf.where(i > 0, tf.zeros_like(skipped), skipped),
                tf.where(i > 0, skipped, num_batches),
            )
        )

    passes = tf.data.Dataset.range(1).flat_map(one_pass)
    known = tf.data.experimental.assert_cardinality(num_batches)
    return passes.apply(known)


def without_autotune(dataset):
    """The data set without tf.data's tuning thread.

    A batch takes well below a millisecond, and in TensorFlow 2.21 the end of
    an epoch often waits for that thread, for up to a minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def scaled(samples):
    """Float32 samples in [-1, 1]; uint8 0 becomes -1 and 255 becomes 1."""
    if samples.dtype == tf.uint8:
        return tf.cast(samples, tf.float32) / 127.5 - 1.0
    return tf.cast(samples, tf.float32)


def mirrored(images, seed):
    """Each image or its mirror image, as a seed of two integers decides."""
    shape = [tf.shape(images)[0], 1, 1, 1]
    coins = tf.random.stateless_uniform(shape, seed)
    return tf.where(coins < 0.5, images[:, :, ::-1], images)
