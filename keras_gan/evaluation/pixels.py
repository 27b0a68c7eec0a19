"""What the pixels of images say, without a network."""

import math

import numpy as np

from keras_gan import metrics
from keras_gan.metrics.multiscale_ssim import of_pairs
from keras_gan.metrics.sliced_wasserstein import SMALLEST

SETTINGS = {
    "sliced_wasserstein_samples": 2_000,
    "sliced_wasserstein_patches": 32,
    "sliced_wasserstein_directions": 128,
    "multiscale_ssim_pairs": 5_000,
}
# Of the images that are looked at, for 1 GB and some ten seconds at most.
MOST_VALUES = 25_000_000


def settings(shape, num_real, num_fake):
    """What the numbers of images depend on; None each for what has none.

    Args:
        shape: tuple of integers, the shape of one sample.
        num_real: integer.
        num_fake: integer.

    Returns:
        Dictionary with the keys of `SETTINGS`.
    """
    if len(shape) != 3 or min(shape[:2]) < SMALLEST:
        return dict.fromkeys(SETTINGS)
    most = max(1, MOST_VALUES // math.prod(shape))
    samples = min(SETTINGS["sliced_wasserstein_samples"], num_real, num_fake)
    pairs = SETTINGS["multiscale_ssim_pairs"]
    return {
        **SETTINGS,
        "sliced_wasserstein_samples": min(samples, most),
        "multiscale_ssim_pairs": min(pairs, most),
    }


def numbers(real, fake, seed):
    """All numbers about the pixels of images; none for other samples.

    Args:
        real: array `(n, ...)`, in [-1, 1] if images.
        fake: array `(m, ...)`, likewise, what is judged.
        seed: integer, of the choice of samples, patches and pairs.

    Returns:
        Dictionary of floats and of pairs of a float and its spread.
    """
    if fake.ndim != 4 or min(fake.shape[1:3]) < 3:
        return {}
    found = {"fine_detail": fine_detail(fake)}
    chosen = settings(fake.shape[1:], len(real), len(fake))
    num_samples, patches, directions, pairs = chosen.values()
    if num_samples is None:
        return found
    some = [draw(x, num_samples, seed) for x in (real, fake)]
    found["sliced_wasserstein"], _ = metrics.sliced_wasserstein(
        *some, directions, patches, seed
    )
    found["multiscale_ssim"] = similarity(fake, pairs, seed)
    return found


def draw(x, count, seed):
    """Random samples, each once: real ones may come class by class."""
    return x[np.random.default_rng(seed).choice(len(x), count, replace=False)]


def similarity(x, num_pairs, seed):
    """Mean similarity of random pairs of images, and its standard error."""
    values = of_pairs(x, num_pairs, seed)
    # Pairs that share an image tell less than one each.
    independent = min(num_pairs, len(x) / 2)
    return float(values.mean()), float(values.std() / independent**0.5)


def fine_detail(images):
    """How much pixels differ from their neighbours, and its standard error.

    The root mean square difference of a pixel from the mean of its four
    neighbours, averaged over images. Blur makes it small, noise large;
    features of classifiers see neither as far from the data.
    """
    found = []
    for start in range(0, len(images), 1_000):
        x = images[start : start + 1_000].astype("float64")
        rows = x[:, :-2, 1:-1] + x[:, 2:, 1:-1]
        columns = x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
        rest = x[:, 1:-1, 1:-1] - (rows + columns) / 4
        found.append(np.sqrt(np.square(rest).mean(axis=(1, 2, 3))))
    found = np.concatenate(found)
    return float(found.mean()), float(found.std() / len(found) ** 0.5)
