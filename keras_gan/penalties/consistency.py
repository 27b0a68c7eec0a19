"""Penalties on what changes where nothing should."""

import keras
from keras import ops

from keras_gan import schedules
from keras_gan.checks import check_number
from keras_gan.penalties.penalty import Penalty
from keras_gan.penalties.penalty import from_step
from keras_gan.penalties.penalty import logits_of


def flip_and_shift(images, seed):
    """Images flipped left to right by chance and shifted by up to 1/8.

    Each image has its own draw. Shifts are by whole pixels, uniform in
    `[-size // 8, size // 8]` for each side; what comes in is reflected.

    Args:
        images: float tensor `(batch, height, width, channels)`.
        seed: seed generator or integer.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: height or width is unknown.

    Example:
    >>> float(ops.max(flip_and_shift(ops.ones((2, 8, 8, 1)), seed=0)))
    1.0
    """
    rows = ops.shape(images)[0]
    turned = keras.random.uniform((rows, 1, 1, 1), seed=seed) < 0.5
    images = ops.where(turned, ops.flip(images, axis=2), images)
    for axis in (1, 2):
        size = images.shape[axis]
        if size is None:
            raise ValueError(
                "Images need a known size to be shifted. "
                f"Received: images of shape={tuple(images.shape)}"
            )
        reach = size // 8
        shift = keras.random.randint((rows, 1), -reach, reach + 1, seed=seed)
        source = ops.abs(ops.arange(size)[None] + shift)
        source = (size - 1) - ops.abs((size - 1) - source)
        source = ops.reshape(
            source, (-1, *(size if a == axis else 1 for a in (1, 2, 3)))
        )
        images = ops.take_along_axis(images, source, axis=axis)
    return images


class Transforming(Penalty):
    """A penalty that compares samples with transformed copies.

    Args:
        weight: float >= 0 or schedule.
        transform: Keras layer or registered function, samples to samples.
            None: `flip_and_shift`; images only.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        TypeError: `transform` is no callable.

    Example:
    >>> Transforming(1.0, keras.layers.Rescaling(2.0)).weight
    1.0
    """

    def __init__(self, weight, transform=None, every=1, name="transforming"):
        super().__init__(weight, name, every)
        if transform is not None and not callable(transform):
            raise TypeError(
                "`transform` must be a callable or None. "
                f"Received: transform={transform!r}"
            )
        self.transform = transform

    @property
    def variables(self):
        """Those of the transform, its random state included."""
        return list(getattr(self.transform, "variables", ()))

    def transformed(self, x):
        """A copy that means the same."""
        if isinstance(self.transform, keras.layers.Layer):
            return self.transform(x, training=True)
        if self.transform is not None:
            return self.transform(x)
        if len(x.shape) != 4:
            raise ValueError(
                "`transform` must be given for samples that are no images "
                "(batch, height, width, channels). "
                f"Received: samples of shape={tuple(x.shape)}"
            )
        return flip_and_shift(x, self.seed_generator)

    def get_config(self):
        """Constructor arguments, serialised."""
        transform = keras.saving.serialize_keras_object(self.transform)
        return {**super().get_config(), "transform": transform}


@keras.saving.register_keras_serializable("keras_gan")
class Consistency(Transforming):
    """The same logit for a sample and for its transformed copy (CR, bCR).

    `weight * (D(real) - D(T(real)))^2`, and for fakes the same with
    `fake_weight`: 0 is CR, `fake_weight=10` is bCR. Choose it to make up for
    few data without showing the generator augmented samples.

    Args:
        weight: float >= 0 or schedule, for real samples.
        fake_weight: float >= 0 or schedule, for fakes.
        transform: Keras layer or registered function, samples to samples.
            None: a random flip and shift by up to 1/8 with reflection, each
            image by its own draw; images only.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        ValueError: a weight is out of range; no `transform` for samples
            that are no images.

    Example:
    >>> rule = Consistency(transform=keras.layers.Rescaling(2.0))
    >>> rule(lambda x: x, ops.ones((2, 1)), None).numpy().tolist()
    [[10.0], [10.0]]

    Reference: Zhang et al., arXiv 1910.12027 (CR); Zhao et al., arXiv
    2002.04724 (bCR). Only logits are compared, no features.
    """

    def __init__(
        self,
        weight=10.0,
        fake_weight=0.0,
        transform=None,
        every=1,
        name="consistency",
    ):
        super().__init__(weight, transform, every, name)
        schedules.check("fake_weight", fake_weight, minimum=0)
        self.fake_weight = fake_weight

    def change(self, discriminate, x):
        """Squared change of each logit."""
        copy = logits_of(discriminate, self.transformed(x))
        return ops.square(logits_of(discriminate, x) - copy)

    def __call__(self, discriminate, real, fake):
        """The penalty of each pair of a real sample and a fake."""
        value = self.factor * self.change(discriminate, real)
        if self.fake_weight == 0:
            return value
        weight = schedules.value(self.fake_weight)
        return value + weight * self.change(discriminate, fake)

    def get_config(self):
        """Constructor arguments, serialised."""
        weight = keras.saving.serialize_keras_object(self.fake_weight)
        return {**super().get_config(), "fake_weight": weight}


