"""The command `keras-gan`: train, generate, evaluate, compare, export."""

import pathlib
import sys

import click
import keras
import numpy as np

from keras_gan import distribution
from keras_gan import presets
from keras_gan import run_folder
from keras_gan.callbacks.sample_grid import as_picture
from keras_gan.callbacks.sample_grid import image_grid
from keras_gan.evaluation import classification
from keras_gan.evaluation import report
from keras_gan.evaluation.evaluate import evaluate as evaluate_model
from keras_gan.follower import Follower
from keras_gan.replicas import is_chief
from keras_gan.run_folder import RunFolder
from keras_gan.sampling import wanted
from keras_gan.seeds import enable_exact_cpu
from keras_gan.version import __version__

ERRORS = (ValueError, TypeError, OSError, ImportError, distribution.LostWorker)
# Of recipes of runs that began before there were these options.
NOT_ALWAYS_THERE = {"strategy": None, "dtype_policy": "float32"}
RESUMABLE = {"out", "resume", "epochs", "strategy"}
# What several commands take alike.
MODEL = click.argument(
    "model", type=click.Path(exists=True, path_type=pathlib.Path)
)
SEED = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True
)


class Command(click.Command):
    """A command whose input errors are shown without a traceback."""

    def invoke(self, context):
        """Runs the command."""
        try:
            return super().invoke(context)
        except ERRORS as error:
            raise click.ClickException(str(error)) from error


@click.group()
@click.version_option(__version__, prog_name="keras-gan")
def main():
    """Generative adversarial networks the Keras way."""


@main.command(cls=Command)
@click.option(
    "--data",
    default="fashion_mnist_10k",
    show_default=True,
    help="Bundled set, TFDS name, folder of images, TFRecord or IDX files, "
    ".npy, .npz.",
)
@click.option(
    "--preset",
    type=click.Choice(presets.__all__),
    help="Recipe.  [default: r3gan_small for images, mlp for all else]",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="Passes over the data.  [default: as many as make about 2,000 steps]",
)
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    help="Run folder.  [default: runs/DATA-PRESET]",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out.")
@click.option(
    "--batch-size", type=click.IntRange(1), default=64, show_default=True
)
@click.option(
    "--image-size",
    type=click.IntRange(1),
    metavar="PIXELS",
    help="Resize images to squares of this size; image files are "
    "cropped at their centre first.",
)
@click.option(
    "--channels",
    type=click.Choice(["1", "3"]),
    help="1: grey, 3: colour.  [default: as the data]",
)
@click.option("--flip", is_flag=True, help="Mirror images at random.")
@click.option(
    "--stream/--no-stream",
    default=None,
    help="Read images from the disk when a batch needs them, from a folder or "
    "TFRecord files.  [default: where they take more than half of the memory, "
    "and for TFRecord files]",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="Of both players.  [default: the preset's]",
)
@click.option(
    "--latent-dim",
    type=click.IntRange(1),
    help="Length of the latents.  [default: the preset's]",
)
@click.option(
    "--dtype-policy",
    type=click.Choice(["float32", "mixed_bfloat16", "mixed_float16"]),
    default="float32",
    show_default=True,
    help="Precision of the layers, as in Keras; mixed_bfloat16 is faster on "
    "processors and accelerators that know it.",
)
@SEED
@click.option(
    "--samples-every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="EPOCHS",
    help="Epochs between two sample grids.",
)
@click.option(
    "--tensorboard",
    is_flag=True,
    help="Write event files with curves and samples too.",
)
@click.option(
    "--strategy",
    type=click.Choice(["none", "mirrored", "multi_worker", "tpu"]),
    help="Train on several replicas, which share each batch: all GPUs of "
    "this machine; the processes that TF_CONFIG names, each started with the "
    "same options and a folder that all see; a TPU.  [default: none, one "
    "replica; with --resume that of the run]",
)
@click.pass_context
def train(context, out, resume, **recipe):
    """Train a GAN; without options, on the bundled images of clothes.

    The run folder gets the model (model.keras), sample grids (samples/),
    curves.png, history.csv and the whole recipe (run.json). Ctrl-C saves all;
    --resume goes on from there, or from the last backup of a run that was
    killed, and ends as if nothing had happened.
    """
    enable_exact_cpu()
    if resume:
        folder, recipe = resumed(context, out, recipe)
    else:
        out = out or run_folder.default_path(recipe["data"], recipe["preset"])
        folder = RunFolder(out)
        folder.check_new()
    keras.config.set_dtype_policy(recipe["dtype_policy"])
    if recipe["strategy"] not in (None, "none"):
        # Waits for all processes: before it nobody has written anything.
        replicas = distribution.strategy(recipe["strategy"])
        folder = folder if is_chief(replicas) else Follower(folder.path)
        folder.strategy = replicas
    code, message = folder.train(recipe, resume)
    click.echo(message)
    sys.exit(code)


def resumed(context, out, options):
    """The run folder to go on with, and its recipe."""
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name)
        is click.core.ParameterSource.COMMANDLINE
    }
    if given - RESUMABLE:
        raise click.UsageError(
            "--resume goes on with the recipe in run.json; only --out, "
            "--epochs and --strategy can be given. Received: "
            + ", ".join(f"--{n.replace('_', '-')}" for n in given - RESUMABLE)
        )
    if out is None:
        raise click.UsageError("--resume needs --out, the folder of the run.")
    folder = RunFolder(out)
    recipe = {**NOT_ALWAYS_THERE, **folder.read_recipe()}
    told = {name: options[name] for name in ("epochs", "strategy")}
    return folder, recipe | {n: v for n, v in told.items() if v is not None}


