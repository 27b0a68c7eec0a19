"""Backups as files: written whole or not at all, and checked when read."""

import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import warnings

import numpy as np
import tensorflow as tf

MANIFEST, ARRAYS = "manifest.json", "arrays.bin"
NAME = re.compile(r"backup_(\d{8})")
UNFINISHED = "unfinished_backup"
FORMAT = 1
# What reading a file that is not what was written can lead to.
BROKEN = (ValueError, TypeError, KeyError, OSError, RecursionError)


class Shelf:
    """The newest backups of a run, each a folder in one folder.

    A backup holds `arrays.bin`, the values one after the other, and
    `manifest.json` with their names, shapes and dtypes, the facts of the run
    and SHA-256 sums of both files. It is written under another name, brought
    to the disk and then renamed.

    Args:
        path: `pathlib.Path` of the folder; made when it is first needed.
        keep: integer >= 1, how many backups stay.
    """

    def __init__(self, path, keep):
        self.path = pathlib.Path(path)
        self.keep = keep

    def folders(self):
        """Numbers and paths of the backups, the newest last."""
        if not self.path.is_dir():
            return []
        found = [(NAME.fullmatch(f.name), f) for f in self.path.iterdir()]
        return sorted((int(match[1]), f) for match, f in found if match)

    def write(self, arrays, facts):
        """Adds a backup and removes those that are too many.

        Args:
            arrays: dict of NumPy arrays.
            facts: what JSON can hold.

        Returns:
            Number of bytes.

        Raises:
            OSError: the disk is full, or the folder cannot be written. The
                backups before are untouched.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        unfinished = self.path / UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)
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
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        sync(self.path)
        for _, folder in self.folders()[: -self.keep]:
            self.remove(folder)
        return num_bytes

    def remove(self, folder):
        """Removes a backup so that it is whole or gone."""
        unfinished = self.path / UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)
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
        for _, folder in self.folders():
            self.remove(folder)
        shutil.rmtree(self.path / UNFINISHED, ignore_errors=True)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()


def write_arrays(path, arrays):
    """Writes the values of arrays; returns their size and SHA-256 sum."""
    digest = hashlib.sha256()

    def parts():
        for array in arrays.values():
            data = np.ascontiguousarray(array).tobytes()
            digest.update(data)
            yield data

    return write_file(path, parts()), digest.hexdigest()


def write_file(path, parts):
    """Writes bytes to a new file and to the disk; returns how many."""
    with open(path, "xb") as file:
        num_bytes = sum(file.write(part) for part in parts)
        file.flush()
        os.fsync(file.fileno())
    return num_bytes


def sync(folder):
    """Brings the names in a folder to the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
        ValueError: a file is torn or altered.
        OSError: a file is missing.
    """
    told = json.loads((folder / MANIFEST).read_bytes())
    body = told["body"]
    if told["sha256"] != sum_of(body):
        raise ValueError(f"{MANIFEST} is not what was written")
    if body["format"] != FORMAT:
        raise ValueError(
            f"its format is {body['format']}, this version reads {FORMAT}"
        )
    entries = [
        (e["name"], e["shape"], tf.as_dtype(e["dtype"]).as_numpy_dtype)
        for e in body["arrays"]
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
    return arrays, body["facts"]
