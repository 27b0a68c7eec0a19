"""Files that are broken or made to harm, each with the error it must give.

One table: what writes the file, what reads it, a part of the message. Reading
must raise `ValueError`, change no variable and write no file.
"""

import gzip
import io
import json
import pathlib
import shutil
import stat
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

import keras_gan
from keras_gan import architectures
from keras_gan import datasets
from keras_gan import metrics
from keras_gan import run_folder

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 5), np.uint8)


def small_gan(units=(5,), size=3, compiled=True, **kwargs):
    keras.utils.set_random_seed(5)
    gan = keras_gan.GAN(
        *architectures.mlp((size,), latent_dim=2, units=units), seed=0, **kwargs
    )
    if compiled:
        gan.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    return gan


@pytest.fixture(scope="module")
def model():
    """The model in memory, which no file may change."""
    return small_gan()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Sound files to break, by suffix."""
    folder = tmp_path_factory.mktemp("whole")
    gan = small_gan()
    gan.save_weights(folder / "whole.weights.h5")
    gan.save(folder / "whole.keras")
    small_gan(units=(5, 5)).save_weights(folder / "deeper.weights.h5")
    small_gan(size=4).save_weights(folder / "wider.weights.h5")
    small_gan(compiled=False).save_weights(folder / "uncompiled.weights.h5")
    small_gan(ema_half_life=None).save_weights(folder / "raw.weights.h5")
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.save(folder / "other.keras")
    return folder


# Makers: (folder to write to, folder of whole files) -> path to read.


def raw(name, content):
    def make(folder, whole):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path if path.parent == folder else path.parent

    return make


def broken(name, change, to=None):
    """A sound file whose bytes are changed."""

    def make(folder, whole):
        path = folder / (to or f"broken{name[name.index('.') :]}")
        path.write_bytes(bytes(change(bytearray((whole / name).read_bytes()))))
        return path

    return make


def cut(share):
    return lambda content: content[: int(share * len(content))]


def flip(position):
    def change(content):
        content[position] ^= 0xFF
        return content

    return change


def flip_weights(content):
    """One bit of the first weight: still a finite number."""
    kernel = small_gan().generator.get_weights()[0]
    position = content.find(kernel[0, 0].tobytes())
    assert position > 0
    content[position + 1] ^= 4
    return content


def weights(change, start="whole"):
    """A weights file changed by h5py; its SHA-256 is taken away."""

    def make(folder, whole):
        path = folder / "changed.weights.h5"
        shutil.copy(whole / f"{start}.weights.h5", path)
        with h5py.File(path, "a") as file:
            del file.attrs["keras_gan_sha256"]
            change(file, folder)
        return path

    return make


FIRST = "generator/layers/dense/vars/0"


def replaced(value, **kwargs):
    def change(file, folder):
        shape = file[FIRST].shape
        del file[FIRST]
        file.create_dataset(FIRST, data=value(shape), **kwargs)

    return weights(change)


def linked(link):
    def change(file, folder):
        del file[FIRST]
        file[FIRST] = link(folder)

    return weights(change)


def external(file, folder):
    secret = folder / "secret"
    secret.write_bytes(bytes(40))
    shape = file[FIRST].shape
    del file[FIRST]
    file.create_dataset(
        FIRST, shape, "float32", external=[(str(secret), 0, 40)]
    )


def virtual(file, folder):
    shape = file[FIRST].shape
    del file[FIRST]
    layout = h5py.VirtualLayout(shape, "float32")
    layout[...] = h5py.VirtualSource("other.h5", "x", shape)
    file.create_virtual_dataset(FIRST, layout)


def shape_bomb(file, folder):
    file.create_dataset(
        "generator/bomb", (2**20, 2**10), "float32", compression="gzip"
    )


def loop(file, folder):
    file["generator/again"] = file["generator"]


def archive(*members, compression=zipfile.ZIP_STORED, keep=True):
    """A `.keras` file with more members, or other ones."""

    def make(folder, whole):
        path = folder / "archive.keras"
        names = {m if isinstance(m, str) else m.filename for m, _ in members}
        with (
            warnings.catch_warnings(),
            zipfile.ZipFile(whole / "whole.keras") as old,
            zipfile.ZipFile(path, "w", compression) as new,
        ):
            warnings.simplefilter("ignore")
            for name in old.namelist() if keep else ():
                if name not in names or keep == "twice":
                    new.writestr(name, old.read(name))
            for name, content in members:
                new.writestr(name, content)
        return path

    return make


def link_member():
    member = zipfile.ZipInfo("assets/link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def configured(change):
    """A `.keras` file whose `config.json` is changed."""

    def make(folder, whole):
        with zipfile.ZipFile(whole / "whole.keras") as old:
            config = json.loads(old.read("config.json"))
        text = change(config)
        text = json.dumps(config) if text is None else text
        return archive(("config.json", text))(folder, whole)

    return make


def layer(**config):
    """The generator's first hidden layer replaced by what is given."""

    def change(whole):
        layers = whole["config"]["generator"]["config"]["layers"]
        layers[1] = {**layers[1], **config}

    return configured(change)


