"""What the generator is fed: latent samplers, and ways between latents."""

import math

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_shape

METHODS = ("linear", "spherical")
TINY = 1e-7


@keras.saving.register_keras_serializable("keras_gan")
class Normal:
    """Standard normal latents, the default of `keras_gan.GAN`.

    Args:
        shape: tuple of integers, the shape of one latent sample.

    Call arguments:
        batch_size: integer, number of samples.
        seed: integer or `keras.random.SeedGenerator`.

    Returns:
        Float tensor `(batch_size, *shape)`.

    Raises:
        TypeError, ValueError: `shape` holds no positive integers.

    Example:
    >>> Normal((64,))(2, seed=0).shape
    TensorShape([2, 64])
    """

    # How to go from one to another, unless somebody says it.
    method = "spherical"

    def __init__(self, shape):
        self.shape = check_shape("shape", shape)

    def __call__(self, batch_size, seed):
        """Draws a batch of latents."""
        return keras.random.normal((batch_size, *self.shape), seed=seed)

    def nearest(self, latents):
        """The nearest latents, `(batch, *shape)`, that could be drawn."""
        return latents

    def get_config(self):
        """Constructor arguments."""
        return {"shape": self.shape}

    @classmethod
    def from_config(cls, config):
        """The sampler that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan")
class Uniform(Normal):
    """Latents uniform in [-1, 1), as in the DCGAN paper.

    Args:
        shape: tuple of integers, the shape of one latent sample.

    Example:
    >>> float(abs(Uniform((8,))(4, seed=0)).numpy().max()) <= 1.0
    True

    Reference: Radford et al., arXiv 1511.06434.
    """

    method = "linear"

    def __call__(self, batch_size, seed):
        """Draws a batch of latents."""
        return keras.random.uniform(
            (batch_size, *self.shape), minval=-1.0, maxval=1.0, seed=seed
        )

    def nearest(self, latents):
        """The nearest latents, `(batch, *shape)`, that could be drawn."""
        return ops.clip(latents, -1.0, 1.0)


@keras.saving.register_keras_serializable("keras_gan")
class Codes(Normal):
    """Noise, and behind it codes that mean something, for `InfoGAN`.

    A row is `[noise, one-hot categories of each categorical code, continuous
    codes]`: noise standard normal, categories equally likely, continuous
    codes uniform in [-1, 1). All come from one draw of normal numbers.

    Args:
        noise_dim: integer >= 1, length of the noise.
        categories: tuple of integers >= 2, number of categories of each
            categorical code. Default: one code of 10.
        num_continuous: integer >= 0, continuous codes. Default 2.

    Raises:
        TypeError, ValueError: an argument is out of range, or there is no
            code.

    Example:
    >>> draw = Codes(6, categories=(3,), num_continuous=1)
    >>> draw(2, seed=0).shape
    TensorShape([2, 10])
    >>> float(ops.sum(draw(2, seed=0)[:, 6:9]))
    2.0

    Reference: Chen et al., arXiv 1606.03657.
    """

    def __init__(self, noise_dim, categories=(10,), num_continuous=2):
        check_integer("noise_dim", noise_dim, minimum=1)
        check_integer("num_continuous", num_continuous, minimum=0)
        self.categories = check_categories(categories, num_continuous)
        self.noise_dim = noise_dim
        self.num_continuous = num_continuous
        super().__init__((noise_dim + self.num_codes,))

    @property
    def num_codes(self):
        """Integer, numbers behind the noise."""
        return sum(self.categories) + self.num_continuous

    def __call__(self, batch_size, seed):
        """Draws a batch of latents."""
        num_drawn = len(self.categories) + self.num_continuous
        drawn = keras.random.normal(
            (batch_size, self.noise_dim + num_drawn), seed=seed
        )
        shares = 0.5 + 0.5 * ops.erf(drawn[:, self.noise_dim :] / math.sqrt(2))
        codes = [
            ops.one_hot(category(shares[:, index], size), size)
            for index, size in enumerate(self.categories)
        ]
        rest = 2.0 * shares[:, len(self.categories) :] - 1.0
        noise = drawn[:, : self.noise_dim]
        return ops.concatenate([noise, *codes, rest], axis=1)

    def nearest(self, latents):
        """The nearest latents, `(batch, *shape)`, that could be drawn."""
        ends = np.cumsum([self.noise_dim, *self.categories]).tolist()
        noise, *codes, rest = ops.split(latents, ends, axis=1)
        codes = [
            ops.one_hot(ops.argmax(code, axis=1), size, dtype=code.dtype)
            for code, size in zip(codes, self.categories)
        ]
        rest = ops.clip(rest, -1.0, 1.0)
        return ops.concatenate([noise, *codes, rest], axis=1)

    def get_config(self):
        """Constructor arguments."""
        return {
            "noise_dim": self.noise_dim,
            "categories": self.categories,
            "num_continuous": self.num_continuous,
        }


def category(share, size):
    """The category, out of `size`, that a number in [0, 1] falls into."""
    return ops.minimum(ops.cast(share * size, "int32"), size - 1)


def check_categories(categories, num_continuous):
    """Sizes of the categorical codes as a tuple, or an error."""
    sizes = (categories,) if np.ndim(categories) == 0 else tuple(categories)
    for size in sizes:
        check_integer("categories", size, minimum=2)
    if not sizes and not num_continuous:
        raise ValueError(
            "There must be a code, categorical or continuous. Received: "
            f"categories={categories!r}, num_continuous={num_continuous}"
        )
    return sizes


def interpolate(start, end, steps, method="spherical"):
    """Latents in equal steps from one to another, both ends included.

    `"spherical"` is for normal latents: nearly all of them have about the
    same length, and the middle of a straight line between two is shorter
    than any the generator was trained on. With t from 0 to 1 and w the angle
    between the ends, the direction turns evenly, the length changes evenly:

        sin((1 - t) w) / sin(w) * start / |start|
            + sin(t w) / sin(w) * end / |end|,
        times  (1 - t) |start| + t |end|

    Opposite ends have no great circle of their own: the one towards the axis
    that `start` has least of is taken. To and from zero the way is straight.
    `"linear"`, `(1 - t) start + t end`, is for uniform latents, styles and
    codes.

    Args:
        start: float array, one vector `(n,)`, or rows `(batch, ...)`, each
            of which goes its own way.
        end: float array of the same shape.
        steps: integer >= 2, latents on the way, the ends among them.
        method: `"spherical"` or `"linear"`.

    Returns:
        NumPy array `(steps, *start.shape)` of the dtype of the ends,
        computed in float64; the first and the last are the ends exactly.

    Raises:
        TypeError, ValueError: the ends are no arrays of numbers of one shape,
            or another argument is out of range.

    Example:
    >>> interpolate([1.0, 0.0], [0.0, 2.0], steps=3).round(3).tolist()
    [[1.0, 0.0], [1.061, 1.061], [0.0, 2.0]]

    Reference: Shoemake, SIGGRAPH 1985; for latents White, arXiv 1609.04468,
    whose lengths, where those of the ends differ, follow the sines as well.
    """
    check_integer("steps", steps, minimum=2)
    if method not in METHODS:
        raise ValueError(
            f"`method` must be one of {METHODS}. Received: method={method!r}"
        )
    start, end = check_ends(start, end)
    shares = np.linspace(0.0, 1.0, steps).reshape(-1, *[1] * start.ndim)
    wide = [x.astype("float64") for x in (start, end)]
    way = (straight if method == "linear" else on_sphere)(*wide, shares)
    way[0], way[-1] = wide
    return way.astype(np.result_type(start, end, "float16"))


def check_ends(start, end):
    """Both ends as arrays, or an error."""
    ends = {"start": np.asarray(start), "end": np.asarray(end)}
    for name, x in ends.items():
        if x.dtype.kind not in "iuf":
            raise TypeError(
                f"`{name}` must be an array of numbers. "
                f"Received: {name} of dtype={x.dtype}"
            )
    start, end = ends.values()
    if not start.ndim or start.shape != end.shape:
        raise ValueError(
            "`start` and `end` must be arrays of one shape, (n,) or "
            f"(batch, ...). Received: start of shape={start.shape} and end of "
            f"shape={end.shape}"
        )
    return start, end


def straight(start, end, shares):
    """`(1 - t) start + t end` for each of the shares."""
    return (1.0 - shares) * start + shares * end


def on_sphere(start, end, shares):
    """Great circles, one a row; lengths go evenly from one to the other."""
    shape = start.shape
    size = shape[0] if start.ndim == 1 else math.prod(shape[1:])
    a, b = (x.reshape(-1, size) for x in (start, end))
    shares = shares.reshape(-1, 1, 1)
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    turns = (lengths[0] > 0.0) & (lengths[1] > 0.0)
    first, last = (x / np.where(turns, r, 1.0) for x, r in zip((a, b), lengths))
    angle, aside = turn(first, last)
    way = np.cos(shares * angle) * first + np.sin(shares * angle) * aside
    way = way * straight(*lengths, shares)
    way = np.where(turns, way, straight(a, b, shares))
    return way.reshape(-1, *shape)


def turn(first, last):
    """Angles between unit vectors, and where the first ones turn to.

    Args:
        first: float64 array `(n, d)`.
        last: float64 array `(n, d)`.

    Returns:
        Angles `(n, 1)`, and unit vectors `(n, d)` at right angles to
        `first`; zeros where there is nothing to turn.
    """
    cosine = np.sum(first * last, axis=1, keepdims=True)
    aside = last - cosine * first
    sine = np.linalg.norm(aside, axis=1, keepdims=True)
    angle = np.arctan2(sine, cosine)
    least = np.eye(first.shape[1])[np.abs(first).argmin(axis=1)]
    least -= np.sum(first * least, axis=1, keepdims=True) * first
    # Of nearly opposite ends rounding would choose the circle.
    aside = np.where((sine < TINY) & (cosine < 0.0), least, aside)
    size = np.linalg.norm(aside, axis=1, keepdims=True)
    return angle, aside / np.where(size > 0.0, size, 1.0)
