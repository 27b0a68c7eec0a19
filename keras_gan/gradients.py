"""The one room that holds the tape: input gradients and player gradients."""

import tensorflow as tf
from keras import ops

from keras_gan.replicas import num_replicas


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
    return with_slope(function, x)[1]()


def with_slope(function, x, summary=ops.convert_to_tensor):
    """What a function gives, and its gradient without another pass.

    Args:
        function: callable, `(batch, ...)` -> logits of any shape.
        x: float tensor of any rank, first axis is the batch.
        summary: callable, logits in the dtype of `x` to what is summed and
            differentiated.

    Returns:
        `function(x)`, and a callable without arguments that returns a float
        tensor of the shape of `x`.
    """
    options = {"persistent": True, "watch_accessed_variables": False}
    with tf.GradientTape(**options) as tape:
        tape.watch(x)
        outputs = function(x)
        target = summary(ops.cast(outputs, x.dtype))
    return outputs, lambda: tape.gradient(
        target, x, unconnected_gradients="zero"
    )


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


def stage_gradients(objective, optimizer, variables, x):
    """Gradients of one objective in weights, samples and their logits.

    Args:
        objective: callable, samples to a scalar and the samples' logits.
        optimizer: the optimizer of the weights, which may scale the loss.
        variables: list of trainable variables.
        x: float tensor of samples.

    Returns:
        List of the variables' gradients, the samples' gradient, the logits'
        gradient, all scaled alike.
    """
    x = tf.identity(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        values = [variable.value for variable in variables]
        tape.watch([*values, x])
        loss, logits = objective(x)
        loss = optimizer.scale_loss(loss / num_replicas())
    return tape.gradient(loss, (values, x, logits))


def unreached(penalty, logits, x, variables):
    """Variables that should feel a penalty and do not.

    A variable should if it multiplies what depends on `x`, that is, if the
    gradient of the logits in it depends on `x`.

    Args:
        penalty: callable without arguments, a tensor.
        logits: callable, `x` to a tensor.
        x: float tensor.
        variables: list of trainable variables.

    Returns:
        List of variables.
    """
    x = tf.identity(x)
    values = [variable.value for variable in variables]
    options = {"persistent": True, "watch_accessed_variables": False}
    with tf.GradientTape(**options) as tape:
        tape.watch([*values, x])
        with tf.GradientTape(**options) as inner:
            inner.watch(values)
            outputs = logits(x)
        slopes = inner.gradient(outputs, values)
        value = penalty()
    missing = []
    for variable, weights, slope in zip(variables, values, slopes):
        felt = slope is None or derivable(tape, value, weights)
        if not felt and derivable(tape, tf.convert_to_tensor(slope), x):
            missing.append(variable)
    return missing


def derivable(tape, target, source):
    """Whether a tape finds a gradient; not all operations have one."""
    try:
        return tape.gradient(target, source) is not None
    except LookupError:
        return False


def is_differentiable_twice(function, x):
    """Whether the gradient of a function passes on a gradient.

    Args:
        function: callable, `x` to a tensor or a structure of them.
        x: tensor or structure of them.

    Returns:
        Boolean, True as well for functions without a gradient in `x`.
    """
    options = {"persistent": True, "watch_accessed_variables": False}
    with tf.GradientTape(**options) as outer:
        with tf.GradientTape(**options) as inner:
            inner.watch(x)
            outputs = tf.nest.flatten(function(x))
        upstream = [tf.ones_like(output) for output in outputs]
        outer.watch(upstream)
        try:
            gradients = inner.gradient(
                outputs, tf.nest.flatten(x), output_gradients=upstream
            )
        except LookupError:
            return False
    return all(
        any(derivable(outer, gradient, u) for u in upstream)
        for gradient in gradients
        if gradient is not None
    )
