"""Adam: with betas that move, and by TensorFlow's own operation for it."""

import functools

import keras
import tensorflow as tf
from keras import ops

from keras_gan import schedules
from keras_gan.checks import check_number


@keras.saving.register_keras_serializable("keras_gan")
class Adam(keras.optimizers.Adam):
    """Keras' Adam whose betas may be schedules too.

    The learning rate of any Keras optimizer may be a `keras_gan.schedules`
    object; betas only here. The bias correction takes the beta of the
    moment, `1 - beta^t`. With numbers it is `keras.optimizers.Adam`.

    Args:
        learning_rate: float, Keras schedule or schedule in images seen.
        beta_1: float in [0, 1) or schedule of such.
        beta_2: float in [0, 1) or schedule of such.
        **kwargs: the rest of `keras.optimizers.Adam`.

    Raises:
        ValueError: a beta is out of range.

    Example:
    >>> burn_in = schedules.CosineBurnIn(0.9, 0.99, duration=100_000)
    >>> Adam(2e-4, beta_1=0.0, beta_2=burn_in).name
    'adam'

    Reference: Kingma & Ba, arXiv 1412.6980; the schedule of beta_2 is that of
    Huang et al., arXiv 2501.05441.
    """

    def __init__(self, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, **kwargs):
        kwargs = {"name": "adam", **kwargs}
        if isinstance(learning_rate, (int, float)):
            check_number("learning_rate", learning_rate, minimum=0)
        schedules.check("beta_1", beta_1, minimum=0, maximum=1 - 1e-6)
        schedules.check("beta_2", beta_2, minimum=0, maximum=1 - 1e-6)
        super().__init__(learning_rate, beta_1, beta_2, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable by the betas of the moment."""
        betas = self.beta_1, self.beta_2
        self.beta_1, self.beta_2 = (schedules.value(beta) for beta in betas)
        super().update_step(gradient, variable, learning_rate)
        self.beta_1, self.beta_2 = betas

    def get_config(self):
        """Constructor arguments, serialised."""
        betas = {"beta_1": self.beta_1, "beta_2": self.beta_2}
        betas = keras.saving.serialize_keras_object(betas)
        return {**super().get_config(), **betas}

    @classmethod
    def from_config(cls, config):
        """The optimizer that `get_config` describes."""
        betas = {key: config[key] for key in ("beta_1", "beta_2")}
        betas = keras.saving.deserialize_keras_object(betas)
        return super().from_config({**config, **betas})


def fuse(optimizer):
    """Lets an Adam move each variable by one operation instead of fourteen.

    The formula is that of `keras.optimizers.Adam`, `1 - beta` is rounded to
    the variable's dtype; passes over the memory are saved. Other optimizers,
    Adam with `amsgrad` and all under a `tf.distribute` strategy stay as they
    are, and so does what an optimizer saves.

    Args:
        optimizer: Keras optimizer.
    """
    known = keras.optimizers.Adam.update_step, Adam.update_step
    if type(optimizer).update_step not in known or optimizer.amsgrad:
        return
    if not tf.distribute.has_strategy():
        optimizer.update_step = functools.partial(fused_step, optimizer)


def fused_step(optimizer, gradient, variable, learning_rate):
    """Moves one variable as `update_step` of the optimizer's class would."""
    if isinstance(gradient, tf.IndexedSlices):
        own = type(optimizer).update_step
        return own(optimizer, gradient, variable, learning_rate)

    def cast(x):
        return ops.cast(ops.convert_to_tensor(x), variable.dtype)

    index = optimizer._get_variable_index(variable)
    beta_1 = cast(schedules.value(optimizer.beta_1))
    beta_2 = cast(schedules.value(optimizer.beta_2))
    step = cast(optimizer.iterations + 1)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[index].value.handle,
        v=optimizer._velocities[index].value.handle,
        beta1_power=ops.power(beta_1, step),
        beta2_power=ops.power(beta_2, step),
        lr=cast(learning_rate),
        beta1=beta_1,
        beta2=beta_2,
        epsilon=cast(optimizer.epsilon),
        grad=cast(gradient),
    )
