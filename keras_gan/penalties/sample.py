"""Penalties on the generator's samples."""

import keras
from keras import ops

from keras_gan.checks import check_number
from keras_gan.gradients import input_gradient
from keras_gan.penalties.penalty import Penalty
from keras_gan.penalties.penalty import from_step


@keras.saving.register_keras_serializable("keras_gan")
class SampleEnergy(Penalty):
    """Squared size of the fakes.

    `weight * sum over all axes but the first of fake^2`: the term eta of the
    regularised objective of the tutorials. It draws samples towards zero,
    mid-grey for images in [-1, 1]. A sum, not a mean: images of twice the
    side need a quarter of the weight. Added to the generator's loss.

    Args:
        weight: float >= 0 or schedule, eta.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> SampleEnergy(0.01)(None, None, ops.ones((1, 5))).numpy().round(6)
    array([0.05], dtype=float32)

    Reference: the tutorials' objective.
    """

    player = "generator"

    def __init__(self, weight=1e-3, every=1, name="sample_energy"):
        super().__init__(weight, name, every)

    def __call__(self, discriminate, real, fake):
        """The energy of each fake."""
        flat = ops.reshape(fake, (ops.shape(fake)[0], -1))
        return self.factor * ops.sum(ops.square(flat), axis=-1)


@keras.saving.register_keras_serializable("keras_gan")
class PathLength(Penalty):
    """Steps of one length in the latents become steps of one length in images.

    `weight * (length - a)^2`, `length = ||d <G(w), y> / dw||`, `y` normal
    divided by the root of the number of pixels, `a` the running mean of the
    lengths. `w` are the styles of a generator with a layer that truncates
    (`architectures.stylegan2`), the latents of any other. Choose it for
    smooth interpolation. Added to the generator's loss.

    Args:
        weight: float >= 0 or schedule.
        rate: float in [0, 1], how fast `a` follows.
        every: integer >= 1, see `Penalty`; 4 in the paper.
        name: key of the logged value.

    Raises:
        ValueError: an argument is out of range.

    Example:
    >>> PathLength(weight=1.0, every=1).name
    'path_length'

    Reference: Karras et al., arXiv 1912.04958, section 3.2. `a` is updated
    first and carries no gradient (in the authors' code it does); one `w` for
    all layers as in the paper's text; the whole batch, not half of it.
    """

    player = "generator"

    def __init__(self, weight=2.0, rate=0.01, every=4, name="path_length"):
        super().__init__(weight, name, every)
        check_number("rate", rate, minimum=0, maximum=1)
        self.rate = rate
        self.state = []

    @property
    def variables(self):
        """The running mean of the lengths."""
        return self.state

    def build(self):
        """Makes the running mean."""
        self.state = [
            keras.Variable(
                0.0, trainable=False, aggregation="mean", name="length"
            )
        ]

    def lengths(self, synthesis, styles, noise):
        """Length of the gradient of each `<synthesis(w), y>` in `w`."""
        pixels = 1
        for size in noise.shape[1:-1]:
            pixels *= size
        y = noise / ops.sqrt(ops.cast(pixels, noise.dtype))

        def shadow(w):
            samples = synthesis(ops.cast(w, styles.dtype))
            product = ops.cast(samples, y.dtype) * y
            return ops.sum(ops.reshape(product, (ops.shape(y)[0], -1)), -1)

        gradient = input_gradient(shadow, ops.cast(styles, y.dtype))
        flat = ops.reshape(gradient, (ops.shape(styles)[0], -1))
        # Epsilon: the root has no finite gradient at zero.
        return ops.sqrt(ops.sum(ops.square(flat), axis=-1) + 1e-12)

    def __call__(self, discriminate, real, fake):
        """The penalty of each fake's latents."""
        styles, synthesis = from_step(discriminate, "pathway", self)()
        noise = keras.random.normal(
            ops.shape(fake), dtype=fake.dtype, seed=self.seed_generator
        )
        noise = ops.reshape(noise, (-1, *fake.shape[1:]))
        lengths = self.lengths(synthesis, styles, noise)
        (mean,) = self.state
        change = ops.stop_gradient(ops.mean(lengths)) - mean
        mean.assign(mean + self.rate * change)
        found = ops.square(lengths - ops.copy(mean))
        # A fake may be a pack of samples, each with latents of its own.
        packs = ops.reshape(found, (ops.shape(fake)[0], -1))
        return self.factor * ops.mean(packs, axis=1)

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "rate": self.rate}
