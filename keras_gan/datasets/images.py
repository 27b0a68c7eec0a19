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
    folders = set(subfolders(path))
    if not SPLITS <= folders:
        return read_split(path, image_size, channels), None
    if folders > SPLITS:
        warnings.warn(
            f"Only the folders train and test of {str(path)!r} are used. "
            f"Left out: {', '.join(sorted(folders - SPLITS))}",
            stacklevel=2,
        )
    return (
        read_split(path / "train", image_size, channels),
        read_split(path / "test", image_size, channels),
    )


def read_split(path, image_size, channels):
    """`Samples` of a folder whose sub-folders, if any, are classes."""
    files = find_images(path)
    if not files:
        raise ValueError(
            "Expected a folder with images (PNG, JPEG, WebP, ...). "
            f"Received: no image in {str(path)!r}"
        )
    convert = functools.partial(decode, image_size=image_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of each odd file
        with concurrent.futures.ThreadPoolExecutor() as pool:
            images = list(pool.map(convert, files))
    kept = [i for i, image in enumerate(images) if image is not None]
    broken = [f for f, image in zip(files, images) if image is None]
    report_broken(broken, files)
    files, images = [files[i] for i in kept], [images[i] for i in kept]
    x = stacked(path, files, images, channels)
    classes = [file.relative_to(path).parts[0] for file in files]
    if all(file.parent == path for file in files):
        return Samples(x)
    if any(file.parent == path for file in files):
        raise ValueError(
            "Expected all images in sub-folders, which are the classes, or "
            f"none. Received: both in {str(path)!r}"
        )
    names = sorted(set(classes))
    warn_of_empty(path, names)
    return Samples(x, np.array([names.index(name) for name in classes]), names)


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
    try:
        with Image.open(file, formats=FORMATS) as image:
            wide = image.mode in ("I", "F") and image.format not in SIXTEEN_BIT
            pixels = image.size[0] * image.size[1]
            if pixels <= MAX_PIXELS and not wide:
                picture = plain(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise bomb(file, error) from error
    except Exception:  # decoders raise whatever a broken file leads to
        return None
    if pixels > MAX_PIXELS:
        raise bomb(file, f"{pixels:,} pixels")
    if wide:
        raise ValueError(
            "Images of 32-bit values have no fixed range; convert them to 8 "
            f"or 16 bits. Received: {str(file)!r}"
        )
    if image_size is None:
        return picture
    return ImageOps.fit(picture, image_size[::-1], Image.Resampling.BICUBIC)


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
    return ValueError(
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
    sizes = collections.Counter(image.size for image in images)
    if len(sizes) > 1:
        (common, _), *_, (rare, _) = sizes.most_common()
        odd = next(f for f, i in zip(files, images) if i.size == rare)
        raise ValueError(
            f"The images in {str(path)!r} have {len(sizes)} sizes; pass "
            "image_size=... (--image-size) to crop and resize them. Received: "
            f"most are {common[0]}x{common[1]}, {str(odd)!r} is "
            f"{rare[0]}x{rare[1]}"
        )
    if channels is None:
        channels = 1 if all(image.mode == "L" for image in images) else 3
    mode = "L" if channels == 1 else "RGB"
    x = np.stack([np.asarray(image.convert(mode)) for image in images])
    return x.reshape(*x.shape[:3], channels)
