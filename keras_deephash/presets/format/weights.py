"""Weights files, in float32 or in smaller types."""

import os
from typing import TYPE_CHECKING

import h5py
import ml_dtypes
import numpy as np

from keras_deephash.checks import check_option
from keras_deephash.disk_room import check_room, weights_size
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.deflation import write_deflated
from keras_deephash.presets.format.metadata import UNFINISHED_FILE, WEIGHTS_DTYPES
from keras_deephash.presets.format.weights_check import is_finite

if TYPE_CHECKING:
    import keras


def save_weights_file(model: "keras.Model", path: str, dtype: str) -> None:
    """Writes the weights alone; the same weights always give the same bytes."""
    check_option("weights_dtype", dtype, WEIGHTS_DTYPES)
    full = os.path.join(os.path.dirname(path), UNFINISHED_FILE)
    check_room(full, 2 * weights_size(model.weights))  # Both files, for a moment.
    model.save_weights(full)
    with h5py.File(full, "r") as source, h5py.File(path, "w") as target:
        _copy(source, target, dtype)
    os.remove(full)


def load_weights_file(model: "keras.Model", path: str) -> None:
    """Loads a weights file of either dtype.

    Raises:
        PresetError: if the file is damaged or its weights do not fit the model.
    """
    import keras

    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises errors of many classes here.
        raise PresetError(
            f"The weights in {path!r} do not fit `{type(model).__name__}`: {error}"
        ) from None
    for weight in model.weights:  # In a smaller type than the file has, maybe.
        values = keras.ops.convert_to_numpy(weight.value)
        if values.dtype.kind not in "biu" and not is_finite(values):
            raise PresetError(
                f"The weight {weight.path!r} of {path!r} is not finite in "
                f"{weight.dtype}. Load it with another `dtype`, such as 'float32'."
            )


def _copy(source: h5py.Group, target: h5py.Group, dtype: str) -> None:
    """Copies the weights; groups without any, and with them names, stay out."""
    for key, item in source.items():
        if item.name == "/optimizer":
            continue  # The state of a training is not part of a preset.
        if isinstance(item, h5py.Group):
            if _holds_data(item):
                group = target.create_group(key)
                for name, value in item.attrs.items():
                    group.attrs[name] = value
                _copy(item, group, dtype)
            continue
        values = item[()]
        if item.attrs.get("dtype") == "bfloat16":  # As Keras writes what HDF5 lacks.
            values = values.view(ml_dtypes.bfloat16).astype(np.float32)
        if values.dtype.kind == "f":
            values = _rounded(values, dtype)
            _check_finite(item.name, values, dtype)
        if dtype == "float32":
            target.create_dataset(key, data=values, track_times=False)
        else:
            write_deflated(target, key, values)


def round_weights(model: "keras.Model", dtype: str) -> None:
    """Gives a model the weights that a file of a dtype would give it.

    Args:
        model: `keras.Model`.
        dtype: str, one of `WEIGHTS_DTYPES`.
    """
    for weight in model.weights if dtype != "float32" else ():
        values = np.asarray(weight)
        if values.dtype.kind == "f":
            values = _rounded(values, dtype)
            _check_finite(weight.path, values, dtype)
            weight.assign(values)


def _rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """Numbers in `dtype`; bfloat16, which HDF5 lacks, is float16 of as many digits."""
    if dtype == "float32":
        return values
    with np.errstate(over="ignore"):
        values = values.astype(np.float16)
    if dtype == "bfloat16":
        # Halves up, of 3 of the 10 bits of the significand.
        bits = values.view(np.uint16).astype(np.uint32)
        values = ((bits + 4) & 0xFFF8).astype(np.uint16).view(np.float16)
    return values


def _check_finite(name: str, values: np.ndarray, dtype: str) -> None:
    if not is_finite(values):
        raise ValueError(
            f"The weight {name!r} is not finite in {dtype}. Save with "
            "`weights_dtype='float32'`, or check the training for NaN."
        )


def _holds_data(group: h5py.Group) -> bool:
    return any(
        _holds_data(item) if isinstance(item, h5py.Group) else True
        for item in group.values()
    )
