"""What a replica knows of the others, and a process of the other processes."""

import tensorflow as tf
from keras import ops

# Jobs whose processes train; the first task of the first is the chief.
TRAINING = ("chief", "worker")
UNEVEN = (
    "Replicas got batches of different sizes; the mean over the global batch "
    "would be wrong. Give batches of one size that the number of replicas "
    "divides."
)


def num_replicas():
    """Number of replicas that take part in the current step."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def context_of_many():
    """The context of a replica that has others beside it, or None."""
    context = tf.distribute.get_replica_context()
    alone = context is None or context.num_replicas_in_sync == 1
    return None if alone else context


def replica_index(context):
    """Which of the replicas a context is, an integer tensor."""
    return ops.cast(context.replica_id_in_sync_group, "int32")


def total(x):
    """The sum of a tensor over all replicas; gradients pass to each."""
    context = context_of_many()
    if context is None:
        return x
    return context.all_reduce(tf.distribute.ReduceOp.SUM, x)


def global_mean(x):
    """The mean of all values of all replicas' tensors of one size.

    Example:
    >>> float(global_mean(ops.convert_to_tensor([1.0, 3.0])))
    2.0
    """
    return total(ops.mean(x)) / num_replicas()


def global_row_mean(x):
    """The mean of all rows of all replicas' tensors of one size.

    Example:
    >>> global_row_mean(ops.array([[1.0, 2.0], [3.0, 4.0]])).numpy().tolist()
    [2.0, 3.0]
    """
    return total(ops.mean(x, axis=0)) / num_replicas()


def global_std(x):
    """The standard deviation of all values of all replicas' tensors."""
    if context_of_many() is None:
        return ops.std(x)
    return ops.sqrt(global_mean(ops.square(x - global_mean(x))))


def gathered(x):
    """The rows of all replicas, in their order; as many from each.

    A sum of what is zero but for the own rows: its shape is known, and its
    gradient has one.
    """
    context = context_of_many()
    if context is None:
        return x
    count = context.num_replicas_in_sync
    mine = ops.equal(ops.arange(count), replica_index(context))
    mine = ops.reshape(mine, (count, *[1] * len(x.shape)))
    rows = total(ops.where(mine, x[None], ops.zeros((), x.dtype)))
    return ops.reshape(rows, (-1, *ops.shape(x)[1:]))


def own_rows(x):
    """The part of what is `gathered` that this replica gave."""
    context = context_of_many()
    if context is None:
        return x
    count = ops.shape(x)[0] // context.num_replicas_in_sync
    start = replica_index(context) * count
    zeros = [0] * (len(x.shape) - 1)
    return ops.slice(x, ops.stack([start, *zeros]), (count, *ops.shape(x)[1:]))


def spans_processes(strategy):
    """Whether the replicas of a strategy are in several processes."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False
    cluster = strategy.cluster_resolver.cluster_spec().as_dict()
    return sum(len(cluster.get(job, ())) for job in TRAINING) > 1


def as_logs(values):
    """Logs of a step in the form in which Keras can average them.

    Where replicas are in several processes, Keras 3 takes the mean over the
    first axis of each value, which a scalar has not.
    """
    in_step = tf.distribute.get_replica_context() is not None
    if not in_step or not spans_processes(tf.distribute.get_strategy()):
        return values
    return {name: ops.reshape(value, (1,)) for name, value in values.items()}


def is_chief(strategy):
    """Whether this process writes the files of a run.

    Of the processes of a strategy one does: the task `chief`, or where there
    is none the first `worker`. One that trains by itself does always,
    whatever `TF_CONFIG` says.

    Args:
        strategy: `tf.distribute.Strategy` that the model is trained with.

    Example:
    >>> is_chief(tf.distribute.get_strategy())
    True
    """
    if not spans_processes(strategy):
        return True
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec().jobs
    first = next(job for job in TRAINING if job in jobs)
    return (resolver.task_type, resolver.task_id) == (first, 0)


def process_name(strategy):
    """What to call this process among those of a strategy; alone `""`.

    Example:
    >>> process_name(tf.distribute.get_strategy())
    ''
    """
    if not spans_processes(strategy):
        return ""
    resolver = strategy.cluster_resolver
    return f"{resolver.task_type}_{resolver.task_id}"


class Agreement:
    """What the processes of a strategy tell each other.

    Args:
        strategy: `tf.distribute.Strategy`.
    """

    def __init__(self, strategy):
        self.strategy = strategy
        self.has_peers = spans_processes(strategy)
        # One function: TensorFlow traces it once.
        self._gather = tf.function(gathered, autograph=False)

    def numbers(self, number):
        """The integers of all processes, in their order.

        Args:
            number: integer of this one, at most 2 ** 53 in size. All must
                ask at the same place, or they wait for each other for ever.
        """
        if not self.has_peers:
            return [number]
        mine = tf.constant([number], "float64")
        everyone = self.strategy.run(self._gather, args=(mine,))
        found = self.strategy.experimental_local_results(everyone)[0]
        return found.numpy().astype(int).tolist()


def check_agreement(strategy, number, what):
    """Raises unless all processes of a strategy have the same integer.

    Args:
        strategy: `tf.distribute.Strategy`.
        number: integer, at most 2 ** 53 in size.
        what: string that says what the number is, for the message.

    Raises:
        ValueError: they have different ones.
    """
    found = Agreement(strategy).numbers(number)
    if set(found) != {number}:
        raise ValueError(
            f"The processes of the cluster must agree on {what}; the folder "
            "must be one that all of them see. Received, by process: "
            f"{found}"
        )


def check_scope(name, part):
    """Raises if variables are not those of the strategy in whose scope we are.

    Args:
        name: string, the argument that `part` was given as.
        part: what has `variables`, or None.

    Raises:
        ValueError: they were made outside the scope, or in another one.
    """
    strategy = tf.distribute.get_strategy()
    for variable in getattr(part, "variables", ()):
        value = getattr(variable, "value", variable)
        if not strategy.extended.variable_created_in_scope(value):
            raise ValueError(
                f"`{name}` was made outside the scope of the strategy that "
                "the model is trained with, so that its replicas would go "
                "different ways. Make players, optimizers, metrics and the "
                "model inside one `with strategy.scope():`. Received: "
                f"{name}={part!r} under {type(strategy).__name__}"
            )


def num_rows(x):
    """Rows of the global batch, of which this replica has its share.

    Raises:
        ValueError: the shares are not alike.
    """
    count = ops.shape(x)[0]
    if context_of_many() is not None and x.shape[0] is None:
        rows = ops.cast(count, "float32")
        everyone = rows * num_replicas()
        tf.debugging.assert_equal(total(rows), everyone, UNEVEN)
    return count * num_replicas()
