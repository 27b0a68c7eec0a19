"""Files that are written whole or not at all."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def replacing(path, writer=""):
    """A path beside another, to write a file that then takes its place.

    Whoever reads sees the file of before or the whole new one, also after a
    crash or a full disk. What an error leaves half written is removed.

    Args:
        path: where the file is to be; its folder exists.
        writer: string, what tells those apart that write it at one time.

    Yields:
        `pathlib.Path` with the ending of `path`.

    Example:
    >>> import tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "run.json")
    >>> with replacing(path) as unfinished:
    ...     _ = unfinished.write_text("{}")
    >>> path.read_text(), [file.name for file in path.parent.iterdir()]
    ('{}', ['run.json'])
    """
    path = pathlib.Path(path)
    names = "unfinished", writer, path.name
    unfinished = path.with_name(".".join(name for name in names if name))
    try:
        yield unfinished
        sync(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_file(path, parts):
    """Writes bytes to a new file and to the disk; returns how many."""
    with open(path, "xb") as file:
        num_bytes = sum(file.write(part) for part in parts)
        file.flush()
        os.fsync(file.fileno())
    return num_bytes


def sync(path):
    """Brings a file, or the names in a folder, to the disk if it can."""
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
