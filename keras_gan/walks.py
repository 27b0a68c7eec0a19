"""Walks through the latents, and what samples become on the way.

Each walk is a float32 array `(rows, columns, *sample_shape)` of samples of the
averaged generator; `save` makes a picture of it. Trained models go in, nothing
in them changes. Where a generator takes labels, `labels` are those of the
rows, in turn; by default all classes.
"""

import math
import pathlib

import keras
import numpy as np

from keras_gan.callbacks.sample_grid import as_picture
from keras_gan.callbacks.sample_grid import image_grid
from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.directions import directions
from keras_gan.latents import Codes
from keras_gan.latents import interpolate
from keras_gan.sampling import conditions
from keras_gan.truncation import predict
from keras_gan.truncation import run
from keras_gan.truncation import split_at_styles

__all__ = [
    "along",
    "code_sweep",
    "directions",
    "interpolation",
    "morph",
    "save",
    "truncation_sweep",
]
# Samples made at once: a picture or two of a row.
BATCH = 32


def interpolation(gan, rows=8, steps=10, seed=0, method=None, labels=None):
    """Samples on the way from one latent to another.

    Choose it to see whether the generator has learned a space or a list: good
    generators change evenly and each sample on the way is a good one. Row `r`
    leads from sample `r` of `gan.generate(2 * rows, seed)` to sample
    `rows + r`; its label, if there is one, stays.

    Args:
        gan: `keras_gan.GAN`.
        rows: integer >= 1.
        steps: integer >= 2, samples a row.
        seed: integer >= 0, of the latents.
        method: `"spherical"` or `"linear"`, see
            `keras_gan.latents.interpolate`. Default: spherical for normal
            latents, else linear. Codes, those of `keras_gan.latents.Codes`,
            always go straight.
        labels: array-like, of the rows, in turn.

    Returns:
        Float32 array `(rows, steps, *sample_shape)`.

    Raises:
        TypeError, ValueError: an argument is out of range.

    Example:
    >>> from keras_gan import presets
    >>> gan = presets.mlp((28, 28, 1))
    >>> interpolation(gan, rows=3, steps=5).shape
    (3, 5, 28, 28, 1)

    Reference: White, arXiv 1609.04468.
    """
    latents, condition = drawn(gan, rows, seed, labels, ends=2)
    draw = gan.latents
    method = method or getattr(draw, "method", "linear")
    ends, codes = latents, latents[..., :0]
    if getattr(draw, "num_codes", 0):
        ends, codes = np.split(latents, [draw.noise_dim], axis=-1)
    way = interpolate(ends[:rows], ends[rows:], steps, method)
    codes = interpolate(codes[:rows], codes[rows:], steps, "linear")
    way = np.concatenate([way, codes], axis=-1)
    return samples(gan, np.moveaxis(way, 0, 1), condition)


def morph(gan, first_label, second_label, rows=8, steps=10, seed=0):
    """Samples of the same latents while the label becomes another one.

    Choose it to see what the labels decide and what the latents. A class is
    to the generator a row in each of its tables, which are the `Embedding`
    layers and two in each `ConditionalBatchNormalization`:

        (1 - t) row[first_label] + t row[second_label],  t from 0 to 1

    Vectors of attributes move like that themselves.

    Args:
        gan: `keras_gan.GAN` with labels.
        first_label: integer, or vector of attributes, of the first column.
        second_label: likewise, of the last column.
        rows: integer >= 1, latents; those of `gan.generate` with labels for
            as many samples and this seed.
        steps: integer >= 2, samples a row.
        seed: integer >= 0, of the latents.

    Returns:
        Float32 array `(rows, steps, *sample_shape)`.

    Raises:
        TypeError, ValueError: an argument is out of range; the model takes no
            labels, or does more with them than look up rows of tables.

    Example:
    >>> from keras_gan import presets
    >>> gan = presets.conditional((8, 8, 1), num_classes=3)
    >>> morph(gan, 0, 2, rows=4, steps=5).shape
    (4, 5, 8, 8, 1)

    Reference: Brock et al., arXiv 1809.11096, figure 8, where classes and
    latents move together.
    """
    check_integer("steps", steps, minimum=2)
    first = conditions(gan, [first_label], "first_label")
    second = conditions(gan, [second_label], "second_label")
    latents, _ = drawn(gan, rows, seed, first)

    def ask(condition, state=()):
        inputs = [latents, np.repeat(condition, rows, axis=0)]
        with keras.StatelessScope(state_mapping=state):
            return np.asarray(gan(inputs, training=False))

    if gan.num_classes is None:
        way = interpolate(first, second, steps, "linear")
        return np.stack([ask(condition) for condition in way], axis=1)
    found = [
        ask(first, moved_codes(gan, first.item(), second.item(), share))
        for share in np.linspace(0.0, 1.0, steps)
    ]
    check_end(gan, found, ask(second))
    return np.stack(found, axis=1)


