"""The record of an evaluation: its protocol, its table, its comparison."""

import io
import json
import pathlib

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from keras_gan import run_folder
from keras_gan.evaluation import pixels
from keras_gan.evaluation.measures import FLOOR_OF_TEST
from keras_gan.evaluation.measures import SETTINGS
from keras_gan.evaluation.measures import SPLITS
from keras_gan.evaluation.measures import subset_size
from keras_gan.evaluation.sets import num_labels
from keras_gan.evaluation.sets import sha256
from keras_gan.evaluation.sets import sha256_of_file
from keras_gan.metrics.sample_metric import sha256 as weights_sha256
from keras_gan.sampling import takes_attributes

FILE = "evaluation.json"
WIDTH = 200
# What is drawn at random.
SEEDS = ("fakes", "reals", "subsets", "patches", "pairs", "parts")
# What says how samples were come by, and may differ where their hashes do not.
NAMES = {
    ("features.sha256", "features.file_sha256"): ["features.name"],
    ("data.real_sha256", "data.train_sha256", "data.labels_sha256"): [
        *("data.name", "resize.image_size", "resize.channels"),
        "resize.method",
    ],
}
RESIZE = "bilinear, antialiased, rounded to uint8"


def protocol(sets, network, settings, gan):
    """All that the numbers depend on, besides the model's weights.

    Args:
        sets: `Sets`.
        network: `Network`.
        settings: dictionary, as `evaluate` takes it.
        gan: `keras_gan.GAN`.

    Returns:
        Dictionary.
    """
    num_real, num_fake = len(sets.real), len(sets.fake)
    return {
        "features": described(network.features, network),
        "classifier": network.classifier
        and described(network.classifier, network),
        "data": {
            "name": data_name(settings["data"]),
            "sample_shape": list(sets.real.shape[1:]),
            "real_sha256": sha256(sets.real),
            "train_sha256": sha256(sets.train),
            "labels_sha256": sets.labels
            and sha256(np.concatenate(sets.labels[1:3])),
        },
        "resize": {
            "image_size": settings["image_size"],
            "channels": settings["channels"],
            "method": settings["image_size"] and RESIZE,
        },
        "value_range": [-1, 1],
        "labels_asked": labels_asked(gan),
        "num_labels": sets.labels and len(sets.labels.names),
        "real_split": "test",
        "floor_split": "train",
        "floor_split_of": dict.fromkeys(FLOOR_OF_TEST, "test"),
        "num_real": num_real,
        "num_fake": num_fake,
        "num_floor": len(sets.floor),
        "num_train": len(sets.train),
        "averaged": gan.averaged_generator is not gan.generator,
        "batch_norm": "moving statistics",
        "truncation": 1.0,
        "seeds": dict.fromkeys(SEEDS, settings["seed"]),
        **SETTINGS,
        "kernel_subset_size": subset_size(num_real, num_fake),
        **pixels.settings(sets.real.shape[1:], num_real, num_fake),
        "inception_splits": network.classifier and SPLITS,
        "versions": run_folder.versions(),
    }


def labels_asked(gan):
    """How the labels that fakes are asked for were chosen, or None."""
    if takes_attributes(gan):
        return "those of the training samples"
    return None if num_labels(gan) is None else "in turn"


def described(model, network):
    """What tells one network from others."""
    return {
        "name": network.name,
        "model": model.name,
        "layer": layer(model, network),
        "accuracy": network.accuracy,
        "sha256": weights_sha256(model),
        "file_sha256": network.file_sha256,
        "num_outputs": int(np.prod(model.output_shape[1:])),
    }


def layer(model, network):
    """Name of the layer looked at; None: nobody has named it."""
    if network.classifier is None and network.file_sha256 is None:
        return None
    # Sequential models have no names of outputs.
    names = getattr(model, "output_names", None)
    names = names or [part.name for part in model.layers]
    return names[-1] if names else None


def data_name(data):
    """The name of a data set; of a path its last part."""
    path = pathlib.Path(data)
    return path.resolve().name if path.exists() else str(data)


