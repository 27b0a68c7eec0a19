"""The pictures of an evaluation's page."""

import numpy as np

from keras_gan import walks
from keras_gan.callbacks.sample_grid import as_picture
from keras_gan.callbacks.sample_grid import image_grid
from keras_gan.checks import check_installed
from keras_gan.evaluation import classification
from keras_gan.evaluation.sets import num_labels
from keras_gan.metrics.neighbours import squared_distances

COLUMNS = 10
SAMPLES = 80
ROWS = 8
NEIGHBOURS = 5
BESIDE = NEIGHBOURS + 2
POINTS = 2_000
TRUNCATIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8)


def is_images(x):
    """Whether samples make pictures."""
    return x.ndim == 4 and x.shape[-1] in (1, 3)


def write(folder, gan, found, settings):
    """Writes all pictures that the samples allow.

    Args:
        folder: `pathlib.Path`, there already.
        gan: `keras_gan.GAN`, for walks through its latents.
        found: `Findings`.
        settings: dictionary with `seed`.

    Returns:
        Set of the names of the files, and list of sentences on what is left
        out.
    """
    drawn, left_out = set(), []
    if is_images(found.sets.fake):
        for name, (images, columns) in grids(found).items():
            as_picture(image_grid(images, columns)).save(folder / name)
            drawn.add(name)
        ways, left_out = walked(gan, settings["seed"])
        for name, way in ways.items():
            walks.save(folder / name, way)
            drawn.add(name)
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


def grids(found):
    """Images and columns of each grid, by the name of its file."""
    fake = found.sets.fake
    drawn = {
        "samples.png": (fake[:SAMPLES], COLUMNS),
        "neighbours.png": (neighbours(found.sets, found.rows), BESIDE),
    }
    for name, classes in found.classes.items():
        drawn[name] = (by_class(fake, *classes), COLUMNS)
    return drawn


def walked(gan, seed):
    """Walks through the latents, by the name of their file.

    Args:
        gan: `keras_gan.GAN`.
        seed: integer, of the latents.

    Returns:
        Dictionary of arrays `(rows, columns, *sample_shape)`, and list of
        sentences on what is left out.
    """
    makers = {
        "interpolations.png": lambda: walks.interpolation(
            gan, ROWS, COLUMNS, seed
        ),
        "truncations.png": lambda: walks.truncation_sweep(
            gan, TRUNCATIONS, ROWS, seed
        ),
    }
    num_classes = num_labels(gan)
    if num_classes is not None:
        makers["morphs.png"] = lambda: morphs(gan, num_classes, seed)
    ways, left_out = {}, []
    for name, make in makers.items():
        try:
            ways[name] = make()
        except ValueError as error:
            left_out.append(f"{name} is left out. {error}")
    return ways, left_out


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


def morphs(gan, num_classes, seed):
    """From each of the first labels to the next one, at the same latents."""
    ways = [
        walks.morph(gan, label, (label + 1) % num_classes, 1, COLUMNS, seed)
        for label in range(min(num_classes, COLUMNS))
    ]
    return np.concatenate(ways)


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
