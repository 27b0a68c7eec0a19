import collections
import gzip
import os
import pathlib
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gan import datasets
from keras_gan.datasets import catalogue
from keras_gan.datasets import images
from keras_gan.datasets.arrays import Samples


def rows(dataset):
    """All samples, and labels if there are any, as arrays."""
    parts = list(dataset.as_numpy_iterator())
    if isinstance(parts[0], tuple):
        return tuple(np.concatenate(part) for part in zip(*parts))
    return np.concatenate(parts)


def numbered(n=20):
    """uint8 images of which each has its number as first pixel."""
    x = np.zeros((n, 4, 4, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(n)
    x[:, 0, -1, 0] = 255
    return x, np.arange(n) % 2


def numbers(x):
    return np.rint((x[:, 0, 0, 0] + 1) * 127.5).astype(int)


class TestBundled:
    def test_size_balance_and_range(self):
        train, test = datasets.load("fashion_mnist_10k", batch_size=1000)
        for dataset, per_class in ((train, 1000), (test, 200)):
            x, y = rows(dataset)
            assert x.shape == (10 * per_class, 28, 28, 1)
            assert x.dtype == np.float32 and y.dtype == np.int64
            assert x.min() == -1.0 and x.max() == 1.0
            assert collections.Counter(y.tolist()) == {
                label: per_class for label in range(10)
            }

    def test_files_are_small_and_licensed(self):
        folder = pathlib.Path(datasets.__file__).parent
        assert (folder / "fashion_mnist_10k.npz").stat().st_size < 8e6
        text = (folder / "fashion_mnist_10k.txt").read_text()
        assert "MIT" in text and "Zalando" in text

    def test_splits_share_no_image(self):
        train, test = datasets.load("fashion_mnist_10k", batch_size=1000)
        seen = {x.tobytes() for x in rows(train)[0]}
        assert not seen & {x.tobytes() for x in rows(test)[0]}


class TestPipeline:
    def test_batches_are_of_fixed_size(self):
        train, test = datasets.load(numbered(), batch_size=4)
        x, y = train.element_spec
        assert x.shape == (4, 4, 4, 1) and x.dtype == tf.float32
        assert y.shape == (4,) and y.dtype == tf.int64
        assert test.element_spec[0].shape == (2, 4, 4, 1)

    def test_split_is_disjoint_and_the_same_for_each_seed(self):
        parts = [
            [
                set(numbers(rows(part)[0]))
                for part in datasets.load(numbered(), batch_size=1, seed=seed)
            ]
            for seed in (0, 1)
        ]
        (train, test), other = parts
        assert parts[0] == other
        assert len(train) == 18 and len(test) == 2 and not train & test

    def test_order_changes_each_epoch_and_follows_from_the_seed(self):
        def orders(seed):
            train, _ = datasets.load(numbered(), batch_size=3, seed=seed)
            return [numbers(rows(train)[0]).tolist() for _ in range(2)]

        first, second = orders(0)
        assert sorted(first) == sorted(second)
        assert first != second
        assert orders(0) == [first, second]
        assert orders(1) != [first, second]

    def test_a_pass_may_begin_anywhere(self):
        """Batch 7 is the third of the second pass, however it is reached."""
        train, _ = datasets.load(
            numbered(23), batch_size=4, flip=True, test_fraction=0
        )
        whole = np.concatenate([rows(train)[0] for _ in range(3)])
        train.position.seek(7)
        assert train.position.batch == 7
        np.testing.assert_array_equal(rows(train)[0], whole[28:48])
        # The next pass begins where a pass begins.
        assert train.position.batch == 10
        np.testing.assert_array_equal(rows(train)[0], whole[40:60])
        assert int(train.cardinality()) == 5

    def test_rows_left_over_change(self):
        train, _ = datasets.load(numbered(23), batch_size=4, test_fraction=0)
        used = {frozenset(numbers(rows(train)[0])) for _ in range(5)}
        assert len(used) > 1 and {len(numbers) for numbers in used} == {20}

    def test_order_is_uniform(self):
        """Each sample is as often in each place; chi-squared by hand."""
        train, _ = datasets.load(numbered(8), batch_size=8, test_fraction=0)
        counts = np.zeros((8, 8))
        for _ in range(400):
            counts[np.arange(8), numbers(rows(train)[0])] += 1
        # 49 degrees of freedom: mean 49, standard deviation 9.9.
        assert 20 < np.sum((counts - 50) ** 2 / 50) < 90

    @pytest.mark.parametrize("batch", [-1, 1.5])
    def test_places_that_are_none(self, batch):
        train, _ = datasets.load(numbered(), batch_size=4)
        with pytest.raises((TypeError, ValueError), match=f"batch={batch}"):
            train.position.seek(batch)

    def test_labels_stay_with_their_samples(self):
        train, _ = datasets.load(numbered(), batch_size=3)
        x, y = rows(train)
        np.testing.assert_array_equal(numbers(x) % 2, y)

    def test_test_set_keeps_its_order(self):
        _, test = datasets.load((numbered(), numbered(6)), batch_size=3)
        assert numbers(rows(test)[0]).tolist() == [0, 1, 2, 3, 4, 5]

    def test_no_test_set(self):
        train, test = datasets.load(
            numbered()[0], batch_size=4, test_fraction=0.0
        )
        assert test is None and int(train.cardinality()) == 5

    def test_flip_mirrors_about_half_and_anew(self):
        x = np.repeat(numbered(1)[0], 200, axis=0)
        train, _ = datasets.load(x, batch_size=100, flip=True, test_fraction=0)
        epochs = [rows(train)[:, 0, 0, 0] == 1.0 for _ in range(2)]
        assert 70 < epochs[0].sum() < 130
        assert not np.array_equal(*epochs)
        again, _ = datasets.load(x, batch_size=100, flip=True, test_fraction=0)
        np.testing.assert_array_equal(rows(again)[:, 0, 0, 0] == 1.0, epochs[0])

    def test_scale(self):
        x = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1)
        train, _ = datasets.load(x, batch_size=3, test_fraction=0)
        assert sorted(rows(train).ravel()) == [-1.0, np.float32(-0.6), 1.0]


class TestArrays:
    def test_floats_and_sequences(self):
        x = np.linspace(-1, 1, 60).reshape(10, 3, 2)
        train, _ = datasets.load(x, batch_size=10, test_fraction=0)
        found = np.sort(rows(train).ravel())
        assert found.dtype == np.float32 and train.element_spec.shape[1:] == (
            3,
            2,
        )
        np.testing.assert_allclose(found, x.ravel(), atol=1e-7)

    def test_grey_images_get_a_channel_axis(self):
        train, _ = datasets.load(np.zeros((20, 5, 6), np.uint8), batch_size=2)
        assert train.element_spec.shape == (2, 5, 6, 1)

    def test_resize_and_channels(self):
        x = np.zeros((12, 8, 8, 3), np.uint8)
        x[..., 0] = 200
        train, _ = datasets.load(x, 2, image_size=(4, 6), channels=1)
        assert train.element_spec.shape == (2, 4, 6, 1)
        # 0.299 * 200 = 59.8, rounded to 60.
        np.testing.assert_allclose(rows(train), 60 / 127.5 - 1, atol=1e-6)
        train, _ = datasets.load(x[..., :1], 2, image_size=8, channels=3)
        assert train.element_spec.shape == (2, 8, 8, 3)

    def test_npy_and_npz(self, tmp_path):
        x, y = numbered()
        np.save(tmp_path / "x.npy", x)
        train, _ = datasets.load(str(tmp_path / "x.npy"), batch_size=2)
        assert train.element_spec.shape == (2, 4, 4, 1)
        np.savez(tmp_path / "a.npz", x=x, y=y)
        train, _ = datasets.load(tmp_path / "a.npz", batch_size=2)
        assert len(train.element_spec) == 2
        np.savez(
            tmp_path / "b.npz", x_train=x, y_train=y, x_test=x[:3], y_test=y[:3]
        )
        _, test = datasets.load(tmp_path / "b.npz", batch_size=2)
        assert numbers(rows(test)[0]).tolist() == [0, 1]

    def test_zero_to_one_warns(self):
        x = np.linspace(0, 1, 40).reshape(20, 2)
        with pytest.warns(UserWarning, match=r"2 \* x - 1"):
            datasets.load(x, batch_size=2)

    @pytest.mark.parametrize(
        ("data", "error", "message"),
        [
            (np.zeros((9, 2), "int64"), ValueError, "dtype=int64"),
            (np.zeros((9, 2), "complex64"), ValueError, "dtype=complex64"),
            (np.zeros((9,)), ValueError, r"shape=\(9,\)"),
            (np.zeros((0, 2)), ValueError, r"shape=\(0, 2\)"),
            (np.full((9, 2), 255.0), ValueError, r"\[255, 255\]"),
            (
                np.where(np.eye(9, 2, -4), np.nan, 0),
                ValueError,
                "sample 4",
            ),
            (np.full((9, 2), np.inf), ValueError, "sample 0"),
            ((np.zeros((9, 2)), np.zeros(8)), ValueError, "9 samples.*8"),
            ((np.zeros((9, 2)), np.full(9, 0.5)), ValueError, "float64"),
            ((np.zeros((9, 2)), np.full(9, "a")), ValueError, "<U1"),
            (np.zeros((3, 2)), ValueError, "batch_size=4"),
            ([1, 2, 3], TypeError, "type list"),
            (None, TypeError, "type NoneType"),
            (
                ((np.zeros((9, 2)),), (np.zeros((9, 3)),)),
                ValueError,
                r"\(3,\)",
            ),
        ],
    )
    def test_bad_arrays(self, data, error, message):
        with pytest.raises(error, match=message):
            datasets.load(data, batch_size=4)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"batch_size": 0}, ValueError, "batch_size=0"),
            ({"batch_size": 2.5}, TypeError, "batch_size=2.5"),
            ({"channels": 2}, ValueError, "channels=2"),
            ({"image_size": 0}, ValueError, "image_size=0"),
            ({"test_fraction": 1.0}, ValueError, "test_fraction=1.0"),
            ({"seed": -1}, ValueError, "seed=-1"),
            ({"flip": True}, ValueError, "flip=True"),
            ({"image_size": 4}, ValueError, "float32"),
            ({"image_size": (4,)}, ValueError, r"image_size=\(4,\)"),
            ({"image_size": (4, 4, 1)}, ValueError, r"\(4, 4, 1\)"),
        ],
    )
    def test_bad_options(self, arguments, error, message):
        with pytest.raises(error, match=message):
            datasets.load(np.zeros((20, 3), "float32"), **arguments)

    def test_files_with_objects_are_not_read(self, tmp_path):
        np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
        np.savez(tmp_path / "o.npz", x=np.array([print], object))
        np.savez(tmp_path / "names.npz", foo=np.zeros(3))
        (tmp_path / "text.npy").write_text("hello")
        (tmp_path / "empty.npz").write_bytes(b"")
        for name in ("o.npy", "o.npz", "text.npy", "empty.npz"):
            with pytest.raises(ValueError, match=name):
                datasets.load(tmp_path / name)
        with pytest.raises(ValueError, match=r"names=\['foo'\]"):
            datasets.load(tmp_path / "names.npz")

    def test_broken_and_hostile_files(self, tmp_path):
        x = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        np.savez_compressed(tmp_path / "cut.npz", x=x)
        whole = (tmp_path / "cut.npz").read_bytes()
        (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 255
        (tmp_path / "flipped.npz").write_bytes(flipped)
        header = b"\x93NUMPY\x01\x00\x76\x00" + (
            b"{'descr': '|u1', 'fortran_order': False, "
            b"'shape': (40000000000000,), }".ljust(117)
            + b"\n"
        )
        (tmp_path / "huge.npy").write_bytes(header)
        zeros = np.zeros((400, 1000, 1000), np.uint8)
        np.savez_compressed(tmp_path / "bomb.npz", x=x, other=zeros)
        for name in ("cut.npz", "flipped.npz", "huge.npy", "bomb.npz"):
            with pytest.raises(ValueError, match=name):
                datasets.load(tmp_path / name)

    def test_what_is_no_pair_of_splits(self):
        x = np.zeros((9, 2), "float32")
        for data in (((), ()), ((x, x, x), (x, x, x)), (x, "y")):
            with pytest.raises(TypeError, match="must be a name, a path"):
                datasets.load(data)
        images = np.zeros((9, 2, 2), np.uint8)
        with pytest.raises(ValueError, match=r"labels of shape=\(9, 2, 2\)"):
            datasets.load((images, images), batch_size=2)

    def test_missing_paths(self, tmp_path):
        for path in (tmp_path / "no.npy", tmp_path / "no", "a/b/c", "x.png"):
            with pytest.raises(ValueError, match="Received: data="):
                datasets.load(path)


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim])
    content = head + np.array(array.shape, ">u4").tobytes() + array.tobytes()
    if path.suffix == ".gz":
        content = gzip.compress(content)
    path.write_bytes(content)