def about_model(path, file, gan):
    """What tells one model from others."""
    return {
        "path": str(path),
        "sha256": sha256_of_file(file),
        "images_seen": int(gan.images_seen),
    }


def read(path):
    """The record of an evaluation, from its file or folder.

    Raises:
        ValueError: it is none.
    """
    path = pathlib.Path(path)
    file = path / FILE if path.is_dir() else path
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        rows = record["measures"].values()
        numbers = [[row["value"], row["floor"]] for row in rows]
        np.array(numbers, "float64")
        flat(record["protocol"])
        [verdict["text"] + "" for verdict in record["verdicts"]]
        [row["better"] + "" for row in rows]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{file} is no record of an evaluation: {error!r}"
        ) from error
    return record


def flat(tree, prefix=""):
    """A nested dictionary as one of dotted keys."""
    found = {}
    for key, value in tree.items():
        inner = isinstance(value, dict)
        found |= (
            flat(value, f"{prefix}{key}.")
            if inner
            else {f"{prefix}{key}": value}
        )
    return found


def differences(first, second):
    """Sorted keys of two protocols whose values differ.

    What is called or made another way, but has the same hashes, is the same.
    """
    first, second = flat(first), flat(second)
    absent = object()
    found = {
        key
        for key in {*first, *second}
        if first.get(key, absent) != second.get(key, absent)
    }
    for hashes, names in NAMES.items():
        if first.keys() >= set(hashes) and found.isdisjoint(hashes):
            found.difference_update(names)
    return sorted(found)


def compare(paths, force=False):
    """Two evaluations side by side, as text.

    Args:
        paths: two files or folders.
        force: whether to compare numbers of different protocols.

    Returns:
        String.

    Raises:
        ValueError: a protocol differs, or a file is no record.
    """
    records = [read(path) for path in paths]
    differing = differences(*(record["protocol"] for record in records))
    if differing and not force:
        raise ValueError(
            "The numbers were taken by different protocols and mean nothing "
            "side by side; --force shows them all the same. Different: "
            + ", ".join(differing)
        )
    names = list(dict.fromkeys(n for r in records for n in r["measures"]))
    rows = []
    for name in names:
        row = [name]
        for record in records:
            found = record["measures"].get(name, {})
            row += [value_text(found), number(found.get("floor"))]
        better = next(
            r["measures"][name] for r in records if name in r["measures"]
        )["better"]
        rows.append([*row, better])
    text = table(["", "A", "floor of A", "B", "floor of B", "better"], rows)
    for letter, path, record in zip("AB", paths, records):
        findings = " ".join(v["text"] for v in record["verdicts"])
        text += f"\n{letter}: {path}\n   {findings}\n"
    if differing:
        text += f"\nDifferent protocols: {', '.join(differing)}\n"
    return text


def measures_table(measures, style=box.SIMPLE):
    """All numbers of an evaluation as a table."""
    rows = [
        [
            name,
            value_text(found),
            value_text(found, "floor", "floor_spread"),
            number(found["ratio"]),
            found["better"],
        ]
        for name, found in measures.items()
    ]
    return table(["", "value", "floor", "ratio", "better"], rows, style)


def value_text(found, key="value", spread_key="spread"):
    """A value with its spread in two digits, if it has one."""
    text, spread = number(found.get(key)), found.get(spread_key)
    return text if spread is None else f"{text} ± {spread:.2g}"


def number(value):
    """A number in four digits; a dash where there is none."""
    return "-" if value is None else f"{value:.4g}"


def table(header, rows, style=box.SIMPLE):
    """Rows of strings as aligned text.

    Args:
        header: list of strings.
        rows: list of lists of strings.
        style: box of rich; `box.MARKDOWN` makes a table of Markdown.

    Returns:
        String, its lines without spaces at their ends.
    """
    grid = Table(box=style)
    for title in header:
        words = title in ("", "class", "label", "better")
        grid.add_column(title, justify="left" if words else "right")
    for row in rows:
        grid.add_row(*row)
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, markup=False, emoji=False).print(grid)
    lines = stream.getvalue().strip("\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"
