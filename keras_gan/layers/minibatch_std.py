"""How much a group of samples varies, as a further channel."""

import math

import keras
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.replicas import gathered
from keras_gan.replicas import own_rows

EPSILON = 1e-8


@keras.saving.register_keras_serializable("keras_gan")
class MinibatchStd(keras.layers.Layer):
    """Appends the standard deviation within groups of samples, as channels.

    Choose it near the end of a discriminator against mode collapse.

    The batch falls into n groups of G; sample i shares its group with i + n,
    i + 2n and so on. `sqrt(var + 1e-8)`, the variance over the group (divided
    by G), is averaged over all positions and channels, or over each of
    `num_features` blocks of channels, in float32 or wider. G is the largest
    divisor of the batch that is not above `group_size`. Where it is 1, as of a
    batch of one or of a prime number above `group_size`, the channels are the
    constant 1e-4 and tell nothing.

    It couples samples: gradients of one logit reach the whole group, and the
    order of the batch matters. Under `tf.distribute` the groups are those of
    the global batch, which takes a sum of `inputs` over the replicas.

    Args:
        group_size: integer >= 1. Default 4.
        num_features: integer >= 1 that divides the channels. Default 1.

    Call arguments:
        inputs: float tensor `(batch, ..., channels)` of rank 2 or more.

    Returns:
        Float tensor `(batch, ..., channels + num_features)`.

    Raises:
        TypeError, ValueError: an argument or the input does not fit.

    Example:
    >>> layer = MinibatchStd(group_size=2)
    >>> layer(ops.convert_to_tensor([[1.0], [3.0]])).numpy().tolist()
    [[1.0, 1.0], [3.0, 1.0]]

    Reference: Karras et al., arXiv 1710.10196, in the grouped form of arXiv
    1912.04958. There a batch that `group_size` does not divide is an error.
    """

    couples_samples = True

    def __init__(self, group_size=4, num_features=1, **kwargs):
        super().__init__(**kwargs)
        check_integer("group_size", group_size, minimum=1)
        check_integer("num_features", num_features, minimum=1)
        self.group_size = group_size
        self.num_features = num_features

    def build(self, input_shape):
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                "MinibatchStd takes (batch, ..., channels), the channels "
                f"known. Received: input_shape={tuple(input_shape)}"
            )
        if input_shape[-1] % self.num_features:
            raise ValueError(
                "`num_features` must divide the channels, "
                f"{input_shape[-1]} here. "
                f"Received: num_features={self.num_features}"
            )

    def call(self, inputs):
        check_floats("inputs", inputs)
        wide = keras.backend.result_type(inputs.dtype, "float32")
        x = gathered(ops.cast(inputs, wide))
        batch_size, *positions, _ = ops.shape(x)
        group = largest_divisor(batch_size, self.group_size)
        x = ops.reshape(
            x,
            (
                group,
                batch_size // group,
                math.prod(positions),
                self.num_features,
                inputs.shape[-1] // self.num_features,
            ),
        )
        deviation = ops.sqrt(ops.var(x, axis=0) + EPSILON)
        feature = ops.mean(deviation, axis=(1, 3))
        # The gradient of `tile` has a shape that is computed, which XLA takes
        # for one that varies inside a condition.
        feature = feature[None] + ops.zeros((group, 1, 1), feature.dtype)
        ones = [1] * len(positions)
        feature = ops.reshape(feature, (batch_size, *ones, self.num_features))
        feature = own_rows(
            ops.broadcast_to(
                ops.cast(feature, inputs.dtype),
                (batch_size, *positions, self.num_features),
            )
        )
        return ops.concatenate([inputs, feature], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.num_features)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "num_features": self.num_features,
        }


def largest_divisor(number, limit):
    """The largest divisor of an integer, or integer tensor, up to a limit."""
    if isinstance(number, int):
        return max(k for k in range(1, limit + 1) if number % k == 0)
    candidates = ops.arange(1, limit + 1, dtype=number.dtype)
    return ops.max(ops.where(number % candidates == 0, candidates, 1))
