"""Sliced Wasserstein distance of images, by scale, or of vectors."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.samples import CollectedSamples
from keras_gan.metrics.samples import as_images
from keras_gan.metrics.samples import as_rows
from keras_gan.metrics.samples import check_same_shape

PATCH = 7
SMALLEST = 16
KERNEL = np.array([1, 4, 6, 4, 1]) / 16
ROUNDING = 1e-6
BLOCK = 100
DIRECTIONS = 16


def sliced_wasserstein(real, fake, num_directions=512, num_patches=128, seed=0):
    """Sliced Wasserstein distance: of patches of images, or of vectors.

    The mean over random unit directions of the Wasserstein-1 distance of the
    projections, which is the mean absolute difference of their sorted
    values. Vectors are projected as they are. Images are taken apart into
    the levels of a Laplacian pyramid, halved while their shorter side is
    above 16 pixels; of each level `num_patches` patches of 7x7 pixels an
    image are taken at random, each channel of each set is brought to mean 0
    and deviation 1, and the distance of the patches is multiplied by 1000.
    Brightness and contrast of a set do not count; sharpness and noise show
    in the first level, shapes in the last. Memory: about
    `400 * num_patches * channels` bytes an image and level.

    Args:
        real: float array `(n, height, width, channels)` or `(n, d)`.
        fake: float array `(m, ...)`, samples of the same shape.
        num_directions: integer >= 1.
        num_patches: integer >= 1, for images.
        seed: integer >= 0, seed of the directions and of the patches, which
            lie at the same places in both sets, by the order of the images.

    Returns:
        Float, the mean of the levels, and the list of the levels' floats,
        full size first; of vectors one level.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range, no samples, shapes that
            differ, NaN or infinity.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(20, 1))
    >>> mean, levels = sliced_wasserstein(x, x + 3.0)
    >>> round(mean, 9)
    3.0

    Reference: Karras et al., arXiv 1710.10196, who take 16,384 images of 16
    pixels by a power of two; other sizes, smaller images (with patches as
    large as fit) and sets of two sizes here.
    """
    check_integer("num_directions", num_directions, minimum=1)
    check_integer("num_patches", num_patches, minimum=1)
    check_integer("seed", seed, minimum=0)
    check_same_shape(real=real, fake=fake)
    rng = np.random.default_rng([seed, 0])
    if np.ndim(real) == 2:
        x, y = as_rows("real", real), as_rows("fake", fake)
        value = sliced(x, y, num_directions, rng)
        return value, [value]
    x, y = as_images("real", real), as_images("fake", fake)
    levels = [
        1_000 * sliced(*pair, num_directions, rng)
        for pair in zip(*(descriptors(s, num_patches, seed) for s in (x, y)))
    ]
    return float(np.mean(levels)), levels


def sides(height, width):
    """Shorter sides of the pyramid's levels, full size first."""
    found = [min(height, width)]
    while found[-1] > SMALLEST:
        found.append((found[-1] + 1) // 2)
    return found


def smooth(x):
    """Images under the binomial filter, mirrored at their borders."""
    for axis in (1, 2):
        size = x.shape[axis]
        width = [(2, 2) if i == axis else (0, 0) for i in range(4)]
        padded = np.pad(x, width, mode="reflect")
        x = sum(
            factor * padded.take(np.arange(i, i + size), axis)
            for i, factor in enumerate(KERNEL)
        )
    return x


def doubled(x, shape):
    """Images brought to the next larger `shape`."""
    spread = np.zeros(shape)
    spread[:, ::2, ::2] = x
    return 4 * smooth(spread)


def pyramid(x):
    """Laplacian pyramid: what each halving loses, and what is left."""
    levels = []
    for _ in sides(*x.shape[1:3])[1:]:
        small = smooth(x)[:, ::2, ::2]
        levels.append(x - doubled(small, x.shape))
        x = small
    return [*levels, x]


def patches(x, number, rng):
    """Random patches of each image, `(n * number, channels, pixels)`."""
    size = [min(PATCH, side) for side in x.shape[1:3]]
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(1, 2))
    count = len(x), number
    rows, columns = (rng.integers(n, size=count) for n in windows.shape[1:3])
    found = windows[np.arange(len(x))[:, None], rows, columns]
    return found.reshape(len(x) * number, x.shape[-1], -1)


