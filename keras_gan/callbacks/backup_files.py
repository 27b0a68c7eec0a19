"""Backups as files: written whole or not at all, and checked when read."""

import hashlib
import json
import logging
import math
import os
import pathlib
import re
import shutil
import warnings

import numpy as np
import tensorflow as tf

from keras_gan.files import sync
from keras_gan.files import write_file
from keras_gan.replicas import check_agreement

MANIFEST, ARRAYS = "manifest.json", "arrays.bin"
NAME = re.compile(r"backup_(\d{8})")
UNFINISHED = "unfinished_backup"
FORMAT = 1
MAX_MANIFEST = 2**26
# What reading a file that is not what was written can lead to.
BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    OSError,
    RecursionError,
    OverflowError,
)

logger = logging.getLogger(__name__)


class Shelf:
    """The newest backups of a run, each a folder in one folder.

    A backup holds `arrays.bin`, the values one after the other, and
    `manifest.json` with their names, shapes and dtypes, the facts of the run
    and SHA-256 sums of both files. It is written under another name, brought
    to the disk and then renamed.

    Args:
        path: `pathlib.Path` of the folder; made when it is first needed.
        keep: integer >= 1, how many backups stay.

    Attributes:
        pinned: path of one more backup that stays, or None.
        writes: whether this process writes and removes backups; not where
            another one is the chief.
    """

    def __init__(self, path, keep):
        self.path = pathlib.Path(path)
        self.keep = keep
        self.pinned = None
        self.writes = True
        self.broken = set()

    def folders(self):
        """Numbers and paths of the backups, the newest last."""
        if not self.path.is_dir():
            return []
        real = [f for f in self.path.iterdir() if not f.is_symlink()]
        found = [(NAME.fullmatch(f.name), f) for f in real if f.is_dir()]
        return sorted((int(match[1]), f) for match, f in found if match)

    def write(self, arrays, facts):
        """Adds a backup and removes those that are too many.

        Args:
            arrays: dict of NumPy arrays.
            facts: what JSON can hold.

        Returns:
            Number of bytes; 0 where another process is the chief.

        Raises:
            OSError: the disk is full, or the folder cannot be written. The
                backups before are untouched.
            ValueError: a variable is not finite.
        """
        check_finite(arrays)
        if not self.writes:
            return 0
        self.path.mkdir(parents=True, exist_ok=True)
        unfinished = self.path / UNFINISHED
        discard(unfinished)
        unfinished.mkdir()
        try:
            num_bytes, digest = write_arrays(unfinished / ARRAYS, arrays)
            body = manifest(arrays, digest, facts)
            num_bytes += write_file(unfinished / MANIFEST, [body])
            sync(unfinished)
            numbers = [number for number, _ in self.folders()]
            number = max(numbers, default=0) + 1
            os.replace(unfinished, self.path / f"backup_{number:08d}")
        except OSError:
            discard(unfinished)
            raise
        sync(self.path)
        self.clear_up()
        return num_bytes

    def clear_up(self):
        """Removes the backups that are too many or broken, if it can."""
        folders = [folder for _, folder in self.folders()]
        whole = [folder for folder in folders if folder not in self.broken]
        for folder in set(folders) - {*whole[-self.keep :], self.pinned}:
            try:
                self.remove(folder)
            except OSError as error:
                logger.warning("%s cannot be removed: %s", folder, error)

    def remove(self, folder):
        """Removes a backup so that it is whole or gone."""
        unfinished = self.path / UNFINISHED
        discard(unfinished)
        os.replace(folder, unfinished)
        shutil.rmtree(unfinished)

    def newest(self):
        """Arrays and facts of the newest whole backup; None without any.

        A broken one is reported by a warning, and the one before is taken.

        Raises:
            ValueError: there are backups, and all are broken.
        """
        folders = self.folders()
        for _, folder in reversed(folders):
            try:
                return read(folder)
            except BROKEN as error:
                self.broken.add(folder)
                warnings.warn(
                    f"The backup {str(folder)!r} is broken and not used: "
                    f"{error}",
                    stacklevel=2,
                )
        if folders:
            raise ValueError(
                "None of the backups can be used; remove the folder to start "
                f"anew. Received: dir={str(self.path)!r}"
            )
        return None

    def clear(self):
        """Removes the backups, and the folder if nothing else is in it."""
        if not self.writes:
            return
        for _, folder in self.folders():
            self.remove(folder)
        discard(self.path / UNFINISHED)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()


