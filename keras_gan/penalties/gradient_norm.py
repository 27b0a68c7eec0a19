"""Gradient penalties: (discriminate, real, fake) to per-sample values."""

import keras
from keras import ops

from keras_gan.checks import check_number
from keras_gan.gradients import input_gradient
from keras_gan.losses import per_sample


def squared_gradient_norm(discriminate, x):
    """Squared norm of the gradient of the logits in each sample.

    `sum over all axes but the first of (d discriminate(x) / d x)^2`, for
    samples of any rank, computed in float32 or wider. Patch logits are
    averaged first, as the losses do.

    Args:
        discriminate: callable, samples `(batch, ...)` to logits.
        x: float tensor `(batch, ...)`.

    Returns:
        Float tensor `(batch,)`.

    Example:
    >>> slope = lambda x: ops.sum(3.0 * x, axis=-1)
    >>> squared_gradient_norm(slope, ops.ones((1, 4))).numpy().tolist()
    [36.0]
    """

    def logits(x):
        return per_sample(ops.cast(discriminate(x), x.dtype))

    gradient = input_gradient(logits, x)
    return ops.sum(
        ops.square(ops.reshape(gradient, (ops.shape(x)[0], -1))), axis=-1
    )


class Penalty:
    """What a penalty looks like; subclass it to write your own.

    A penalty is added to the discriminator's loss. It is a callable with a
    `name` (its key in the logs) and a `weight`.

    Args:
        weight: float >= 0. Each class says whether it multiplies 1/2.
        name: string, key of the logged value.

    Call arguments:
        discriminate: callable, samples to logits, augmentation included.
        real: float tensor `(batch, ...)` of real samples.
        fake: float tensor of the same shape, from the generator.

    Returns:
        Float tensor `(batch,)`, the weight included.

    Raises:
        ValueError: `weight` is negative or not finite.

    Example:
    >>> class Drift(Penalty):
    ...     def __call__(self, discriminate, real, fake):
    ...         return self.weight * ops.square(discriminate(real)[:, 0])
    >>> drift = Drift(weight=0.5, name="drift")
    >>> drift(lambda x: x, ops.ones((2, 1)), None).numpy().tolist()
    [0.5, 0.5]
    """

    def __init__(self, weight, name):
        check_number("weight", weight, minimum=0)
        self.weight = weight
        self.name = name
        # The model replaces it by its own, so that one state is saved.
        self.seed_generator = None

    def __call__(self, discriminate, real, fake):
        """The penalty of each sample."""
        raise TypeError(f"{type(self).__name__} must define __call__.")

    def get_config(self):
        """Constructor arguments."""
        return {"weight": self.weight, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """The penalty that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan")
class R1(Penalty):
    """Zero-centred gradient penalty on real samples.

    `weight / 2 * ||grad D(real)||^2`. Choose it with `"non_saturating"`;
    with `"relativistic"` it is not enough, take `ZeroCentered`.

    Args:
        weight: float >= 0, gamma of the paper, multiplies 1/2.
        name: key of the logged value.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> R1(weight=2.0)(slope, ops.ones((1, 2)), None).numpy().tolist()
    [25.0]

    Reference: Mescheder et al., arXiv 1801.04406, equation 9.
    """

    def __init__(self, weight=10.0, name="r1"):
        super().__init__(weight, name)

    def __call__(self, discriminate, real, fake):
        """The penalty of each real sample."""
        return self.weight / 2 * squared_gradient_norm(discriminate, real)


@keras.saving.register_keras_serializable("keras_gan")
class R2(Penalty):
    """Zero-centred gradient penalty on fakes.

    `weight / 2 * ||grad D(fake)||^2`.

    Args:
        weight: float >= 0, gamma of the paper, multiplies 1/2.
        name: key of the logged value.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> R2(weight=2.0)(slope, None, ops.ones((1, 2))).numpy().tolist()
    [25.0]

    Reference: Mescheder et al., arXiv 1801.04406, equation 10.
    """

    def __init__(self, weight=10.0, name="r2"):
        super().__init__(weight, name)

    def __call__(self, discriminate, real, fake):
        """The penalty of each fake."""
        return self.weight / 2 * squared_gradient_norm(discriminate, fake)


@keras.saving.register_keras_serializable("keras_gan")
class ZeroCentered(Penalty):
    """R1 and R2 together, in one pass through the discriminator.

    `weight / 2 * (||grad D(real)||^2 + ||grad D(fake)||^2)`. The partner of
    `"relativistic"`. The pass runs on real and fake samples as one batch, so
    the discriminator must not couple samples: no batch normalisation.

    Args:
        weight: float >= 0, gamma of the paper, multiplies 1/2.
        name: key of the logged value.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> x = ops.ones((1, 2))
    >>> ZeroCentered(weight=2.0)(slope, x, x).numpy().tolist()
    [50.0]

    Reference: Huang et al., arXiv 2501.05441.
    """

    def __init__(self, weight=1.0, name="zero_centered"):
        super().__init__(weight, name)

    def __call__(self, discriminate, real, fake):
        """The penalty of each pair of a real sample and a fake."""
        both = ops.concatenate([real, fake], axis=0)
        norms = squared_gradient_norm(discriminate, both)
        num_real = ops.shape(real)[0]
        return self.weight / 2 * (norms[:num_real] + norms[num_real:])


@keras.saving.register_keras_serializable("keras_gan")
class WGANGP(Penalty):
    """Gradient norm one between real samples and fakes.

    `weight * (sqrt(||grad D(x)||^2 + epsilon) - 1)^2` at
    `x = t * real + (1 - t) * fake`, `t` uniform in [0, 1), one `t` a sample.
    The partner of `"wasserstein"`, with several `d_steps`.

    Args:
        weight: float >= 0, lambda of the paper.
        epsilon: float > 0, keeps the gradient of the root finite at zero.
        name: key of the logged value.

    Raises:
        ValueError: `weight` or `epsilon` out of range.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> x = ops.ones((1, 2))
    >>> round(float(WGANGP()(slope, x, x)[0]), 3)
    160.0

    Reference: Gulrajani et al., arXiv 1704.00028, equation 3; epsilon is
    ours, without it a zero gradient gives NaN.
    """

    def __init__(self, weight=10.0, epsilon=1e-12, name="wgan_gp"):
        super().__init__(weight, name)
        check_number("epsilon", epsilon, minimum=1e-30, maximum=1)
        self.epsilon = epsilon

    def interpolate(self, real, fake):
        """A random point between each real sample and its fake."""
        shape = [ops.shape(real)[0]] + [1] * (len(real.shape) - 1)
        t = keras.random.uniform(
            shape, dtype=real.dtype, seed=self.seed_generator
        )
        return t * real + (1.0 - t) * fake

    def __call__(self, discriminate, real, fake):
        """The penalty of each pair of a real sample and a fake."""
        between = self.interpolate(real, fake)
        norm = ops.sqrt(
            squared_gradient_norm(discriminate, between) + self.epsilon
        )
        return self.weight * ops.square(norm - 1.0)

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


def name(penalty):
    """The key under which a penalty is logged."""
    return getattr(penalty, "name", None) or penalty.__name__


def values(penalties, discriminate, real, fake):
    """Per-sample values of several penalties, by name."""
    return {
        name(penalty): per_sample(penalty(discriminate, real, fake))
        for penalty in penalties
    }


def adopt(penalties, seed_generator):
    """Lets penalties draw from the model's seeds.

    Raises:
        ValueError: one of them draws from those of another model.
    """
    own = [penalty for penalty in penalties if isinstance(penalty, Penalty)]
    for penalty in own:
        if penalty.seed_generator not in (None, seed_generator):
            raise ValueError(
                "Each model needs penalty objects of its own. Received: "
                f"{penalty!r}, which another model uses"
            )
    for penalty in own:
        penalty.seed_generator = seed_generator


def check(penalties):
    """The penalties as a list.

    Args:
        penalties: list or tuple of callables.

    Returns:
        List of callables, each with a name.

    Raises:
        TypeError: an entry is not callable, or a class instead of an object.
    """
    penalties = [penalties] if callable(penalties) else list(penalties or ())
    for penalty in penalties:
        named = hasattr(penalty, "name") or hasattr(penalty, "__name__")
        if isinstance(penalty, type) or not callable(penalty) or not named:
            raise TypeError(
                "`penalties` must hold callables with a name, such as "
                "keras_gan.penalties.R1(weight=10.0). "
                f"Received: {penalty!r}"
            )
    return penalties
