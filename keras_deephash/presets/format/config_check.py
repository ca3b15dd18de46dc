"""Checks of the configuration of a preset: its types, depth and sizes."""

import math

from keras_deephash.datasets.label_names import MOST_CLASSES
from keras_deephash.presets.errors import PresetError

# No number that describes a network is larger: pixels, filters, bits, epochs.
MAX_INTEGER = 8192
# But for what is counted in data sets.
_LARGER = {"classes": MOST_CLASSES}
MAX_CANVAS = 4096  # Pixels of a resized and padded image, height and width.
# For presets of unknown origin: networks see images of some 224 to 600 pixels, cut
# from ones a little larger.
_MAX_STRANGE_IMAGE = 1024
_MAX_STRANGE_MARGIN = 2
_MAX_DEPTH = 8
# Arguments that Python takes as objects or as the name of something to fetch; a
# preset has them in files of its own, or not at all.
_RESERVED = ("backbone", "preprocessor", "weights")
_UNBOUNDED = ("seed", "quantization_start")


def check_config(config: dict, what: str) -> None:
    """Checks that a configuration holds plain values of sane sizes.

    Raises:
        PresetError: if it describes an object to be built, something to be fetched, or
            a size beyond all networks.
    """
    for key in _RESERVED:
        if config.get(key) is not None:
            raise PresetError(
                f"`{key}` in {what} must not be given. Save the preset anew. "
                f"Received: {str(config[key])[:80]!r}."
            )
    for key, kind in (("name", str), ("trainable", bool)):
        if not isinstance(config.get(key, kind()), kind):
            raise PresetError(
                f"`{key}` in {what} must be of type {kind.__name__}. "
                f"Received: {str(config[key])[:80]!r}."
            )
    for key, value in config.items():
        _check_value(key, value, what, 0)


def check_canvas(preprocessor, what: str, trusted: bool = True) -> None:
    """Raises PresetError for images so large that a few of them would fill the memory.

    Args:
        preprocessor: `Preprocessor`.
        what: str, for the error.
        trusted: bool. Whether the preset is of the package or a directory of the user.
            Others must have images and margins of a usual size.
    """
    seen, canvas = preprocessor.image_size, preprocessor.canvas_size
    strange = seen > _MAX_STRANGE_IMAGE or canvas > _MAX_STRANGE_MARGIN * seen
    if strange and not trusted:
        raise PresetError(
            f"{what} makes images of {canvas} pixels squared for a network that sees "
            f"{seen}. A preset of the Hub must see at most {_MAX_STRANGE_IMAGE}, cut "
            f"from {_MAX_STRANGE_MARGIN} times as many. Download it, read it, and load "
            "its directory if you trust it."
        )
    if preprocessor.canvas_size > MAX_CANVAS:
        raise PresetError(
            f"{what} makes images of {preprocessor.canvas_size} pixels squared, the "
            f"largest are of {MAX_CANVAS}. Use a smaller `resize_size` and `padding`."
        )


def _check_value(key: str, value, what: str, depth: int) -> None:
    if isinstance(value, list) and depth < _MAX_DEPTH:
        for item in value:
            _check_value(key, item, what, depth + 1)
    elif isinstance(value, (dict, list)):
        raise PresetError(
            f"`{key}` in {what} must be a number, a string or a list of them: objects "
            f"are not built from a preset. Received: {str(value)[:80]!r}."
        )
    elif isinstance(value, float) and not math.isfinite(value):
        raise PresetError(f"`{key}` in {what} must be finite. Received: {value}.")
    elif isinstance(value, int) and key not in _UNBOUNDED:
        largest = _LARGER.get(key, MAX_INTEGER)
        if abs(value) > largest:
            raise PresetError(
                f"`{key}` in {what} is beyond all sizes, the largest is {largest}. "
                f"Received: {value if abs(value) < 10**20 else 'a huge number'}."
            )
