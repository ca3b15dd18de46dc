"""The metadata of a preset: its content, its origin and its metrics."""

import json
import math
import os
from typing import TYPE_CHECKING

from keras_deephash.files import describe_file
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.parameter_count import count_kept_parameters
from keras_deephash.presets.format.paths import is_file_name, preset_file
from keras_deephash.retrieval.radius_table import RadiusTable
from keras_deephash.version import __version__

if TYPE_CHECKING:
    import keras

FORMAT_VERSION = 1
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"
PREPROCESSOR_FILE = "preprocessor.json"
METADATA_FILE = "metadata.json"
README_FILE = "README.md"
INDEX_FILE = "index.h5"
HASHED_FILES = (CONFIG_FILE, WEIGHTS_FILE, PREPROCESSOR_FILE)
# Here, where nothing of HDF5 is imported: metadata are read without it.
WEIGHTS_DTYPES = ("float32", "float16", "bfloat16")
UNFINISHED_FILE = "full.weights.h5"  # As Keras writes it, while a preset is saved.
MAX_JSON_BYTES = 16 * 2**20

_FIELDS = {
    "keras_deephash_version": str,
    "keras_version": str,
    "tensorflow_version": str,
    "method": str,
    "bits": (int, type(None)),
    "parameters": int,
    "weights_dtype": str,
    "dataset": (str, type(None)),
    "label_names": (list, type(None)),
    "training": dict,
    "metrics": dict,
    "files": dict,
}


def build_metadata(
    model: "keras.Model",
    folder: str,
    *,
    weights_dtype: str,
    dataset: str | None,
    label_names: list[str] | None,
    training: dict | None,
    metrics: dict | None,
    purpose: str | None,
) -> dict:
    """The metadata of a model whose other files lie in `folder`."""
    import keras  # Not at the top: metadata are read without it.
    import tensorflow as tf

    for name, value, kinds in (
        ("dataset", dataset, (str, type(None))),
        ("label_names", label_names, (list, tuple, type(None))),
        ("training", training, (dict, type(None))),
        ("metrics", metrics, (dict, type(None))),
        ("purpose", purpose, (str, type(None))),
    ):
        if not isinstance(value, kinds):
            raise ValueError(
                f"`{name}` must be None or of type {kinds[0].__name__}. "
                f"Received: {name}={value!r}."
            )
    described = {} if purpose is None else {"purpose": purpose}
    return {
        "format_version": FORMAT_VERSION,
        "keras_deephash_version": __version__,
        "keras_version": keras.__version__,
        "tensorflow_version": tf.__version__,
        "method": type(model).__name__,
        "bits": getattr(model, "bits", None),
        "parameters": count_kept_parameters(model),
        "weights_dtype": weights_dtype,
        **described,
        "dataset": dataset,
        "label_names": None if label_names is None else list(label_names),
        "training": dict(training or {}),
        "metrics": dict(metrics or {}),
        **_radius_table(model),
        "files": {
            name: describe_file(os.path.join(folder, name)) for name in HASHED_FILES
        },
    }


def _radius_table(model) -> dict:
    table = getattr(model, "radius_table", None)
    return {} if table is None else {"radius_table": table.to_json()}


def read_radius_table(metadata: dict) -> RadiusTable | None:
    """The `RadiusTable` of a preset; None where it was not calibrated."""
    table = metadata.get("radius_table")
    return None if table is None else RadiusTable.from_json(table)


def read_json(path: str) -> dict:
    """The JSON object in a file.

    Raises:
        PresetError: if the file is missing, holds no JSON object or is too long to
            be one of a preset.
    """
    path = preset_file(*os.path.split(path))
    if os.path.getsize(path) > MAX_JSON_BYTES:
        raise PresetError(
            f"{path!r} is longer than any file of a preset, {MAX_JSON_BYTES:,} bytes. "
            "Save the preset again."
        )
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file, parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise PresetError(f"{path!r} is not a JSON file: {error}.") from None
    if not isinstance(content, dict):
        raise PresetError(f"{path!r} must hold a JSON object.")
    return content


def _refuse_constant(name: str):
    raise ValueError(f"{name} is not JSON")


