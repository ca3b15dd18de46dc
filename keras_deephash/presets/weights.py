"""Weights files, in float32 or half the size in float16."""

import os

import h5py
import keras
import numpy as np

from keras_deephash.presets.errors import PresetError

WEIGHTS_DTYPES = ("float32", "float16")


def save_weights_file(model: keras.Model, path: str, dtype: str) -> None:
    """Writes the weights alone; the same weights always give the same bytes."""
    if dtype not in WEIGHTS_DTYPES:
        raise ValueError(
            f"`weights_dtype` must be one of {WEIGHTS_DTYPES}. "
            f"Received: weights_dtype={dtype!r}."
        )
    full = path.replace(".weights.h5", ".full.weights.h5")
    model.save_weights(full)
    with h5py.File(full, "r") as source, h5py.File(path, "w") as target:
        _copy(source, target, dtype)
    os.remove(full)


def load_weights_file(model: keras.Model, path: str) -> None:
    """Loads a weights file of either dtype.

    Raises:
        PresetError: if the file is damaged or its weights do not fit the model.
    """
    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises nearly everything here.
        raise PresetError(
            f"The weights in {path!r} do not fit `{type(model).__name__}`: {error}"
        ) from None


def _copy(source: h5py.Group, target: h5py.Group, dtype: str) -> None:
    """Copies the weights; groups without any, and with them names, stay out."""
    for key, item in source.items():
        if item.name == "/optimizer":
            continue  # The state of a training is no part of a preset.
        if isinstance(item, h5py.Group):
            if _holds_data(item):
                group = target.create_group(key)
                for name, value in item.attrs.items():
                    group.attrs[name] = value
                _copy(item, group, dtype)
            continue
        values = item[()]
        if values.dtype == np.float32:
            with np.errstate(over="ignore"):
                values = values.astype(dtype)
            if not np.isfinite(values).all():
                raise ValueError(
                    f"The weight {item.name!r} is not finite in {dtype}. Save with "
                    "`weights_dtype='float32'`, or check the training for NaN."
                )
        target.create_dataset(key, data=values, track_times=False)


def _holds_data(group: h5py.Group) -> bool:
    return any(
        _holds_data(item) if isinstance(item, h5py.Group) else True
        for item in group.values()
    )