def top(**config):
    return configured(lambda whole: whole.update(config))


def nested(whole):
    return "[" * 100_000


def lambda_file(folder, whole):
    code = keras.layers.Lambda(lambda x: 2 * x)
    model = keras.Sequential([keras.Input((2,)), code])
    model.save(folder / "lambda.keras")
    return folder / "lambda.keras"


def npy(header, content=b"", name="a.npy", version=1):
    text = repr(header).encode() if isinstance(header, dict) else header
    text = text.ljust(117) + b"\n"
    magic = b"\x93NUMPY" + bytes([version, 0])
    return raw(name, magic + len(text).to_bytes(2, "little") + text + content)


def described(descr, shape):
    return {"descr": descr, "fortran_order": False, "shape": shape}


def pickled(suffix):
    def make(folder, whole):
        class Owned:
            def __reduce__(self):
                return open, (str(folder / "owned"), "w")

        path, array = folder / f"objects{suffix}", np.array([Owned()], object)
        if suffix == ".npz":
            np.savez(path, x=array)
        else:
            np.save(path, array, allow_pickle=True)
        return path

    return make


def npz(compress=True, change=bytes, **arrays):
    file = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(file, **arrays)
    return raw("a.npz", change(bytearray(file.getvalue())))


def encrypted(content):
    for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(head) + at] |= 1
    return content


def method(content):
    for head, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.find(head) + at] = 99
    return content


def idx(shape, content=b"", suffix="", kind=8, ndim=None):
    head = bytes([0, 0, kind, len(shape) if ndim is None else ndim])
    file = head + np.array(shape, ">u4").tobytes() + content
    if suffix == ".gz":
        file = gzip.compress(file)
    return raw(f"idx/train-images-idx3-ubyte{suffix}", file)


def idx_linked(folder, whole):
    (folder / "outside").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 0]))
    (folder / "idx").mkdir()
    link = folder / "idx" / "train-images-idx3-ubyte"
    link.symlink_to(folder / "outside")
    return folder / "idx"


def idx_pipe(folder, whole):
    import os

    os.mkfifo(folder / "train-images-idx3-ubyte")
    return folder


def picture(name="a.png", mode="RGB", size=(4, 4)):
    file = io.BytesIO()
    Image.new(mode, size).save(file, pathlib.Path(name).suffix[1:])
    return file.getvalue()


def pictures(*names, content=None, link=None):
    def make(folder, whole):
        root = folder / "pictures"
        root.mkdir()
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(
                picture() if content is None else content(root / name)
            )
        if link:
            link(root, folder)
        return root

    return make


def link_out(root, folder):
    (folder / "private.png").write_bytes(picture())
    (root / "link.png").symlink_to(folder / "private.png")


def link_folder(root, folder):
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "b.png").write_bytes(picture())
    (root / "cats").symlink_to(folder / "elsewhere")


