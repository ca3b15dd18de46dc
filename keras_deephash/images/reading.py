"""Images of any kind as uint8 RGB arrays."""

import io
import os
from collections.abc import Callable
from contextlib import contextmanager
from typing import IO

import numpy as np
from PIL import Image

from keras_deephash.images.formats import MAX_PIXELS, limit_size, open_image
from keras_deephash.images.pixel_budget import PixelBudget
from keras_deephash.images.pixels import pixels_to_uint8
from keras_deephash.images.png import without_annotations
from keras_deephash.images.rgb import to_rgb

# Files that threads decode at the same time: 14 photos of 12 megapixels, say.
_DECODED = PixelBudget(2 * MAX_PIXELS)


def read_image(
    image: str | os.PathLike | bytes | Image.Image | np.ndarray,
) -> np.ndarray:
    """An image as a uint8 RGB array.

    Grey, palette, CMYK and the like become RGB. Of 16 bits the upper 8 are taken.
    What is transparent is laid on white. Photos are turned as their EXIF orientation
    says. Of an animation or a file of several pages, the first image is taken; of a
    PIL image, the frame that it stands at.

    A PIL image that a program has made of another one keeps the other's EXIF: it is
    not turned by a quarter again where its sides show that it was turned already.
    `PIL.ImageOps.exif_transpose` leaves no doubt.

    Files are of the formats `images.FORMATS`, and of at most `images.MAX_PIXELS`
    pixels; a JPEG of up to `images.MAX_JPEG_PIXELS` is decoded at a smaller size.

    Args:
        image: a path, the bytes of an image file, a `PIL.Image.Image`, or an array
            [h, w, 3] of pixel values from 0 to 255, in RGB order.

    Returns:
        uint8 array [h, w, 3].

    Raises:
        FileNotFoundError: if the path names no file.
        ValueError: if the file cannot be read as an image or is too large, if the
            array is not an RGB image, or if the values of a 32-bit image do not lie
            between 0 and 255.
    """
    if isinstance(image, np.ndarray):
        return _check_array(image, image)
    return from_rgb(image, np.asarray)


def from_rgb(
    image: str | os.PathLike | bytes | Image.Image | np.ndarray,
    function: Callable[[Image.Image], np.ndarray],
    smallest: int | None = None,
) -> np.ndarray:
    """What a function makes of an image, without an array of all its pixels.

    Args:
        image: as for `read_image`.
        function: of an RGB `PIL.Image.Image`, upright and on white ground.
        smallest: int. A JPEG file may be decoded at a half, a quarter or an eighth of
            its size, as long as its sides have this many pixels. Defaults to `None`:
            only where its size is beyond the limit.

    Returns:
        What the function returns.

    Raises:
        FileNotFoundError, ValueError: as `read_image`.
    """
    if isinstance(image, (str, os.PathLike)):
        path = os.fspath(image)
        # From a stream: a TIFF that Pillow maps into memory by its path, it maps with
        # the sides that the turned image would have.
        with _naming(repr(path)), open(path, "rb") as stream:
            return _read(stream, function, smallest)
    if isinstance(image, bytes):
        with _naming(f"the bytes of a file, {len(image):,}"):
            return _read(io.BytesIO(image), function, smallest)
    if isinstance(image, Image.Image):
        with _naming(f"a PIL image, mode {image.mode}"):
            _check_size(image.size)
            if image.format == "EPS":  # To decode it, Pillow starts Ghostscript.
                raise ValueError('PostScript: convert it, `image.convert("RGB")`')
            return function(to_rgb(image))
    pixels = _check_array(image, np.asarray(image))
    try:
        return function(Image.fromarray(pixels))
    except MemoryError:  # One image that cannot be held is not the end of the others.
        raise ValueError(
            f"There is not enough memory to resize an image of shape {pixels.shape}."
        ) from None


def _check_array(image, array: np.ndarray) -> np.ndarray:
    if array.ndim != 3 or array.shape[-1] != 3:
        raise ValueError(
            "An image must be a path, a PIL image or an RGB array [h, w, 3]. "
            f"Received: {_describe(image, array)}."
        )
    _check_size(array.shape)
    return pixels_to_uint8(array)


def _read(stream: IO[bytes], function: Callable, smallest: int | None) -> np.ndarray:
    try:
        with open_image(stream) as file:
            return _decode(file, function, smallest)
    except ValueError as error:
        if "MAX_TEXT" not in str(error):
            raise
    with open_image(without_annotations(stream)) as file:
        return _decode(file, function, smallest)


def _decode(file: Image.Image, function: Callable, smallest: int | None) -> np.ndarray:
    width, height = file.size
    limit_size(file, smallest)
    with _DECODED.hold(width * height):
        return function(to_rgb(file))


@contextmanager
def _naming(name: str):
    """An error of Pillow, as one that names the image."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no such image file: {name}.") from None
    except MemoryError:
        raise ValueError(
            f"The image cannot be read: {name} (not enough memory)."
        ) from None
    except Exception as error:  # Each kind of damage raises a different error.
        raise ValueError(
            f"The image cannot be read: {name} ({error or type(error).__name__})."
        ) from None


def _check_size(size: tuple[int, ...]) -> None:
    if 0 in size:
        raise ValueError(f"An image must have at least one pixel. Received: {size}.")


def _describe(image, array: np.ndarray) -> str:
    if array.dtype.kind in "iufb":
        return f"an array of shape {array.shape}"
    return f"{type(image).__name__} {str(image)[:80]!r}"