class TestIDX:
    @pytest.mark.parametrize("suffix", ["", ".gz"])
    def test_folder(self, tmp_path, suffix):
        x, y = numbered()
        for split, n in (("train", 20), ("t10k", 5)):
            write_idx(
                tmp_path / f"{split}-images-idx3-ubyte{suffix}", x[:n, ..., 0]
            )
            write_idx(
                tmp_path / f"{split}-labels-idx1-ubyte{suffix}",
                y[:n].astype(np.uint8),
            )
        train, test = datasets.load(tmp_path, batch_size=5)
        x, y = rows(train)
        assert sorted(numbers(x)) == list(range(20))
        np.testing.assert_array_equal(numbers(x) % 2, y)
        assert numbers(rows(test)[0]).tolist() == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "0, 0, 8"),
            (b"\0\0\x0d\x01\0\0\0\0", "0, 0, 8"),
            (b"\0\0\x08\x03" + b"\0\0\0\x02" * 3 + b"1234567", "8 values.*7"),
            (b"\0\0\x08\x03" + b"\0\0\0\x02" * 3 + b"123456789", "more"),
            (b"\0\0\x08\x03\0\0", "header is cut"),
            (b"\0\0\x08\x03" + b"\x7f\0\0\0" * 3, "times its size"),
        ],
    )
    def test_broken_files(self, tmp_path, content, message):
        path = tmp_path / "train-images-idx3-ubyte"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            datasets.load(tmp_path)
        path.rename(tmp_path / "train-images-idx3-ubyte.gz")
        with pytest.raises(ValueError, match="train-images"):
            datasets.load(tmp_path)


