"""Data of which each replica, and each process, gets an equal share."""

import math

import keras
import tensorflow as tf
from keras import tree

from keras_gan.replicas import spans_processes


def check_order(x, strategy):
    """Raises where each process would shuffle arrays in an order of its own.

    Args:
        x: what `fit` is to shuffle.
        strategy: the model's strategy.

    Raises:
        ValueError: it would.
    """
    arrays = all(hasattr(part, "shape") for part in tree.flatten(x))
    if arrays and spans_processes(strategy):
        raise ValueError(
            "Each process would shuffle arrays in an order of its own: an "
            "epoch would see some rows twice and others never. Pass "
            "keras_gan.datasets.load(arrays) or shuffle=False. Received: "
            "arrays with shuffle=True"
        )


def check_batches(name, x, strategy, size=None, steps=None, split=0.0):
    """Raises unless each batch falls into equal parts for the replicas.

    Args:
        name: string, the argument.
        x: what `fit` takes.
        strategy: the model's strategy.
        size: integer or None, `batch_size` for arrays.
        steps: integer or None, steps an epoch.
        split: float, the part of arrays that is held out.

    Raises:
        ValueError: they do not.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return
    if isinstance(x, tf.data.Dataset):
        first = tree.flatten(x.element_spec)[0]
        rows = first.shape[0] if len(first.shape) else None
        if rows is None or rows % replicas:
            raise ValueError(
                f"On {replicas} replicas each batch must have a fixed number "
                f"of rows that {replicas} divides: batch the data with "
                "`drop_remainder=True`. "
                f"Received: {name} with batches of {rows} rows"
            )
        return
    if isinstance(x, keras.utils.PyDataset):
        check_ends(name, x, replicas)
        return
    uneven = uneven_part(x, replicas, size, steps, split)
    if uneven is not None:
        part, batch = uneven
        raise ValueError(
            f"On {replicas} replicas each batch must have a number of rows "
            f"that {replicas} divides, the last one too. Received: {name} "
            f"with {part} rows in batches of {batch}"
        )


def uneven_part(x, count, size=None, steps=None, split=0.0):
    """Rows of arrays and of their batches, if a batch has no equal parts.

    Args:
        x: what `fit` takes.
        count: integer, parts of a batch.
        size: integer or None, `batch_size`.
        steps: integer or None, steps an epoch.
        split: float, the part of arrays that is held out.

    Returns:
        `(rows, batch)`; None where all batches have equal parts, and where
        `x` is no arrays.
    """
    first = tree.flatten(x)[0] if tree.flatten(x) else None
    if not getattr(first, "shape", ()):
        return None
    rows = int(first.shape[0])
    kept = math.floor(rows * (1.0 - split))
    for part in filter(None, (kept, rows - kept)):
        batch = size or (math.ceil(part / steps) if steps else 32)
        if part % batch % count or min(batch, part) % count:
            return part, batch
    return None


def check_ends(name, x, replicas):
    """Raises unless the first and the last batch fall into equal parts."""
    last = x.num_batches
    for index in (0,) if last is None else (0, last - 1):
        rows = len(tree.flatten(x[index])[0])
        if rows % replicas:
            raise ValueError(
                f"On {replicas} replicas each batch must have a number of "
                f"rows that {replicas} divides, the last one too. Received: "
                f"{name} with {rows} rows in batch {index}"
            )


def of_this_process(dataset, strategy, weighted=False):
    """The data set, of which this process takes its rows of each batch.

    Data sets of `keras_gan.datasets` read no other rows; of others, each
    process makes whole batches and leaves out what is not its part.

    Args:
        dataset: `tf.data.Dataset`.
        strategy: `tf.distribute.Strategy` of several processes.
        weighted: whether `fit` is given `class_weight`, for which Keras maps
            the data set: then each process makes whole batches too.

    Returns:
        A data set that Keras' `fit` takes.

    Raises:
        ValueError: the samples are to rest on the device.
    """
    on_device = hasattr(dataset, "on_device")
    if weighted or on_device or not hasattr(dataset, "for_worker"):
        return sharded_by_rows(dataset)
    shared = strategy.distribute_datasets_from_function(dataset.for_worker)
    # TensorFlow counts each replica's part, Keras takes the count for steps.
    shared._cardinality = int(dataset.cardinality())
    return shared


def sharded_by_rows(dataset):
    """The data set, each process taking its rows of each batch.

    Keras' default gives whole files to the processes where data come from
    files: global batches would be others than those of one process.

    Raises:
        ValueError: the samples are to rest on the device.
    """
    if hasattr(dataset, "on_device"):
        raise ValueError(
            "Samples rest on the devices of one process only: on several, "
            "load the data with `on_device=False`. Received: data with "
            "on_device=True"
        )
    options = tf.data.Options()
    policy = dataset.options().experimental_distribute.auto_shard_policy
    if policy != tf.data.experimental.AutoShardPolicy.AUTO:
        return dataset
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.with_options(options)
