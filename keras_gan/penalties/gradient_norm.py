"""Penalties on the norm of the gradient of the logits in the samples."""

import keras
from keras import ops

from keras_gan.checks import check_flag
from keras_gan.checks import check_number
from keras_gan.gradients import with_slope
from keras_gan.losses import per_sample
from keras_gan.penalties.penalty import Penalty
from keras_gan.replicas import global_std


def squared_gradient_norm(discriminate, x):
    """Squared norm of the gradient of the logits in each sample.

    `sum over all axes but the first of (d discriminate(x) / d x)^2`, for
    samples of any rank, computed in float32 or wider. Patch logits are
    averaged first, as the losses do.

    Args:
        discriminate: callable, samples `(batch, ...)` to logits; what a
            model's step gives differentiates the pass of the loss where
            there was one.
        x: float tensor `(batch, ...)`.

    Returns:
        Float tensor `(batch,)`.

    Example:
    >>> slope = lambda x: ops.sum(3.0 * x, axis=-1)
    >>> squared_gradient_norm(slope, ops.ones((1, 4))).numpy().tolist()
    [36.0]
    """
    if hasattr(discriminate, "slope"):
        gradient = discriminate.slope(x)
    else:
        _, slope = with_slope(discriminate, x, per_sample)
        gradient = slope()
    return ops.sum(
        ops.square(ops.reshape(gradient, (ops.shape(x)[0], -1))), axis=-1
    )


@keras.saving.register_keras_serializable("keras_gan")
class R1(Penalty):
    """Zero-centred gradient penalty on real samples.

    `weight / 2 * ||grad D(real)||^2`. Choose it with `"non_saturating"`;
    with `"relativistic"` it is not enough, take `ZeroCentered`.

    Args:
        weight: float >= 0 or schedule, gamma of the paper, multiplies 1/2.
        name: key of the logged value.
        every: integer >= 1, see `Penalty`.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> R1(weight=2.0)(slope, ops.ones((1, 2)), None).numpy().tolist()
    [25.0]

    Reference: Mescheder et al., arXiv 1801.04406, equation 9.
    """

    generates = False

    def __init__(self, weight=10.0, name="r1", every=1):
        super().__init__(weight, name, every)

    def __call__(self, discriminate, real, fake):
        """The penalty of each real sample."""
        return self.factor / 2 * squared_gradient_norm(discriminate, real)


@keras.saving.register_keras_serializable("keras_gan")
class R2(Penalty):
    """Zero-centred gradient penalty on fakes.

    `weight / 2 * ||grad D(fake)||^2`.

    Args:
        weight: float >= 0 or schedule, gamma of the paper, multiplies 1/2.
        name: key of the logged value.
        every: integer >= 1, see `Penalty`.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> R2(weight=2.0)(slope, None, ops.ones((1, 2))).numpy().tolist()
    [25.0]

    Reference: Mescheder et al., arXiv 1801.04406, equation 10.
    """

    generates = False

    def __init__(self, weight=10.0, name="r2", every=1):
        super().__init__(weight, name, every)

    def __call__(self, discriminate, real, fake):
        """The penalty of each fake."""
        return self.factor / 2 * squared_gradient_norm(discriminate, fake)


@keras.saving.register_keras_serializable("keras_gan")
class ZeroCentered(Penalty):
    """R1 and R2 together.

    `weight / 2 * (||grad D(real)||^2 + ||grad D(fake)||^2)`. The partner of
    `"relativistic"`.

    Args:
        weight: float >= 0 or schedule, gamma of the paper, multiplies 1/2.
        name: key of the logged value.
        every: integer >= 1, see `Penalty`.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> x = ops.ones((1, 2))
    >>> ZeroCentered(weight=2.0)(slope, x, x).numpy().tolist()
    [50.0]

    Reference: Huang et al., arXiv 2501.05441.
    """

    generates = False

    def __init__(self, weight=1.0, name="zero_centered", every=1):
        super().__init__(weight, name, every)

    def __call__(self, discriminate, real, fake):
        """The penalty of each pair of a real sample and a fake."""
        norms = squared_gradient_norm(discriminate, real)
        norms += squared_gradient_norm(discriminate, fake)
        return self.factor / 2 * norms


