"""Penalties on the weights of a player."""

import keras
from keras import layers
from keras import ops

from keras_gan.layer_walk import leaves
from keras_gan.penalties.penalty import Penalty
from keras_gan.penalties.penalty import from_step

# Their kernels hold the filters in the last axis but one.
TRANSPOSED = (
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
)


class WeightPenalty(Penalty):
    """One number for all weights of a player, the same for each sample.

    Args:
        weight: float >= 0 or schedule.
        player: `"discriminator"` or `"generator"`.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Example:
    >>> WeightPenalty(0.1, "generator", name="size").player
    'generator'
    """

    def __init__(self, weight, player, every=1, name="weights"):
        super().__init__(weight, name, every)
        self.player = player

    def total(self, player):
        """The sum over a player's weights, a scalar."""
        raise TypeError(f"{type(self).__name__} must define total.")

    def __call__(self, discriminate, real, fake):
        """The sum over the player's weights, once for each sample."""
        total = self.total(from_step(discriminate, "player", self))
        rows = ops.shape(fake)[0]
        return self.factor * total * ops.ones((rows,), "float32")

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "player": self.player}


@keras.saving.register_keras_serializable("keras_gan")
class WeightDecay(WeightPenalty):
    """Squared size of a player's weights.

    `weight * sum of squares of all trainable weights`, biases included: the
    term lambda of the regularised objective of the tutorials. It draws the
    discriminator towards a flat one, so that its logits stay small. It is a
    sum, not a mean: a larger network needs a smaller weight. Unlike AdamW's
    decay it passes through the optimizer's scaling.

    Args:
        weight: float >= 0 or schedule, lambda.
        player: `"discriminator"` or `"generator"`.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> WeightDecay(1e-4, player="generator").name
    'weight_decay'

    Reference: the tutorials' objective. There the term stands in the
    generator's loss as well, where it has no gradient; it is left out.
    """

    def __init__(
        self,
        weight=1e-4,
        player="discriminator",
        every=1,
        name="weight_decay",
    ):
        super().__init__(weight, player, every, name)

    def total(self, player):
        """Sum of squares."""
        return sum(ops.sum(ops.square(v)) for v in player.trainable_variables)


@keras.saving.register_keras_serializable("keras_gan")
class Orthogonal(WeightPenalty):
    """Filters of a layer at right angles to each other.

    `weight * sum over kernels W of ||W^T W (1 - I)||_F^2`, with each kernel
    as a matrix `(inputs, filters)` and the product with `1 - I` taken entry
    by entry: only angles count, not lengths. Choose it for the generator,
    where it makes truncation work.

    Args:
        weight: float >= 0 or schedule, beta of the paper.
        player: `"generator"` or `"discriminator"`.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> Orthogonal(1e-4).player
    'generator'

    Reference: Brock et al., arXiv 1809.11096, equation 3. There shared
    embeddings are left out, here every weight of rank two or more counts;
    a depthwise kernel has one filter a channel and adds nothing.
    """

    def __init__(
        self, weight=1e-4, player="generator", every=1, name="orthogonal"
    ):
        super().__init__(weight, player, every, name)

    def total(self, player):
        """Squared overlaps of the filters of each kernel."""
        transposed = {
            id(layer.kernel)
            for layer in leaves(player)
            if isinstance(layer, TRANSPOSED)
        }
        kernels = [v for v in player.trainable_variables if len(v.shape) > 1]
        return sum(
            overlap(ops.swapaxes(k, -1, -2) if id(k) in transposed else k)
            for k in kernels
        )


def overlap(kernel):
    """Squared inner products of different filters, filters last."""
    matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
    gram = ops.matmul(ops.transpose(matrix), matrix)
    return ops.sum(ops.square(gram * (1.0 - ops.eye(gram.shape[0]))))
