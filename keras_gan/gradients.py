"""The one room that holds the tape: input gradients and player gradients."""

import tensorflow as tf
from keras import ops


def input_gradient(function, x):
    """Gradient of `sum(function(x))` with respect to `x`.

    As each output depends on its own sample only, row `i` of the result is
    the gradient of output `i` with respect to sample `i`. The result can be
    differentiated again, which is what gradient penalties do.

    Args:
        function: callable, `(batch, ...)` -> logits of any shape.
        x: float tensor of any rank, first axis is the batch.

    Returns:
        Float tensor of the shape of `x`.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        outputs = ops.cast(function(x), x.dtype)
    return tape.gradient(outputs, x, unconnected_gradients="zero")


def player_gradients(objective, optimizer, variables):
    """Gradients of one player's objective over the global batch.

    Args:
        objective: callable without arguments that returns a scalar, the mean
            over the local batch.
        optimizer: the player's optimizer, which may scale the loss.
        variables: list of the player's trainable variables.

    Returns:
        List of gradients, one for each variable, such that their sum over
        the replicas is the gradient of the mean over the global batch.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        loss = optimizer.scale_loss(objective() / num_replicas())
    return tape.gradient(loss, [variable.value for variable in variables])


def num_replicas():
    """Number of replicas that take part in the current step."""
    return tf.distribute.get_strategy().num_replicas_in_sync
