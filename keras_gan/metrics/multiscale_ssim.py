"""Structural similarity of images at several scales."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.metrics.remembered import remembered
from keras_gan.metrics.samples import CollectedSamples
from keras_gan.metrics.samples import as_images
from keras_gan.metrics.samples import as_rows

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
FILTERS = (11, 7)
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
BLOCK = 100


def multiscale_ssim(first, second, value_range=(-1.0, 1.0)):
    """Structural similarity of pairs of images at several scales.

    The product over the levels of a pyramid of the means of contrast and
    structure, of the last level also of luminance, each to the power of its
    weight; the mean over channels. Negative means count as 0.

    Images of at least 161 pixels get the five levels and the filter of 11 of
    the paper. Smaller ones get a filter of 7 and as many levels, up to five,
    as leave 7 pixels of the shorter side at the last (three at 28 pixels, one
    below 13), with the first weights, scaled to sum 1; below 7 pixels the
    filter is as large as the image.

    Args:
        first: float array `(n, height, width, channels)`.
        second: float array of the same shape.
        value_range: two numbers, the lowest and the highest value of the
            data. Values are not clipped to it.

    Returns:
        NumPy float64 array `(n,)`, 1 for equal images.

    Raises:
        TypeError: `value_range` holds no numbers.
        ValueError: `value_range` is no range, no images, shapes that differ,
            NaN or infinity.

    Example:
    >>> x = np.random.default_rng(0).uniform(-1, 1, size=(2, 28, 28, 1))
    >>> multiscale_ssim(x, x).tolist()
    [1.0, 1.0]

    Reference: Wang, Simoncelli & Bovik, "Multi-scale structural similarity
    for image quality assessment", 2003; halved by means of 2x2 pixels, and
    fewer levels for small images here.
    """
    low, high = check_range(value_range)
    first, second = as_images("first", first), as_images("second", second)
    if first.shape != second.shape:
        raise ValueError(
            "`first` and `second` must have one shape. "
            f"Received: {first.shape} and {second.shape}"
        )
    x, y = ((images - low) / (high - low) for images in (first, second))
    size, num_levels = scales(*x.shape[1:3])
    weights = WEIGHTS[:num_levels] / WEIGHTS[:num_levels].sum()
    blocks = (slice(i, i + BLOCK) for i in range(0, len(x), BLOCK))
    found = [similarity(x[rows], y[rows], size, weights) for rows in blocks]
    return np.concatenate(found)


def check_range(value_range):
    """Both ends of a range, or an error."""
    ends = tuple(value_range) if np.ndim(value_range) == 1 else ()
    for end in ends:
        check_number("value_range", end, minimum=-np.inf)
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise ValueError(
            "`value_range` must be two numbers, the lower first. "
            f"Received: value_range={value_range!r}"
        )
    return float(ends[0]), float(ends[1])


def scales(height, width):
    """Size of the filter and number of levels that an image has room for."""
    for size in FILTERS:
        sides = [min(height, width)]
        while len(sides) < len(WEIGHTS) and (sides[-1] + 1) // 2 >= size:
            sides.append((sides[-1] + 1) // 2)
        if len(sides) == len(WEIGHTS):
            break
    return min(size, sides[0]), len(sides)


def similarity(x, y, size, weights):
    """Similarity of pairs of images in [0, 1], with one level a weight."""
    total = np.ones((len(x), x.shape[-1]))
    for level, weight in enumerate(weights):
        if level:
            x, y = halved(x), halved(y)
        luminance, structure = compared(x, y, size)
        if level == len(weights) - 1:
            structure = luminance * structure
        mean = structure.mean(axis=(1, 2))
        total *= np.maximum(mean, 0.0) ** weight
    return total.mean(axis=-1)


def compared(x, y, size):
    """Luminance, and contrast times structure, at each pixel."""
    mean_x, mean_y = smooth(x, size), smooth(y, size)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = smooth(x * y, size) - product
    variances = smooth(x**2 + y**2, size) - squares
    luminance = (2 * product + C1) / (squares + C1)
    return luminance, (2 * covariance + C2) / (variances + C2)


def smooth(x, size):
    """Images under a Gaussian filter, where all of it fits."""
    places = np.arange(size) - (size - 1) / 2
    kernel = np.exp(-np.square(places / SIGMA) / 2)
    kernel /= kernel.sum()
    for axis in (1, 2):
        room = np.arange(x.shape[axis] - size + 1)
        x = sum(
            factor * x.take(room + i, axis) for i, factor in enumerate(kernel)
        )
    return x


def halved(x):
    """Means of 2x2 pixels; the last row repeats where there is an odd one."""
    n, height, width, channels = x.shape
    x = np.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), "edge")
    return x.reshape(
        n, (height + 1) // 2, 2, (width + 1) // 2, 2, channels
    ).mean(axis=(2, 4))


def of_pairs(x, num_pairs, seed, value_range=(-1.0, 1.0)):
    """Similarities of random pairs of two different images."""
    rng = np.random.default_rng(seed)
    first = rng.integers(len(x), size=num_pairs)
    second = (first + rng.integers(1, len(x), size=num_pairs)) % len(x)
    return multiscale_ssim(x[first], x[second], value_range)


@remembered
def mean_of_pairs(x, num_pairs, seed, value_range):
    """Mean similarity of random pairs of two different images."""
    return float(of_pairs(x, num_pairs, seed, value_range).mean())


@keras.saving.register_keras_serializable("keras_gan")
class MultiscaleSSIM(CollectedSamples):
    """Mean similarity of random pairs of fakes: high means little variety.

    Shows a collapse of the pixels without a network. The same number of the
    real samples is the one to compare with, far above it fakes repeat
    themselves, below it lies noise, which is no better. `multiscale_ssim`
    has the definition.

    Args:
        sample_shape: tuple of integers, `(height, width, channels)`.
        value_range: two numbers, the lowest and the highest value of the
            data.
        num_pairs: integer >= 1, pairs of different samples.
        num_samples: integer >= 2, samples kept of each kind.
        seed: integer >= 0, seed of the pairs.
        name: string, the key in the logs; `<name>_of_real` is the mean of
            real pairs.

    Call arguments:
        real: float tensor `(batch, *sample_shape)`, real samples.
        fake: float tensor `(batch, *sample_shape)`, fakes.

    Returns:
        `result()` is a dictionary of two floats in [0, 1].

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of fewer than two
            samples or of samples that are not finite.

    Example:
    >>> metric = MultiscaleSSIM((28, 28, 1))
    >>> x = np.random.default_rng(0).uniform(-1, 1, size=(8, 28, 28, 1))
    >>> metric.update_state(x, np.ones((8, 28, 28, 1)))
    >>> result = metric.result()
    >>> result["multiscale_ssim"] > result["multiscale_ssim_of_real"]
    True

    Reference: Odena et al., arXiv 1610.09585, who take pairs of one class.
    """

    settings = ("value_range", "num_pairs", "seed")

    def __init__(
        self,
        sample_shape,
        value_range=(-1.0, 1.0),
        num_pairs=1_000,
        num_samples=2_000,
        seed=0,
        name="multiscale_ssim",
    ):
        super().__init__(sample_shape, num_samples, name)
        if len(self.sample_shape) != 3:
            raise ValueError(
                "`sample_shape` must be (height, width, channels). "
                f"Received: sample_shape={self.sample_shape}"
            )
        check_integer("num_pairs", num_pairs, minimum=1)
        check_integer("seed", seed, minimum=0)
        self.value_range = check_range(value_range)
        self.num_pairs = num_pairs
        self.seed = seed

    def compare(self, real, fake):
        """The mean of fake pairs, and that of real pairs."""
        found = {}
        for kind, x in (("fake", fake), ("real", real)):
            as_rows(kind, x, at_least=2)
            found[kind] = mean_of_pairs(
                x, self.num_pairs, self.seed, self.value_range
            )
        return {self.name: found["fake"], f"{self.name}_of_real": found["real"]}

    def protocol(self):
        """What the numbers depend on."""
        size, num_levels = scales(*self.sample_shape[:2])
        found = {"filter_size": size, "num_levels": num_levels}
        return {**super().protocol(), **found}