def moved_codes(gan, first, second, share):
    """Tables in which a class has gone a share of the way to another.

    Args:
        gan: `keras_gan.GAN`.
        first: integer, the class that moves.
        second: integer, where it moves to.
        share: float in [0, 1].

    Returns:
        List of pairs of a variable and its value, for a
        `keras.StatelessScope`: the model keeps its own.
    """
    moved = []
    for layer in gan.averaged_generator._flatten_layers():
        if isinstance(layer, keras.layers.Embedding):
            codes = np.array(layer.embeddings)
            # A smaller one is not looked up by labels.
            if len(codes) > max(first, second):
                way = (1.0 - share) * codes[first] + share * codes[second]
                codes[first] = way
                moved.append((layer.embeddings, codes))
    return moved


def check_end(gan, found, expected):
    """Raises unless the last column is what the second label gives."""
    way = np.abs(expected - found[0]).max()
    missed = np.abs(expected - found[-1]).max()
    # Not "more than": NaN is neither.
    if not missed <= 0.01 * way + 1e-6:
        raise ValueError(
            "Classes morph in generators that do nothing with labels but look "
            "up rows of Embedding layers. The last column misses the samples "
            f"of the second label by {missed:.2g}. "
            f"Received: generator={gan.averaged_generator!r}"
        )