def as_labels(text):
    """A list of integers from a text such as `0,1,2`, or None."""
    try:
        return text and [int(part) for part in text.split(",")]
    except ValueError as error:
        raise click.BadParameter(
            f"must be integers with commas between. Received: {text!r}"
        ) from error


@main.command(cls=Command)
@MODEL
@click.option("--count", type=click.IntRange(1), default=80, show_default=True)
@SEED
@click.option(
    "--truncation",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Factor on the latents.",
)
@click.option(
    "--labels",
    metavar="0,1,2",
    callback=lambda context, option, text: as_labels(text),
    help="Classes to draw, in turn, from a model that takes labels.  "
    "[default: all]",
)
@click.option(
    "--columns",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Images a row, in a picture.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=pathlib.Path),
    help=".png: one grid. .npy: an array. Else: a folder of PNGs.",
)
def generate(model, count, seed, truncation, labels, columns, out):
    """Draw samples from MODEL, a .keras file or a run folder.

    The same seed gives the same samples. Nothing is overwritten.
    """
    if out.exists():
        raise click.ClickException(f"{out} exists; nothing is overwritten.")
    gan = run_folder.load_model(model)
    asked = wanted(gan, count, labels)
    samples = gan.generate(asked, seed=seed, truncation=truncation)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".npy":
        np.save(out, samples, allow_pickle=False)
    elif out.suffix == ".png":
        as_picture(image_grid(samples, columns)).save(out)
    elif out.suffix:
        raise click.ClickException(
            f"--out must end in .png or .npy, or name a folder, not {out}"
        )
    else:
        write_images(samples, out)
    click.echo(f"Wrote {count} samples to {out}")


def write_images(samples, folder):
    """One PNG a sample, in its own size."""
    pictures = [
        as_picture(image_grid(sample[np.newaxis], 1, min_side=0))
        for sample in samples
    ]
    folder.mkdir()
    digits = len(str(len(pictures) - 1))
    for index, picture in enumerate(pictures):
        picture.save(folder / f"{index:0{digits}d}.png")


@main.command(cls=Command)
@MODEL
@click.option(
    "--data",
    help="As for train.  [default: the data of the run folder]",
)
@click.option(
    "--features",
    metavar="NAME|FILE.keras",
    help="What samples are looked at with: fashion_mnist, raw, "
    "random_projection, or a Keras model of yours.  [default: fashion_mnist "
    "for grey images of 28 pixels, raw for vectors, random_projection "
    "otherwise]",
)
@click.option(
    "--count",
    type=click.IntRange(20),
    default=10_000,
    show_default=True,
    help="Fakes, and test samples at most.",
)
@SEED
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    help="Folder to write.  [default: evaluation/ in the run folder, or "
    "NAME-evaluation beside the file]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="Samples made at once.",
)
@click.option(
    "--image-size",
    type=click.IntRange(1),
    metavar="PIXELS",
    help="As for train.  [default: as the run folder]",
)
@click.option(
    "--channels",
    type=click.Choice(["1", "3"]),
    help="As for train.  [default: as the run folder]",
)
def evaluate(model, out, **settings):
    """Say what MODEL, a .keras file or a run folder, is worth.

    Fakes of the averaged generator are held against the test split. Each
    number stands beside its floor, the same number for real training
    samples. A model that classifies is judged as a classifier too, class by
    class. The folder gets evaluation.md with pictures, and
    evaluation.json. Nothing is overwritten.
    """
    record, folder = evaluate_model(model, out, settings)
    click.echo(report.measures_table(record["measures"]))
    if record["classification"] is not None:
        click.echo(classification.scores_table(record["classification"]))
        click.echo(classification.summary(record["classification"]))
    for verdict in record["verdicts"]:
        click.secho(verdict["text"], bold=True)
    for note in record["notes"]:
        click.echo(note)
    click.echo(f"Wrote {folder / 'evaluation.md'}")


@main.command(cls=Command)
@click.argument("first", type=click.Path(exists=True))
@click.argument("second", type=click.Path(exists=True))
@click.option("--force", is_flag=True, help="Though protocols differ.")
def compare(first, second, force):
    """Show two evaluations, FIRST and SECOND, side by side.

    Each is an evaluation.json or its folder. Numbers of different protocols
    mean nothing side by side and are refused.
    """
    click.echo(report.compare((first, second), force))


@main.command(cls=Command)
@MODEL
@click.argument("directory", type=click.Path(path_type=pathlib.Path))
def export(model, directory):
    """Write the generator of MODEL as a SavedModel to DIRECTORY.

    MODEL is a .keras file or a run folder. The SavedModel has the endpoints
    serve(latents) and generate(n, seed, truncation) and needs TensorFlow only.
    """
    if directory.exists():
        raise click.ClickException(
            f"{directory} exists; nothing is overwritten."
        )
    run_folder.load_model(model).export(str(directory))
    click.echo(f"Exported to {directory}")


if __name__ == "__main__":
    main()
