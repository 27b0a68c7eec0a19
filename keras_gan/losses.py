"""Adversarial losses: logits to per-sample values, both players in one class.

In the formulas `r` are the logits of real samples, `f` the logits of fakes,
both before any sigmoid, and `softplus(t) = log(1 + exp(t))`.
"""

import keras
from keras import ops


def per_sample(values):
    """Mean over all axes but the first: patch logits become one value."""
    values = ops.convert_to_tensor(values)
    if len(values.shape) == 0:
        raise ValueError(
            "Losses, penalties and logits need one value a sample, (batch,) "
            "or (batch, ...); the model takes the mean. Received: a scalar"
        )
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1)


def as_float(logits):
    """Logits in float32, or wider if they came wider."""
    logits = ops.convert_to_tensor(logits)
    if keras.backend.standardize_dtype(logits.dtype) == "float64":
        return logits
    return ops.cast(logits, "float32")


class AdversarialLoss:
    """What an adversarial loss looks like; subclass it to write your own.

    A subclass implements `discriminator_values` and `generator_values`, both
    `(real_logits, fake_logits)` to values of the same shape. This class
    computes in float32 or wider and averages patch logits, so that
    `discriminator_loss` and `generator_loss` give one value per sample. The
    mean over the batch is taken by `keras_gan.GAN`, never by a loss.

    Call arguments:
        real_logits: `(batch, ...)` logits of real samples.
        fake_logits: logits of fakes, same shape.

    Returns:
        Float tensor `(batch,)`.

    Example:
    >>> class Margin(AdversarialLoss):
    ...     def discriminator_values(self, real_logits, fake_logits):
    ...         return ops.relu(2.0 - real_logits + fake_logits)
    ...     def generator_values(self, real_logits, fake_logits):
    ...         return -fake_logits
    >>> Margin().discriminator_loss([[1.0]], [[0.0]]).numpy().tolist()
    [1.0]
    """

    def discriminator_loss(self, real_logits, fake_logits):
        """What the discriminator minimises, per sample."""
        values = self.discriminator_values(
            as_float(real_logits), as_float(fake_logits)
        )
        return per_sample(values)

    def generator_loss(self, real_logits, fake_logits):
        """What the generator minimises, per sample."""
        values = self.generator_values(
            as_float(real_logits), as_float(fake_logits)
        )
        return per_sample(values)

    def get_config(self):
        """Constructor arguments; none by default."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The loss that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan")
class NonSaturating(AdversarialLoss):
    """The loss of the GAN tutorials; choose it to reproduce them.

    Discriminator: `softplus(-r) + softplus(f)`; generator: `softplus(-f)`.
    At `r = f = 0` the discriminator's value is `2 ln 2`.

    Example:
    >>> loss = NonSaturating()
    >>> round(float(loss.generator_loss([[0.0]], [[0.0]])[0]), 6)
    0.693147

    Reference: Goodfellow et al., arXiv 1406.2661, section 3. The
    discriminator's value is the sum of its two terms, not their average.
    """

    def discriminator_values(self, real_logits, fake_logits):
        return ops.softplus(-real_logits) + ops.softplus(fake_logits)

    def generator_values(self, real_logits, fake_logits):
        return ops.softplus(-fake_logits)


@keras.saving.register_keras_serializable("keras_gan")
class Minimax(NonSaturating):
    """The original two-player game; choose it to study saturation.

    Discriminator: `softplus(-r) + softplus(f)`; generator: `-softplus(f)`.
    The generator's gradient vanishes where the discriminator wins, which is
    why `NonSaturating` is what people train with.

    Example:
    >>> loss = Minimax()
    >>> round(float(loss.generator_loss([[0.0]], [[0.0]])[0]), 6)
    -0.693147

    Reference: Goodfellow et al., arXiv 1406.2661, equation 1.
    """

    def generator_values(self, real_logits, fake_logits):
        return -ops.softplus(fake_logits)


@keras.saving.register_keras_serializable("keras_gan")
class LeastSquares(AdversarialLoss):
    """LSGAN; choose it for a gradient that does not saturate.

    Discriminator: `(r - 1)^2 / 2 + f^2 / 2`; generator: `(f - 1)^2 / 2`.
    Applied to logits: do not put a sigmoid at the end of the discriminator.

    Example:
    >>> LeastSquares().generator_loss([[0.0]], [[3.0]]).numpy().tolist()
    [2.0]

    Reference: Mao et al., arXiv 1611.04076, with a = 0 and b = c = 1.
    """

    def discriminator_values(self, real_logits, fake_logits):
        return (ops.square(real_logits - 1.0) + ops.square(fake_logits)) / 2.0

    def generator_values(self, real_logits, fake_logits):
        return ops.square(fake_logits - 1.0) / 2.0


@keras.saving.register_keras_serializable("keras_gan")
class Wasserstein(AdversarialLoss):
    """Difference of mean logits; needs a penalty such as `WGANGP`.

    Discriminator: `f - r`; generator: `-f`. Minus the discriminator's loss
    estimates the Wasserstein-1 distance if the discriminator is 1-Lipschitz.

    Example:
    >>> Wasserstein().discriminator_loss([[2.0]], [[-0.5]]).numpy().tolist()
    [-2.5]

    Reference: Arjovsky et al., arXiv 1701.07875. The paper clips weights;
    here a penalty given to `compile` keeps the discriminator smooth.
    """

    def discriminator_values(self, real_logits, fake_logits):
        return fake_logits - real_logits

    def generator_values(self, real_logits, fake_logits):
        return -fake_logits


@keras.saving.register_keras_serializable("keras_gan")
class Hinge(Wasserstein):
    """Margin loss; the usual choice with spectral normalisation.

    Discriminator: `relu(1 - r) + relu(1 + f)`; generator: `-f`.

    Example:
    >>> Hinge().discriminator_loss([[2.0]], [[-0.5]]).numpy().tolist()
    [0.5]

    Reference: Lim & Ye, arXiv 1705.02894; Miyato et al., arXiv 1802.05957.
    """

    def discriminator_values(self, real_logits, fake_logits):
        return ops.relu(1.0 - real_logits) + ops.relu(1.0 + fake_logits)


@keras.saving.register_keras_serializable("keras_gan")
class RelativisticAverage(AdversarialLoss):
    """Real samples against the average fake, and the reverse (RaGAN).

    Discriminator: `softplus(-(r - mean f)) + softplus(f - mean r)`;
    generator: `softplus(r - mean f) + softplus(-(f - mean r))`. The means
    run over the local batch, so they differ between replicas.

    Example:
    >>> loss = RelativisticAverage()
    >>> round(float(loss.generator_loss([[1.0]], [[1.0]])[0]), 6)
    1.386294

    Reference: Jolicoeur-Martineau, arXiv 1807.00734. The discriminator's
    value is the sum of the two terms, not their average.
    """

    def discriminator_values(self, real_logits, fake_logits):
        real = real_logits - ops.mean(fake_logits)
        fake = fake_logits - ops.mean(real_logits)
        return ops.softplus(-real) + ops.softplus(fake)

    def generator_values(self, real_logits, fake_logits):
        return self.discriminator_values(fake_logits, real_logits)


@keras.saving.register_keras_serializable("keras_gan")
class Relativistic(AdversarialLoss):
    """Each real sample against the fake of the same row (RpGAN).

    Discriminator: `softplus(-(r - f))`; generator: `softplus(-(f - r))`.
    Together with the penalty `ZeroCentered` it is the objective that
    converges and covers modes at fixed defaults; the first choice here.
    Logits matter only as differences: adding a constant changes nothing.

    Example:
    >>> loss = Relativistic()
    >>> round(float(loss.discriminator_loss([[5.0]], [[5.0]])[0]), 6)
    0.693147

    Reference: Jolicoeur-Martineau, arXiv 1807.00734; Huang et al.,
    arXiv 2501.05441. The generator's half sees the real batch of the
    discriminator's half, not a fresh one.
    """

    def discriminator_values(self, real_logits, fake_logits):
        return ops.softplus(fake_logits - real_logits)

    def generator_values(self, real_logits, fake_logits):
        return ops.softplus(real_logits - fake_logits)


LOSSES = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "least_squares": LeastSquares,
    "wasserstein": Wasserstein,
    "hinge": Hinge,
    "relativistic_average": RelativisticAverage,
    "relativistic": Relativistic,
}


def get(identifier):
    """The adversarial loss of that name, or the object itself.

    Args:
        identifier: one of the names in `keras_gan.losses.LOSSES`, or an
            object with the methods `discriminator_loss` and
            `generator_loss`, both `(real_logits, fake_logits)` -> `(batch,)`.

    Returns:
        An object with both methods.

    Raises:
        ValueError: the name is unknown, or a method is missing.

    Example:
    >>> type(get("hinge")).__name__
    'Hinge'
    """
    if isinstance(identifier, str) and identifier in LOSSES:
        return LOSSES[identifier]()
    methods = ("discriminator_loss", "generator_loss")
    is_object = not isinstance(identifier, (str, type))
    if is_object and all(
        callable(getattr(identifier, m, None)) for m in methods
    ):
        return identifier
    raise ValueError(
        f"`loss` must be one of {sorted(LOSSES)} or an object with the "
        f"methods {methods[0]} and {methods[1]}. Received: loss={identifier!r}"
    )
