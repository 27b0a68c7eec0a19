"""How a whole model goes into a file and comes back."""

import contextlib
import hashlib
import io
import pathlib
import stat
import zipfile

import h5py
import keras
import numpy as np

from keras_gan.checks import check_unpacked_size
from keras_gan.files import replacing
from keras_gan.replicas import process_name
from keras_gan.seeds import states

COMPILED = "compiled_"
WEIGHTS = "model.weights.h5"
DIGEST = "keras_gan_sha256"


class SavedWhole(keras.Model):
    """A Keras model whose files hold all it takes to go on as before.

    Beyond what Keras saves: the arguments of an overridden `compile`, the
    variables of the model itself, and the random state of every layer.

    A subclass names its constructor arguments, which are attributes of the
    same names, in `constructor_arguments`, and gives those of `compile` by
    `compile_arguments()`.
    """

    constructor_arguments = ()
    _weights_checked = False

    def get_config(self):
        """Constructor arguments, serialised."""
        arguments = {n: getattr(self, n) for n in self.constructor_arguments}
        serialized = keras.saving.serialize_keras_object(arguments)
        return {**super().get_config(), **serialized}

    @classmethod
    def from_config(cls, config):
        """The model that `get_config` describes."""
        return cls(**keras.saving.deserialize_keras_object(config))

    def get_compile_config(self):
        """Arguments of `compile`, serialised; None before `compile`."""
        if not self.compiled:
            return None
        return keras.saving.serialize_keras_object(self.compile_arguments())

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def own_state(self):
        """Variables that no layer or optimizer saves: own ones and seeds."""
        layers = {id(v) for layer in self.layers for v in layer.weights}
        own = [v for v in self.weights if id(v) not in layers]
        return [*own, *states(self)]

    def compiled_state(self):
        """Variables of parts given to `compile`, by name; none by default."""
        return {}

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """As `keras.Model.save`; a `.keras` file is whole or not there."""
        strategy = self.distribute_strategy
        with replaced(filepath, ".keras", overwrite, strategy) as path:
            super().save(path, overwrite, zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True):
        """Writes one `.weights.h5` file, with the SHA-256 of its arrays.

        It is whole or not there; one of that name stays until then.
        """
        strategy = self.distribute_strategy
        with replaced(filepath, ".weights.h5", overwrite, strategy) as path:
            super().save_weights(path, overwrite)
            with h5py.File(path, "a") as file:
                file.attrs[DIGEST] = digest(arrays(file))

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Reads a `.weights.h5` or `.keras` file, whole or not at all.

        All of the file is checked before the first variable changes: names,
        shapes, dtypes, finite values and, where it has one, its SHA-256.

        Args:
            filepath: path of the file.
            skip_mismatch: whether to load what fits and leave out the rest.
            **kwargs: as `keras.Model.load_weights` takes them.

        Raises:
            ValueError: the file is broken, or of another model; the
                variables are as they were.
        """
        with open_weights(filepath) as file:
            self.check_weights(file, skip_mismatch)
        self._weights_checked = True
        try:
            super().load_weights(filepath, skip_mismatch, **kwargs)
        finally:
            self._weights_checked = False

    def check_weights(self, file, skip_mismatch=False):
        """Raises unless an HDF5 file holds sound weights of this model.

        Args:
            file: `h5py.File`, open.
            skip_mismatch: whether it may hold those of another one.
        """
        found = arrays(file)
        if not skip_mismatch:
            check_same(found, self.arrays(), self.compiled)
        for name, array in found.items():
            if not np.isfinite(values(array)).all():
                raise ValueError(
                    "The file holds NaN or infinite values: training had "
                    f"gone wrong before it was saved. Received: {name!r}"
                )
        if DIGEST in file.attrs and file.attrs[DIGEST] != digest(found):
            raise ValueError(
                "The file is damaged: its SHA-256 is not the one it was "
                f"saved with. Received: {str(file.filename)!r}"
            )

    def arrays(self):
        """What this model writes to a weights file, by name."""
        memory = Memory()
        super().save_weights(memory)
        return arrays(h5py.File(memory, "r"))

    def save_own_variables(self, store):
        """Writes `own_state` and `compiled_state`."""
        for index, variable in enumerate(self.own_state()):
            store[str(index)] = variable
        for name, variable in self.compiled_state().items():
            store[COMPILED + name] = variable

    def load_own_variables(self, store):
        """Reads what `save_own_variables` wrote.

        Raises:
            ValueError: the file is broken, or of another model.
        """
        file = getattr(store, "h5_file", None)
        if file is not None and not self._weights_checked:
            # Keras reads a damaged member past its checksum, in parts.
            check_members(getattr(store, "archive", None))
            self.check_weights(file)
        found = {key for key in store.keys() if key.startswith(COMPILED)}
        num_own = len(store.keys()) - len(found)
        state = self.own_state()
        if num_own != len(state):
            raise ValueError(
                "The file does not belong to this model: it holds "
                f"{num_own} counters and random states. "
                f"Expected: {len(state)}"
            )
        compiled = {COMPILED + n: v for n, v in self.compiled_state().items()}
        if self.compiled and found != set(compiled):
            raise ValueError(
                "The file belongs to a model with other penalties or "
                "metrics: it holds "
                f"their variables {sorted(found)}. "
                f"Expected: {sorted(compiled)}; loading before `compile` "
                "leaves them out"
            )
        for index, variable in enumerate(state):
            variable.assign(store[str(index)])
        for key, variable in compiled.items():
            variable.assign(store[key])


def replaced(filepath, ending, overwrite, strategy):
    """Where Keras is to write a file: beside it, if that is a file of ours.

    Else, as where Keras has to ask before it overwrites or knows no such
    ending, the path itself.
    """
    path = pathlib.Path(filepath)
    free = overwrite or not path.exists()
    if free and path.name.endswith(ending) and path.parent.is_dir():
        if not path.is_dir():
            return replacing(path, process_name(strategy))
    return contextlib.nullcontext(filepath)


def numbered(parts):
    """Variables of named parts by a name and a number.

    Args:
        parts: dictionary from a part's name to its variables.

    Returns:
        Dictionary of variables.

    Example:
    >>> numbered({"lecam": ["real", "fake"], "r1": []})
    {'lecam_0': 'real', 'lecam_1': 'fake'}
    """
    return {
        f"{name}_{index}": variable
        for name, variables in parts.items()
        for index, variable in enumerate(variables)
    }


class Memory(io.BytesIO):
    """A file in memory, named so that Keras takes it for a weights file."""

    def __str__(self):
        return f"memory.{WEIGHTS}"


def check_file(path):
    """Raises unless a `.keras` file is safe to hand to Keras.

    Args:
        path: `pathlib.Path` of the file.

    Raises:
        ValueError: it is no archive, damaged, unpacks to far more than it
            holds, or leads to other files.
    """
    with open_weights(path) as file:
        arrays(file)


@contextlib.contextmanager
def open_weights(path):
    """The HDF5 file at a path, or within a `.keras` file, to look at.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is broken or hostile, or what looks at it says so.
    """
    path = pathlib.Path(path)
    if not path.name.endswith((".keras", ".weights.h5")):
        raise ValueError(
            "`filepath` must end in .weights.h5 or .keras. "
            f"Received: filepath={str(path)!r}"
        )
    try:
        content = read_member(path) if path.suffix == ".keras" else path
        with h5py.File(content, "r") as file:
            yield file
    except FileNotFoundError:
        raise
    except Exception as error:  # readers raise whatever bytes lead to
        raise ValueError(f"{str(path)!r} cannot be loaded: {error}") from error


def read_member(path):
    """The weights in a `.keras` file, as a file in memory."""
    with zipfile.ZipFile(path) as archive:
        check_members(archive)
        return io.BytesIO(archive.read(WEIGHTS))


def check_members(archive):
    """Raises unless members of a `zipfile.ZipFile`, or None, are sound."""
    if archive is None:
        return
    members, seen = archive.infolist(), set()
    for member in members:
        name = member.filename
        path = pathlib.PurePosixPath(name.replace("\\", "/"))
        link = stat.S_ISLNK(member.external_attr >> 16)
        leads_out = path.is_absolute() or ".." in path.parts
        if link or leads_out or name in seen:
            raise ValueError(
                "its members must be plain files below one folder, each "
                f"there once. Received: member {name!r}"
            )
        seen.add(name)
    size = sum(member.file_size for member in members)
    check_unpacked_size(
        archive.filename, size, sum(member.compress_size for member in members)
    )
    damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its checksum fails. Received: member {damaged!r}")


def arrays(file):
    """The data sets of an HDF5 file by name, none of them a link.

    Args:
        file: `h5py.File`, open.

    Returns:
        Dictionary of `h5py.Dataset`.

    Raises:
        ValueError: the file leads to other files or into itself, or its
            arrays are far larger than it is.
    """
    found, seen = {}, set()

    def walk(group):
        for name in group:
            link = group.get(name, getlink=True)
            child = group[name] if isinstance(link, h5py.HardLink) else None
            if child is None or child.id in seen or leads_out(child):
                raise ValueError(
                    "Links and data outside of the file are not read. "
                    f"Received: {name!r} in {group.name!r}"
                )
            seen.add(child.id)
            if isinstance(child, h5py.Group):
                walk(child)
            else:
                found[child.name.lstrip("/")] = child

    walk(file)
    size = sum(x.size * x.dtype.itemsize for x in found.values())
    check_unpacked_size(file.filename, size, file.id.get_filesize())
    return found


def leads_out(child):
    """Whether an HDF5 object keeps its data in another file."""
    return isinstance(child, h5py.Dataset) and (
        child.external is not None or child.is_virtual
    )


def check_same(found, expected, compiled):
    """Raises unless two weights files hold arrays of the same kinds.

    Args:
        found: dictionary of `h5py.Dataset`, of the file.
        expected: the same, of the model.
        compiled: whether the model is; if not, what else a compiled model
            saves is passed over.
    """
    tops = {name.split("/")[0] for name in expected}
    differences = []
    for name in sorted(found.keys() | expected.keys()):
        more = name not in expected and (
            COMPILED in name or name.split("/")[0] not in tops
        )
        kinds = kind(found.get(name)), kind(expected.get(name))
        if kinds[0] != kinds[1] and not (more and not compiled):
            differences.append(
                f"{name!r} is {kinds[0]} in the file, {kinds[1]} in the model"
            )
    if differences:
        raise ValueError(
            "The file does not belong to this model, but to one of another "
            "architecture or version, or with other penalties or metrics. "
            "Players' weights alone load before `compile`. Received: "
            f"{len(differences)} differences, first {differences[0]}"
        )


def kind(array):
    """Shape and dtype of an `h5py.Dataset`, or `"missing"`."""
    if array is None:
        return "missing"
    return f"{array.shape} {dtype(array)}"


def dtype(array):
    """The dtype of an `h5py.Dataset`; HDF5 has no bfloat16 of its own."""
    noted = str(array.attrs.get("dtype"))
    return np.dtype(noted) if noted == "bfloat16" else array.dtype


def values(array):
    """The values of an `h5py.Dataset`, as Keras reads them."""
    return np.array(array, dtype=dtype(array))


def digest(found):
    """SHA-256 of arrays, their names and kinds."""
    total = hashlib.sha256()
    for name, array in sorted(found.items()):
        total.update(f"{name} {kind(array)}\n".encode())
        total.update(values(array).tobytes())
    return total.hexdigest()
