"""What a probe of a few real samples tells about both players."""

import numpy as np
import tensorflow as tf
from keras import ops
from keras import tree

NEAR = 0.02
STANDARD_ERRORS = 3.0


class Probe:
    """Measures both players on fixed real samples and changes neither.

    One graph: a pass of the generator, of the discriminator on real samples,
    held-out ones and fakes, and the gradient of each player's whole objective,
    penalties included. The steps of the model that it calls move counters,
    means and seeds; these get their values back.

    Args:
        gan: compiled `keras_gan.GAN`.
        real: batch as `fit` takes it, of samples that are trained on.
        held_out: batch of others, or None.
        classifier: Keras model, samples to logits or probabilities
            `(batch, K)`, or None.
        gradient_rows: integer, how many samples gradients are of, and classes
            of fakes.
    """

    def __init__(self, gan, real, held_out, classifier, gradient_rows):
        self.gan = gan
        self.batches = [whole_packs(x, gan.packing) for x in (real, held_out)]
        self.classifier = classifier
        self.gradient_rows = gradient_rows
        self.measure = tf.function(self.traced, autograph=False)
        # Those of the real samples stay: counted once.
        self.real_classes = None

    def __call__(self):
        """Dictionary of floats, and of counts by class if there are."""
        found = self.measure(*self.batches)
        if self.classifier is not None:
            if self.real_classes is None:
                real, _ = self.gan.split_batch(self.batches[0])
                self.real_classes = self.classes(self.gan.single(real))
            found["real_classes"] = self.real_classes
        return {k: ops.convert_to_numpy(v) for k, v in found.items()}

    def traced(self, batch, held_out):
        """The measurements as tensors."""
        state = self.state()
        before = [tf.identity(variable.value) for variable in state]
        for optimizer in (self.gan.d_optimizer, self.gan.g_optimizer):
            # Penalties of every k-th update count in each probe.
            optimizer.iterations.assign(0)
        real, condition = self.gan.split_batch(batch)
        latents = self.gan.draw_latents(real)
        fake = self.gan.synthesize(latents, condition)
        found = self.logits(real, fake, condition, held_out)
        singles = self.gan.single(fake)
        found |= variety(self.gan.single(real), singles)
        if self.classifier is not None:
            found["fake_classes"] = self.classes(singles[: self.gradient_rows])
        found |= self.gradients(*self.first_rows(real, latents, condition))
        for variable, value in zip(state, before):
            variable.assign(value)
        return found

    def first_rows(self, real, latents, condition):
        """As many rows as gradients are of, in whole packs."""
        packing = self.gan.packing
        rows = max(1, self.gradient_rows // packing)
        real, condition = tree.map_structure(
            lambda x: None if x is None else x[:rows], (real, condition)
        )
        return real, latents[: rows * packing], condition

    def state(self):
        """Variables that a step moves beside those it trains."""
        gan = self.gan
        parts = [gan.variables, *(m.variables for m in gan.metrics)]
        parts += [getattr(p, "variables", ()) for p in gan.penalties]
        parts.append([gan.d_optimizer.iterations, gan.g_optimizer.iterations])
        found = {id(v): v for part in parts for v in part}
        weights = [gan.trainable_variables]
        if gan.averaged_generator is not gan.generator:
            weights.append(gan.averaged_generator.variables)
        for variable in (v for part in weights for v in part):
            found.pop(id(variable), None)
        return list(found.values())

    def logits(self, real, fake, condition, held_out):
        """Signs of real logits, and how far held-out ones fall behind."""
        real_logits = self.judged(real, condition)
        fake_logits = self.judged(fake, condition)
        middle = (ops.mean(real_logits) + ops.mean(fake_logits)) / 2
        found = {"sign_real": ops.mean(ops.sign(real_logits - middle))}
        if held_out is None:
            return found
        others = self.judged(*self.gan.split_batch(held_out))
        found["sign_held_out"] = ops.mean(ops.sign(others - middle))
        found["held_out_gap"] = held_out_gap(real_logits, others, fake_logits)
        return found

    def judged(self, x, condition):
        """Mean logit of each sample, not augmented, in float32."""
        logits = ops.cast(self.gan.discriminate(x, condition), "float32")
        return ops.mean(ops.reshape(logits, (ops.shape(logits)[0], -1)), axis=1)

    def gradients(self, real, latents, condition):
        """Norms of the gradients of both objectives."""
        gan = self.gan
        fake = ops.stop_gradient(gan.synthesize(latents, condition))

        def discriminator_objective():
            half = gan.half_step(gan.discriminator, condition, latents)
            return gan.discriminator_objective(half, real, fake, 1.0)

        def generator_objective():
            half = gan.half_step(gan.generator, condition, latents)
            fake = gan.synthesize(latents, condition)
            return gan.generator_objective(half, real, fake, 1.0)

        return {
            "d_gradient": self.norm(gan.discriminator, discriminator_objective),
            "g_gradient": self.norm(gan.generator, generator_objective),
        }

    def norm(self, player, objective):
        """Norm of a gradient, as the model's own update takes it."""
        gauge = Gauge(player)
        self.gan.update(gauge, gauge, objective)
        return gauge.norm

    def classes(self, x):
        """How many samples the classifier puts into each class."""
        outputs = self.classifier(x, training=False)
        hot = ops.one_hot(ops.argmax(outputs, axis=-1), outputs.shape[-1])
        return ops.sum(hot, axis=0)


class Gauge:
    """Stands for a player and its optimizer, and moves nothing."""

    def __init__(self, player):
        self.trainable_variables = player.trainable_variables
        self.norm = None

    def scale_loss(self, loss):
        """The loss as it is."""
        return loss

    def apply(self, gradients, variables):
        """Takes the norm of what an optimizer would move by."""
        known = [g for g in gradients if g is not None]
        self.norm = tf.linalg.global_norm(known)


def whole_packs(batch, packing):
    """The rows of a batch that fill packs, or None for no batch."""
    if batch is None:
        return None
    rows = len(tree.flatten(batch)[0]) // packing * packing
    return tree.map_structure(lambda x: x[:rows], batch)


def held_out_gap(real, held_out, fake):
    """Share of the way from held-out to fakes by which real ones lead.

    `(E D(real) - E D(held out)) / (E D(real) - E D(fake))`, 0 where the
    numerator is within three standard errors: then it is chance.
    """
    lead = ops.mean(real) - ops.mean(held_out)
    num_real, num_held_out = ops.shape(real)[0], ops.shape(held_out)[0]
    error = ops.sqrt(
        ops.var(real) / ops.cast(num_real, "float32")
        + ops.var(held_out) / ops.cast(num_held_out, "float32")
    )
    whole = ops.mean(real) - ops.mean(fake)
    gap = ops.divide_no_nan(lead, whole)
    return ops.where(ops.abs(lead) > STANDARD_ERRORS * error, gap, 0.0)


def variety(real, fake):
    """Diversity of fakes and what repeats, against as many reals."""
    mean, nearest = distances(real)
    fake_mean, fake_nearest = distances(fake)
    repeats = [
        ops.mean(ops.cast(x <= NEAR * mean, "float32"))
        for x in (nearest, fake_nearest)
    ]
    return {
        "diversity": ops.divide_no_nan(fake_mean, mean),
        "duplicates": repeats[1] - repeats[0],
    }


def distances(x):
    """Mean distance of all pairs, and each sample's to its nearest."""
    num_samples = ops.shape(x)[0]
    x = ops.cast(ops.reshape(x, (num_samples, -1)), "float32")
    x = x - ops.mean(x, axis=0)
    squares = ops.sum(ops.square(x), axis=1)
    gram = ops.matmul(x, ops.transpose(x))
    squared = squares[:, None] + squares[None] - 2.0 * gram
    own = ops.eye(num_samples)
    found = ops.sqrt(ops.maximum(squared, 0.0)) * (1.0 - own)
    num_pairs = ops.cast(num_samples * (num_samples - 1), "float32")
    far = ops.max(found)
    return ops.sum(found) / num_pairs, ops.min(found + far * own, axis=1)


def divergence(fake, real):
    """`KL(fake || real)` of two counts by class, in nats.

    A class without reals counts as if one of them were of it.
    """
    fake, real = np.asarray(fake, "float64"), np.asarray(real, "float64")
    real = np.where((real == 0) & (fake > 0), 1.0, real)
    q, p = fake / fake.sum(), real / real.sum()
    some = q > 0
    return float(np.sum(q[some] * np.log(q[some] / p[some])))
