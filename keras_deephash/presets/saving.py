"""Writing a preset directory, all of it or nothing."""

import json
import os
import secrets
import shutil
import warnings
from collections.abc import Callable

import keras
import numpy as np

from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.config import (
    check_entry,
    model_from_config,
    model_to_config,
)
from keras_deephash.presets.format.config_check import check_canvas
from keras_deephash.presets.format.index_file import INDEX_FILE, save_index_file
from keras_deephash.presets.format.parameter_count import (
    count_kept_parameters,
    count_parameters,
)
from keras_deephash.presets.format.readme import render_card
from keras_deephash.presets.format.weights import save_weights_file


def save_preset(
    model: keras.Model,
    preset_dir: str | os.PathLike,
    weights_dtype: str,
    index=None,
    **description,
) -> None:
    """Writes a preset; see `PresetMixin.save_to_preset`.

    The files are written beside the target and renamed, so that at any moment the
    target is a whole preset or absent. An older preset there is replaced.
    """
    # A link to a preset stays, and what it points to is replaced.
    target = os.path.realpath(os.fspath(preset_dir))
    check_replaceable(target)
    parent = os.path.dirname(target)
    os.makedirs(parent, exist_ok=True)
    folder = _new_sibling(target)
    try:
        entry = model_to_config(model)
        _write_json(folder, md.CONFIG_FILE, entry)
        preprocessor = getattr(model, "preprocessor", None)
        if preprocessor is None:
            preprocessor = Preprocessor(model.input_shape[1])
        _check_same_size(model, lambda: model_from_config(entry, preprocessor, {}))
        _write_json(folder, md.PREPROCESSOR_FILE, preprocessor.get_config())
        save_weights_file(model, os.path.join(folder, md.WEIGHTS_FILE), weights_dtype)
        metadata = md.build_metadata(
            model,
            folder,
            weights_dtype=weights_dtype,
            **description,
        )
        _write_json(folder, md.METADATA_FILE, metadata)
        if index is not None:
            _add_index(index, folder, metadata)
        metadata = _check_loadable(folder)
        card = render_card(os.path.basename(target), metadata)
        with open(os.path.join(folder, md.README_FILE), "w", encoding="utf-8") as file:
            file.write(card)
        _move_into_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_savable(model: keras.Model) -> None:
    """Raises ValueError, a PresetError mostly, for what no preset could describe.

    Cheap, so that it need not show after the hours of training.
    """
    entry = model_to_config(model)
    if len(_to_json(md.CONFIG_FILE, entry)) > md.MAX_JSON_BYTES:
        raise PresetError(
            "The model cannot be saved as a preset: its arguments take more than "
            f"{md.MAX_JSON_BYTES:,} bytes of JSON. Received: a {type(model).__name__}."
        )
    check_entry(entry, only_own_classes=False)
    if getattr(model, "preprocessor", None) is not None:
        check_canvas(model.preprocessor, "The model's preprocessing")


def warn_unless_savable(model: keras.Model) -> None:
    """Says ahead of a long training if no preset could hold the model."""
    try:
        check_savable(model)
    except ValueError as error:
        warnings.warn(
            f"The model can be trained, but not be saved as a preset. {error}",
            stacklevel=3,
        )


def check_keras_file(model: keras.Model) -> None:
    """Raises ValueError for what no `.keras` file could be loaded from again."""
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    if any(
        getattr(layer, "quantization_mode", None) for layer in model._flatten_layers()
    ):
        # The user's own code is not run by its file here, but by the user.
        _check_same_size(
            model,
            lambda: keras.saving.deserialize_keras_object(config, safe_mode=False),
        )


def _check_same_size(model: keras.Model, build: Callable[[], keras.Model]) -> None:
    """Refuses layers that were changed, where the configuration does not tell."""
    kept, built = count_kept_parameters(model), count_parameters(build)
    if built != kept:
        raise PresetError(
            f"The model cannot be saved, it could not be loaded again: it has {kept:,} "
            f"parameters, and its configuration gives {built:,}. Save it as it was "
            "before its layers were changed, or keep it by `model.export`."
        )


def _check_loadable(folder: str) -> dict:
    """Refuses what could not be loaded again; returns the metadata."""
    from keras_deephash.presets.loading import check_parts

    try:
        metadata = md.read_metadata(folder)
        check_parts(folder)
    except PresetError as error:
        raise PresetError(
            f"The model cannot be saved, it could not be loaded again. {error}"
        ) from None
    return metadata


def _add_index(index, folder: str, metadata: dict) -> None:
    from keras_deephash.index import CodeSpec
    from keras_deephash.presets.loading import from_preset

    # The weights as they come back: those of float16 are rounded.
    CodeSpec.of(from_preset(folder)).check_same(index.spec, "`index`")
    path = os.path.join(folder, INDEX_FILE)
    metadata["index"] = save_index_file(index, path)
    metadata["files"][INDEX_FILE] = md.describe_file(path)
    _write_json(folder, md.METADATA_FILE, metadata)


def check_replaceable(target: str) -> None:
    """Raises FileExistsError if there is something that is no preset."""
    if not os.path.lexists(target):
        return
    if not os.path.isdir(target):
        raise FileExistsError(f"{target!r} exists and is no preset directory.")
    if os.path.samefile(target, os.getcwd()):
        raise FileExistsError(
            f"{target!r} is the working directory, which cannot be replaced. Name a "
            "directory below it."
        )
    names = set(os.listdir(target))
    foreign = sorted(
        names - {*md.HASHED_FILES, md.METADATA_FILE, md.README_FILE, INDEX_FILE}
    )
    if foreign or (names and md.METADATA_FILE not in names):
        what = f"it holds {foreign[0]!r}" if foreign else "it holds no metadata"
        raise FileExistsError(
            f"{target!r} exists and is no preset: {what}. Choose another directory, or "
            "remove it first."
        )


def _move_into_place(folder: str, target: str) -> None:
    if not os.path.lexists(target):
        os.rename(folder, target)
        return
    aside = _new_sibling(target, "old-")
    # To a new name: Windows renames nothing onto a directory, not even an empty one.
    old = os.path.join(aside, "preset")
    try:
        os.rename(target, old)
        os.rename(folder, target)
    except BaseException:  # Ctrl-C too, at any point.
        if not os.path.lexists(target):
            os.rename(old, target)
        raise
    finally:
        if os.path.lexists(target):  # Else the older preset is all there is.
            shutil.rmtree(aside, ignore_errors=True)


def _new_sibling(target: str, prefix: str = "") -> str:
    """A new directory beside the target, with the permissions of any new one."""
    parent, name = os.path.split(target)
    folder = os.path.join(parent, f".{name}-{prefix}{secrets.token_hex(4)}")
    os.mkdir(folder)
    return folder


def _plain(value):
    """NumPy's scalars as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} of type {type(value).__name__}")


def _to_json(name: str, content: dict) -> str:
    try:
        return json.dumps(content, indent=2, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` can only hold plain JSON values, finite numbers and strings. "
            f"Received a value that is none: {error}."
        ) from None


def _write_json(folder: str, name: str, content: dict) -> None:
    text = _to_json(name, content)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text + "\n")
