"""Adversarial losses: logits to per-sample values, both players in one class.

In the formulas `r` are the logits of real samples, `f` the logits of fakes,
both before any sigmoid, and `softplus(t) = log(1 + exp(t))`.
"""

import copy

import keras
from keras import ops

from keras_gan.checks import check_number
from keras_gan.replicas import global_mean


def per_sample(values):
    """Mean over all axes but the first, in float32 or wider.

    Patch logits become one value; half precision ends here.
    """
    values = as_float(values)
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
    mean over the batch is taken by `keras_gan.GAN`, never by a loss. A
    subclass with arguments of its own extends `get_config`; one that
    `update="one_stage"` may use sets `one_stage = True`.

    Args:
        label_noise: float in [0, 1], probability with which the
            discriminator takes a real sample for a fake and the fake of the
            same row for real. Each row has its own draw; in training only.

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

    # Whether `d discriminator_values / d fake_logits` is never zero where
    # the generator's is not, row by row: what `update="one_stage"` needs.
    one_stage = False
    label_noise = 0.0
    seed_generator = None

    def __init__(self, label_noise=0.0):
        check_number("label_noise", label_noise, minimum=0, maximum=1)
        self.label_noise = label_noise

    def discriminator_loss(self, real_logits, fake_logits):
        """What the discriminator minimises, per sample."""
        logits = as_float(real_logits), as_float(fake_logits)
        if self.label_noise:
            logits = self.swapped(*logits)
        return per_sample(self.discriminator_values(*logits))

    def swapped(self, real_logits, fake_logits):
        """Both vectors, with the rows exchanged that the noise hits."""
        rows = [ops.shape(real_logits)[0]] + [1] * (len(real_logits.shape) - 1)
        draw = keras.random.uniform(rows, seed=self.seed_generator)
        hit = draw < self.label_noise
        return (
            ops.where(hit, fake_logits, real_logits),
            ops.where(hit, real_logits, fake_logits),
        )

    def generator_loss(self, real_logits, fake_logits):
        """What the generator minimises, per sample."""
        values = self.generator_values(
            as_float(real_logits), as_float(fake_logits)
        )
        return per_sample(values)

    def get_config(self):
        """Constructor arguments; those of this class where they are set."""
        return {"label_noise": self.label_noise} if self.label_noise else {}

    @classmethod
    def from_config(cls, config):
        """The loss that `get_config` describes."""
        return cls(**config)


class SmoothedLoss(AdversarialLoss):
    """A loss with a label for real samples that may be softened.

    Args:
        label_smoothing: float in [0, 1], what the label of real samples
            falls short of one by. Fakes keep theirs (one-sided).
        label_noise: float in [0, 1], see `AdversarialLoss`.

    Example:
    >>> SmoothedLoss(label_smoothing=0.1).label_smoothing
    0.1
    """

    def __init__(self, label_smoothing=0.0, label_noise=0.0):
        super().__init__(label_noise)
        check_number("label_smoothing", label_smoothing, minimum=0, maximum=1)
        self.label_smoothing = label_smoothing

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("keras_gan")
class NonSaturating(SmoothedLoss):
    """The loss of the GAN tutorials; choose it to reproduce them.

    Discriminator: `softplus(-r) + softplus(f)`; generator: `softplus(-f)`.
    At `r = f = 0` the discriminator's value is `2 ln 2`. With
    `label_smoothing = s` the first term is `softplus(-r) + s * r`, the
    cross-entropy with the label `1 - s`, which keeps the discriminator from
    growing too sure.

    Args:
        label_smoothing: float in [0, 1], s.
        label_noise: float in [0, 1], see `AdversarialLoss`.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> loss = NonSaturating()
    >>> round(float(loss.generator_loss([[0.0]], [[0.0]])[0]), 6)
    0.693147

    Reference: Goodfellow et al., arXiv 1406.2661, section 3. The
    discriminator's value is the sum of its two terms, not their average.
    One-sided label smoothing: Salimans et al., arXiv 1606.03498, section 3.4.
    """

    one_stage = True

    def discriminator_values(self, real_logits, fake_logits):
        values = ops.softplus(-real_logits) + ops.softplus(fake_logits)
        return values + self.label_smoothing * real_logits

    def generator_values(self, real_logits, fake_logits):
        return ops.softplus(-fake_logits)