def link_deeper(root, folder):
    link_folder(root, folder)
    (root / "cats").rename(root / "dogs" / "more")


def link_train(root, folder):
    link_folder(root, folder)
    (root / "cats").rename(root / "train")


def link_loop(root, folder):
    (root / "loop.png").symlink_to(root / "loop.png")


def link_nowhere(root, folder):
    (root / "gone.png").symlink_to(root / "nothing")


def pipe(root, folder):
    import os

    os.mkfifo(root / "pipe.png")


def header_bomb(path, side=40_000):
    """A picture whose header promises 40,000 x 40,000 pixels."""
    content = bytearray(picture(path.name))
    side = side.to_bytes(2, "big")
    if path.suffix == ".png":
        content[16:24] = (b"\0\0" + side) * 2
        import zlib

        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    elif path.suffix == ".gif":
        content[6:10] = side[::-1] * 2
    else:
        content[18:26] = (side[::-1] + b"\0\0") * 2
    return bytes(content)


def graph(*operations):
    def make(folder, whole):
        import tensorflow as tf

        graph_def = tf.compat.v1.GraphDef()
        for operation in operations:
            graph_def.node.add(name=operation, op=operation)
        path = folder / "graph.pb"
        path.write_bytes(graph_def.SerializeToString())
        return path

    return make


# Readers: (path, model in memory).


def load_weights(path, model):
    model.load_weights(path)


def load_model(path, model):
    run_folder.load_model(path)


def load_data(path, model):
    datasets.load(path, batch_size=1)


def load_images(path, model):
    datasets.load(path, batch_size=1, image_size=4)


def load_graph(path, model):
    metrics.inception_2015(path, (8, 8, 3))


SOUND = "cannot be loaded"
NUMBERS = "sound .npy or .npz"
SOUND_IDX = "sound IDX"
OTHER = "does not belong to this model"
LINKS = "Links and data outside"
SPLIT = "Links that lead out"

