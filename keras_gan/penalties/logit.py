"""Penalties on the logits themselves."""

import keras
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.penalties.penalty import Penalty
from keras_gan.penalties.penalty import logits_of


@keras.saving.register_keras_serializable("keras_gan")
class Drift(Penalty):
    """Keeps the logits of real samples from drifting away.

    `weight * D(real)^2`. Choose it with `"wasserstein"` or `"relativistic"`,
    which do not care about a constant added to all logits.

    Args:
        weight: float >= 0 or schedule.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> Drift(0.5)(lambda x: x, ops.ones((2, 1)), None).numpy().tolist()
    [[0.5], [0.5]]

    Reference: Karras et al., arXiv 1710.10196, appendix A.1.
    """

    def __init__(self, weight=1e-3, every=1, name="drift"):
        super().__init__(weight, name, every)

    def __call__(self, discriminate, real, fake):
        """The penalty of each real logit."""
        return self.factor * ops.square(logits_of(discriminate, real))


@keras.saving.register_keras_serializable("keras_gan")
class LeCam(Penalty):
    """Ties the logits of each side to the other side's running mean.

    Choose it where data are few and the discriminator overfits. `aR` and
    `aF` are running means of the logits of real samples and fakes:

    - `form="paper"`: `weight * ((r - aF)^2 + (f - aR)^2)`;
    - `form="relu"`: `weight * (relu(r - aF)^2 + relu(aR - f)^2)`, the form
      of the authors' code: sides that have crossed are left alone.

    The means are updated first, `a <- decay * a + (1 - decay) * mean`, then
    used, without gradient. They are saved with the model. Under
    `tf.distribute` they follow the global batch.

    Args:
        weight: float >= 0 or schedule; 0.3 for CIFAR-10.
        decay: float in [0, 1].
        start: integer >= 0, number of its updates before which the penalty
            is zero and the means are those of the batch.
        form: `"paper"` or `"relu"`.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        ValueError: an argument is out of range, an unknown form.

    Example:
    >>> rule = LeCam(weight=1.0, decay=0.0, start=0)
    >>> real, fake = ops.ones((1, 1)), -ops.ones((1, 1))
    >>> rule(lambda x: x, real, fake).numpy().tolist()
    [[8.0]]

    Reference: Tseng et al., arXiv 2104.03310, equation 6.
    """

    forms = ("paper", "relu")

    def __init__(
        self,
        weight=0.3,
        decay=0.99,
        start=1000,
        form="paper",
        every=1,
        name="lecam",
    ):
        super().__init__(weight, name, every)
        check_number("decay", decay, minimum=0, maximum=1)
        check_integer("start", start, minimum=0)
        if form not in self.forms:
            raise ValueError(
                f"`form` must be one of {self.forms}. Received: form={form!r}"
            )
        self.decay = decay
        self.start = start
        self.form = form
        self.state = []

    @property
    def variables(self):
        """Running means of both sides and the number of updates."""
        return self.state

    def build(self):
        """Makes the running means."""

        def scalar(name):
            return keras.Variable(
                0.0, trainable=False, aggregation="mean", name=name
            )

        self.state = [scalar("real"), scalar("fake"), scalar("updates")]

    def follow(self, real_logits, fake_logits):
        """The running means after this batch, without gradient."""
        if not self.state:
            self.build()
        real, fake, updates = self.state
        decay = ops.where(updates < max(self.start, 1), 0.0, self.decay)
        for mean, logits in ((real, real_logits), (fake, fake_logits)):
            now = ops.cast(ops.stop_gradient(ops.mean(logits)), "float32")
            mean.assign(decay * mean + (1.0 - decay) * now)
        updates.assign(updates + 1.0)
        return ops.copy(real), ops.copy(fake)

    def distance(self, real_logits, fake_logits, real_mean, fake_mean):
        """How far each pair of logits is from the means; no weight."""
        above = real_logits - ops.cast(fake_mean, real_logits.dtype)
        below = ops.cast(real_mean, fake_logits.dtype) - fake_logits
        if self.form == "relu":
            above, below = ops.relu(above), ops.relu(below)
        return ops.square(above) + ops.square(below)

    def __call__(self, discriminate, real, fake):
        """The penalty of each pair of a real sample and a fake."""
        logits = logits_of(discriminate, real), logits_of(discriminate, fake)
        means = self.follow(*logits)
        started = ops.cast(self.state[2] > self.start, logits[0].dtype)
        return self.factor * started * self.distance(*logits, *means)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "decay": self.decay,
            "start": self.start,
            "form": self.form,
        }


@keras.saving.register_keras_serializable("keras_gan")
class DiscriminatorEntropy(Penalty):
    """Rewards the generator for a discriminator that is in doubt.

    `-weight * H`, `H = s(f) * softplus(-f) + s(-f) * softplus(f)` in nats,
    in [0, ln 2], the entropy of the verdict on each fake; `s` is the
    sigmoid. The term beta of the regularised objective of the tutorials.
    With it the generator's logit has a finite optimum, near 1 / weight for
    small weights, so logits no longer run away.

    Args:
        weight: float >= 0 or schedule, beta.
        player: whose loss it is added to, `"generator"` or
            `"discriminator"`.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value, which is negative.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> rule = DiscriminatorEntropy(weight=1.0)
    >>> zero = ops.zeros((1, 1))
    >>> round(float(rule(lambda x: x, None, zero)[0, 0]), 6)
    -0.693147

    Reference: the entropy of a Bernoulli variable. The shorter form
    `softplus(f) - f * s(f)` cancels in float32; this one does not.
    """

    def __init__(self, weight=0.1, player="generator", every=1, name="entropy"):
        super().__init__(weight, name, every)
        self.player = player

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "player": self.player}

    def __call__(self, discriminate, real, fake):
        """Minus the entropy of the verdict on each fake."""
        f = logits_of(discriminate, fake)
        entropy = ops.sigmoid(f) * ops.softplus(-f)
        entropy += ops.sigmoid(-f) * ops.softplus(f)
        return -self.factor * entropy


@keras.saving.register_keras_serializable("keras_gan")
class LogCrossEntropy(Penalty):
    """The generator's cross-entropy once more, on a logarithmic scale.

    `weight * log(1 - log D(G(z)))`, computed as `log1p(softplus(-f))`: the
    term gamma of the regularised objective of the tutorials. It adds
    `weight / (1 + softplus(-f))` to the factor on the gradient of
    `-log D(G(z))`: fakes that nearly convince get up to `1 + weight` times
    the gradient, hopeless ones almost none extra.

    Args:
        weight: float >= 0 or schedule, gamma.
        player: whose loss it is added to, `"generator"` or
            `"discriminator"`.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> rule = LogCrossEntropy(weight=1.0)
    >>> zero = ops.zeros((1, 1))
    >>> round(float(rule(lambda x: x, None, zero)[0, 0]), 6)
    0.526589

    Reference: none known beyond the tutorials; written as above it is finite
    for every logit.
    """

    def __init__(
        self, weight=0.1, player="generator", every=1, name="log_cross_entropy"
    ):
        super().__init__(weight, name, every)
        self.player = player

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "player": self.player}

    def __call__(self, discriminate, real, fake):
        """The term of each fake."""
        f = logits_of(discriminate, fake)
        return self.factor * ops.log1p(ops.softplus(-f))
