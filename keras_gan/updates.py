"""Rules of the update: in which order the players see which fakes.

`alternating`, the default, is that of the original paper. The other two save
a pass each; both move each player once a step.
"""

from keras import ops

from keras_gan import players
from keras_gan.gradients import input_gradient
from keras_gan.gradients import stage_gradients
from keras_gan.layer_walk import leaves
from keras_gan.losses import per_sample


def alternating(gan, real, condition, weight):
    """Fresh fakes for each of `d_steps` and `g_steps` updates."""
    for _ in range(gan.d_steps):
        gan.discriminator_step(real, condition, weight)
    for _ in range(gan.g_steps):
        gan.generator_step(real, condition, weight)


def shared(gan, real, condition, weight):
    """The same fakes for both players; the discriminator moves first."""

    def objective():
        latents = gan.draw_latents(real)
        fake = gan.synthesize(latents, condition)
        with players.unmoved(gan.generator):
            gan.train_discriminator(
                real, ops.stop_gradient(fake), latents, condition, weight
            )
        with players.unmoved(gan.discriminator):
            half = gan.half_step(gan.generator, condition, latents)
            return gan.generator_objective(half, real, fake, weight)

    gan.update(gan.generator, gan.g_optimizer, objective)


def one_stage(gan, real, condition, weight):
    """One forward and one backward pass of the discriminator for both.

    The pass gives the gradient of the discriminator's loss in each fake.
    Where samples do not touch each other it points the way of the
    generator's gradient, so that the ratio of the two slopes in the logit
    turns one into the other: both players move by the gradients of the
    same moment. Where the discriminator's slope underflows (cross-entropy in
    float32: fake logits below about -87) the generator gets none.

    Reference: Shen et al., arXiv 2103.00430. There losses are first split
    into those that need the ratio and those that do not; here it is always
    taken.
    """

    def objective():
        latents = gan.draw_latents(real)
        fake = gan.synthesize(latents, condition)
        with players.unmoved(gan.generator):
            gradients, slope, values = discriminator_stage(
                gan, real, ops.stop_gradient(fake), latents, condition, weight
            )
        half = gan.half_step(gan.generator, condition, latents)
        with players.unmoved(gan.discriminator):
            total = gan.total(half, {"g_loss": values}, real, fake, weight)
        gan.apply(gan.discriminator, gan.d_optimizer, gradients)
        pull = ops.sum(ops.stop_gradient(slope) * fake)
        return total + pull - ops.stop_gradient(pull)

    gan.update(gan.generator, gan.g_optimizer, objective)


def discriminator_stage(gan, real, fake, latents, condition, weight):
    """The one pass through the discriminator.

    Returns:
        Gradients of the discriminator's variables, gradient of the mean of
        the generator's loss in each fake, per-sample values of that loss.
    """
    found = {}

    def objective(x):
        half = gan.half_step(gan.discriminator, condition, latents)
        found["real"], found["fake"] = half.judge(real), half.judge(x)
        check_logits(found["fake"].shape)
        # Penalties see other tensors: their slopes are not the loss's.
        same = half.find(x)._replace(x=fake, slope=None)
        half.known.append(same)
        total = gan.discriminator_objective(half, real, fake, weight)
        return total, found["fake"]

    gradients, in_fakes, in_logits = stage_gradients(
        objective,
        gan.d_optimizer,
        gan.discriminator.trainable_variables,
        fake,
    )

    def generator_loss(logits):
        values = gan.adversarial_loss.generator_loss(found["real"], logits)
        found["values"] = per_sample(values)
        return ops.mean(found["values"] * weight)

    wanted = input_gradient(generator_loss, found["fake"])
    ratio = ops.divide_no_nan(
        ops.cast(wanted, "float32"), ops.cast(in_logits, "float32")
    )
    ratio = ops.reshape(ratio, [-1] + [1] * (len(fake.shape) - 1))
    return gradients, in_fakes * ratio, found["values"]


RULES = {"alternating": alternating, "shared": shared, "one_stage": one_stage}


def check(update, d_steps, g_steps, loss, discriminator):
    """Raises where a rule does not fit the steps, the loss or the network.

    Args:
        update: name of a rule.
        d_steps: integer, discriminator updates a step.
        g_steps: integer, generator updates a step.
        loss: the adversarial loss.
        discriminator: Keras model.

    Raises:
        ValueError: it does not.
    """
    if update not in RULES:
        raise ValueError(
            f"`update` must be one of {sorted(RULES)}. "
            f"Received: update={update!r}"
        )
    if update != "alternating" and (d_steps, g_steps) != (1, 1):
        raise ValueError(
            f'`update="{update}"` moves each player once a step. '
            f"Received: d_steps={d_steps}, g_steps={g_steps}"
        )
    if update == "one_stage":
        check_one_stage(loss, discriminator)


def check_one_stage(loss, discriminator):
    """Raises where one pass of the discriminator cannot serve both."""
    if not getattr(loss, "one_stage", False):
        raise ValueError(
            '`update="one_stage"` needs a loss whose slope in a fake logit '
            "vanishes for the discriminator only where it does for the "
            "generator, and depends on its own row only, such as "
            "'non_saturating', 'minimax', 'wasserstein' or 'relativistic'; "
            "a loss of your own says so by `one_stage = True`. "
            f"Received: loss={loss!r}"
        )
    if getattr(loss, "label_noise", 0.0):
        raise ValueError(
            '`update="one_stage"` cannot exchange labels. '
            f"Received: label_noise={loss.label_noise}"
        )
    outputs = getattr(discriminator, "outputs", None) or ()
    if len(outputs) > 1:
        raise ValueError(
            '`update="one_stage"` needs a discriminator that gives logits '
            f"only. Received: {len(outputs)} outputs"
        )
    for output in outputs:
        check_logits(output.shape)
    for layer in leaves(discriminator):
        if layer.compute_dtype == "float16":
            raise ValueError(
                '`update="one_stage"` divides by slopes that are zero in '
                "float16; bfloat16 has their range. "
                f"Received: layer {layer.name!r} in float16"
            )
    layer = players.coupling_layer(discriminator)
    if layer is not None:
        raise ValueError(
            '`update="one_stage"` needs a discriminator that treats each '
            f"sample by itself. Received: layer {layer.name!r} "
            f"({type(layer).__name__}), which mixes the batch"
        )


def check_logits(shape):
    """Raises unless there is one logit a sample."""
    if any(size != 1 for size in shape[1:]):
        raise ValueError(
            '`update="one_stage"` needs one logit a sample. Received: '
            f"logits of shape={tuple(shape)}"
        )
