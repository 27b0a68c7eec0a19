"""Arrays in memory to a `tf.data.Dataset` of batches in [-1, 1]."""

import tensorflow as tf


def batches(x, y, batch_size, seed=None, flip=False):
    """A finite data set of fixed-size float batches.

    Only row numbers are shuffled; each batch is gathered from the array,
    where images rest as uint8, and is cast and scaled as a whole.

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
        `tf.data.Dataset` of float32 `x`, or of `(x, y)`.
    """
    x = tf.constant(x)
    y = None if y is None else tf.constant(y)
    rows = tf.data.Dataset.range(len(x))
    if seed is not None:
        rows = rows.shuffle(len(x), seed=seed, reshuffle_each_iteration=True)
    rows = rows.batch(batch_size, drop_remainder=True)
    draws = tf.data.Dataset.random(seed or 0, rerandomize_each_iteration=True)

    def gather(indices, draw):
        samples = scaled(tf.gather(x, indices))
        if flip:
            samples = mirrored(samples, draw)
        return samples if y is None else (samples, tf.gather(y, indices))

    pairs = tf.data.Dataset.zip(rows, draws)
    return without_autotune(pairs.map(gather).prefetch(4))


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


def mirrored(images, draw):
    """Each image or its mirror image, as one random number decides."""
    shape = [tf.shape(images)[0], 1, 1, 1]
    seed = tf.stack([draw, tf.zeros_like(draw)])
    coins = tf.random.stateless_uniform(shape, seed)
    return tf.where(coins < 0.5, images[:, :, ::-1], images)
