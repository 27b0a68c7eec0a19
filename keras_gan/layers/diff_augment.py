"""Augmentation that a GAN trains through.

The transforms are functions of images and of draws, one draw a sample; the
layer draws. Images are `(batch, height, width, channels)`.
"""

import keras
from keras import ops

from keras_gan import schedules
from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.seeds import ReplicaSeedGenerator


def per_image(draws, x):
    """Draws `(batch,)` in a shape and dtype that fit images."""
    return ops.cast(ops.reshape(draws, (-1, 1, 1, 1)), x.dtype)


def brightness(x, change):
    """Adds to every pixel of an image; a change of 0 is neutral."""
    return x + per_image(change, x)


def saturation(x, factor):
    """Scales the distance of channels to their mean; 1 is neutral."""
    mean = ops.mean(x, axis=-1, keepdims=True)
    return x + (per_image(factor, x) - 1.0) * (x - mean)


def contrast(x, factor):
    """Scales the distance of pixels to the image's mean; 1 is neutral."""
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    return x + (per_image(factor, x) - 1.0) * (x - mean)


def translation(x, dy, dx):
    """Moves images by whole pixels and fills with zeros; 0 is neutral.

    Pixel `(i, j)` becomes pixel `(i + dy, j + dx)` of the input.

    Args:
        x: float tensor `(batch, height, width, channels)`.
        dy: integer tensor `(batch,)`.
        dx: integer tensor `(batch,)`.

    Returns:
        Float tensor of the shape of `x`.
    """

    @ops.custom_gradient
    def moved(x):
        def gradient(*args, upstream=None):
            # The move back: half the time of a gather's own gradient.
            return translation(args[0] if args else upstream, -dy, -dx)

        return gathered(x, dy, dx), gradient

    return moved(x)


def gathered(x, dy, dx):
    """The translated images, by one gather of pixels."""
    batch_size, height, width, channels = ops.shape(x)
    rows = ops.arange(height) + dy[:, None]
    columns = ops.arange(width) + dx[:, None]
    known = (
        within(rows, 0, height)[:, :, None] & within(columns, 0, width)[:, None]
    )
    rows = ops.clip(rows, 0, height - 1)
    columns = ops.clip(columns, 0, width - 1)
    first = ops.arange(batch_size) * (height * width)
    index = first[:, None, None] + rows[:, :, None] * width + columns[:, None]
    pixels = ops.take(ops.reshape(x, (-1, channels)), index, axis=0)
    return pixels * ops.cast(known[..., None], x.dtype)


def cutout(x, cy, cx):
    """Zeros in a rectangle of half the image's sides around a centre.

    The sides are `floor(size / 2 + 1 / 2)` pixels; the rectangle starts
    `floor(side / 2)` pixels before the centre and ends with the image.

    Args:
        x: float tensor `(batch, height, width, channels)`.
        cy: integer tensor `(batch,)`, row of the centre.
        cx: integer tensor `(batch,)`, column of the centre.

    Returns:
        Float tensor of the shape of `x`.
    """
    rows = cut_pixels(ops.shape(x)[1], cy)[:, :, None]
    columns = cut_pixels(ops.shape(x)[2], cx)[:, None]
    return x * ops.cast(~(rows & columns)[..., None], x.dtype)


def cut_pixels(size, centre):
    """Which of `size` pixels in a row lie in the cut, `(batch, size)`."""
    first = centre[:, None] - cut_side(size) // 2
    return within(ops.arange(size), first, first + cut_side(size))


def cut_side(size):
    """Side of the cut in an image of that size."""
    return (size + 1) // 2


def within(numbers, first, end):
    """Which numbers are at least `first` and below `end`."""
    return (numbers >= first) & (numbers < end)


def color(x, draws):
    """Brightness, saturation and contrast from draws in [0, 1)."""
    x = brightness(x, draws[0] - 0.5)
    x = saturation(x, 2.0 * draws[1])
    return contrast(x, draws[2] + 0.5)