def descriptors(x, num_patches, seed):
    """Normalised patches `(n * num_patches, values)` of each level."""
    rng = np.random.default_rng([seed, 1])
    blocks = [
        [patches(level, num_patches, rng) for level in pyramid(block)]
        for block in (x[i : i + BLOCK] for i in range(0, len(x), BLOCK))
    ]
    tiny = ROUNDING * np.abs(x).max()
    return [normalised(np.concatenate(parts), tiny) for parts in zip(*blocks)]


def normalised(x, tiny):
    """Rows whose channels have mean 0 and deviation 1, or 0 if constant."""
    x = x - x.mean(axis=(0, 2), keepdims=True)
    deviation = x.std(axis=(0, 2), keepdims=True)
    x /= np.where(deviation > tiny, deviation, np.inf)
    return x.reshape(len(x), -1)


def sliced(x, y, num_directions, rng):
    """Mean distance of the projections of two sets of rows."""
    directions = rng.normal(size=(x.shape[1], num_directions))
    directions /= np.linalg.norm(directions, axis=0)
    total = 0.0
    for i in range(0, num_directions, DIRECTIONS):
        some = directions[:, i : i + DIRECTIONS]
        total += wasserstein(x @ some, y @ some).sum()
    return float(total / num_directions)


def wasserstein(x, y):
    """Wasserstein-1 distance of two sets of numbers, column by column."""
    n, m = len(x), len(y)
    # Where one of the two quantile functions steps, in units of 1 / (n m).
    steps = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    widths = np.diff(steps, prepend=0) / (n * m)
    x, y = np.sort(x, axis=0), np.sort(y, axis=0)
    apart = np.abs(x[(steps - 1) // m] - y[(steps - 1) // n])
    return widths @ apart


@keras.saving.register_keras_serializable("keras_gan")
class SlicedWasserstein(CollectedSamples):
    """Sliced Wasserstein distance of fakes to real samples, by scale.

    Needs no network: tells at which scale images are wrong, and serves for
    tables and toys. It is given the samples' shape in place of features and
    keeps the samples. `sliced_wasserstein` has the definition. By default an
    evaluation of 28x28 grey images takes most of a minute of one CPU core;
    the time is in proportion to samples, patches and directions.

    Args:
        sample_shape: tuple of integers, `(height, width, channels)` or
            `(d,)`; samples of another rank are taken as vectors.
        num_directions: integer >= 1.
        num_patches: integer >= 1, for images.
        num_samples: integer >= 2, samples kept of each kind. The distance
            falls as it grows: compare numbers of one only.
        seed: integer >= 0, seed of the directions and patches.
        name: string, the key of the mean; that of a level ends with the
            level's shorter side.

    Call arguments:
        real: float tensor `(batch, *sample_shape)`, real samples.
        fake: float tensor `(batch, *sample_shape)`, fakes.

    Returns:
        `result()` is a dictionary of floats >= 0.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of no samples or
            of samples that are not finite.

    Example:
    >>> metric = SlicedWasserstein((28, 28, 1), num_directions=8)
    >>> x = np.random.default_rng(0).normal(size=(4, 28, 28, 1))
    >>> metric.update_state(x, x)
    >>> list(metric.result())
    ['sliced_wasserstein', 'sliced_wasserstein_28', 'sliced_wasserstein_14']

    Reference: Karras et al., arXiv 1710.10196.
    """

    settings = ("num_directions", "num_patches", "seed")

    def __init__(
        self,
        sample_shape,
        num_directions=512,
        num_patches=128,
        num_samples=2_000,
        seed=0,
        name="sliced_wasserstein",
    ):
        super().__init__(sample_shape, num_samples, name)
        check_integer("num_directions", num_directions, minimum=1)
        check_integer("num_patches", num_patches, minimum=1)
        check_integer("seed", seed, minimum=0)
        self.num_directions = num_directions
        self.num_patches = num_patches
        self.seed = seed

    def compare(self, real, fake):
        """The mean and, of images, each level."""
        images = len(self.sample_shape) == 3
        if not images:
            real, fake = (x.reshape(len(x), -1) for x in (real, fake))
        mean, levels = sliced_wasserstein(
            real, fake, self.num_directions, self.num_patches, self.seed
        )
        names = sides(*self.sample_shape[:2]) if images else ()
        found = {f"{self.name}_{n}": v for n, v in zip(names, levels)}
        return {self.name: mean, **found}