def picture(color="red", size=(10, 8), mode="RGB"):
    return Image.new(mode, size, color)


class TestFolder:
    def test_subfolders_are_classes(self, tmp_path):
        for name, color in (("cat", (255, 0, 0)), ("dog", (0, 0, 255))):
            (tmp_path / name).mkdir()
            for i in range(6):
                picture(color).save(tmp_path / name / f"{i}.png")
        (tmp_path / "cat" / "notes.txt").write_text("no image")
        train, test = datasets.load(tmp_path, batch_size=2)
        assert train.class_names == test.class_names == ["cat", "dog"]
        x, y = rows(train)
        assert x.shape[1:] == (8, 10, 3)
        np.testing.assert_array_equal(x[:, 0, 0, 2] == 1.0, y == 1)

    def test_train_and_test_folders_are_splits(self, tmp_path):
        for split, n in (("train", 5), ("test", 3)):
            for name in ("a", "b"):
                (tmp_path / split / name).mkdir(parents=True)
                for i in range(n):
                    picture().save(tmp_path / split / name / f"{i}.jpg")
        train, test = datasets.load(tmp_path, batch_size=2)
        assert int(train.cardinality()) == 5 and int(test.cardinality()) == 3
        assert train.class_names == ["a", "b"]

    def test_hidden_and_other_folders(self, tmp_path):
        for name in ("train/a", "test/a", ".cache", "val", "train/.hidden"):
            (tmp_path / name).mkdir(parents=True)
            for i in range(3):
                picture().save(tmp_path / name / f"{i}.png")
        with pytest.warns(UserWarning, match="Left out: val"):
            train, test = datasets.load(tmp_path, batch_size=3)
        assert train.class_names == ["a"]
        assert [int(part.cardinality()) for part in (train, test)] == [1, 1]

    def test_warning_filters_stay(self, tmp_path):
        for i in range(30):
            picture().save(tmp_path / f"{i}.png")
        before = list(warnings.filters)
        datasets.load(tmp_path, batch_size=2)
        assert warnings.filters == before

    @pytest.mark.parametrize("dtype", ["int32", "float32"])
    def test_images_of_32_bits_are_refused(self, tmp_path, dtype):
        Image.fromarray(np.ones((8, 10), dtype)).save(tmp_path / "w.tiff")
        with pytest.raises(ValueError, match="32-bit.*w.tiff"):
            datasets.load(tmp_path)

    def test_mutated_images_are_counted_or_read(self, tmp_path):
        """Whatever a decoder raises, a broken file is a broken file."""
        picture().save(tmp_path / "whole.png")
        content = (tmp_path / "whole.png").read_bytes()
        rng = np.random.default_rng(0)
        for i in range(200):
            mutated = bytearray(content)
            at = rng.integers(8, len(content), 3)
            for place in at:
                mutated[place] ^= int(rng.integers(1, 256))
            (tmp_path / f"{i}.png").write_bytes(mutated)
        cut_header = content[:8] + b"\0\0\0\x05" + content[12:]
        (tmp_path / "header.png").write_bytes(cut_header)
        for file in sorted(tmp_path.iterdir()):
            try:
                found = images.decode(file, (8, 10))
            except ValueError as error:
                assert file.name in str(error)
            else:
                assert found is None or found.size == (10, 8)
        assert images.decode(tmp_path / "header.png") is None

    def test_flat_folder_has_no_labels(self, tmp_path):
        for i in range(8):
            picture(40 + i, mode="L").save(tmp_path / f"{i}.png")
        train, _ = datasets.load(tmp_path, batch_size=2)
        assert train.element_spec.shape == (2, 8, 10, 1)
        assert train.class_names is None

    def test_modes(self, tmp_path):
        wide = np.full((8, 10), 32896, np.uint16)
        clear = Image.new("RGBA", (10, 8), (255, 0, 0, 0))
        cases = {
            "grey16.png": (Image.fromarray(wide), 128),
            "palette.png": (picture("red").convert("P"), (255, 0, 0)),
            "palette.gif": (picture("red").convert("P"), (255, 0, 0)),
            "clear.png": (clear, 255),
            "clear.webp": (clear, 255),
            "bilevel.png": (Image.new("1", (10, 8), 1), 255),
            "grey_alpha.png": (Image.new("LA", (10, 8), (9, 255)), 9),
            "grey16.tiff": (Image.fromarray(wide), 128),
            "grey16.pgm": (Image.fromarray(wide), 128),
            "dark16.png": (Image.fromarray(wide // 128), 1),
            "bitmap.bmp": (picture((1, 2, 3)), (1, 2, 3)),
        }
        for name, (image, _) in cases.items():
            lossless = {"lossless": True} if name.endswith("webp") else {}
            image.save(tmp_path / name, **lossless)
        for name, (_, color) in cases.items():
            decoded = images.decode(tmp_path / name).convert("RGB")
            expected = np.broadcast_to(color, (8, 10, 3))
            np.testing.assert_array_equal(np.asarray(decoded), expected, name)

    def test_cmyk_and_exif_rotation(self, tmp_path):
        Image.new("CMYK", (10, 8), (0, 255, 255, 0)).save(tmp_path / "c.jpg")
        red = np.asarray(images.decode(tmp_path / "c.jpg"))
        assert red.shape == (8, 10, 3)
        assert red[0, 0, 0] > 200 and red[0, 0, 1] < 60
        turned = picture()
        turned.putpixel((0, 0), (0, 0, 255))
        exif = turned.getexif()
        exif[0x0112] = 6
        turned.save(tmp_path / "turned.png", exif=exif)
        upright = images.decode(tmp_path / "turned.png")
        assert upright.size == (8, 10)
        assert upright.getpixel((7, 0)) == (0, 0, 255)

    def test_mixed_sizes(self, tmp_path):
        for i in range(5):
            picture(size=(10, 8)).save(tmp_path / f"{i}.png")
        picture(size=(30, 12)).save(tmp_path / "odd.png")
        with pytest.raises(ValueError, match="image_size.*10x8.*odd.png"):
            datasets.load(tmp_path, batch_size=2)
        train, _ = datasets.load(tmp_path, batch_size=2, image_size=6)
        assert train.element_spec.shape == (2, 6, 6, 3)

    def test_crop_is_central(self, tmp_path):
        image = picture("black", size=(30, 10))
        image.paste((255, 255, 255), (10, 0, 20, 10))
        image.save(tmp_path / "a.png")
        middle = np.asarray(images.decode(tmp_path / "a.png", (10, 10)))
        np.testing.assert_array_equal(middle, 255)

    def test_broken_images_are_counted(self, tmp_path):
        for i in range(5):
            picture().save(tmp_path / f"{i}.png")
        content = (tmp_path / "0.png").read_bytes()
        (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
        (tmp_path / "empty.jpg").write_bytes(b"")
        (tmp_path / "text.gif").write_text("no image")
        with pytest.warns(UserWarning, match="3 of 8 images.*cut.png"):
            train, _ = datasets.load(tmp_path, batch_size=1)
        assert int(train.cardinality()) == 4

    def test_nothing_but_broken_images(self, tmp_path):
        (tmp_path / "a.png").write_text("no image")
        with pytest.raises(ValueError, match="None of the 1 images.*a.png"):
            datasets.load(tmp_path)

    def test_empty_folder(self, tmp_path):
        with pytest.raises(ValueError, match="no image in"):
            datasets.load(tmp_path)

    def test_images_beside_classes(self, tmp_path):
        (tmp_path / "cat").mkdir()
        picture().save(tmp_path / "cat" / "a.png")
        picture().save(tmp_path / "b.png")
        with pytest.raises(ValueError, match="or none. Received: both"):
            datasets.load(tmp_path)

    @pytest.mark.parametrize("side", [8_000, 20_000])
    def test_bomb_is_refused_before_decoding(self, tmp_path, side):
        Image.MAX_IMAGE_PIXELS, limit = None, Image.MAX_IMAGE_PIXELS
        Image.new("1", (side, side)).save(tmp_path / "bomb.png")
        Image.MAX_IMAGE_PIXELS = limit
        with pytest.raises(ValueError, match="bomb.png"):
            datasets.load(tmp_path)

    def test_links_out_of_the_folder(self, tmp_path):
        (tmp_path / "in").mkdir()
        picture().save(tmp_path / "outside.png")
        (tmp_path / "in" / "link.png").symlink_to(tmp_path / "outside.png")
        with pytest.raises(ValueError, match="link.png"):
            datasets.load(tmp_path / "in")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A small TFDS data set, built from arrays without a network."""
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tfds")
    x, y = numbered()

    class TinyClothes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = folder

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(4, 4, 1)),
                "label": tfds.features.ClassLabel(names=["coat", "shoe"]),
            }
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, manager):
            return {"train": self.made(20), "test": self.made(6)}

        def made(self, n):
            for i in range(n):
                yield i, {"image": x[i], "label": int(y[i])}

        def _generate_examples(self):
            raise AssertionError

    builder = TinyClothes(data_dir=str(folder))
    builder.download_and_prepare()
    return builder, folder


class TestTFDS:
    def test_prepared_folder(self, prepared):
        train, test = datasets.load(prepared[0].data_dir, batch_size=5)
        assert train.class_names == ["coat", "shoe"]
        x, y = rows(train)
        assert sorted(numbers(x)) == list(range(20))
        np.testing.assert_array_equal(numbers(x) % 2, y)
        assert len(rows(test)[0]) == 5

    def test_name_in_another_process(self, prepared):
        """The builder's code is not there, as with copied folders."""
        script = """
from keras_gan import datasets
train, test = datasets.load("tiny_clothes", batch_size=5)
assert train.class_names == ["coat", "shoe"]
assert [int(d.cardinality()) for d in (train, test)] == [4, 1]
"""
        environment = {**os.environ, "TFDS_DATA_DIR": str(prepared[1])}
        command = [sys.executable, "-c", script]
        subprocess.run(command, check=True, env=environment)

    def test_resize(self, prepared):
        builder = prepared[0]
        splits = builder.as_dataset()
        train, test = catalogue.read_splits(splits, builder.info, (2, 2))
        assert train.x.shape == (20, 2, 2, 1) and test.x.shape[0] == 6

    @pytest.mark.parametrize(
        "name", ["mnist:3.0.1", "mnist", "mnist_corrupted/identity:1.0.0"]
    )
    def test_names_with_version_and_config(self, name, monkeypatch):
        asked = []

        def read_name(name, image_size):
            asked.append(name)
            return Samples(*numbered()), None

        monkeypatch.setattr(catalogue, "read_name", read_name)
        datasets.load(name, batch_size=2)
        assert asked == [name]

    def test_unknown_name(self):
        pytest.importorskip("tensorflow_datasets")
        with pytest.raises(ValueError, match="data='no_such_clothes'"):
            datasets.load("no_such_clothes")

    def test_no_network_says_what_to_do(self, tmp_path, monkeypatch):
        tfds = pytest.importorskip("tensorflow_datasets")

        def fail(*args, **kwargs):
            raise ConnectionError("no route to host")

        monkeypatch.setattr(tfds, "load", fail)
        with pytest.raises(ConnectionError, match="tfds build mnist"):
            datasets.load("mnist")
