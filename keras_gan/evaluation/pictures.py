"""The pictures of an evaluation's page."""

import numpy as np

from keras_gan.callbacks.sample_grid import as_picture
from keras_gan.callbacks.sample_grid import image_grid
from keras_gan.checks import check_installed
from keras_gan.evaluation import classification
from keras_gan.evaluation.sets import num_labels
from keras_gan.latents import Normal
from keras_gan.metrics.neighbours import squared_distances

COLUMNS = 10
SAMPLES = 80
ROWS = 8
NEIGHBOURS = 5
BESIDE = NEIGHBOURS + 2
POINTS = 2_000


def is_images(x):
    """Whether samples make pictures."""
    return x.ndim == 4 and x.shape[-1] in (1, 3)


def write(folder, gan, found, settings):
    """Writes all pictures that the samples allow.

    Args:
        folder: `pathlib.Path`, there already.
        gan: `keras_gan.GAN`, for interpolations.
        found: `Findings`.
        settings: dictionary with `seed` and `batch_size`.

    Returns:
        Set of the names of the files, and list of sentences on what is left
        out.
    """
    drawn, left_out = set(), []
    if is_images(found.sets.fake):
        for name, (images, columns) in grids(gan, found, settings).items():
            as_picture(image_grid(images, columns)).save(folder / name)
            drawn.add(name)
        if "interpolations.png" not in drawn:
            left_out.append(
                "interpolations.png is left out: the model takes labels too."
            )
    for name, draw in plots(found).items():
        try:
            draw(folder / name)
            drawn.add(name)
        except ImportError as error:
            left_out.append(f"{name} is left out. {error}")
    return drawn, left_out


def plots(found):
    """What draws each plot to a path, by the name of its file."""
    rows = found.rows["real"], found.rows["fake"]
    drawn = {"projection.png": lambda path: draw_projection(path, *rows)}
    classified = found.record["classification"]
    if classified is not None:
        drawn[classification.FILE] = lambda path: classification.draw_confusion(
            path, classified
        )
    return drawn


def grids(gan, found, settings):
    """Images and columns of each grid, by the name of its file."""
    fake = found.sets.fake
    drawn = {
        "samples.png": (fake[:SAMPLES], COLUMNS),
        "neighbours.png": (neighbours(found.sets, found.rows), BESIDE),
    }
    for name, classes in found.classes.items():
        drawn[name] = (by_class(fake, *classes), COLUMNS)
    if num_labels(gan) is None:
        steps = interpolations(gan, settings["seed"], settings["batch_size"])
        drawn["interpolations.png"] = (steps, COLUMNS)
    return drawn


def neighbours(sets, rows):
    """Rows of a sample, a gap, and the nearest training samples."""
    columns = []
    _, distances = next(squared_distances(rows["fake"][:ROWS], rows["train"]))
    for fake, apart in zip(sets.fake, distances):
        places = np.argsort(apart, kind="stable")[:NEIGHBOURS]
        images = np.ones((BESIDE, *fake.shape), fake.dtype)
        images[0] = fake
        images[2 : 2 + len(places)] = sets.train[places]
        columns.append(images)
    return np.concatenate(columns)


def by_class(fake, labels, num_classes):
    """A row for each class; white where there are no more."""
    images = np.ones((num_classes, COLUMNS, *fake.shape[1:]), fake.dtype)
    for label in range(num_classes):
        found = fake[labels == label][:COLUMNS]
        images[label, : len(found)] = found
    return images.reshape(-1, *fake.shape[1:])


def interpolations(gan, seed, batch_size):
    """Samples along ways between two latents, a way a row."""
    ends = np.asarray(gan.sample_latents(2 * ROWS, seed), "float64")
    # Not `isinstance`: other latents inherit from normal ones.
    way = on_sphere if type(gan.latents) is Normal else between
    latents = way(ends[:ROWS], ends[ROWS:], np.linspace(0, 1, COLUMNS))
    latents = latents.reshape(-1, *ends.shape[1:]).astype("float32")
    return gan.predict(latents, batch_size=batch_size, verbose=0)


def between(starts, ends, steps):
    """Straight ways, `(n, steps, ...)`."""
    steps = steps.reshape(-1, *[1] * (starts.ndim - 1))
    return starts[:, None] * (1 - steps) + ends[:, None] * steps


def on_sphere(starts, ends, steps):
    """Ways along great circles, on which normal latents keep their length."""
    shape = starts.shape
    a, b = (x.reshape(len(x), -1) for x in (starts, ends))
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    cosine = np.sum(a / lengths[0] * (b / lengths[1]), axis=1)
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]
    # Opposite or equal ends have no one great circle.
    sine = np.sin(angle)
    safe = np.where(sine > 1e-6, sine, 1.0)
    t = steps[None, :, None]
    first = np.where(sine > 1e-6, np.sin((1 - t) * angle) / safe, 1 - t)
    second = np.where(sine > 1e-6, np.sin(t * angle) / safe, t)
    path = first * a[:, None] + second * b[:, None]
    return path.reshape(len(a), len(steps), *shape[1:])


def project(real, fake):
    """Both on the two directions in which the reals vary most.

    Args:
        real: float64 array `(n, d)`, features of reals.
        fake: float64 array `(m, d)`, features of fakes.

    Returns:
        Two arrays `(n, 2)` and `(m, 2)`, and the share of the reals'
        variance along each direction.
    """
    centre = real.mean(axis=0)
    _, sizes, directions = np.linalg.svd(real - centre, full_matrices=False)
    shares = np.square(sizes) / max(np.square(sizes).sum(), 1e-300)
    found = [(x - centre) @ directions[:2].T for x in (real, fake)]
    if real.shape[1] == 1:
        found = [np.hstack([x, np.zeros_like(x)]) for x in found]
        shares = [*shares, 0.0]
    return *found, shares[:2]


def draw_projection(path, real, fake):
    """Draws reals and fakes as points."""
    check_installed("matplotlib", path.name, "plots")
    from matplotlib.figure import Figure

    *sets, shares = project(real, fake)
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    for points, name, mark in zip(sets, ("real", "fake"), ("o", "x")):
        some = points[:POINTS]
        axes.scatter(*some.T, s=14, alpha=0.4, marker=mark, label=name)
    axes.set_xlabel(f"{100 * shares[0]:.0f} % of the reals' variance")
    axes.set_ylabel(f"{100 * shares[1]:.0f} % of the reals' variance")
    axes.legend()
    figure.savefig(path, dpi=100)