def read_metadata(folder: str) -> dict:
    """Reads and checks `metadata.json`, not yet the files that it describes."""
    path = os.path.join(folder, METADATA_FILE)
    metadata = read_json(path)
    version = metadata.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise PresetError(
            f"`format_version` in {path!r} must be an integer >= 1. "
            f"Received: {version!r}."
        )
    if version > FORMAT_VERSION:
        raise PresetError(
            f"The preset has format {version}, this keras_deephash ({__version__}) "
            f"reads up to format {FORMAT_VERSION}. Upgrade keras_deephash."
        )
    for field, kind in _FIELDS.items():
        if field not in metadata or not isinstance(metadata[field], kind):
            raise PresetError(
                f"`{field}` in {path!r} is missing or of the wrong type. "
                f"Received: {metadata.get(field)!r}."
            )
    _check_values(metadata, path)
    return metadata


def check_files(folder: str, metadata: dict) -> None:
    """Checks the length and the sha256 of every file of a preset."""
    for name in HASHED_FILES:
        check_file(folder, name, metadata)


def check_file(folder: str, name: str, metadata: dict) -> None:
    """Checks the length and the sha256 of one file of a preset."""
    path, expected = preset_file(folder, name), metadata["files"][name]
    if not is_file_entry(expected):
        raise PresetError(
            f"`files` in the metadata of {folder!r} must give the bytes and the sha256 "
            f"of `{name}`. Received: {expected!r}."
        )
    found = os.path.getsize(path)
    if found < expected["bytes"]:
        raise PresetError(
            f"{path!r} is truncated: {found} of {expected['bytes']} bytes are "
            "there. Fetch or save the preset again."
        )
    if describe_file(path) != expected:
        raise PresetError(
            f"{path!r} is not the file that the metadata describes: its sha256 "
            "differs. Fetch or save the preset again."
        )


def _check_values(metadata: dict, path: str) -> None:
    if metadata["weights_dtype"] not in WEIGHTS_DTYPES:
        raise PresetError(
            f"`weights_dtype` in {path!r} must be one of {WEIGHTS_DTYPES}. "
            f"Received: {metadata['weights_dtype']!r}."
        )
    purpose = metadata.get("purpose")
    if not isinstance(purpose, (str, type(None))):
        raise PresetError(
            f"`purpose` in {path!r} must be a line of text. Received: {purpose!r}."
        )
    if not _is_backbone(metadata.get("backbone")):
        raise PresetError(
            f"`backbone` in {path!r} must name a preset and the sha256 of its weights. "
            f"Received: {metadata['backbone']!r}."
        )
    names = metadata["label_names"]
    if names is not None and not all(isinstance(name, str) for name in names):
        raise PresetError(f"`label_names` in {path!r} must be strings.")
    mean_precision = metadata["metrics"].get("map", 0.0)
    if isinstance(mean_precision, bool) or not isinstance(mean_precision, (int, float)):
        raise PresetError(
            f"The metric `map` in {path!r} must be a number. "
            f"Received: {mean_precision!r}."
        )
    try:
        read_radius_table(metadata)
    except ValueError as error:
        raise PresetError(f"`radius_table` in {path!r} is not one: {error}") from None
    for name, value in metadata["metrics"].items():
        if isinstance(value, float) and not math.isfinite(value):
            raise PresetError(
                f"The metric `{name}` in {path!r} must be finite. Received: {value}."
            )
    files = metadata["files"]
    foreign = [name for name in files if not is_file_name(name)]
    if foreign:
        raise PresetError(
            f"`files` in {path!r} must name files of the preset alone. "
            f"Received: {foreign[0]!r}."
        )
    for name in HASHED_FILES:
        if not is_file_entry(files.get(name)):
            raise PresetError(
                f"`files` in {path!r} must give the bytes and the sha256 of `{name}`. "
                f"Received: {files.get(name)!r}."
            )


def _is_backbone(entry) -> bool:
    """Whether a value names no backbone, or the preset that holds it."""
    return entry is None or (
        isinstance(entry, dict)
        and entry.keys() == {"preset", "sha256"}
        and is_file_name(entry["preset"])
        and isinstance(entry["sha256"], str)
    )


def is_file_entry(entry) -> bool:
    """Whether a value describes a file as `describe_file` does."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("bytes"), int)
        and isinstance(entry.get("sha256"), str)
    )
