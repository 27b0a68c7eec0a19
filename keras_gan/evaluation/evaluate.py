"""A trained GAN in, a folder with numbers and pictures out."""

import dataclasses
import json
import os
import pathlib
import shutil

from keras_gan import run_folder
from keras_gan.evaluation import classification
from keras_gan.evaluation import page
from keras_gan.evaluation import pictures
from keras_gan.evaluation import report
from keras_gan.evaluation import sets as samples
from keras_gan.evaluation.labels import by_label
from keras_gan.evaluation.measures import measure
from keras_gan.evaluation.verdicts import verdicts

FOLDER, CURVES = "evaluation", "curves.png"


@dataclasses.dataclass
class Findings:
    """What an evaluation has found.

    Args:
        record: dictionary, what `evaluation.json` holds.
        sets: `Sets`, the samples.
        rows: their features, by kind.
        classes: dictionary, by the name of a picture with a row for each
            class: the class of each fake, and how many classes there are.
    """

    record: dict
    sets: samples.Sets
    rows: dict
    classes: dict


def evaluate(path, out, settings):
    """Judges the GAN of a file or run folder and writes what it finds.

    Args:
        path: `pathlib.Path` of the `.keras` file or run folder.
        out: `pathlib.Path` of the folder to write, which must not exist;
            None: `evaluation` in the run folder, or `NAME-evaluation`
            beside the file.
        settings: dictionary of `data`, `features`, `count`, `seed`,
            `batch_size`, `image_size`, `channels`, the options of
            `keras-gan evaluate`.

    Returns:
        The record that `evaluation.json` holds, and the folder.

    Raises:
        ValueError: the folder exists, or model, data and features do not
            fit.
    """
    out = out or default_out(path)
    if out.exists():
        raise ValueError(
            f"{out} exists; nothing is overwritten. Name another folder by "
            "--out."
        )
    settings = with_recipe(path, settings)
    gan = run_folder.load_model(path)
    found = judge(gan, settings)
    file = path / run_folder.MODEL if path.is_dir() else path
    found.record["model"] = report.about_model(path, file, gan)
    write(out, gan, found, settings, path / CURVES)
    return found.record, out


def default_out(path):
    """The folder for the evaluation of a file or run folder."""
    if path.is_dir():
        return path / FOLDER
    return path.with_name(f"{path.stem}-{FOLDER}")


def with_recipe(path, settings):
    """Settings, with those of the run's recipe where none are given."""
    settings = dict(settings)
    if (path / run_folder.RUN).is_file():
        recipe = run_folder.RunFolder(path).read_recipe()
        # Other data is not to be made like that of the run.
        own = settings["data"] is None
        for name in ("data", "image_size", "channels") if own else ():
            if settings[name] is None:
                settings[name] = recipe[name]
    if settings["data"] is None:
        raise ValueError(
            f"--data is needed: {path} is no run folder whose "
            f"{run_folder.RUN} names the data."
        )
    return settings


def judge(gan, settings):
    """All that is found about a GAN, before anything is written.

    Args:
        gan: `keras_gan.GAN`.
        settings: dictionary, as `evaluate` takes it.

    Returns:
        `Findings`, its record without `model`.
    """
    network = samples.network(settings["features"], gan.sample_shape)
    seed, batch_size = settings["seed"], settings["batch_size"]
    sets = samples.collect(
        gan,
        settings["data"],
        settings["count"],
        seed,
        batch_size,
        settings["image_size"],
        settings["channels"] and int(settings["channels"]),
    )
    rows, logits = samples.looked_at(sets, network, batch_size)
    labels = sets.labels and by_label(
        sets.labels, rows, knows(logits, gan.num_classes)
    )
    measures, classes = measure(sets, rows, logits, seed, labels)
    names = network.class_names
    told = verdicts(measures, classes, names, labels)
    record = {
        "model": None,
        "verdicts": [verdict._asdict() for verdict in told],
        "notes": notes(gan, sets, rows, network, settings["count"]),
        "measures": measures,
        "classes": classes and {"names": names, **classes},
        "labels": labels,
        "classification": None,
        "protocol": report.protocol(sets, network, settings, gan),
    }
    try:
        record["classification"] = classification.classification(
            gan, sets, batch_size
        )
    except ImportError as error:
        record["notes"].append(f"Classification is left out. {error}")
    return Findings(record, sets, rows, by_picture(gan, sets, logits))


def knows(logits, num_classes):
    """The logits, if they are of as many classes as there are labels."""
    fits = logits is not None and logits["fake"].shape[1] == num_classes
    return logits if fits else None


def by_picture(gan, sets, logits):
    """Classes of the fakes, as `Findings` has them."""
    found, num_classes = {}, samples.num_labels(gan)
    if logits is not None:
        predicted = logits["fake"].argmax(axis=1)
        found["classes.png"] = predicted, logits["fake"].shape[1]
    if num_classes is not None:
        asked = samples.asked_labels(len(sets.fake), num_classes)
        found["labels.png"] = asked, num_classes
    return found


def notes(gan, sets, rows, network, count):
    """Sentences on what a reader would not expect."""
    found = [network.reason] if network.reason else []
    found += classification.left_out(gan, sets)
    num_classes = samples.num_labels(gan)
    if num_classes is not None and sets.labels is None:
        found.append(
            "There are no numbers by label: the model takes labels from 0 to "
            f"{num_classes - 1}, and the data has none, or others."
        )
    if len(sets.fake) < count:
        why = "the floor takes as many training samples, and there are no more"
        if len(sets.fake) == samples.most_samples(sets.fake.shape[1:]):
            why = "more samples of this size would not fit into memory"
        found.append(f"{len(sets.fake)} fakes in place of {count}: {why}.")
    fewest, size = min(len(sets.fake), len(sets.real)), rows["real"].shape[1]
    if fewest <= size:
        found.append(
            f"{fewest} samples are few for a covariance of {size} features: "
            "Frechet distances are far too large; read the ratio."
        )
    return found


def write(out, gan, found, settings, curves):
    """Writes the folder, whole or not at all."""
    unfinished = out.with_name(f"unfinished.{os.getpid()}.{out.name}")
    try:
        unfinished.mkdir(parents=True)
        write_files(unfinished, gan, found, settings, curves)
        os.replace(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_files(folder, gan, found, settings, curves):
    """Writes the pictures, the page and the record."""
    drawn, left_out = pictures.write(folder, gan, found, settings)
    found.record["notes"] += left_out
    if pathlib.Path(curves).is_file():
        shutil.copyfile(curves, folder / CURVES)
        drawn.add(CURVES)
    text = page.markdown(found.record, drawn)
    (folder / page.PAGE).write_text(text, encoding="utf-8")
    text = json.dumps(found.record, indent=2, allow_nan=False)
    (folder / report.FILE).write_text(text + "\n", encoding="utf-8")
