"""Folders of image files, of any common format and mode."""

import collections
import concurrent.futures
import functools
import warnings

import numpy as np
from PIL import Image
from PIL import ImageOps

from keras_gan.checks import check_inside
from keras_gan.datasets.arrays import Samples

MAX_PIXELS = 50_000_000
GREY_MODES = ("1", "L", "LA")
# Pillow opens 16-bit files of these formats in its 32-bit mode, full scale.
SIXTEEN_BIT = ("PNG", "PPM")
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA")
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp"),
    *(".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm", ".tga"),
)
SPLITS = {"train", "test"}
# EXIF's key; from 5 on width and height are exchanged.
ORIENTATION = 0x0112


def read_folder(path, image_size=None, channels=None):
    """Training and test samples of a folder of images.

    Sub-folders are classes; the folders `train` and `test`, if the folder
    holds both, are the splits. Hidden files and folders, and files of other
    kinds, are passed over. 16-bit images are reduced to 8 bits, transparent
    pixels become white, EXIF rotation is applied, CMYK and palettes become
    RGB; of animations the first frame counts.

    Args:
        path: `pathlib.Path` of the folder.
        image_size: `(height, width)`; images are cropped at their centre to
            this aspect and resized. None: all must have one size.
        channels: 1 or 3; None: 1 where every image is grey, else 3.

    Returns:
        Two `Samples` of uint8 images, the second may be None.

    Raises:
        ValueError: no image, images of several sizes or of 32-bit values, an
            image of more than 50 million pixels, or a file that leads out of
            the folder.
    """
    train, test = splits(path)
    return (
        read_split(train, image_size, channels),
        test and read_split(test, image_size, channels),
    )


def splits(path):
    """Folders of the training and the test images; the second may be None."""
    folders = set(subfolders(path))
    if not SPLITS <= folders:
        return path, None
    if folders > SPLITS:
        warnings.warn(
            f"Only the folders train and test of {str(path)!r} are used. "
            f"Left out: {', '.join(sorted(folders - SPLITS))}",
            stacklevel=2,
        )
    return path / "train", path / "test"


def read_split(path, image_size, channels):
    """`Samples` of a folder whose sub-folders, if any, are classes."""
    convert = functools.partial(decode, image_size=image_size)
    files, images = sound(find_images(path), convert, path)
    x = stacked(path, files, images, channels)
    return Samples(x, *labelled(path, files))


