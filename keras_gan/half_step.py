"""One half of a training step, as losses and penalties see it."""

from typing import Callable
from typing import NamedTuple

from keras_gan.gradients import with_slope
from keras_gan.layer_walk import without_frozen
from keras_gan.losses import per_sample
from keras_gan.players import coupling_layer
from keras_gan.players import unmoved
from keras_gan.seeds import states
from keras_gan.truncation import split_at_styles


class Pass(NamedTuple):
    """Samples, their logits, the slope of those and all outputs."""

    x: object
    logits: object
    slope: Callable
    outputs: object


class HalfStep:
    """The discriminator as a callable, and what a penalty may ask beside it.

    Args:
        gan: the model.
        player: the player that this half trains.
        condition: what a task gives to both players, or None.
        latents: those of the fakes of this half.

    Call arguments:
        x: float tensor `(batch, ...)` of samples.

    Returns:
        Their logits, augmented and in training mode.
    """

    def __init__(self, gan, player, condition, latents):
        self.gan = gan
        self.player = player
        self.generator = gan.generator
        self.condition = condition
        self.latents = latents
        self.couples_samples = coupling_layer(gan.discriminator) is not None
        self.known = []

    def meets_replicas(self, generates):
        """Whether passes look at the batch as a whole.

        Args:
            generates: whether the generator has passes too.
        """
        if self.couples_samples or not generates:
            return self.couples_samples
        moving = without_frozen(
            self.generator.non_trainable_weights, self.generator
        )
        shared = {variable.aggregation for variable in moving}
        coupled = coupling_layer(self.generator) is not None
        return coupled or not shared.isdisjoint({"mean", "sum"})

    def state(self):
        """Variables that a pass may move: statistics and seeds."""
        players = self.gan.generator, self.gan.discriminator
        moving = [
            v
            for part in players
            for v in without_frozen(part.non_trainable_variables, part)
        ]
        drawing = [] if self.gan.augment is None else states(self.gan.augment)
        return [*moving, *drawing, self.gan.seed_generator.state]

    def __call__(self, x):
        """A pass through the discriminator."""
        return self.gan.discriminate(x, self.condition, training=True)

    def judge(self, x):
        """The logits of samples, remembered for `recall` and `slope`."""
        known = self.find(x)
        if known is None:
            known = self.look(x)
            self.known.append(known)
        return known.logits

    def look(self, x):
        """A pass through the discriminator, with all that may be asked."""
        outputs = []

        def logits(x):
            outputs.append(self.gan.outputs(x, self.condition, training=True))
            return self.gan.logits(outputs[0])

        return Pass(x, *with_slope(logits, x, per_sample), outputs[0])

    def find(self, x):
        """The pass of these very samples, or None."""
        return next((known for known in self.known if known.x is x), None)

    def recall(self, x):
        """The logits of these very samples, or those of another pass."""
        known = self.find(x)
        return self(x) if known is None else known.logits

    def outputs(self, x):
        """All outputs for these very samples, or those of another pass."""
        return (self.find(x) or self.look(x)).outputs

    def class_logits(self, x):
        """The class logits of samples, of a task that has them."""
        if not hasattr(self.gan, "class_logits"):
            raise TypeError(
                "A penalty on classes needs a task that classifies, such as "
                "SemiSupervisedGAN or ACGAN. "
                f"Received: a model of {type(self.gan).__name__}"
            )
        return self.gan.class_logits(self.outputs(x))

    def slope(self, x):
        """The gradient of the logit of each sample in that sample.

        That of the pass that judged them, augmented alike, or of another.
        """
        known = self.find(x)
        if known is None or known.slope is None:
            known = self.look(x)
        return known.slope()

    def generate(self, latents):
        """Samples of the generator in training."""
        with unmoved(self.generator):
            return self.gan.synthesize(latents, self.condition)

    def pathway(self):
        """The space that samples are smooth in: `(styles, synthesis)`.

        Styles and what makes samples of them, if the generator has a layer
        that truncates; else the latents and the generator.
        """
        parts = split_at_styles(self.generator)
        if parts is None:
            return self.latents, self.generate
        mapping, _, synthesis = parts
        inputs = self.gan.generator_inputs(self.latents, self.condition)

        def paint(styles):
            with unmoved(self.generator):
                return self.gan.judged(synthesis(styles, training=True))

        with unmoved(self.generator):
            return mapping(inputs, training=True), paint