@keras.saving.register_keras_serializable("keras_gan")
class Minimax(NonSaturating):
    """The original two-player game; choose it to study saturation.

    Discriminator: `softplus(-r) + softplus(f)`; generator: `-softplus(f)`.
    The generator's gradient vanishes where the discriminator wins, which is
    why `NonSaturating` is what people train with; its arguments are taken
    here too.

    Example:
    >>> loss = Minimax()
    >>> round(float(loss.generator_loss([[0.0]], [[0.0]])[0]), 6)
    -0.693147

    Reference: Goodfellow et al., arXiv 1406.2661, equation 1.
    """

    def generator_values(self, real_logits, fake_logits):
        return -ops.softplus(fake_logits)


@keras.saving.register_keras_serializable("keras_gan")
class LeastSquares(SmoothedLoss):
    """LSGAN; choose it for a gradient that does not saturate.

    Discriminator: `(r - b)^2 / 2 + f^2 / 2` with `b = 1 - label_smoothing`;
    generator: `(f - 1)^2 / 2`. Applied to logits: do not put a sigmoid at
    the end of the discriminator.

    Args:
        label_smoothing: float in [0, 1].
        label_noise: float in [0, 1], see `AdversarialLoss`.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> LeastSquares().generator_loss([[0.0]], [[3.0]]).numpy().tolist()
    [2.0]

    Reference: Mao et al., arXiv 1611.04076, with a = 0 and c = 1.
    """

    def discriminator_values(self, real_logits, fake_logits):
        real = real_logits - (1.0 - self.label_smoothing)
        return (ops.square(real) + ops.square(fake_logits)) / 2.0

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
    here a penalty given to `compile` keeps the discriminator smooth, or
    `keras_gan.constraints.WeightClip` among the penalties.
    """

    one_stage = True

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

    one_stage = False

    def discriminator_values(self, real_logits, fake_logits):
        return ops.relu(1.0 - real_logits) + ops.relu(1.0 + fake_logits)


@keras.saving.register_keras_serializable("keras_gan")
class RelativisticAverage(AdversarialLoss):
    """Real samples against the average fake, and the reverse (RaGAN).

    Discriminator: `softplus(-(r - mean f)) + softplus(f - mean r)`;
    generator: `softplus(r - mean f) + softplus(-(f - mean r))`. The means
    run over the global batch.

    Example:
    >>> loss = RelativisticAverage()
    >>> round(float(loss.generator_loss([[1.0]], [[1.0]])[0]), 6)
    1.386294

    Reference: Jolicoeur-Martineau, arXiv 1807.00734. The discriminator's
    value is the sum of the two terms, not their average.
    """

    def discriminator_values(self, real_logits, fake_logits):
        real = real_logits - global_mean(fake_logits)
        fake = fake_logits - global_mean(real_logits)
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

    one_stage = True

    def discriminator_values(self, real_logits, fake_logits):
        return ops.softplus(fake_logits - real_logits)

    def generator_values(self, real_logits, fake_logits):
        return ops.softplus(real_logits - fake_logits)


def adopt(loss, seed_generator):
    """Lets a loss with noise draw from the model's seeds.

    Raises:
        ValueError: it draws from those of another model.
    """
    if not getattr(loss, "label_noise", 0.0):
        return
    if loss.seed_generator not in (None, seed_generator):
        raise ValueError(
            "Each model needs a loss object of its own where labels are "
            f"noisy. Received: {loss!r}, which another model uses"
        )
    loss.seed_generator = seed_generator


def without_noise(loss):
    """The same loss with the labels as they are, for evaluation."""
    if not getattr(loss, "label_noise", 0.0):
        return loss
    clean = copy.copy(loss)
    clean.label_noise = 0.0
    return clean


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
