"""TFRecord files, read at any place."""

import struct

import numpy as np
import tensorflow as tf

from keras_gan.checks import check_inside

IMAGES = ("image", "image/encoded", "image_raw")
LABELS = ("label", "image/class/label")
# Length in 8 bytes, its checksum in 4; after the record 4 more.
HEAD, TAIL = 12, 4


def find(path):
    """TFRecord files that a path names, sorted; none if it is no such set."""
    if path.is_file():
        return [path] if ".tfrecord" in path.name else []
    if not path.is_dir():
        return []
    files = sorted(f for f in path.iterdir() if ".tfrecord" in f.name)
    files = [f for f in files if not f.name.startswith(".")]
    for file in files:
        check_inside(file, path)
    return [file for file in files if file.is_file()]


class Index:
    """Where each record of a set begins.

    Only the lengths are read: 16 bytes a record stay in memory.

    Args:
        path: what the user named, for messages.
        files: list of `pathlib.Path`.

    Raises:
        ValueError: a file is broken or compressed, or there is no record.
    """

    def __init__(self, path, files):
        self.files = [str(file) for file in files]
        places = [places_of(file) for file in files]
        counts = [len(each) for each in places]
        if not sum(counts):
            raise ValueError(
                f"Expected records. Received: none in {str(path)!r}"
            )
        self.places = np.concatenate(places)
        self.ends = np.cumsum(counts)

    def __len__(self):
        return len(self.places)

    def file_of(self, row):
        """Name of the file that holds a row."""
        return self.files[np.searchsorted(self.ends, row, side="right")]

    def name(self, row):
        """What to call a row in messages."""
        return f"record at byte {self.places[row][0]} of {self.file_of(row)}"

    def read(self, row):
        """Encoded image, bytes, and label, integer or None, of a row.

        Raises:
            ValueError: it is no example with an image.
        """
        begin, length = self.places[row]
        with open(self.file_of(row), "rb") as file:
            file.seek(begin)
            record = file.read(length)
        try:
            features = tf.train.Example.FromString(record).features.feature
        except Exception:  # protobuf has errors of its own
            features = {}
        image = next((k for k in IMAGES if k in features), None)
        label = next((k for k in LABELS if k in features), None)
        encoded = features[image].bytes_list.value if image else ()
        labels = features[label].int64_list.value if label else (None,)
        if len(encoded) != 1 or len(labels) != 1:
            raise ValueError(
                f"Expected a tf.train.Example with one of {IMAGES}, an "
                f"encoded image, and one integer label if it has one of "
                f"{LABELS}. Received: {self.name(row)} with {sorted(features)}"
            )
        return encoded[0], labels[0]


def places_of(file):
    """Begin and length of each record of a file, `(n, 2)`."""
    size = file.stat().st_size
    found, begin = [], 0
    with open(file, "rb") as stream:
        while begin < size:
            stream.seek(begin)
            head = stream.read(HEAD)
            length = (
                struct.unpack("<Q", head[:8])[0] if len(head) == HEAD else 0
            )
            end = begin + HEAD + length + TAIL
            if len(head) < HEAD or end > size:
                raise ValueError(
                    "Expected a sound TFRecord file that is not compressed. "
                    f"Received: {str(file)!r}, broken at byte {begin}"
                )
            found.append((begin + HEAD, length))
            begin = end
    return np.array(found, "int64").reshape(-1, 2)
