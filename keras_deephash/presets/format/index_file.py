"""The database index of a preset: codes, ids, labels and names in one HDF5 file.

Plain arrays and nothing of faiss, whose files are not safe to read from a stranger: the
search structure is built anew from the codes.
"""

import io
import os
from collections.abc import Callable

import h5py
import numpy as np

from keras_deephash.disk_room import check_room
from keras_deephash.preprocessing import PREPROCESSING_VERSION
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.weights_check import count_weights, refuse_damage

# Beyond these, a graph or the tables of few codes could fill the memory.
_MAX_OPTIONS = {"links": 256, "build_width": 4096, "tables": 64, "flips": 4}
_MAX_OPTION = 65_536


def save_index_file(index, path: str) -> dict:
    """Writes the content of a faiss index; returns its entry in the metadata."""
    arrays = index.arrays()
    try:
        _check_options(index.options, index.spec.bits)
    except ValueError as error:
        raise PresetError(
            f"The index cannot be saved with a preset, it could not be loaded: {error}"
        ) from None
    check_room(path, 2**16 + sum(array.nbytes for array in arrays.values()))
    _write_arrays(path, arrays)
    return {
        "kind": index.stats()["kind"],
        "options": index.options,
        "count": len(index),
        "preprocessing_version": index.spec.preprocessing_version,
    }


def load_index_file(model, metadata: dict, path: str):
    """The `Index` of a preset, ready to search with its model.

    Raises:
        PresetError: if the file holds anything but the arrays of an index.
    """
    from keras_deephash.index import Index

    entry = metadata.get("index")
    fields = {"kind", "options", "count"}
    if not isinstance(entry, dict) or set(entry) - {"preprocessing_version"} != fields:
        raise PresetError(
            f"`index` in the metadata of {os.path.dirname(path)!r} must give kind, "
            f"options and count. Received: {entry!r}."
        )
    version = entry.get("preprocessing_version", 1)
    if version not in (None, PREPROCESSING_VERSION):
        raise PresetError(
            "The index of the preset was made by another version of the preprocessing, "
            f"which reads some images differently. Expected: {PREPROCESSING_VERSION}. "
            f"Received: {version!r}. Load the preset without `load_index`, and build "
            "the index again."
        )
    count_weights(path)  # Nothing but plain arrays, none larger than the file.
    with refuse_damage(path), h5py.File(path, "r") as file:
        arrays = {name: file[name][()] for name in file}
        names = None
        if "names" in arrays:
            names = _read_names(arrays.pop("names"), arrays.pop("name_ends"))
        options = entry["options"]
        _check_options(options, model.bits)
        # Named, so that the options cannot name a server.
        index = Index(model, kind=entry["kind"], backend="faiss", **options)
        index.add(
            arrays.pop("codes"), arrays.pop("ids"), arrays.pop("labels", None), names
        )
    if arrays or len(index) != entry["count"]:
        raise PresetError(
            f"{path!r} does not fit the metadata: {entry['count']} codes are expected, "
            f"{len(index)} are there. Fetch or save the preset again."
        )
    return index


def rename_index_file(
    path: str, rename: Callable[[list[str]], list[str]]
) -> tuple[list[str], bytes | None]:
    """The names of an index file, and the file with other ones if they change.

    Args:
        path: str. A file that `load_index_file` has read.
        rename: function of the list of names that returns as many.
    """
    with h5py.File(path, "r") as file:
        arrays = {name: file[name][()] for name in file}
    if "names" not in arrays:
        return [], None
    names = _read_names(arrays["names"], arrays["name_ends"])
    renamed = rename(names)
    if renamed == names:
        return names, None
    texts = [name.encode("utf-8", "surrogateescape") for name in renamed]
    arrays["names"] = np.frombuffer(b"".join(texts), arrays["names"].dtype)
    ends = np.cumsum([len(text) for text in texts])
    arrays["name_ends"] = ends.astype(arrays["name_ends"].dtype)
    content = io.BytesIO()
    _write_arrays(content, arrays)
    return renamed, content.getvalue()


def _write_arrays(file, arrays: dict[str, np.ndarray]) -> None:
    with h5py.File(file, "w", track_order=True) as group:
        for name, array in arrays.items():
            group.create_dataset(name, data=array, track_times=False)


def _read_names(text: np.ndarray, ends: np.ndarray) -> list[str]:
    ends = ends.astype(np.int64, casting="same_kind")
    starts = np.concatenate([[0], ends[:-1]])
    # Together no longer than the text: overlapping names could fill the memory.
    if (starts > ends).any() or (ends[-1:] != len(text)).any():
        raise ValueError("the ends of the names do not fit their text")
    text = text.astype(np.uint8).tobytes()
    return [
        text[start:end].decode("utf-8", "surrogateescape")
        for start, end in zip(starts, ends, strict=True)
    ]


def _check_options(options: dict, bits: int) -> None:
    for name, value in options.items():
        largest = _MAX_OPTIONS.get(name, _MAX_OPTION)
        if name == "tables":  # By default one for 16 bits.
            largest = max(largest, -(-bits // 16))
        if value is not None and value > largest:
            raise ValueError(f"`{name}` must be at most {largest}. Received: {value}.")