def sound(files, read, path):
    """The files that can be read, and what reading them gave.

    Args:
        files: list of `pathlib.Path`, all found in the folder.
        read: callable, file to anything, or None where it is broken.
        path: the folder, for messages.

    Returns:
        List of files, list of results.

    Raises:
        ValueError: there is none.
    """
    if not files:
        raise ValueError(
            "Expected a folder with images (PNG, JPEG, WebP, ...). "
            f"Received: no image in {str(path)!r}"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of each odd file
        with concurrent.futures.ThreadPoolExecutor() as pool:
            found = list(pool.map(read, files))
    report_broken([f for f, r in zip(files, found) if r is None], files)
    kept = [pair for pair in zip(files, found) if pair[1] is not None]
    return [file for file, _ in kept], [result for _, result in kept]


def labelled(path, files):
    """Labels and class names by sub-folder, or two times None."""
    if all(file.parent == path for file in files):
        return None, None
    if any(file.parent == path for file in files):
        raise ValueError(
            "Expected all images in sub-folders, which are the classes, or "
            f"none. Received: both in {str(path)!r}"
        )
    classes = [file.relative_to(path).parts[0] for file in files]
    names = sorted(set(classes))
    warn_of_empty(path, names)
    number = {name: label for label, name in enumerate(names)}
    return np.array([number[name] for name in classes]), names


def find_images(path):
    """Image files below a folder, sorted, none of them outside of it."""
    files = []
    for file in sorted(path.rglob("*")):
        hidden = any(p.startswith(".") for p in file.relative_to(path).parts)
        if hidden:
            continue
        image = file.suffix.lower() in SUFFIXES
        if image or file.is_symlink() and file.is_dir():
            check_inside(file, path)
        if image and file.is_file():
            files.append(file)
    return files


def subfolders(path):
    """Names of the folders in a folder, hidden ones left out, sorted."""
    found = [entry for entry in path.iterdir() if entry.is_dir()]
    for entry in found:
        check_inside(entry, path)
    return sorted(e.name for e in found if not e.name.startswith("."))


def warn_of_empty(path, names):
    """Warns of folders that are no class, as they hold no image."""
    empty = sorted(set(subfolders(path)) - set(names))
    if empty:
        warnings.warn(
            f"No image that can be read in {len(empty)} folders of "
            f"{str(path)!r}, which are no classes: {', '.join(empty)}",
            stacklevel=2,
        )


def decode(file, image_size=None):
    """One image as a Pillow image in mode L or RGB; None if it is broken."""
    picture = opened(file, lambda image: plain(ImageOps.exif_transpose(image)))
    if picture is None or image_size is None:
        return picture
    return ImageOps.fit(picture, image_size[::-1], Image.Resampling.BICUBIC)


class RefusedImage(ValueError):
    """An image that could be decoded and must not be."""


def header(file):
    """Width, height and mode, L or RGB, that `decode` would give.

    Reads no pixels. None if it is no image.
    """

    def look(image):
        width, height = image.size
        # PNG's own method decodes the image first.
        exif = Image.Image.getexif(image)
        if exif.get(ORIENTATION, 1) >= 5:
            width, height = height, width
        grey = image.mode in GREY_MODES or image.mode.startswith("I")
        return width, height, "L" if grey else "RGB"

    return opened(file, look)


def opened(file, look):
    """What a function says of an open image, or None if it is broken.

    Raises:
        RefusedImage: its header forbids to decode it.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            check_header(image, file)
            return look(image)
    except Image.DecompressionBombError as error:
        raise bomb(file, error) from error
    except RefusedImage:
        raise
    except Exception:  # decoders raise whatever a broken file leads to
        return None


def check_header(image, file):
    """Raises if an open image is too large or has no fixed range."""
    pixels = image.size[0] * image.size[1]
    if pixels > MAX_PIXELS:
        raise bomb(file, f"{pixels:,} pixels")
    if image.mode in ("I", "F") and image.format not in SIXTEEN_BIT:
        raise RefusedImage(
            "Images of 32-bit values have no fixed range; convert them to 8 "
            f"or 16 bits. Received: {str(file)!r}"
        )


def plain(image):
    """The image in 8 bits, mode L or RGB, on white where transparent."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint32) // 257
        return Image.fromarray(values.astype(np.uint8))
    grey = image.mode in GREY_MODES
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("L" if grey else "RGB")


def bomb(file, reason):
    """The error for an image that would take too much memory."""
    return RefusedImage(
        f"Images may have {MAX_PIXELS:,} pixels at most; larger ones exhaust "
        f"the memory when decoded. Received: {str(file)!r} ({reason})"
    )


def report_broken(broken, files):
    """Warns of images that could not be decoded; raises if all are broken."""
    names = ", ".join(repr(str(file)) for file in broken[:3])
    if len(broken) == len(files):
        raise ValueError(
            f"None of the {len(files)} images can be decoded. Received: {names}"
        )
    if broken:
        warnings.warn(
            f"Left out {len(broken)} of {len(files)} images that cannot be "
            f"decoded: {names}{', ...' if len(broken) > 3 else ''}",
            stacklevel=2,
        )


def stacked(path, files, images, channels):
    """Images of one size as a uint8 array `(n, height, width, channels)`."""
    check_one_size(path, files, [image.size for image in images])
    channels = channels or num_channels(image.mode for image in images)
    return np.stack([pixels(image, channels) for image in images])


def check_one_size(path, files, sizes):
    """Raises if images differ in `(width, height)`."""
    counts = collections.Counter(sizes)
    if len(counts) > 1:
        (common, _), *_, (rare, _) = counts.most_common()
        odd = next(f for f, size in zip(files, sizes) if size == rare)
        raise ValueError(
            f"The images in {str(path)!r} have {len(counts)} sizes; pass "
            "image_size=... (--image-size) to crop and resize them. Received: "
            f"most are {common[0]}x{common[1]}, {str(odd)!r} is "
            f"{rare[0]}x{rare[1]}"
        )


def num_channels(modes):
    """1 where all images are grey, else 3."""
    return 1 if all(mode == "L" for mode in modes) else 3


def pixels(image, channels):
    """A Pillow image as a uint8 array `(height, width, channels)`."""
    values = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return values.reshape(*values.shape[:2], channels)