class LatentNoise(Penalty):
    """A penalty on what a small change of the latents does.

    Args:
        weight: float >= 0 or schedule.
        radius: float >= 0, standard deviation of the change.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Example:
    >>> LatentNoise(1.0, radius=0.1).radius
    0.1
    """

    def __init__(self, weight, radius, every=1, name="latent_noise"):
        super().__init__(weight, name, every)
        check_number("radius", radius, minimum=0)
        self.radius = radius

    def neighbours(self, discriminate):
        """Fakes from latents close to those of the fakes."""
        latents = from_step(discriminate, "latents", self)
        noise = keras.random.normal(
            ops.shape(latents), dtype=latents.dtype, seed=self.seed_generator
        )
        return discriminate.generate(latents + self.radius * noise)

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "radius": self.radius}


@keras.saving.register_keras_serializable("keras_gan")
class LatentConsistency(LatentNoise):
    """The same logit for fakes of nearly the same latents (zCR).

    `weight * (D(G(z)) - D(G(z + e)))^2`, `e` normal with deviation
    `radius`. The discriminator's half of zCR; the generator's is
    `LatentDiversity`. With `Consistency(fake_weight=10)` it is ICR.

    Args:
        weight: float >= 0 or schedule.
        radius: float >= 0, standard deviation of the change.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        TypeError: called outside a model.
        ValueError: an argument is out of range.

    Example:
    >>> LatentConsistency().weight
    20.0

    Reference: Zhao et al., arXiv 2002.04724, section 3.2.
    """

    def __init__(
        self, weight=20.0, radius=0.05, every=1, name="latent_consistency"
    ):
        super().__init__(weight, radius, every, name)

    def __call__(self, discriminate, real, fake):
        """The penalty of each fake."""
        near = logits_of(discriminate, self.neighbours(discriminate))
        return self.factor * ops.square(logits_of(discriminate, fake) - near)


@keras.saving.register_keras_serializable("keras_gan")
class LatentDiversity(LatentNoise):
    """Different fakes for latents that differ a little (zCR).

    `-weight * ||G(z) - G(z + e)||^2`, the sum over all axes but the first,
    added to the generator's loss: it keeps `LatentConsistency` from making
    the generator deaf to its latents. It has no lower bound; keep the
    weight small.

    Args:
        weight: float >= 0 or schedule.
        radius: float >= 0, standard deviation of the change.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value, which is negative.

    Raises:
        TypeError: called outside a model.
        ValueError: an argument is out of range.

    Example:
    >>> LatentDiversity().player
    'generator'

    Reference: Zhao et al., arXiv 2002.04724, section 3.2. StudioGAN takes
    the mean over pixels, which is a weight divided by their number.
    """

    player = "generator"

    def __init__(
        self, weight=0.5, radius=0.05, every=1, name="latent_diversity"
    ):
        super().__init__(weight, radius, every, name)

    def __call__(self, discriminate, real, fake):
        """The reward of each fake, negative."""
        change = fake - self.neighbours(discriminate)
        flat = ops.reshape(change, (ops.shape(fake)[0], -1))
        return -self.factor * ops.sum(ops.square(flat), axis=-1)
