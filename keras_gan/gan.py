"""The hall: a Keras model of two players and the step that trains them."""

import keras
from keras import ops
from keras import tree

from keras_gan import losses
from keras_gan import players
from keras_gan import reach
from keras_gan import schedules
from keras_gan import updates
from keras_gan.checks import check_integer
from keras_gan.distribution import in_scope
from keras_gan.gradients import player_gradients
from keras_gan.half_step import HalfStep
from keras_gan.latents import Normal
from keras_gan.layer_walk import leaves
from keras_gan.optimizers import PlayerOptimizers
from keras_gan.optimizers import apply
from keras_gan.optimizers import skipped_whole
from keras_gan.penalties import penalty as penalty_rules
from keras_gan.replicas import num_rows
from keras_gan.resuming import Resumable
from keras_gan.sampling import Sampled
from keras_gan.saving import numbered
from keras_gan.seeds import ReplicaSeedGenerator
from keras_gan.trackers import TOTAL
from keras_gan.trackers import Trackers

RAMP_UP = 0.05


@keras.saving.register_keras_serializable("keras_gan")
class GAN(Sampled, Resumable):
    """A generative adversarial network, trained by `compile` and `fit`.

    Each training step updates the discriminator `d_steps` times and then the
    generator `g_steps` times, each time with fresh latents. A copy of the
    generator follows as a running average: it is what `gan(latents)`,
    `predict`, `generate`, `evaluate` and `export` use. Samples may have any
    rank.

    `fit` takes batches `x`, `(x, y)`, `(x, y, sample_weight)` or a dict with
    the key `"image"`, floats in the range of the generator's output. `y` is
    not used here; a sample weight multiplies the losses and penalties of its
    row. Logs: `d_loss` and `g_loss` (adversarial), each penalty by its name
    (the discriminator minimises their sum), `d_real` and `d_fake` (mean
    logits), `d_accuracy` (share of rows whose real logit is the larger one)
    and, in training, `loss` (the sum of all that is minimised; it tells when
    something is NaN, not how good the samples are).

    Args:
        generator: Keras model, latents to samples.
        discriminator: Keras model, samples to logits (no sigmoid at its
            end), `(batch, 1)` or patches `(batch, height, width, 1)`.
        latents: callable `(batch_size, seed)` that draws latents, such as
            `keras_gan.latents.Uniform`. Default: standard normal in the
            shape of the generator's input.
        augment: Keras layer put before the discriminator in training, for
            real samples and fakes alike.
        ema_half_life: float >= 0 or schedule, half-life of the averaged
            generator in samples seen, at most 5 % of the samples seen so
            far. 0 or None: no average, the generator itself is used.
        seed: integer, seed of what the model draws: latents, and whatever
            layers of the players and `augment` draw in training, in place
            of seeds of their own. Weights are drawn before, when players are
            made; a layer in a penalty keeps its own seed.
        **kwargs: `name` and the like, as for `keras.Model`.

    Call arguments:
        inputs: latents, `(batch, *latent_shape)`.

    Returns:
        Samples of the averaged generator.

    Raises:
        TypeError: a player is not a Keras model.
        ValueError: the players do not fit, or an argument is out of range.

    Example:
    >>> generator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> discriminator = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(1)]
    ... )
    >>> gan = GAN(generator, discriminator, seed=0)
    >>> gan.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    >>> history = gan.fit(ops.zeros((64, 2)), batch_size=32, verbose=0)
    >>> sorted(history.history)
    ['d_accuracy', 'd_fake', 'd_loss', 'd_real', 'g_loss', 'loss']
    >>> gan.generate(3, seed=0).shape
    (3, 2)

    Reference: Goodfellow et al., arXiv 1406.2661. The average counted in
    samples, with ramp-up, is that of Karras et al., arXiv 2006.06676; there
    moving statistics are copied, here they are averaged as well.
    """

    constructor_arguments = (
        "generator",
        "discriminator",
        "latents",
        "augment",
        "ema_half_life",
        "seed",
    )
    # Names of what a task minimises beside the adversarial loss, and of what
    # it logs in training and evaluation alike.
    task_losses = ()
    task_logs = ()
    # Samples that the discriminator sees as one.
    packing = 1

    def __init__(
        self,
        generator,
        discriminator,
        latents=None,
        augment=None,
        ema_half_life=10_000,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        players.check_players(generator, discriminator)
        if type(self) is GAN:
            players.check_unconditional(generator, discriminator)
        schedules.check("ema_half_life", ema_half_life or 0, minimum=0)
        if seed is not None:
            check_integer("seed", seed, minimum=0)
        players.check_augment(augment)
        spec = players.input_spec(generator, latents)
        self._fake_spec = generator(spec)
        players.check_fit(self._fake_spec, discriminator, self.packing)
        self.generator = generator
        self.discriminator = discriminator
        latent_spec = tree.flatten(spec)[0]
        self.latents = latents or Normal(latent_spec.shape[1:])
        players.check_latents(self.latents, latent_spec)
        self.augment = augment
        self.ema_half_life = ema_half_life
        self.seed = seed if seed is None else int(seed)
        self.seed_generator = ReplicaSeedGenerator(self.seed)
        self.evaluation_seed_generator = ReplicaSeedGenerator(self.seed, 1)
        self.sampling_seed_generator = ReplicaSeedGenerator(self.seed, 2)
        self.images_seen = self.add_weight(
            shape=(), dtype="int64", trainable=False, name="images_seen"
        )
        for part in (self, *leaves(augment)):
            schedules.bind(part, self.images_seen)
        self.averaged_generator = generator
        if ema_half_life:
            self.averaged_generator = players.averaged_copy(generator, spec)
        for part in (discriminator, augment):
            if part is not None and not part.built:
                part(self._fake_spec)
        self(spec)
        self.join()

    def call(self, inputs, training=False):
        """Samples of the averaged generator, in float32."""
        fake = self.averaged_generator(inputs, training=False)
        return ops.cast(fake, "float32")

    @property
    def sample_shape(self):
        """Shape of one sample, without the batch axis."""
        return tuple(self._fake_spec.shape[1:])

    @in_scope
    def compile(
        self,
        d_optimizer,
        g_optimizer,
        loss="non_saturating",
        penalties=(),
        d_steps=1,
        metrics=None,
        g_steps=1,
        update="alternating",
        **kwargs,
    ):
        """Says how the two players are trained.

        Args:
            d_optimizer: the discriminator's Keras optimizer, or its name.
            g_optimizer: the generator's, another object.
            loss: name of a loss (`keras_gan.losses.LOSSES`), or an object
                with `discriminator_loss` and `generator_loss`.
            penalties: list of callables `(discriminate, real, fake)` to
                per-sample values, see `keras_gan.penalties`. A Keras
                constraint among them acts on the discriminator's weights.
            d_steps: integer >= 1, discriminator updates a step.
            metrics: list of Keras metrics whose `update_state(real, fake)`
                takes samples; used by `evaluate` and `validation_data`.
            g_steps: integer >= 1, generator updates a step.
            update: `"alternating"`; `"shared"`: both players see the same
                fakes, one pass of the generator fewer; `"one_stage"`: one
                pass of the discriminator for both, before either moves.
            **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly` and
                the rest of `keras.Model.compile`. `jit_compile` defaults to
                `"auto"`: off on CPU, where XLA slows GAN steps down.

        Raises:
            TypeError: an optimizer or a metric is something else.
            ValueError: an unknown loss name, one optimizer for both players,
                names that clash, `d_steps` or `g_steps` out of range, an
                update rule that does not fit the loss or the network.
        """
        adversarial_loss = losses.get(loss)
        constraints, penalties = penalty_rules.check(penalties)
        check_integer("d_steps", d_steps, minimum=1)
        check_integer("g_steps", g_steps, minimum=1)
        updates.check(
            update, d_steps, g_steps, adversarial_loss, self.discriminator
        )
        names = [*self.task_losses, *map(penalty_rules.name, penalties)]
        trackers = Trackers(names, list(metrics or ()), self.task_logs)
        optimizer = PlayerOptimizers(
            d_optimizer,
            g_optimizer,
            self.discriminator,
            self.generator,
            self.images_seen,
        )
        losses.adopt(adversarial_loss, self.seed_generator)
        penalty_rules.adopt(penalties, self.seed_generator, self.images_seen)
        super().compile(optimizer=None, **kwargs)
        self.adversarial_loss = adversarial_loss
        self.penalties = penalties
        self.constraints = constraints
        self.d_steps = d_steps
        self.g_steps = g_steps
        self.update_rule = update
        self._reach_checked = False
        self.trackers = trackers
        self.optimizer = optimizer
        self.d_optimizer, self.g_optimizer = optimizer.optimizers
        self._compile_kwargs = kwargs

    @property
    def metrics(self):
        """Training trackers and the metrics given to `compile`."""
        if not self.compiled:
            return []
        return [*self.trackers.means.values(), *self.trackers.metrics]

    def reset_metrics(self):
        """Empties the metrics and starts evaluation's draws anew."""
        super().reset_metrics()
        seed = self.evaluation_seed_generator.state
        seed.assign(seed * ops.convert_to_tensor([1, 0], seed.dtype))

    def split_batch(self, data):
        """Real samples and their condition, `None` here, from a batch."""
        real = players.real_samples(data, self._fake_spec)
        return self.judged(real), None

    def judged(self, x):
        """Samples as they are shown to the discriminator, here one by one."""
        return x

    def draw_latents(self, real, seeds=None):
        """Latents of one half-step, as many as there are real samples."""
        count = ops.shape(real)[0] * self.packing
        return self.latents(count, seeds or self.seed_generator)

    def generator_inputs(self, latents, condition):
        """What the generator takes."""
        return players.paired(latents, condition)

    def discriminator_inputs(self, x, condition):
        """What the discriminator takes."""
        return players.paired(x, condition)

    def synthesize(self, latents, condition):
        """Fakes of the generator in training, in float32."""
        inputs = self.generator_inputs(latents, condition)
        fake = self.generator(inputs, training=True)
        return self.judged(ops.cast(fake, "float32"))

    def outputs(self, x, condition=None, training=False):
        """All that the discriminator gives of samples, as `discriminate`."""
        if training:
            x = self.augmented(x)
        inputs = self.discriminator_inputs(x, condition)
        return self.discriminator(inputs, training=training)

    def augmented(self, x):
        """Samples as `augment` changes them in training."""
        return x if self.augment is None else self.augment(x, training=True)

    def logits(self, outputs):
        """The logits in what the discriminator gives."""
        return outputs

    def discriminate(self, x, condition=None, training=False):
        """Logits of samples, augmented if in training.

        Args:
            x: float tensor `(batch, ...)`, samples in the range of the data.
            condition: what a task gives to the discriminator beside them.
            training: whether layers run in training mode.

        Returns:
            Logits as the discriminator gives them, before any sigmoid.
        """
        return self.logits(self.outputs(x, condition, training))

    def train_step(self, data):
        """One step of both players; what `fit` runs on each batch."""
        real, condition = self.split_batch(data)
        num_seen = num_rows(real) * self.packing
        weight = players.row_weights(data)
        if not self._reach_checked:
            reach.check(self, real, condition)
            self._reach_checked = True
        updates.RULES[self.update_rule](self, real, condition, weight)
        self.images_seen.assign_add(num_seen)
        if self.averaged_generator is not self.generator:
            self.update_average(num_seen)
        return self.trackers.training_results()

    def discriminator_step(self, real, condition, weight):
        """Updates the discriminator on real samples and fresh fakes."""
        with players.unmoved(self.generator):
            latents = self.draw_latents(real)
            fake = self.synthesize(latents, condition)
            self.train_discriminator(real, fake, latents, condition, weight)

    def train_discriminator(self, real, fake, latents, condition, weight):
        """Updates the discriminator on real samples and these fakes."""
        half = self.half_step(self.discriminator, condition, latents)

        def objective():
            return self.discriminator_objective(half, real, fake, weight)

        self.update(self.discriminator, self.d_optimizer, objective)

    def generator_step(self, real, condition, weight):
        """Updates the generator against the discriminator as it stands."""

        def objective():
            latents = self.draw_latents(real)
            fake = self.synthesize(latents, condition)
            half = self.half_step(self.generator, condition, latents)
            return self.generator_objective(half, real, fake, weight)

        with players.unmoved(self.discriminator):
            self.update(self.generator, self.g_optimizer, objective)

    def half_step(self, player, condition, latents):
        """What the losses and penalties of one player's half see."""
        return HalfStep(self, player, condition, latents)

    def discriminator_objective(self, half, real, fake, weight):
        """What the discriminator minimises, a scalar; logs its parts."""
        logits = half.judge(real), half.judge(fake)
        self.trackers.update_logits(*logits)
        self.track(half.outputs(real), half.condition)
        for part in leaves(self.augment):
            if hasattr(part, "observe"):
                part.observe(ops.stop_gradient(logits[0]))
        terms = self.discriminator_terms(half, real, fake)
        return self.total(half, terms, real, fake, weight)

    def generator_objective(self, half, real, fake, weight):
        """What the generator minimises, a scalar; logs its parts."""
        half.judge(real)
        half.judge(fake)
        terms = self.generator_terms(half, real, fake)
        return self.total(half, terms, real, fake, weight)

    def discriminator_terms(self, half, real, fake):
        """By name, per-sample values of what the discriminator minimises."""
        logits = half.recall(real), half.recall(fake)
        return {"d_loss": self.adversarial_loss.discriminator_loss(*logits)}

    def generator_terms(self, half, real, fake):
        """By name, per-sample values of what the generator minimises."""
        logits = half.recall(real), half.recall(fake)
        return {"g_loss": self.adversarial_loss.generator_loss(*logits)}

    def track(self, outputs, condition):
        """Logs what the discriminator's outputs for real samples tell."""

    def measure(self, real, fake):
        """Feeds the metrics of `compile` with samples."""
        for metric in self.trackers.metrics:
            metric.update_state(real, fake)

    def total(self, half, values, real, fake, weight):
        """Mean over the batch of a loss and its player's penalties."""
        d_half = half.player is self.discriminator
        optimizer = self.d_optimizer if d_half else self.g_optimizer
        rules = penalty_rules.of(self.penalties, d_half)
        # Taken now: the penalties' own passes add losses of their own.
        regularisers = sum(half.player.losses)
        terms = penalty_rules.values(
            rules, half, real, fake, optimizer.iterations
        )
        terms |= {name: losses.per_sample(v) for name, v in values.items()}
        terms = {name: v * weight for name, v in terms.items()}
        self.trackers.update(terms)
        return ops.mean(sum(terms.values())) + regularisers

    def update(self, player, optimizer, objective):
        """Moves one player down the gradient of its objective."""
        variables = player.trainable_variables
        if not variables:
            raise ValueError(
                "A player without trainable variables cannot learn; was it "
                f"frozen after `compile`? Received: {player!r}"
            )
        rules = penalty_rules.of(self.penalties, player is self.discriminator)
        with skipped_whole(optimizer, player, rules):
            gradients = player_gradients(objective, optimizer, variables)
            self.apply(player, optimizer, gradients)

    def apply(self, player, optimizer, gradients):
        """Applies gradients, then the discriminator's constraints."""
        rules = self.constraints if player is self.discriminator else ()
        apply(optimizer, gradients, player.trainable_variables, rules)

    def update_average(self, batch_size):
        """Moves the averaged generator by one step of `batch_size` samples."""
        seen = ops.cast(self.images_seen, "float32")
        limit = ops.cast(schedules.value(self.ema_half_life), "float32")
        half_life = ops.minimum(limit, RAMP_UP * seen)
        keep = ops.power(0.5, ops.cast(batch_size, "float32") / half_life)
        players.follow(self.averaged_generator, self.generator, keep)

    def test_step(self, data):
        """Logs and metrics of the averaged generator; draws its own fakes."""
        real, condition = self.split_batch(data)
        latents = self.draw_latents(real, self.evaluation_seed_generator)
        fake = self.judged(self(self.generator_inputs(latents, condition)))
        outputs = self.outputs(real, condition)
        real_logits = self.logits(outputs)
        fake_logits = self.discriminate(fake, condition)
        rule = losses.without_noise(self.adversarial_loss)
        weight = players.row_weights(data)
        logits = (real_logits, fake_logits)
        d_loss = losses.per_sample(rule.discriminator_loss(*logits))
        g_loss = losses.per_sample(rule.generator_loss(*logits))
        self.trackers.update(
            {"d_loss": d_loss * weight, "g_loss": g_loss * weight}
        )
        self.trackers.update_logits(real_logits, fake_logits)
        self.track(outputs, condition)
        self.measure(real, fake)
        return self.trackers.step_results()

    def _get_metrics_result_or_logs(self, logs):
        if TOTAL in logs:
            return self.trackers.training_results()
        return self.trackers.evaluation_results()

    def compiled_state(self):
        """Variables of loss, penalties and metrics' networks, by name."""
        if not self.compiled:
            return {}
        loss = getattr(self.adversarial_loss, "variables", ())
        parts = {"loss": loss, **penalty_rules.variables(self.penalties)}
        return numbered({**parts, **self.trackers.fixed_variables()})

    def compile_arguments(self):
        """What `compile` was called with; for `.keras` files."""
        return {
            "d_optimizer": self.d_optimizer,
            "g_optimizer": self.g_optimizer,
            "loss": self.adversarial_loss,
            "penalties": [*self.penalties, *self.constraints],
            "d_steps": self.d_steps,
            "metrics": self.trackers.metrics,
            "g_steps": self.g_steps,
            "update": self.update_rule,
            **self._compile_kwargs,
        }