def random_translation(x, draws):
    """Translation by up to `floor(size / 8 + 1 / 2)` pixels each way."""
    reach = [(size + 4) // 8 for size in ops.shape(x)[1:3]]
    dy = integers(draws[0], 2 * reach[0] + 1) - reach[0]
    dx = integers(draws[1], 2 * reach[1] + 1) - reach[1]
    return translation(x, dy, dx)


def random_cutout(x, draws):
    """Cutout such that each position of the cut is equally likely."""
    sizes = ops.shape(x)[1:3]
    # A cut of even side has its centre between pixels: one place more.
    places = [size + 1 - cut_side(size) % 2 for size in sizes]
    cy, cx = integers(draws[0], places[0]), integers(draws[1], places[1])
    return cutout(x, cy, cx)


def integers(draws, n):
    """Integers in [0, n) from draws in [0, 1)."""
    return ops.cast(ops.floor(draws * ops.cast(n, draws.dtype)), "int32")


# Each family and the draw that leaves a sample as it is: for the last one,
# a centre far outside the image.
FAMILIES = {
    "color": (color, 0.5),
    "translation": (random_translation, 0.5),
    "cutout": (random_cutout, -2.0),
}


@keras.saving.register_keras_serializable("keras_gan")
class DiffAugment(keras.layers.Layer):
    """Differentiable augmentation of what the discriminator sees.

    Choose it as `augment` of a GAN when there are few images: a thousand, or
    ten thousand. Each sample has draws of its own. `"color"`: brightness
    `x + U(-0.5, 0.5)`, then saturation and contrast, which scale the
    distance to the channels' mean by `U(0, 2)` and to the image's mean by
    `U(0.5, 1.5)`. `"translation"`: by whole pixels, up to an eighth of the
    size each way. `"cutout"`: a rectangle of half the size. Both fill with
    zeros. It acts in training only; every derivative exists.

    Args:
        policy: string, families separated by commas, applied in that order.
        probability: float in [0, 1] or a schedule of `keras_gan.schedules`,
            how likely a family changes a sample; families and samples are
            independent of each other.
        seed: integer >= 0, or None for a random one.

    Call arguments:
        images: float tensor `(batch, height, width, channels)` in [-1, 1],
            whatever `keras.config.image_data_format()` says.
        training: whether to augment.

    Returns:
        Tensor of the same shape in the layer's compute dtype, computed in
        float32 or wider; colors may leave [-1, 1].

    Raises:
        TypeError: an argument is of another type.
        ValueError: an unknown family, an argument out of range, no images.

    Example:
    >>> augment = DiffAugment("translation,cutout", seed=0)
    >>> augment(ops.ones((2, 8, 8, 3)), training=True).shape
    TensorShape([2, 8, 8, 3])

    Reference: Zhao et al., arXiv 2006.10738, whose families always act;
    sizes are rounded half up, as in the authors' programs.
    """

    def __init__(
        self,
        policy="color,translation,cutout",
        probability=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_policy(policy)
        schedules.check("probability", probability, minimum=0, maximum=1)
        if seed is not None:
            check_integer("seed", seed, minimum=0)
        self.policy = policy
        self.probability = probability
        self.seed = seed
        self.seed_generator = ReplicaSeedGenerator(seed)

    def build(self, input_shape):
        if len(input_shape) != 4:
            raise ValueError(
                f"{type(self).__name__} takes images (batch, height, width, "
                f"channels). Received: input_shape={input_shape}"
            )

    def call(self, images, training=False):
        check_floats("images", images)
        if not training:
            return images
        wide = keras.backend.result_type(images.dtype, "float32")
        x = ops.cast(images, wide)
        for name in self.policy.split(","):
            family, neutral = FAMILIES[name]
            x = family(x, self.draw(ops.shape(x)[0], neutral))
        return ops.cast(x, images.dtype)

    def draw(self, batch_size, neutral):
        """Three draws in [0, 1) a sample, or neutral ones: `(3, batch)`."""
        draws = keras.random.uniform(
            (4, batch_size), dtype="float32", seed=self.seed_generator
        )
        probability = ops.cast(schedules.value(self.probability), "float32")
        return ops.where(draws[3] < probability, draws[:3], neutral)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "policy": self.policy,
            "probability": self.probability,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get("probability"), dict):
            schedule = keras.saving.deserialize_keras_object(
                config["probability"]
            )
            config = {**config, "probability": schedule}
        return cls(**config)


def check_policy(policy):
    """Raises unless `policy` names each family at most once."""
    if not isinstance(policy, str):
        raise TypeError(
            f"`policy` must be a string. Received: policy={policy!r} "
            f"(of type {type(policy).__name__})"
        )
    names = policy.split(",")
    if not set(names) <= set(FAMILIES) or len(set(names)) < len(names):
        raise ValueError(
            "`policy` must name some of the families "
            f"{', '.join(FAMILIES)}, each at most once, separated by commas "
            f"without spaces. Received: policy={policy!r}"
        )
