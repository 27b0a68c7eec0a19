"""Samples back to latents, by optimisation."""

import itertools
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.gradients import input_gradient
from keras_gan.players import check_real
from keras_gan.players import paired
from keras_gan.sampling import conditions
from keras_gan.truncation import scaled

# A short memory of squares: gradients shrink a thousandfold on the way.
BETA_1, BETA_2, EPSILON = 0.9, 0.95, 1e-8
# Of a draw: near the average sample there are fewer dead ends.
START = 0.5


class Inversion(NamedTuple):
    """What `invert` has found, a row for each sample.

    Args:
        latents: float32 `(n, *latent_shape)`.
        labels: `(n, 1)` or `(n, attributes)`, given or found; None where the
            generator takes none.
        error: float32 `(n,)`, the loss that is left; inf where it is NaN.
    """

    latents: np.ndarray
    labels: np.ndarray
    error: np.ndarray


def invert(
    gan,
    images,
    labels=None,
    steps=1000,
    learning_rate=0.1,
    loss="mse",
    seed=0,
    restarts=4,
    batch_size=256,
):
    """Latents whose samples come nearest to given ones.

    Choose it to see what a generator can make and what not (the error of real
    samples beside that of its own), to look for a training sample in it, or
    to walk between real samples. Adam moves latents of the averaged
    generator, from several starts a sample, each half a draw:

        minimise  loss(x, G(z))  over z;  the best end is kept

    its rate falls to 0 in the last quarter of the steps. Latents stay where
    the sampler may draw them: `Uniform` ones in [-1, 1], continuous codes
    too; each combination of categorical codes is tried, and so is each class
    where `labels` are not given. The model does not change, nor its next
    draws.

    Args:
        gan: `keras_gan.GAN`.
        images: float array `(n, *sample_shape)` in the range of the data; of
            any rank, not only images.
        labels: labels of the samples, where the generator takes some. None:
            all classes are tried, at as many times the cost.
        steps: integer >= 1, updates of each start.
        learning_rate: float > 0, of Adam.
        loss: `"mse"`, the mean square over the sample, or a callable
            `(images, fakes)` to `(batch,)`, such as a distance of features.
        seed: integer >= 0, of the starts; the same seed, the same latents.
        restarts: integer >= 1, starts for each sample, class and code.
        batch_size: integer >= 1, starts that move at once.

    Returns:
        `Inversion`: a named tuple of `latents`, `labels` and `error`.

    Raises:
        TypeError, ValueError: samples that do not fit the model, or another
            argument out of range.

    Example:
    >>> from keras_gan import presets
    >>> gan = presets.mlp((6,), latent_dim=3)
    >>> found = invert(gan, gan.generate(2, seed=5), steps=300)
    >>> gan(found.latents).shape, bool((found.error < 0.01).all())
    (TensorShape([2, 6]), True)

    Reference: Creswell & Bharath, arXiv 1611.05644; Lipton & Tripathi, arXiv
    1702.04782, who draw anew what leaves the range instead.
    """
    counts = {"steps": steps, "restarts": restarts, "batch_size": batch_size}
    for name, value in counts.items():
        check_integer(name, value, minimum=1)
    check_integer("seed", seed, minimum=0)
    check_number("learning_rate", learning_rate, minimum=1e-12)
    if loss != "mse" and not callable(loss):
        raise ValueError(
            '`loss` must be "mse" or a callable (images, fakes). '
            f"Received: loss={loss!r}"
        )
    images = checked_images(gan, images)
    starts = first_latents(gan, restarts, seed)
    start, image, condition = attempts(gan, labels, len(images), len(starts))
    descend, found = descent(gan, loss, steps, learning_rate), []
    for first in range(0, len(image), batch_size):
        rows = slice(first, first + batch_size)
        given = None if condition is None else condition[rows]
        found.append(descend(starts[start[rows]], images[image[rows]], given))
    latents, error = (np.concatenate(parts) for parts in zip(*found))
    error = np.where(np.isfinite(error), error, np.inf)
    best = error.reshape(len(images), -1).argmin(axis=1)
    best += np.arange(len(images)) * (len(image) // len(images))
    labels = None if condition is None else condition[best]
    return Inversion(latents[best], labels, error[best])


def checked_images(gan, images):
    """Samples as float32, or an error."""
    images = np.asarray(images)
    check_real(images, keras.KerasTensor((None, *gan.sample_shape)))
    if not len(images) or not np.isfinite(images).all():
        raise ValueError(
            "`images` must be finite, one sample or more. Received: images of "
            f"shape={images.shape} from {images.min(initial=np.inf)} to "
            f"{images.max(initial=-np.inf)}"
        )
    return images.astype("float32")


def first_latents(gan, restarts, seed):
    """Latents to start from: draws, each with all categories of its codes."""
    num_codes = getattr(gan.latents, "num_codes", 0)
    latents = scaled(gan.sample_latents(restarts, seed), START, num_codes)
    latents, sizes = np.array(latents), getattr(gan.latents, "categories", ())
    if not sizes:
        return latents
    codes = [
        np.concatenate([np.eye(size)[i] for size, i in zip(sizes, chosen)])
        for chosen in itertools.product(*map(range, sizes))
    ]
    latents = np.repeat(latents, len(codes), axis=0)
    first = gan.latents.noise_dim
    latents[:, first : first + sum(sizes)] = np.tile(codes, (restarts, 1))
    return latents


def attempts(gan, labels, num_images, num_starts):
    """Which start is tried for which sample, and with what label.

    Args:
        gan: `keras_gan.GAN`.
        labels: as `invert` takes them.
        num_images: integer.
        num_starts: integer, starts for each sample and class.

    Returns:
        Integer arrays `(attempts,)` of starts and of samples, those of the
        first sample first; labels `(attempts, ...)` or None.
    """
    condition = conditions(gan, labels)
    if labels is not None and len(condition) != num_images:
        raise ValueError(
            "`labels` must be one a sample. Received: "
            f"{len(condition)} labels for {num_images} images"
        )
    tries_all = condition is not None and labels is None
    num_classes = len(condition) if tries_all else 1
    shape = num_images, num_classes, num_starts
    image, label, start = (index.ravel() for index in np.indices(shape))
    if condition is not None:
        condition = condition[label if tries_all else image]
    return start, image, condition


def descent(gan, loss, steps, learning_rate):
    """A compiled function from starts to what they come down to.

    Args:
        gan: `keras_gan.GAN`.
        loss: as `invert` takes it.
        steps: integer >= 1.
        learning_rate: float > 0.

    Returns:
        Callable `(latents, images, condition)` to latents and their losses.
    """
    nearest = getattr(gan.latents, "nearest", lambda latents: latents)
    judge = mean_square if loss == "mse" else loss

    def errors(latents, images, condition):
        fakes = gan(paired(latents, condition), training=False)
        return checked_errors(judge(images, fakes), images)

    @tf.function(autograph=False)
    def descend(latents, images, condition):
        def step(count, state):
            latents, mean, square = state
            gradient = input_gradient(
                lambda z: errors(z, images, condition), latents
            )
            mean = BETA_1 * mean + (1.0 - BETA_1) * gradient
            square = BETA_2 * square + (1.0 - BETA_2) * ops.square(gradient)
            number = ops.cast(count, latents.dtype)
            rate = ops.minimum(1.0, 4.0 * (1.0 - number / steps))
            direction = mean / (1.0 - BETA_1 ** (number + 1.0))
            size = ops.sqrt(square / (1.0 - BETA_2 ** (number + 1.0)))
            change = learning_rate * rate * direction / (size + EPSILON)
            latents = nearest(latents - change)
            return latents, mean, square

        still = ops.zeros_like(latents)
        state = ops.fori_loop(0, steps, step, (latents, still, still))
        return state[0], errors(state[0], images, condition)

    return descend


def mean_square(images, fakes):
    """The mean square of what two batches differ by, a number a sample."""
    axes = tuple(range(1, len(images.shape)))
    return ops.mean(ops.square(images - fakes), axis=axes)


def checked_errors(errors, images):
    """Errors in float32, or an error unless there is one a sample."""
    shape = tuple(getattr(errors, "shape", ()))
    if shape != (images.shape[0],):
        raise ValueError(
            "`loss` must give one number a sample, "
            f"({images.shape[0]},). Received: values of shape={shape}"
        )
    return ops.cast(errors, "float32")
