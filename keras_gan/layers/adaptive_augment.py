"""Augmentation whose strength follows the discriminator's overfitting."""

import keras
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.layers.diff_augment import DiffAugment


@keras.saving.register_keras_serializable("keras_gan")
class AdaptiveAugment(DiffAugment):
    """`DiffAugment` whose probability finds its own value, by ADA's rule.

    Choose it when you do not know whether you have enough images: it stays
    near 0 if you have. A discriminator that overfits gives real samples
    positive logits, so the sign tells. Every `interval` discriminator steps,
    with `n` the real samples seen in them by all replicas,

    `r = mean(sign(real logits))`,
    `p = clip(p + sign(r - target) * n / images_to_full, 0, maximum)`.

    `p` starts at 0 and is saved, as is the running interval. The signs of
    the patches of a sample are averaged. As in `DiffAugment`, each family
    changes a sample with probability `p`, independently of the others. An
    interval with a logit that is NaN leaves `p` as it is.

    Args:
        policy: string, families as in `DiffAugment`.
        target: float in [-1, 1], the mean sign that is aimed at.
        interval: integer >= 1, discriminator steps between changes of `p`.
        images_to_full: integer >= 1, real samples that take `p` from 0 to 1
            at the fastest.
        maximum: float in [0, 1], where `p` ends.
        seed: integer >= 0, or None for a random one.

    Call arguments:
        images: float tensor `(batch, height, width, channels)` in [-1, 1].
        training: whether to augment.

    Returns:
        Tensor of the same shape in the layer's compute dtype.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an unknown family, an argument out of range, no images.

    Example:
    >>> augment = AdaptiveAugment(interval=1, images_to_full=100)
    >>> augment.observe(ops.ones((25, 1)))
    >>> float(augment.probability)
    0.25

    Reference: Karras et al., arXiv 2006.06676, section 3.2. There 18
    transforms fire; here the three families of `DiffAugment` do. There `p`
    has no upper limit.
    """

    def __init__(
        self,
        policy="color,translation,cutout",
        target=0.6,
        interval=4,
        images_to_full=500_000,
        maximum=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(policy, seed=seed, **kwargs)
        check_number("target", target, minimum=-1, maximum=1)
        check_integer("interval", interval, minimum=1)
        check_integer("images_to_full", images_to_full, minimum=1)
        check_number("maximum", maximum, minimum=0, maximum=1)
        self.target = target
        self.interval = interval
        self.images_to_full = images_to_full
        self.maximum = maximum
        self.probability = self.add_state("probability")
        self.calls = self.add_state("calls", dtype="int64")
        # Sums of signs and of samples: of one call, and of the interval.
        self.latest = self.add_state("latest", (2,), aggregation="sum")
        self.total = self.add_state("total", (2,))

    def add_state(
        self, name, shape=(), dtype="float32", aggregation="only_first_replica"
    ):
        """A saved variable that starts at 0, in full precision."""
        return self.add_weight(
            shape=shape,
            initializer="zeros",
            dtype=dtype,
            trainable=False,
            autocast=False,
            aggregation=aggregation,
            name=name,
        )

    def observe(self, real_logits):
        """Counts one discriminator step; the model calls it in training.

        Args:
            real_logits: `(batch, ...)` logits of augmented real samples.

        Raises:
            ValueError: a scalar.
        """
        if not ops.shape(real_logits):
            raise ValueError(
                "`real_logits` must be (batch, ...) logits. "
                f"Received: real_logits={real_logits!r}"
            )
        # Assigned on each replica, summed over all: the global batch.
        self.latest.assign(sums(real_logits))
        self.calls.assign(self.calls + 1)
        total = self.total + self.latest
        is_due = ops.equal(self.calls % self.interval, 0)
        self.probability.assign(
            ops.where(is_due, self.moved(*ops.unstack(total)), self.probability)
        )
        self.total.assign(ops.where(is_due, 0.0, total))

    def moved(self, signs, num_samples):
        """The next probability, from an interval's sums."""
        direction = ops.sign(signs / num_samples - self.target)
        step = direction * num_samples / self.images_to_full
        step = ops.where(ops.isfinite(step), step, 0.0)
        return ops.clip(self.probability + step, 0.0, self.maximum)

    def get_config(self):
        config = super().get_config()
        del config["probability"]
        return {
            **config,
            "target": self.target,
            "interval": self.interval,
            "images_to_full": self.images_to_full,
            "maximum": self.maximum,
        }


def sums(logits):
    """Sum over the samples of their mean sign, and number of samples."""
    num_samples = ops.shape(logits)[0]
    signs = ops.sign(ops.cast(logits, "float32"))
    means = ops.mean(ops.reshape(signs, (num_samples, -1)), axis=-1)
    return ops.stack([ops.sum(means), ops.cast(num_samples, "float32")])
