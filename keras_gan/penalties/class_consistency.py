"""A penalty on classes that change where they should not."""

import keras
from keras import ops

from keras_gan.penalties.consistency import Transforming
from keras_gan.penalties.penalty import from_step


@keras.saving.register_keras_serializable("keras_gan")
class ClassConsistency(Transforming):
    """Between two samples, the classes are between theirs.

    For pairs of neighbours in the batch, `(x_i, x_j)`, and `s ~ U(0, 1)`, one
    draw a sample:

        weight * -sum over classes of q log p(s T(x_i) + (1 - s) T(x_j))
        q = s q_i + (1 - s) q_j

    p are the probabilities by the discriminator's class logits, in training
    and of augmented samples, as all it sees. `q_i` is the label; where that is
    missing, -1, it is p(x_i), and no gradient flows through it. Choose it for
    `SemiSupervisedGAN`, where labels are few: classes then change where
    samples are rare. With all labels known it is mixup. The value falls to
    the entropy of q, not to 0.

    Neighbours are rows 0 and 1, 2 and 3 and so on, of each replica: replicas
    of an odd number of rows pair others than one replica does. A row of sample
    weight 0 is still in the mix of its neighbour.

    Args:
        weight: float >= 0 or schedule.
        transform: Keras layer or registered function, samples to samples, that
            leaves the class as it is. None: a random flip and shift by up to
            1/8 with reflection, each image by its own draw; images only.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        TypeError: `transform` is no callable; the model has no classes.
        ValueError: `weight` is out of range; no `transform` for samples that
            are no images.

    Example:
    >>> ClassConsistency(0.5).name
    'class_consistency'

    Reference: interpolation consistency, Verma et al., arXiv 1903.03825, where
    an averaged network makes the guess, unlabelled samples mix with each other
    only, errors are squared, the share is of a beta distribution and the
    weight rises; in a semi-supervised GAN, Chen et al., arXiv 2007.03844;
    mixup, Zhang et al., arXiv 1710.09412.
    """

    # The layer of the logits beside the classes is left alone.
    reaches_all = False
    generates = False

    def __init__(
        self, weight=1.0, transform=None, every=1, name="class_consistency"
    ):
        super().__init__(weight, transform, every, name)

    def __call__(self, discriminate, real, fake):
        """The penalty of each real sample."""
        class_logits = from_step(discriminate, "class_logits", self)
        guess = ops.stop_gradient(ops.softmax(class_logits(real)))
        labels = ops.reshape(discriminate.condition, (-1, 1))
        known = ops.one_hot(labels[:, 0], guess.shape[1], dtype=guess.dtype)
        wanted = ops.where(labels >= 0, known, guess)
        share = keras.random.uniform(
            (ops.shape(real)[0],), dtype=guess.dtype, seed=self.seed_generator
        )
        logits = class_logits(mixed(self.transformed(real), share))
        return self.factor * keras.losses.categorical_crossentropy(
            mixed(wanted, share), logits, from_logits=True
        )


def mixed(x, share):
    """Each row by its share, and its neighbour by the rest.

    Neighbours are rows 0 and 1, 2 and 3 and so on, so that they stay together
    on replicas of an even number of rows; an odd last row stays alone.

    Args:
        x: float tensor `(batch, ...)`.
        share: float tensor `(batch,)` in [0, 1].

    Returns:
        Float tensor of the shape of `x`.
    """
    rows = ops.arange(ops.shape(x)[0])
    neighbours = ops.minimum(ops.bitwise_xor(rows, 1), rows[-1])
    share = ops.reshape(share, (-1, *[1] * (len(x.shape) - 1)))
    share = ops.cast(share, x.dtype)
    return share * x + (1.0 - share) * ops.take(x, neighbours, axis=0)
