"""Images from anywhere - paths, PIL images, arrays - as uint8 RGB arrays."""

import os
import struct
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

# What is taken from a folder; of a single file, all that Pillow reads.
EXTENSIONS = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
    *(".avif", ".jp2", ".ppm", ".pgm", ".tga"),
)
# Formats that Pillow reads to 32-bit integers where the file has 16-bit grey.
_FORMATS_OF_16_BITS = ("PNG", "PPM")
# By EXIF's orientation, as the photographer held the camera.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Tags of TIFF.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
# Pillow raises each of these for one kind of damage or another.
_PILLOW_ERRORS = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,  # Of AVIF.
    EOFError,
    struct.error,
    TypeError,  # These of the odd EXIF entries of a turned TIFF.
    AttributeError,
    KeyError,
    OverflowError,
)


def read_image(image) -> np.ndarray:
    """An image as a uint8 RGB array.

    Grey, palette, CMYK and the like become RGB. Of 16 bits the upper 8 are taken.
    Transparency is dropped, and the colours below it show. Photos are turned as their
    EXIF orientation says. Of an animation or a file of several pages, the first image
    is taken; of a PIL image, the frame that it stands at.

    Args:
        image: a path, a `PIL.Image.Image`, or an array [h, w, 3] of pixel values
            from 0 to 255, in RGB order.

    Returns:
        uint8 array [h, w, 3].

    Raises:
        FileNotFoundError: if the path names no file.
        ValueError: if the file is no readable image, the array no RGB image, or if
            the values of a 32-bit image are no pixel values from 0 to 255.
    """
    if isinstance(image, (str, os.PathLike)):
        path = os.fspath(image)
        # From a stream: a TIFF that Pillow maps into memory by its path, it maps with
        # the sides that the turned image would have.
        with (
            _naming(repr(path)),
            open(path, "rb") as stream,
            Image.open(stream) as file,
        ):
            return _to_rgb(file)
    if isinstance(image, Image.Image):
        with _naming(f"a PIL image, mode {image.mode}"):
            _check_size(image.size)
            return _to_rgb(image)
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[-1] != 3:
        raise ValueError(
            "An image must be a path, a PIL image or an RGB array [h, w, 3]. "
            f"Received: {_describe(image, array)}."
        )
    _check_size(array.shape)
    return pixels_to_uint8(array)


def pixels_to_uint8(array: np.ndarray) -> np.ndarray:
    """Pixel values from 0 to 255 of any dtype, rounded to uint8.

    Raises:
        ValueError: for values that are no pixel values: outside 0 to 255, NaN, or
            floats that look scaled to 0 to 1.
    """
    check_pixels(array)
    return array if array.dtype == np.uint8 else np.rint(array).astype(np.uint8)


def check_pixels(array: np.ndarray) -> None:
    """Raises ValueError for an array that holds anything but pixel values."""
    if array.dtype == np.uint8:
        return
    if array.dtype.kind not in "iuf":
        raise ValueError(
            "Pixels must be numbers from 0 to 255. "
            f"Received: an array of dtype {array.dtype}."
        )
    low, high = (array.min(), array.max()) if array.size else (0, 0)
    if not (low >= 0 and high <= 255):
        raise ValueError(
            "Pixels must lie between 0 and 255: undo any normalization, the model "
            f"has its own. Received: values from {low} to {high}."
        )
    if array.dtype.kind == "f" and 0 < high <= 1:
        raise ValueError(
            "Pixels must lie between 0 and 255, these look scaled to 0 to 1: "
            f"multiply them by 255. Received: values from {low} to {high}."
        )


def is_image_file(path: str | os.PathLike) -> bool:
    """Whether a file is called an image, or begins as one."""
    if os.fspath(path).lower().endswith(EXTENSIONS):
        return True
    if not os.path.isfile(path):
        return False
    try:
        with Image.open(path):
            return True
    except OSError:  # Also what Pillow raises for what it does not know.
        return False
    except (*_PILLOW_ERRORS, Image.DecompressionBombError):
        return True


def find_images(folder: str | os.PathLike) -> list[str]:
    """Paths of all image files below a folder, sorted.

    Links to files are followed, links to folders are not.

    Raises:
        ValueError: if the folder does not exist or holds no image.
        OSError: if a folder below it cannot be listed.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise ValueError(f"There is no such folder. Received: {folder!r}.")

    def refuse(error: OSError):
        raise error

    # Older versions of Pillow do not read all of them.
    extensions = tuple(set(EXTENSIONS) & set(Image.registered_extensions()))
    paths = sorted(
        path
        for parent, _, names in os.walk(folder, onerror=refuse)
        for name in names
        if name.lower().endswith(extensions)
        and _is_no_device(path := os.path.join(parent, name))
    )
    if not paths:
        raise ValueError(
            f"The folder holds no image ({', '.join(EXTENSIONS)}). "
            f"Received: {folder!r}."
        )
    return paths


def _is_no_device(path: str) -> bool:
    """Whether a path may be read: of a pipe it would take for ever."""
    # A link to nothing is read in vain, and so named.
    return os.path.isfile(path) or not os.path.exists(path)


@contextmanager
def _naming(name: str):
    """What Pillow raises, as an error that names the image."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no such image file: {name}.") from None
    except _PILLOW_ERRORS as error:
        raise ValueError(f"The image cannot be read: {name} ({error}).") from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"The image is too large: {name} ({error}).") from None


def _check_size(size: tuple[int, ...]) -> None:
    if 0 in size:
        raise ValueError(f"An image must have at least one pixel. Received: {size}.")


def _to_rgb(image: Image.Image) -> np.ndarray:
    image.load()  # Turns a TIFF, and forgets its orientation.
    # Not by Pillow's `exif_transpose`: it writes all of EXIF anew, and fails for odd
    # entries that have nothing to do with the pixels.
    turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    is_16_bit = image.mode.startswith("I;16") or (
        image.mode == "I" and image.format in _FORMATS_OF_16_BITS
    )
    if is_16_bit:
        image = Image.fromarray(_upper_8_bits(image))
    elif image.mode in ("I", "F"):  # Pillow would clip these to white.
        pixels = pixels_to_uint8(np.asarray(image))
        inverted = image.mode == "F" and _white_is_zero(image)
        image = Image.fromarray(255 - pixels if inverted else pixels)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # Else Pillow warns; the colours are the same.
    image = image.convert("RGB")
    return np.asarray(image if turn is None else image.transpose(turn))


def _white_is_zero(image: Image.Image) -> bool:
    return image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _upper_8_bits(image: Image.Image) -> np.ndarray:
    grey, bits, inverted = np.asarray(image), 16, False
    if image.format == "TIFF":  # Pillow leaves both to us beyond 8 bits.
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0]
        inverted = _white_is_zero(image)
    if bits == 16 and 0 < grey.max() < 256:
        raise ValueError(
            "16-bit grey must lie between 0 and 65535, these look like 8-bit values: "
            f"save the image with 8 bits. Received: values up to {grey.max()}"
        )
    grey = (grey // 2 ** (bits - 8)).astype(np.uint8)
    return 255 - grey if inverted else grey


def _describe(image, array: np.ndarray) -> str:
    if array.dtype.kind in "iufb":
        return f"an array of shape {array.shape}"
    return f"{type(image).__name__} {str(image)[:80]!r}"
