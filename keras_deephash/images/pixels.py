"""Arrays of pixel values from 0 to 255, checked."""

import numpy as np


def pixels_to_uint8(array: np.ndarray) -> np.ndarray:
    """Pixel values from 0 to 255 of any dtype, rounded to uint8.

    Raises:
        ValueError: for values that are not pixel values: outside 0 to 255, NaN, or
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