def check_peers(model, newest):
    """Raises if other processes train too and would go on at other steps.

    Args:
        model: the model that is trained.
        newest: arrays and facts of a backup, or None.

    Raises:
        ValueError: their backups differ.
    """
    step = -1
    if newest is not None:
        step = newest[1]["epoch"] * 10**7 + newest[1]["step"]
    what = "the backup to go on with"
    check_agreement(model.distribute_strategy, step, what)


def discard(path):
    """Removes a folder if it can; a link or file itself."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def write_arrays(path, arrays):
    """Writes the values of arrays; returns their size and SHA-256 sum."""
    digest = hashlib.sha256()

    def parts():
        for array in arrays.values():
            data = np.ascontiguousarray(array).tobytes()
            digest.update(data)
            yield data

    return write_file(path, parts()), digest.hexdigest()


def manifest(arrays, digest, facts):
    """The text of `manifest.json`, as bytes."""
    body = {
        "format": FORMAT,
        "sha256": digest,
        "arrays": [
            {"name": n, "shape": list(a.shape), "dtype": a.dtype.name}
            for n, a in arrays.items()
        ],
        "facts": facts,
    }
    return json.dumps({"sha256": sum_of(body), "body": body}).encode()


def sum_of(body):
    """SHA-256 sum of what JSON can hold, however it is written."""
    text = json.dumps(body, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def read(folder):
    """Arrays and facts of one backup, checked.

    Args:
        folder: `pathlib.Path`.

    Returns:
        `(arrays, facts)`, as given to `Shelf.write`.

    Raises:
        ValueError: a file is torn or altered, no file, or holds values of
            the model that are not finite.
        OSError: a file is missing.
    """
    for name in (MANIFEST, ARRAYS):
        check_is_file(folder / name)
    if (folder / MANIFEST).stat().st_size > MAX_MANIFEST:
        raise ValueError(f"{MANIFEST} has more than {MAX_MANIFEST} bytes")
    told = json.loads((folder / MANIFEST).read_bytes())
    body = told["body"]
    if told["sha256"] != sum_of(body):
        raise ValueError(f"{MANIFEST} is not what was written")
    if body["format"] != FORMAT:
        raise ValueError(
            f"its format is {body['format']}, this version reads {FORMAT}"
        )
    entries = [
        (e["name"], e["shape"], numeric(e["dtype"])) for e in body["arrays"]
    ]
    sizes = [
        math.prod(shape) * np.dtype(dtype).itemsize
        for _, shape, dtype in entries
    ]
    path = folder / ARRAYS
    if path.stat().st_size != sum(sizes):
        raise ValueError(
            f"{ARRAYS} has {path.stat().st_size} bytes, not {sum(sizes)}"
        )
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != body["sha256"]:
        raise ValueError(f"{ARRAYS} is not what was written")
    arrays, offset = {}, 0
    for (name, shape, dtype), size in zip(entries, sizes):
        arrays[name] = np.ndarray(shape, dtype, data, offset)
        offset += size
    check_finite(arrays)
    return arrays, body["facts"]


def check_is_file(path):
    """Raises unless it is a file itself, no link to one."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ValueError(f"{path.name} is no file")


def numeric(name):
    """The NumPy type of a name; of numbers only, never of objects."""
    dtype = tf.as_dtype(name)
    if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
        raise ValueError(f"{name} is no type of numbers")
    return dtype.as_numpy_dtype


def check_finite(arrays):
    """Raises if a variable holds NaN or infinity.

    Names with a slash are what callbacks remember, which may be infinite.
    """
    for name, array in arrays.items():
        if "/" not in name and not np.isfinite(array).all():
            raise ValueError(f"{name} holds values that are not finite")