@keras.saving.register_keras_serializable("keras_gan")
class WGANGP(Penalty):
    """Gradient norm one between real samples and fakes.

    `weight * (sqrt(||grad D(x)||^2 + epsilon) - 1)^2` at
    `x = t * real + (1 - t) * fake`, `t` uniform in [0, 1), one `t` a sample.
    The partner of `"wasserstein"`, with several `d_steps`.

    Args:
        weight: float >= 0 or schedule, lambda of the paper.
        epsilon: float > 0, keeps the gradient of the root finite at zero.
        name: key of the logged value.
        one_sided: whether only norms above one are punished:
            `weight * max(0, norm - 1)^2`.
        every: integer >= 1, see `Penalty`.

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

    generates = False

    def __init__(
        self,
        weight=10.0,
        epsilon=1e-12,
        name="wgan_gp",
        one_sided=False,
        every=1,
    ):
        super().__init__(weight, name, every)
        check_number("epsilon", epsilon, minimum=1e-30, maximum=1)
        check_flag("one_sided", one_sided)
        self.one_sided = one_sided
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
        excess = ops.relu(norm - 1.0) if self.one_sided else norm - 1.0
        return self.factor * ops.square(excess)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "one_sided": self.one_sided,
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable("keras_gan")
class DRAGAN(Penalty):
    """Gradient norm `k` in the neighbourhood of real samples.

    `weight * (sqrt(||grad D(x)||^2 + epsilon) - k)^2` at `x = real + delta`.
    Choose it with `"non_saturating"` where R1 is too strong: it says nothing
    about the fakes and tolerates slopes of norm `k`. Two readings of the
    paper are in use:

    - default: `delta = a * std / 2 * u`, one `a` a sample and one `u` a
      value, both uniform in [0, 1): samples only become larger;
    - `symmetric`: `delta = std * (u - 1/2)`.

    `std` is the standard deviation of all values of the global batch.

    Args:
        weight: float >= 0 or schedule.
        k: float >= 0, the norm asked for.
        symmetric: which reading.
        epsilon: float > 0, keeps the gradient of the root finite at zero.
        name: key of the logged value.
        every: integer >= 1, see `Penalty`.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> slope = lambda x: ops.matmul(x, [[3.0], [4.0]])
    >>> round(float(DRAGAN()(slope, ops.ones((1, 2)), None)[0]), 3)
    160.0

    Reference: Kodali et al., arXiv 1705.07215. Nothing is clipped to the
    range of the data; epsilon is ours.
    """

    generates = False
    whole_batch = True

    def __init__(
        self,
        weight=10.0,
        k=1.0,
        symmetric=False,
        epsilon=1e-12,
        name="dragan",
        every=1,
    ):
        super().__init__(weight, name, every)
        check_number("k", k, minimum=0)
        check_number("epsilon", epsilon, minimum=1e-30, maximum=1)
        self.k = k
        check_flag("symmetric", symmetric)
        self.symmetric = symmetric
        self.epsilon = epsilon

    def perturb(self, real):
        """A random point near each real sample."""

        def uniform(shape):
            return keras.random.uniform(
                shape, dtype=real.dtype, seed=self.seed_generator
            )

        deviation, noise = global_std(real), uniform(ops.shape(real))
        if self.symmetric:
            return real + deviation * (noise - 0.5)
        rows = [ops.shape(real)[0]] + [1] * (len(real.shape) - 1)
        return real + uniform(rows) * 0.5 * deviation * noise

    def __call__(self, discriminate, real, fake):
        """The penalty of each real sample."""
        norm = squared_gradient_norm(discriminate, self.perturb(real))
        norm = ops.sqrt(norm + self.epsilon)
        return self.factor * ops.square(norm - self.k)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "k": self.k,
            "symmetric": self.symmetric,
            "epsilon": self.epsilon,
        }