CASES = {
    # Weights files.
    "h5 empty": (raw("a.weights.h5", b""), load_weights, SOUND),
    "h5 text": (raw("a.weights.h5", b"hello" * 99), load_weights, SOUND),
    "h5 half": (broken("whole.weights.h5", cut(0.5)), load_weights, SOUND),
    "h5 head": (broken("whole.weights.h5", flip(2)), load_weights, SOUND),
    "h5 bit": (
        broken("whole.weights.h5", flip_weights),
        load_weights,
        "damaged.*SHA-256",
    ),
    "h5 bad ending": (raw("a.h5", b""), load_weights, "must end in"),
    "h5 pickle": (raw("a.pkl", b"cos\nsystem\n"), load_weights, "must end in"),
    "h5 shards": (raw("a.weights.json", b"{}"), load_weights, "must end in"),
    "h5 deeper": (
        broken("deeper.weights.h5", bytes),
        load_weights,
        rf"{OTHER}.*dense_1/vars/0' is \(5, 5\) float32 in the file",
    ),
    "h5 wider": (
        broken("wider.weights.h5", bytes),
        load_weights,
        rf"{OTHER}.*is \(5, 4\) float32 in the file, \(5, 3\) float32 in the",
    ),
    "h5 without optimizers": (
        broken("uncompiled.weights.h5", bytes),
        load_weights,
        "'d_optimizer/vars/0' is missing in the file",
    ),
    "h5 without average": (
        broken("raw.weights.h5", bytes),
        load_weights,
        "'generator/layers/dense/vars/0' is missing in the file",
    ),
    "h5 lacks one": (
        weights(lambda file, _: file.__delitem__(FIRST)),
        load_weights,
        f"'{FIRST}' is missing in the file",
    ),
    "h5 holds more": (
        weights(lambda file, _: file.create_dataset("generator/x", data=1.0)),
        load_weights,
        "'generator/x' is .* in the file, missing in the model",
    ),
    "h5 NaN": (
        replaced(lambda shape: np.full(shape, np.nan, "float32")),
        load_weights,
        f"NaN or infinite.*'{FIRST}'",
    ),
    "h5 infinite": (
        replaced(lambda shape: np.full(shape, np.inf, "float32")),
        load_weights,
        f"NaN or infinite.*'{FIRST}'",
    ),
    "h5 NaN in a slot": (
        weights(
            lambda file, _: file["d_optimizer/vars/2"].write_direct(
                np.full(file["d_optimizer/vars/2"].shape, np.nan, "float32")
            )
        ),
        load_weights,
        "NaN or infinite.*'d_optimizer/vars/2'",
    ),
    "h5 float64": (
        replaced(lambda shape: np.zeros(shape)),
        load_weights,
        "float64 in the file",
    ),
    "h5 integers": (
        replaced(lambda shape: np.zeros(shape, "int32")),
        load_weights,
        "int32 in the file",
    ),
    "h5 texts": (
        replaced(lambda shape: np.full(shape, b"x"), dtype=h5py.string_dtype()),
        load_weights,
        "object in the file",
    ),
    "h5 turned": (
        replaced(lambda shape: np.zeros(shape[::-1], "float32")),
        load_weights,
        r"is \(5, 2\) float32 in the file, \(2, 5\)",
    ),
    "h5 a group for an array": (
        weights(
            lambda file, _: (file.__delitem__(FIRST), file.create_group(FIRST))
        ),
        load_weights,
        f"'{FIRST}' is missing in the file",
    ),
    "h5 soft link": (
        linked(lambda _: h5py.SoftLink("/generator")),
        load_weights,
        LINKS,
    ),
    "h5 link to a file": (
        linked(lambda folder: h5py.ExternalLink(folder / "b.h5", "/x")),
        load_weights,
        LINKS,
    ),
    "h5 link to nothing": (
        linked(lambda _: h5py.SoftLink("/nothing")),
        load_weights,
        LINKS,
    ),
    "h5 data elsewhere": (weights(external), load_weights, LINKS),
    "h5 virtual data": (weights(virtual), load_weights, LINKS),
    "h5 loop": (weights(loop), load_weights, LINKS),
    "h5 shape bomb": (weights(shape_bomb), load_weights, "times its size"),
    # Whole models.
    "keras empty": (raw("a.keras", b""), load_model, "not a zip"),
    "keras text": (raw("a.keras", b"no model"), load_model, "not a zip"),
    "keras half": (broken("whole.keras", cut(0.5)), load_model, "not a zip"),
    "keras bit": (
        broken("whole.keras", flip_weights),
        load_model,
        "checksum fails.*model.weights.h5",
    ),
    "keras bit, as weights": (
        broken("whole.keras", flip_weights),
        load_weights,
        "checksum fails.*model.weights.h5",
    ),
    "keras another": (
        lambda _, whole: whole / "other.keras",
        load_model,
        "holds no keras_gan.GAN. Received: Sequential",
    ),
    "keras another, as weights": (
        lambda _, whole: whole / "other.keras",
        load_weights,
        OTHER,
    ),
    "keras of another ending": (
        raw("a.zip", b""),
        load_model,
        "Expected a .keras file",
    ),
    "keras without weights": (
        archive(("config.json", "{}"), keep=False),
        load_model,
        "no item named 'model.weights.h5'",
    ),
    "keras without config": (
        archive(("model.weights.h5", b""), keep=False),
        load_model,
        SOUND,
    ),
    "keras other weights": (
        archive(("model.weights.h5", b"hello" * 99)),
        load_model,
        SOUND,
    ),
    "keras ..": (
        archive(("assets/../../owned", "x")),
        load_model,
        "plain files below one folder.*owned",
    ),
    "keras .. of Windows": (
        archive(("assets\\..\\..\\owned", "x")),
        load_model,
        "plain files below one folder",
    ),
    "keras absolute": (
        archive(("/tmp/owned", "x")),
        load_model,
        "plain files below one folder",
    ),
    "keras link": (
        archive((link_member(), "/etc/passwd")),
        load_model,
        "plain files below one folder.*link",
    ),
    "keras twice": (
        archive(("config.json", "{}"), keep="twice"),
        load_model,
        "there once.*config.json",
    ),
    "keras bomb": (
        archive(
            ("assets/bomb", bytes(300 * 2**20)),
            compression=zipfile.ZIP_DEFLATED,
        ),
        load_model,
        "times its size",
    ),
    "keras no JSON": (
        configured(lambda _: "{"),
        load_model,
        "cannot be",
    ),
    "keras a list": (
        configured(lambda _: "[]"),
        load_model,
        "cannot be",
    ),
    "keras config deep": (configured(nested), load_model, "cannot be loaded"),
    "keras unknown class": (
        top(class_name="Unknown", registered_name="keras_gan>Unknown"),
        load_model,
        "Could not locate class 'Unknown'",
    ),
    "keras system": (
        top(module="os", class_name="system", registered_name="system"),
        load_model,
        "cannot be loaded",
    ),
    "keras subprocess": (
        layer(module="subprocess", class_name="Popen", registered_name="Popen"),
        load_model,
        "cannot be loaded",
    ),
    "keras eval": (
        layer(module="builtins", class_name="eval", registered_name="eval"),
        load_model,
        "cannot be loaded",
    ),
    "keras lambda": (lambda_file, load_model, "safe_mode|[Ll]ambda"),
    "keras lambda of layers": (
        layer(
            module="keras.layers",
            class_name="Lambda",
            registered_name=None,
            config={
                "function": {
                    "class_name": "__lambda__",
                    "config": {"code": "4wEAAAA=", "defaults": None},
                }
            },
        ),
        load_model,
        "lambda|Lambda",
    ),
    "keras SavedModel": (
        layer(
            module="keras.layers",
            class_name="TFSMLayer",
            registered_name=None,
            config={"filepath": "served", "call_endpoint": "serve"},
        ),
        load_model,
        "cannot be loaded",
    ),
    "keras graph file": (
        layer(
            module="keras_gan.metrics.inception",
            class_name="FrozenGraph",
            registered_name="keras_gan>FrozenGraph",
            config={"path": "/no/such/file.pb"},
        ),
        load_model,
        "no file '/no/such/file.pb'",
    ),
    "keras newer argument": (
        configured(lambda whole: whole["config"].update(new_argument=1)),
        load_model,
        "new_argument",
    ),
    "keras bad argument": (
        configured(lambda whole: whole["config"].update(seed=-1)),
        load_model,
        "seed=-1",
    ),
    "keras other layer": (
        configured(
            lambda whole: whole["config"]["generator"]["config"]["layers"][1][
                "config"
            ].update(units=6)
        ),
        load_model,
        "cannot be loaded",
    ),
    # Arrays.
    "npy empty": (raw("a.npy", b""), load_data, NUMBERS),
    "npy text": (raw("a.npy", b"hello"), load_data, NUMBERS),
    "npy objects": (pickled(".npy"), load_data, NUMBERS),
    "npy pickle": (raw("a.npy", b"\x80\x04cos\nsystem\n."), load_data, NUMBERS),
    "npy short": (
        npy(described("|u1", (3, 4, 4)), b"123"),
        load_data,
        NUMBERS,
    ),
    "npy size bomb": (
        npy(described("<f8", (10**13,)), b"123"),
        load_data,
        NUMBERS,
    ),
    "npy negative size": (npy(described("|u1", (-1, 4))), load_data, NUMBERS),
    "npy expression": (
        npy(b"__import__('os').system('touch owned')"),
        load_data,
        NUMBERS,
    ),
    "npy bad type": (npy(described("<q9", (1,))), load_data, NUMBERS),
    "npy version": (
        npy(described("|u1", (1,)), version=9),
        load_data,
        NUMBERS,
    ),
    "npy header cut": (
        raw("a.npy", b"\x93NUMPY\x01\0\xff\xff{"),
        load_data,
        "",
    ),
    "npy texts": (npy(described("<U1", (1, 1)), bytes(4)), load_data, "<U1"),
    "npy records": (
        npy(described([("a", "<f4")], (1, 1)), bytes(4)),
        load_data,
        "dtype=",
    ),
    "npz empty": (raw("a.npz", b""), load_data, NUMBERS),
    "npz objects": (pickled(".npz"), load_data, NUMBERS),
    "npz half": (npz(change=cut(0.5), x=IMAGES), load_data, NUMBERS),
    "npz bit": (npz(change=flip(200), x=IMAGES), load_data, NUMBERS),
    "npz encrypted": (npz(change=encrypted, x=IMAGES), load_data, "password"),
    "npz method": (npz(change=method, x=IMAGES), load_data, NUMBERS),
    "npz names": (npz(foo=IMAGES), load_data, r"names=\['foo'\]"),
    "npz bomb": (
        npz(x=IMAGES, other=np.zeros((300, 2**20), np.uint8)),
        load_data,
        "times its size",
    ),
    "npz labels": (npz(x=IMAGES, y=np.zeros(3, int)), load_data, "12 samples"),
    "npz bad labels": (
        npz(x=IMAGES, y=np.full(12, -1)),
        load_data,
        r"labels in \[-1, -1\]",
    ),
    "npy that is npz": (
        lambda folder, whole: npz(x=IMAGES)(folder, whole).rename(
            folder / "b.npy"
        ),
        load_data,
        "by another name",
    ),
    # IDX files.
    "idx empty": (
        raw("idx/train-images-idx3-ubyte", b""),
        load_data,
        "0, 0, 8",
    ),
    "idx floats": (idx((1, 1, 1), kind=13), load_data, "0, 0, 8"),
    "idx short": (idx((2, 2, 2), b"123"), load_data, "8 values promised, 3"),
    "idx long": (idx((2, 2, 2), b"123456789"), load_data, "more found"),
    "idx head": (idx((2,), ndim=3), load_data, "header is cut"),
    "idx bomb": (idx((2**31 - 1,) * 3), load_data, "times its size"),
    "idx 200 axes": (idx((1,) * 200, b"1"), load_data, SOUND_IDX),
    "idx no axis": (idx((), b"1"), load_data, r"shape=\(\)"),
    "idx zero": (idx((0, 28, 28)), load_data, r"shape=\(0, 28, 28\)"),
    "idx gz text": (
        raw("idx/train-images-idx3-ubyte.gz", b"hello"),
        load_data,
        SOUND_IDX,
    ),
    "idx gz short": (idx((2, 2, 2), b"1", ".gz"), load_data, "8 values"),
    "idx gz bomb": (
        idx((2**14, 2**14, 2), bytes(2**20), ".gz"),
        load_data,
        "times its size",
    ),
    "idx link": (idx_linked, load_data, SPLIT),
    "idx pipe": (idx_pipe, load_data, "no pipes"),
    # Folders of images.
    "folder empty": (pictures(), load_data, "no image in"),
    "folder text": (
        pictures("a.txt", content=lambda _: b"hi"),
        load_data,
        "no image in",
    ),
    "png empty": (
        pictures("a.png", content=lambda _: b""),
        load_data,
        "None of",
    ),
    "png text": (
        pictures("a.png", content=lambda _: b"hello"),
        load_data,
        "None of the 1 images",
    ),
    "png half": (
        pictures("a.png", content=lambda _: picture()[:40]),
        load_data,
        "None of the 1 images",
    ),
    "jpeg half": (
        pictures(
            "a.jpeg",
            content=lambda _: picture("a.jpeg", size=(64, 64))[:400],
        ),
        load_data,
        "None of the 1 images",
    ),
    "png PostScript": (
        pictures("a.png", content=lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        load_data,
        "None of the 1 images",
    ),
    "png bomb": (pictures("a.png", content=header_bomb), load_data, "pixels"),
    "gif bomb": (pictures("a.gif", content=header_bomb), load_data, "pixels"),
    "bmp bomb": (pictures("a.bmp", content=header_bomb), load_data, "pixels"),
    "png large": (
        pictures("a.png", content=lambda path: header_bomb(path, 8_000)),
        load_data,
        "50,000,000 pixels at most.*64,000,000 pixels",
    ),
    "png bomb resized": (
        pictures("a.png", content=header_bomb),
        load_images,
        "pixels",
    ),
    "png of 32 bits": (
        pictures("a.tiff", content=lambda p: picture("a.tiff", "F")),
        load_data,
        "32-bit",
    ),
    "png sizes": (
        pictures(
            "a.png",
            "bb.png",
            content=lambda p: picture(size=(len(p.stem), 4)),
        ),
        load_data,
        "have 2 sizes",
    ),
    "png beside classes": (
        pictures("a.png", "cats/b.png"),
        load_data,
        "or none. Received: both",
    ),
    "png link": (pictures("a.png", link=link_out), load_data, SPLIT),
    "png linked folder": (
        pictures("a.png", link=link_folder),
        load_data,
        SPLIT,
    ),
    "png linked folder in a class": (
        pictures("dogs/a.png", link=link_deeper),
        load_data,
        SPLIT,
    ),
    "png linked train": (
        pictures("test/a.png", link=link_train),
        load_data,
        SPLIT,
    ),
    "png loop": (pictures("a.png", link=link_loop), load_data, "must lead to"),
    "png nowhere": (
        pictures("a.png", link=link_nowhere),
        load_data,
        "must lead to a file",
    ),
    "png pipe": (pictures("a.png", link=pipe), load_data, "no pipes"),
    "png other classes": (
        pictures("train/cats/a.png", "test/dogs/a.png"),
        load_data,
        r"same classes. Received: \['cats'\] and \['dogs'\]",
    ),
    # Frozen graphs.
    "graph empty": (raw("a.pb", b""), load_graph, "no operations"),
    "graph text": (raw("a.pb", b"hello"), load_graph, "no frozen"),
    "graph that reads": (
        graph("Placeholder", "ReadFile"),
        load_graph,
        "'ReadFile'",
    ),
    "graph that runs Python": (graph("PyFunc"), load_graph, "'PyFunc'"),
    "graph that writes": (graph("WriteFile"), load_graph, "'WriteFile'"),
}


def snapshot(folder):
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("name", CASES)
def test_file_is_refused(name, tmp_path, whole, model, monkeypatch):
    make, read, message = CASES[name]
    path = make(tmp_path, whole)
    state = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    files = snapshot(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        read(path, model)
    assert snapshot(tmp_path) == files
    after = [*model.variables, *model.optimizer.variables]
    for before, variable in zip(state, after, strict=True):
        np.testing.assert_array_equal(before, variable)


def test_the_list_is_long():
    assert len(CASES) >= 60


def test_whole_files_load(whole, model):
    """What the table breaks is sound before."""
    expected = small_gan().generator.get_weights()
    for name in ("whole.weights.h5", "whole.keras"):
        gan = small_gan()
        gan.generator.set_weights([0 * w for w in expected])
        gan.load_weights(whole / name)
        for found, value in zip(gan.generator.get_weights(), expected):
            np.testing.assert_array_equal(found, value)
    loaded = run_folder.load_model(whole / "whole.keras")
    np.testing.assert_array_equal(
        loaded.generate(2, seed=0), model.generate(2, seed=0)
    )
    small_gan(compiled=False).load_weights(whole / "whole.weights.h5")


def test_what_fits_loads_where_asked(whole):
    """`skip_mismatch` is the way to take a part of a file, with a warning."""
    gan = small_gan()
    gan.generator.set_weights([0 * w for w in gan.generator.get_weights()])
    with pytest.warns(UserWarning):
        gan.load_weights(whole / "deeper.weights.h5", skip_mismatch=True)
    assert np.abs(gan.generator.get_weights()[0]).max() > 0


def test_odd_names_and_empty_classes(tmp_path):
    for name in ("a\nb/ü.png", "c d/猫.PNG", "e/f/g.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(picture())
    (tmp_path / "empty").mkdir()
    with pytest.warns(UserWarning, match="1 folders.*no classes: empty"):
        train, _ = datasets.load(tmp_path, batch_size=1, test_fraction=0)
    assert train.class_names == ["a\nb", "c d", "e"]


def try_to_read(read, path, *arguments):
    """Anything but a clear error or a clean result fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(path, *arguments)
        except (ValueError, TypeError) as error:
            assert str(error)


def data_bytes():
    """One sound file of each kind that `datasets.load` reads."""
    array, archive_ = io.BytesIO(), io.BytesIO()
    np.save(array, IMAGES)
    np.savez_compressed(archive_, x=IMAGES, y=np.arange(12))
    head = bytes([0, 0, 8, 3]) + np.array(IMAGES.shape, ">u4").tobytes()
    return {
        "a.npy": array.getvalue(),
        "a.npz": archive_.getvalue(),
        "train-images-idx3-ubyte": head + IMAGES.tobytes(),
        "train-images-idx3-ubyte.gz": gzip.compress(head + IMAGES.tobytes()),
        "a.png": picture("a.png", size=(9, 9)),
        "a.jpeg": picture("a.jpeg", size=(9, 9)),
        "a.gif": picture("a.gif", size=(9, 9)),
        "a.bmp": picture("a.bmp", size=(9, 9)),
        "a.webp": picture("a.webp", size=(9, 9)),
        "a.tiff": picture("a.tiff", size=(9, 9)),
    }


DATA = data_bytes()
CHANGES = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)),
    max_size=4,
)
BOUNDED = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}


def mutated(content, share, changes):
    content = bytearray(content[: max(1, int(share * len(content)))])
    for position, change in changes:
        content[int(position * len(content))] ^= change
    return bytes(content)


@settings(max_examples=150, **BOUNDED)
@given(st.sampled_from(sorted(DATA)), st.floats(0.3, 1), CHANGES)
def test_fuzzed_data(tmp_path, name, share, changes):
    """Cut and with flipped bits: samples in range, or a `ValueError`."""
    fuzz_data(tmp_path, name, share, changes)


@pytest.mark.long
@settings(max_examples=2_000, **BOUNDED)
@given(st.sampled_from(sorted(DATA)), st.floats(0.3, 1), CHANGES)
def test_fuzzed_data_at_length(tmp_path, name, share, changes):
    fuzz_data(tmp_path, name, share, changes)


def fuzz_data(tmp_path, name, share, changes):
    from keras_gan.datasets import arrays
    from keras_gan.datasets.load import read

    folder = tmp_path / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / name
    path.write_bytes(mutated(DATA[name], share, changes))

    def reading(path):
        train, _ = read(path if "np" in path.suffix else folder, None, None)
        x = arrays.checked(train, "data").x
        assert x.size and (x.dtype == np.uint8 or np.abs(x).max() <= 1)

    try_to_read(reading, path)


def fuzz_model(tmp_path, whole, model, name, share, changes):
    """A changed file is refused and changes nothing, or is as it was."""
    path = tmp_path / f"fuzz{name[name.index('.') :]}"
    content = (whole / name).read_bytes()
    path.write_bytes(mutated(content, share, changes))
    before = [v.numpy() for v in model.variables]
    try_to_read(model.load_weights, path)
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, variable)


FILES = st.sampled_from(["whole.weights.h5", "whole.keras"])


@settings(max_examples=60, **BOUNDED)
@given(FILES, st.floats(0.5, 1) | st.just(1.0), CHANGES)
def test_fuzzed_models(tmp_path, whole, model, name, share, changes):
    fuzz_model(tmp_path, whole, model, name, share, changes)


@pytest.mark.long
@settings(max_examples=600, **BOUNDED)
@given(FILES, st.floats(0.5, 1) | st.just(1.0), CHANGES)
def test_fuzzed_models_at_length(tmp_path, whole, model, name, share, changes):
    fuzz_model(tmp_path, whole, model, name, share, changes)
