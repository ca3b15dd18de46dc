"""The writing of a preset directory, whole or not at all."""

import os

import keras

from keras_deephash.disk_room import disk_errors
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.config import model_to_config
from keras_deephash.presets.format.index_file import save_index_file
from keras_deephash.presets.format.plain_json import to_json
from keras_deephash.presets.format.readme import render_card
from keras_deephash.presets.format.weights import save_weights_file
from keras_deephash.presets.replacing import PRESET_FILES, replace_directory
from keras_deephash.presets.savable import check_savable, preprocessor_of


def save_preset(
    model: keras.Model,
    preset_dir: str | os.PathLike,
    weights_dtype: str,
    index=None,
    **description,
) -> None:
    """Writes a preset; see `PresetMixin.save_to_preset`.

    The files are written beside the target, which is a whole preset at any moment, or
    absent if there was none. An older preset there is replaced.

    Raises:
        OSError: if they cannot be written, such as on a full disk; an older preset
            stays as it was.
    """
    # A link to a preset stays, and what it points to is replaced.
    target = os.path.realpath(os.fspath(preset_dir))
    check_replaceable(target)
    check_savable(model)
    if index is not None and index.spec.bits != model.bits:
        raise ValueError(
            f"`index` must hold the whole codes of the model, {model.bits} bits: make "
            f"it without `bits`. Received: an index of {index.spec.bits} bits."
        )
    with disk_errors(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with replace_directory(target) as folder:
            _write_files(model, folder, weights_dtype, index, description)
            card = render_card(os.path.basename(target), _check_loadable(folder))
            path = os.path.join(folder, md.README_FILE)
            with open(path, "w", encoding="utf-8") as file:
                file.write(card)


def _write_files(
    model: keras.Model, folder: str, weights_dtype: str, index, description: dict
) -> None:
    """Writes all but the README, which is made of what is there."""
    _write_json(folder, md.CONFIG_FILE, model_to_config(model))
    _write_json(folder, md.PREPROCESSOR_FILE, preprocessor_of(model).get_config())
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
    path = os.path.join(folder, md.INDEX_FILE)
    metadata["index"] = save_index_file(index, path)
    metadata["files"][md.INDEX_FILE] = md.describe_file(path)
    _write_json(folder, md.METADATA_FILE, metadata)


def check_replaceable(target: str) -> None:
    """Raises FileExistsError if there is something that is not a preset."""
    if not os.path.lexists(target):
        return
    if not os.path.isdir(target):
        raise FileExistsError(f"{target!r} exists and is not a preset directory.")
    if os.path.samefile(target, os.getcwd()):
        raise FileExistsError(
            f"{target!r} is the working directory, which cannot be replaced. Name a "
            "directory below it."
        )
    names = set(os.listdir(target))
    foreign = sorted(names.difference(PRESET_FILES))
    if foreign or (names and md.METADATA_FILE not in names):
        what = f"it holds {foreign[0]!r}" if foreign else "it holds no metadata"
        raise FileExistsError(
            f"{target!r} exists and is not a preset: {what}. Choose another directory, "
            "or remove it first."
        )


def _write_json(folder: str, name: str, content: dict) -> None:
    text = to_json(name, content)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text + "\n")