def truncation_sweep(
    gan,
    values=(0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
    rows=8,
    seed=0,
    labels=None,
):
    """The same latents, truncated more and less.

    Choose it to pick the `truncation` of `gan.generate`: near 0 samples are
    alike, above 1 they are bolder than in training. Styles at 0 give the
    average sample; latents at 0 were hardly ever drawn in training, and some
    generators make nothing of them.

    Args:
        gan: `keras_gan.GAN`.
        values: sequence of floats >= 0, the truncation of each column.
        rows: integer >= 1.
        seed: integer >= 0, of the latents.
        labels: array-like, of the rows, in turn.

    Returns:
        Float32 array `(rows, len(values), *sample_shape)`; a column is what
        `gan.generate(rows, seed, truncation)` gives.

    Raises:
        TypeError, ValueError: an argument is out of range.

    Example:
    >>> from keras_gan import presets
    >>> truncation_sweep(presets.mlp((5,)), [0.0, 0.5, 1.0], rows=2).shape
    (2, 3, 5)

    Reference: Karras et al., arXiv 1812.04948, appendix B; in latents Brock
    et al., arXiv 1809.11096, which draws anew what a factor shrinks here.
    """
    values = check_numbers("values", values, minimum=0)
    latents, condition = drawn(gan, rows, seed, labels)
    inputs = latents if condition is None else [latents, condition]
    num_codes = getattr(gan.latents, "num_codes", 0)
    columns = [
        predict(gan.averaged_generator, inputs, value, BATCH, num_codes)
        for value in values
    ]
    return np.stack(columns, axis=1).astype("float32")


def code_sweep(gan, code, rows=8, steps=10, seed=0):
    """All values of one of the codes that `keras_gan.InfoGAN` has found.

    Choose it to learn what a code means: the rest of the latents stays.

    Args:
        gan: `keras_gan.GAN` whose latents are `keras_gan.latents.Codes`.
        code: integer >= 0, which one: categorical codes first, then the
            continuous ones.
        rows: integer >= 1.
        steps: integer >= 2, columns of a continuous code, from -1 to 1. A
            categorical one has a column for each category.
        seed: integer >= 0, of the latents.

    Returns:
        Float32 array `(rows, columns, *sample_shape)`.

    Raises:
        TypeError, ValueError: an argument is out of range, or there are no
            codes.

    Example:
    >>> from keras_gan import presets
    >>> gan = presets.infogan((8, 8, 1))
    >>> [code_sweep(gan, code, rows=2, steps=5).shape[1] for code in (0, 1)]
    [10, 5]

    Reference: Chen et al., arXiv 1606.03657, figure 2, whose continuous codes
    go from -2 to 2.
    """
    draw = gan.latents
    if not isinstance(draw, Codes):
        raise ValueError(
            "Only models with codes, such as keras_gan.InfoGAN, have a sweep "
            f"of them. Received: latents={type(draw).__name__}"
        )
    sizes = [*draw.categories, *[1] * draw.num_continuous]
    check_integer("code", code, minimum=0, maximum=len(sizes) - 1)
    check_integer("steps", steps, minimum=2)
    latents, _ = drawn(gan, rows, seed)
    values = np.linspace(-1.0, 1.0, steps)[:, None]
    if code < len(draw.categories):
        values = np.eye(sizes[code])
    first = draw.noise_dim + sum(sizes[:code])
    latents = np.repeat(latents[:, None], len(values), axis=1)
    latents[:, :, first : first + sizes[code]] = values
    return samples(gan, latents)


def along(
    gan,
    direction,
    distances=(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0),
    rows=8,
    seed=0,
    labels=None,
):
    """Samples along a direction, such as one of `directions`.

    Latents, or styles in a generator that has them (see
    `keras_gan.layers.MeanStyle`), become `latents + distance * direction`.

    Args:
        gan: `keras_gan.GAN`.
        direction: float array of the shape of one latent or style.
        distances: sequence of floats, one a column.
        rows: integer >= 1.
        seed: integer >= 0, of the latents.
        labels: array-like, of the rows, in turn.

    Returns:
        Float32 array `(rows, len(distances), *sample_shape)`.

    Raises:
        TypeError, ValueError: an argument is out of range.

    Example:
    >>> from keras_gan import presets
    >>> gan = presets.dcgan((8, 8, 1))
    >>> first, second = directions(gan, count=2)
    >>> along(gan, second, [-2.0, 0.0, 2.0], rows=4).shape
    (4, 3, 8, 8, 1)

    Reference: Shen & Zhou, arXiv 2007.06600.
    """
    distances = check_numbers("distances", distances)
    latents, condition = drawn(gan, rows, seed, labels)
    parts = split_at_styles(gan.averaged_generator)
    player, points = gan, latents
    if parts is not None:
        mapping, _, player = parts
        inputs = latents if condition is None else [latents, condition]
        points, condition = run(mapping, inputs, BATCH), None
    direction = np.asarray(direction)
    if direction.dtype.kind not in "iuf" or direction.shape != points.shape[1:]:
        raise ValueError(
            f"`direction` must be numbers of shape {points.shape[1:]}. "
            f"Received: direction of shape={direction.shape} and "
            f"dtype={direction.dtype}"
        )
    steps = np.reshape(distances, (-1, *[1] * direction.ndim)) * direction
    return samples(player, points[:, None] + steps.astype("float32"), condition)


def save(path, walk):
    """Writes a walk as a picture, its rows below each other.

    Args:
        path: string or path of the file, `.png` or another kind that Pillow
            writes; its folder is made if it is missing.
        walk: float array `(rows, columns, height, width, 1 or 3)` in [-1, 1],
            what the functions here give.

    Raises:
        ValueError: the samples are no images.

    Example:
    >>> import tempfile
    >>> from keras_gan import presets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/way.png", interpolation(presets.dcgan()))
    """
    walk = np.asarray(walk)
    if walk.ndim < 3:
        raise ValueError(
            "`walk` must be an array (rows, columns, *sample_shape). "
            f"Received: walk of shape={walk.shape}"
        )
    grid = image_grid(walk.reshape(-1, *walk.shape[2:]), walk.shape[1])
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    as_picture(grid).save(path)


def drawn(gan, rows, seed, labels=None, ends=1):
    """Latents, as many as there are ends of rows, and labels of the rows."""
    check_integer("rows", rows, minimum=1)
    condition = conditions(gan, labels)
    if condition is not None:
        condition = condition[np.arange(rows) % len(condition)]
    return np.asarray(gan.sample_latents(ends * rows, seed)), condition


def samples(player, points, condition=None):
    """Samples of points `(rows, columns, ...)`, in rows and columns."""
    rows, columns = points.shape[:2]
    inputs = points.reshape(-1, *points.shape[2:])
    if condition is not None:
        inputs = [inputs, np.repeat(condition, columns, axis=0)]
    found = run(player, inputs, BATCH).astype("float32")
    return found.reshape(rows, columns, *found.shape[1:])


def check_numbers(name, values, minimum=-math.inf):
    """Numbers as a list of floats, at least one, or an error."""
    found = list(values) if hasattr(values, "__iter__") else []
    if not found:
        raise ValueError(
            f"`{name}` must be a sequence of numbers. "
            f"Received: {name}={values!r}"
        )
    for value in found:
        check_number(name, value, minimum)
    return [float(value) for value in found]
