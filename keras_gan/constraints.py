"""Constraints on weights."""

import keras
from keras import ops

from keras_gan.checks import check_number


@keras.saving.register_keras_serializable("keras_gan")
class WeightClip(keras.constraints.Constraint):
    """Weights within `[-limit, limit]`, the original WGAN's constraint.

    A Keras constraint: pass it as `kernel_constraint` to a layer, or among
    the `penalties` of `GAN.compile`, where it acts on all trainable weights
    of the discriminator after each of its updates. A penalty such as
    `WGANGP` is the better choice for anything but a reproduction.

    Args:
        limit: float > 0.

    Call arguments:
        w: float tensor of any shape.

    Returns:
        Tensor of the same shape.

    Raises:
        TypeError: `limit` is no number.
        ValueError: `limit` is out of range.

    Example:
    >>> WeightClip(0.5)(ops.convert_to_tensor([-2.0, 0.1])).numpy().tolist()
    [-0.5, 0.10000000149011612]

    Reference: Arjovsky et al., arXiv 1701.07875, algorithm 1.
    """

    def __init__(self, limit=0.01):
        check_number("limit", limit, minimum=1e-12)
        self.limit = limit

    def __call__(self, w):
        """The clipped weights."""
        return ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        """Constructor arguments."""
        return {"limit": self.limit}
