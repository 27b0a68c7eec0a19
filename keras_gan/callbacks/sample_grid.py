"""Pictures of what the generator makes while it learns."""

import math
import pathlib

import keras
import numpy as np
from PIL import Image

from keras_gan.checks import check_integer
from keras_gan.replicas import is_chief

MIN_SIDE = 480
FORMATS = ("gif", "webp")


class SampleGrid(keras.callbacks.Callback):
    """Writes a PNG grid of samples from fixed latents every few epochs.

    The files are `epoch_0001.png` and so on; at the end of training they
    become one animation, `samples.gif` or `samples.webp`. A conditional
    model, one with the attribute `num_classes`, gets one row a class; where
    that is None, labels being attributes, `labels` says which ones.
    Training is not affected: the samples have a seed of their own.

    Args:
        dir: folder for the pictures; made if it is missing.
        every: integer >= 1, epochs between two grids.
        rows: integer >= 1, rows of the grid where nothing says how many.
        columns: integer >= 1, samples a row.
        seed: integer >= 0, seed of the latents.
        animation: `"gif"`, `"webp"` or None for none.
        tensorboard_dir: folder for TensorBoard event files, which get the
            grid as image `samples`; None writes none.
        labels: array-like, what `generate` is asked for, row after row.
            None: `columns` samples of each class, if there are classes.

    Raises:
        ValueError: an argument is out of range, or, when training begins,
            the samples are no images with 1 or 3 channels, or the model
            needs `labels` or takes others.

    Example:
    >>> grid = SampleGrid("samples", every=5, animation="webp")
    >>> grid.every
    5
    """

    def __init__(
        self,
        dir,
        every=1,
        rows=8,
        columns=10,
        seed=0,
        animation="gif",
        tensorboard_dir=None,
        labels=None,
    ):
        super().__init__()
        for name, value in (("every", every), ("rows", rows)):
            check_integer(name, value, minimum=1)
        check_integer("columns", columns, minimum=1)
        check_integer("seed", seed, minimum=0)
        if animation not in (*FORMATS, None):
            raise ValueError(
                f"`animation` must be one of {FORMATS} or None. "
                f"Received: animation={animation!r}"
            )
        self.dir = pathlib.Path(dir)
        self.every = every
        self.rows = rows
        self.columns = columns
        self.seed = seed
        self.animation = animation
        self.tensorboard_dir = tensorboard_dir
        self.labels = labels
        self.last_epoch = 0

    def on_train_begin(self, logs=None):
        check_is_image(self.model.sample_shape)
        self.check_labels()
        if is_chief(self.model.distribute_strategy):
            self.dir.mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, epoch, logs=None):
        self.last_epoch = epoch + 1
        if self.last_epoch % self.every:
            return
        if not is_chief(self.model.distribute_strategy):
            return
        grid = image_grid(self.samples(), self.columns)
        as_picture(grid).save(self.dir / f"epoch_{epoch + 1:04d}.png")
        if self.tensorboard_dir is not None:
            self.write_summary(grid, epoch + 1)

    def on_train_end(self, logs=None):
        epochs = range(1, self.last_epoch + 1)
        files = [self.dir / f"epoch_{epoch:04d}.png" for epoch in epochs]
        files = [file for file in files if file.exists()]
        if self.animation is None or not files:
            return
        if not is_chief(self.model.distribute_strategy):
            return
        first, *rest = map(read_picture, files)
        first.save(
            self.dir / f"samples.{self.animation}",
            save_all=True,
            append_images=rest,
            duration=[200] * len(rest) + [2000],
            loop=0,
        )

    def get_state(self):
        """What `ExactBackup` keeps: how far the pictures go."""
        return {"last_epoch": self.last_epoch}

    def set_state(self, state):
        """Goes on from what `get_state` told."""
        self.last_epoch = state["last_epoch"]

    def check_labels(self):
        """Raises unless it is known what to ask the model for."""
        if self.labels is not None:
            self.model.sample_inputs(self.labels, seed=self.seed)
        elif getattr(self.model, "num_classes", 0) is None:
            raise ValueError(
                "`labels` of SampleGrid must be given for a model of "
                "attributes, one row a sample. Received: labels=None"
            )

    def samples(self):
        """Images from the fixed latents, row after row."""
        if self.labels is not None:
            return self.model.generate(self.labels, seed=self.seed)
        num_classes = getattr(self.model, "num_classes", None)
        takes_labels = getattr(self.model, "takes_labels", True)
        if num_classes is None or not takes_labels:
            wanted = self.rows * self.columns
        else:
            wanted = np.repeat(np.arange(num_classes), self.columns)
        return self.model.generate(wanted, seed=self.seed)

    def write_summary(self, grid, step):
        """Sends the grid to TensorBoard."""
        import tensorflow as tf

        writer = tf.summary.create_file_writer(str(self.tensorboard_dir))
        with writer.as_default():
            tf.summary.image("samples", grid[np.newaxis], step=step)
        writer.close()


def check_is_image(shape):
    """Raises unless `shape` is that of an image with 1 or 3 channels."""
    if len(shape) != 3 or shape[-1] not in (1, 3):
        raise ValueError(
            "Pictures are made of samples (height, width, 1 or 3 channels). "
            f"Received: samples of shape={tuple(shape)}"
        )


def image_grid(images, columns, min_side=MIN_SIDE):
    """Images side by side, each enlarged by a whole factor if small.

    Args:
        images: float array `(n, height, width, channels)`, clipped to
            [-1, 1]; NaN becomes black.
        columns: integer, images a row; the last row may end in white.
        min_side: integer, the longer side of small grids in pixels, about.

    Returns:
        uint8 array `(grid height, grid width, channels)`.

    Example:
    >>> image_grid(np.zeros((3, 300, 300, 1)), columns=2).shape
    (600, 600, 1)
    """
    check_is_image(images.shape[1:])
    images = np.clip(np.nan_to_num(images, nan=-1.0), -1.0, 1.0)
    images = np.rint((images + 1.0) * 127.5)
    rows = math.ceil(len(images) / columns)
    grid = np.full((rows * columns, *images.shape[1:]), 255, np.uint8)
    grid[: len(images)] = images
    _, height, width, channels = grid.shape
    grid = grid.reshape(rows, columns, height, width, channels)
    grid = grid.transpose(0, 2, 1, 3, 4)
    grid = grid.reshape(rows * height, columns * width, channels)
    zoom = max(1, round(min_side / max(grid.shape[:2])))
    return grid.repeat(zoom, axis=0).repeat(zoom, axis=1)


def read_picture(file):
    """A Pillow image that holds no file open."""
    with Image.open(file) as picture:
        return picture.copy()


def as_picture(grid):
    """A uint8 array `(height, width, 1 or 3)` as a Pillow image."""
    return Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid)
