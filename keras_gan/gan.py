"""The hall: a Keras model of two players and the step that trains them."""

import keras
from keras import ops
from keras import tree

from keras_gan import losses
from keras_gan import penalties as penalty_rules
from keras_gan import players
from keras_gan import serving
from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.gradients import num_replicas
from keras_gan.gradients import player_gradients
from keras_gan.latents import Normal
from keras_gan.optimizers import PlayerOptimizers
from keras_gan.saving import SavedWhole
from keras_gan.seeds import ReplicaSeedGenerator
from keras_gan.trackers import TOTAL
from keras_gan.trackers import Trackers

RAMP_UP = 0.05


@keras.saving.register_keras_serializable("keras_gan")
class GAN(SavedWhole):
    """A generative adversarial network, trained by `compile` and `fit`.

    Each training step updates the discriminator `d_steps` times and then the
    generator once, each time with fresh latents. A copy of the generator
    follows as a running average: it is what `gan(latents)`, `predict`,
    `generate`, `evaluate` and `export` use. Samples may have any rank.

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
        ema_half_life: float >= 0, half-life of the averaged generator in
            samples seen, at most 5 % of the samples seen so far. 0 or None:
            no average, the generator itself is used.
        seed: integer, seed of every random draw of the model.
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
        check_number("ema_half_life", ema_half_life or 0, minimum=0)
        if seed is not None:
            check_integer("seed", seed, minimum=0)
        players.check_augment(augment)
        spec = players.input_spec(generator, latents)
        self._fake_spec = generator(spec)
        players.check_fit(self._fake_spec, discriminator)
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
        self.averaged_generator = generator
        if ema_half_life:
            self.averaged_generator = players.averaged_copy(generator, spec)
        for part in (discriminator, augment):
            if part is not None and not part.built:
                part(self._fake_spec)
        self(spec)

    def call(self, inputs, training=False):
        """Samples of the averaged generator, in float32."""
        fake = self.averaged_generator(inputs, training=False)
        return ops.cast(fake, "float32")

    @property
    def sample_shape(self):
        """Shape of one sample, without the batch axis."""
        return tuple(self._fake_spec.shape[1:])

    def compile(
        self,
        d_optimizer,
        g_optimizer,
        loss="non_saturating",
        penalties=(),
        d_steps=1,
        metrics=None,
        **kwargs,
    ):
        """Says how the two players are trained.

        Args:
            d_optimizer: the discriminator's Keras optimizer, or its name.
            g_optimizer: the generator's, another object.
            loss: name of a loss (`keras_gan.losses.LOSSES`), or an object
                with `discriminator_loss` and `generator_loss`.
            penalties: list of callables `(discriminate, real, fake)` to
                per-sample values, see `keras_gan.penalties`.
            d_steps: integer >= 1, discriminator updates a step.
            metrics: list of Keras metrics whose `update_state(real, fake)`
                takes samples; used by `evaluate` and `validation_data`.
            **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly` and
                the rest of `keras.Model.compile`. `jit_compile` defaults to
                `"auto"`: off on CPU, where XLA slows GAN steps down.

        Raises:
            TypeError: an optimizer or a metric is something else.
            ValueError: an unknown loss name, one optimizer for both players,
                names that clash, `d_steps` out of range.
        """
        adversarial_loss = losses.get(loss)
        penalties = penalty_rules.check(penalties)
        check_integer("d_steps", d_steps, minimum=1)
        names = [penalty_rules.name(penalty) for penalty in penalties]
        trackers = Trackers(names, list(metrics or ()))
        optimizer = PlayerOptimizers(
            d_optimizer, g_optimizer, self.discriminator, self.generator
        )
        penalty_rules.adopt(penalties, self.seed_generator)
        super().compile(optimizer=None, **kwargs)
        self.adversarial_loss = adversarial_loss
        self.penalties = penalties
        self.d_steps = d_steps
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
        return players.real_samples(data, self._fake_spec), None

    def synthesize(self, batch_size, condition):
        """A batch of fakes from the generator in training, in float32."""
        latents = self.latents(batch_size, self.seed_generator)
        fake = self.generator(players.paired(latents, condition), training=True)
        return ops.cast(fake, "float32")

    def discriminate(self, x, condition=None, training=False):
        """Logits of samples, augmented if in training.

        Args:
            x: float tensor `(batch, ...)`, samples in the range of the data.
            condition: what a task gives to the discriminator beside them.
            training: whether layers run in training mode.

        Returns:
            Logits as the discriminator gives them, before any sigmoid.
        """
        if training and self.augment is not None:
            x = self.augment(x, training=True)
        return self.discriminator(
            players.paired(x, condition), training=training
        )

    def train_step(self, data):
        """One update of each player; what `fit` runs on each batch."""
        real, condition = self.split_batch(data)
        weight = players.row_weights(data)
        batch_size = ops.shape(real)[0]
        for _ in range(self.d_steps):
            self.discriminator_step(real, condition, weight)
        self.generator_step(real, condition, weight)
        self.images_seen.assign_add(batch_size * num_replicas())
        if self.averaged_generator is not self.generator:
            self.update_average(batch_size * num_replicas())
        return self.trackers.training_results()

    def discriminator_step(self, real, condition, weight):
        """Updates the discriminator on real samples and fresh fakes."""
        with players.unmoved(self.generator):
            fake = self.synthesize(ops.shape(real)[0], condition)

        def discriminate(x):
            return self.discriminate(x, condition, training=True)

        def objective():
            real_logits, fake_logits = discriminate(real), discriminate(fake)
            d_loss = losses.per_sample(
                self.adversarial_loss.discriminator_loss(
                    real_logits, fake_logits
                )
            )
            values = penalty_rules.values(
                self.penalties, discriminate, real, fake
            )
            values = {"d_loss": d_loss, **values}
            values = {name: v * weight for name, v in values.items()}
            self.trackers.update(values)
            self.trackers.update_logits(real_logits, fake_logits)
            total = ops.mean(sum(values.values()))
            return total + sum(self.discriminator.losses)

        self.update(self.discriminator, self.d_optimizer, objective)

    def generator_step(self, real, condition, weight):
        """Updates the generator against the discriminator as it stands."""

        def objective():
            fake = self.synthesize(ops.shape(real)[0], condition)
            real_logits = self.discriminate(real, condition, training=True)
            fake_logits = self.discriminate(fake, condition, training=True)
            values = weight * losses.per_sample(
                self.adversarial_loss.generator_loss(real_logits, fake_logits)
            )
            self.trackers.update({"g_loss": values})
            return ops.mean(values) + sum(self.generator.losses)

        with players.unmoved(self.discriminator):
            self.update(self.generator, self.g_optimizer, objective)

    def update(self, player, optimizer, objective):
        """Moves one player down the gradient of its objective."""
        variables = player.trainable_variables
        if not variables:
            raise ValueError(
                "A player without trainable variables cannot learn; was it "
                f"frozen after `compile`? Received: {player!r}"
            )
        gradients = player_gradients(objective, optimizer, variables)
        optimizer.apply(gradients, variables)

    def update_average(self, batch_size):
        """Moves the averaged generator by one step of `batch_size` samples."""
        seen = ops.cast(self.images_seen, "float32")
        half_life = ops.minimum(float(self.ema_half_life), RAMP_UP * seen)
        keep = ops.power(0.5, ops.cast(batch_size, "float32") / half_life)
        players.follow(self.averaged_generator, self.generator, keep)

    def test_step(self, data):
        """Logs and metrics of the averaged generator; draws its own fakes."""
        real, condition = self.split_batch(data)
        latents = self.latents(
            ops.shape(real)[0], self.evaluation_seed_generator
        )
        fake = self(players.paired(latents, condition))
        real_logits = self.discriminate(real, condition)
        fake_logits = self.discriminate(fake, condition)
        rule, weight = self.adversarial_loss, players.row_weights(data)
        logits = (real_logits, fake_logits)
        d_loss = losses.per_sample(rule.discriminator_loss(*logits))
        g_loss = losses.per_sample(rule.generator_loss(*logits))
        self.trackers.update(
            {"d_loss": d_loss * weight, "g_loss": g_loss * weight}
        )
        self.trackers.update_logits(real_logits, fake_logits)
        for metric in self.trackers.metrics:
            metric.update_state(real, fake)
        return self.trackers.evaluation_results()

    def _get_metrics_result_or_logs(self, logs):
        if TOTAL in logs:
            return self.trackers.training_results()
        return self.trackers.evaluation_results()

    def generate(
        self,
        n_or_labels,
        seed=None,
        truncation=1.0,
        averaged=True,
        batch_size=256,
    ):
        """Draws samples.

        Args:
            n_or_labels: integer >= 1, how many. Conditional models take the
                labels of the samples instead.
            seed: integer; the same seed gives the same samples. None: the
                next draw of the model. Training is not affected by either.
            truncation: float >= 0, factor on the latents; below 1 samples
                come closer to the average one, with less variety.
            averaged: whether the averaged generator makes them.
            batch_size: integer >= 1, samples made at once.

        Returns:
            float32 NumPy array `(n, ...)` in the range of the data.

        Raises:
            TypeError: an argument is no number.
            ValueError: an argument is out of range.
        """
        check_integer("n_or_labels", n_or_labels, minimum=1)
        check_integer("batch_size", batch_size, minimum=1)
        latents = self.sample_latents(int(n_or_labels), seed, truncation)
        player = self.averaged_generator if averaged else self.generator
        samples = player.predict(latents, batch_size=batch_size, verbose=0)
        return samples.astype("float32")

    def sample_latents(self, n, seed=None, truncation=1.0):
        """The latents that `generate` uses, `(n, *latent_shape)`."""
        check_number("truncation", truncation, minimum=0)
        if seed is None:
            seed = self.sampling_seed_generator
        else:
            check_integer("seed", seed, minimum=0)
            seed = int(seed)
        return self.latents(n, seed) * truncation

    def export(self, filepath, verbose=False):
        """Writes the averaged generator as a SavedModel for serving.

        It loads with plain TensorFlow, without Keras and this package, and
        has two endpoints: `serve(latents)`, and `generate(n, seed,
        truncation)` with two integers and a float, which gives what
        `gan.generate(n, seed, truncation)` gives.

        Args:
            filepath: string, the folder to write.
            verbose: whether Keras prints the endpoints.
        """
        serving.export(self.averaged_generator, self.latents, filepath, verbose)

    def compile_arguments(self):
        """What `compile` was called with; for `.keras` files."""
        return {
            "d_optimizer": self.d_optimizer,
            "g_optimizer": self.g_optimizer,
            "loss": self.adversarial_loss,
            "penalties": self.penalties,
            "d_steps": self.d_steps,
            "metrics": self.trackers.metrics,
            **self._compile_kwargs,
        }
