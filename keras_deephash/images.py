"""Images from anywhere - paths, PIL images, arrays - as uint8 RGB arrays."""

import os

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")


def read_image(image) -> np.ndarray:
    """An image as a uint8 RGB array.

    Args:
        image: a path, a `PIL.Image.Image`, or an array [h, w, 3] of pixel values
            from 0 to 255, in RGB order.

    Returns:
        uint8 array [h, w, 3].

    Raises:
        FileNotFoundError: if the path names no file.
        ValueError: if the file is no readable image or the array no RGB image.
    """
    if isinstance(image, (str, os.PathLike)):
        return _read_file(os.fspath(image))
    if isinstance(image, Image.Image):
        return _to_rgb(image)
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[-1] != 3:
        raise ValueError(
            "An image must be a path, a PIL image or an RGB array [h, w, 3]. "
            f"Received: {_describe(image, array)}."
        )
    if 0 in array.shape:
        raise ValueError(
            f"An image must have at least one pixel. Received: shape {array.shape}."
        )
    return pixels_to_uint8(array)


def pixels_to_uint8(array: np.ndarray) -> np.ndarray:
    """Pixel values from 0 to 255 of any dtype, rounded to uint8.

    Raises:
        ValueError: for values that are no pixel values: outside 0 to 255, NaN, or
            floats that look scaled to 0 to 1.
    """
    if array.dtype == np.uint8:
        return array
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
    return np.rint(array).astype(np.uint8)


def find_images(folder: str | os.PathLike) -> list[str]:
    """Paths of all image files below a folder, sorted.

    Raises:
        ValueError: if the folder does not exist or holds no image.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise ValueError(f"There is no such folder. Received: {folder!r}.")
    paths = sorted(
        os.path.join(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(EXTENSIONS)
    )
    if not paths:
        raise ValueError(
            f"The folder holds no image ({', '.join(EXTENSIONS)}). "
            f"Received: {folder!r}."
        )
    return paths


def _read_file(path: str) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return _to_rgb(image)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no such image file: {path!r}.") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        # Pillow raises each of these for one kind of damage or another.
        raise ValueError(f"The image cannot be read: {path!r} ({error}).") from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"The image is too large: {path!r} ({error}).") from None


def _to_rgb(image: Image.Image) -> np.ndarray:
    image = ImageOps.exif_transpose(image)  # As the photographer held the camera.
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit grey to white instead of scaling it.
        grey = np.asarray(image)
        if grey.max() > 255:
            grey = grey // 256
        image = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def _describe(image, array: np.ndarray) -> str:
    if array.dtype.kind in "iufb":
        return f"an array of shape {array.shape}"
    return f"{type(image).__name__} {str(image)[:80]!r}"
