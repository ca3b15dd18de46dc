"""The check of a weights file before Keras reads it."""

from contextlib import contextmanager

import h5py
import numpy as np

from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.deflation import is_deflated

_MAX_DEPTH = 64
_MAX_OBJECTS = 100_000


def count_weights(path: str) -> int:
    """The number of values in a weights file, after a check of its structure.

    Weights are plain numbers that lie in the file itself, each where its name says: no
    links, no data in other files, nothing left out, and deflated at most as
    `write_deflated` does it, so that no file is much larger in memory than on the disk.

    Raises:
        PresetError: if the file holds anything else, or a number that is not finite.
    """
    with refuse_damage(path), h5py.File(path, "r") as file:
        return sum(_read(path, item) for item in _datasets(path, file, set(), 0))


@contextmanager
def refuse_damage(path: str):
    """Turns the errors of HDF5 about a damaged file into a `PresetError`."""
    try:
        yield
    except PresetError:
        raise
    except Exception as error:  # Damaged files raise errors of many classes.
        raise PresetError(
            f"{path!r} is damaged, or no weights file: {error}. Fetch or save the "
            "preset again."
        ) from None


def _datasets(path: str, group: h5py.Group, seen: set, depth: int):
    for name in group:
        place = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _refusal(path, f"{place!r} is a link")
        item = group[name]
        if not isinstance(item, (h5py.Group, h5py.Dataset)):
            raise _refusal(path, f"{place!r} is neither a group nor numbers")
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            raise _refusal(path, f"{place!r} has a second name")
        seen.add(address)
        if len(seen) > _MAX_OBJECTS or depth > _MAX_DEPTH:
            raise _refusal(path, "it holds too many groups")
        if isinstance(item, h5py.Dataset):
            yield item
        else:
            yield from _datasets(path, item, seen, depth + 1)


def _read(path: str, item: h5py.Dataset) -> int:
    """The number of values of a dataset that is as it should be."""
    if item.external or item.is_virtual:
        raise _refusal(path, f"the numbers of {item.name!r} lie in another file")
    if item.dtype.kind not in "fiub" or item.shape is None:
        raise _refusal(path, f"{item.name!r} is of type {item.dtype}")
    size = item.size * item.dtype.itemsize
    plain = item.chunks is None and item.id.get_storage_size() == size
    if not plain and not is_deflated(item):
        raise _refusal(
            path, f"{item.name!r} of shape {item.shape} is not stored as it is"
        )
    if item.dtype.kind == "f" and not is_finite(item[()]):
        raise PresetError(
            f"The weight {item.name!r} in {path!r} is not finite. Save the preset "
            "again."
        )
    return item.size


def is_finite(values: np.ndarray) -> bool:
    """Whether numbers are finite as a model takes them, in float32."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(values.astype(np.float32, copy=False)).all())


def _refusal(path: str, what: str) -> PresetError:
    return PresetError(
        f"{path!r} holds more than plain weights, so it is not loaded: {what}. Save "
        "the preset again with `save_to_preset`."
    )
