"""The loading of a preset, with a check of all its metadata."""

import os

import keras

from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.config import (
    check_entry,
    find_class,
    model_from_config,
)
from keras_deephash.presets.format.config_check import check_canvas, check_config
from keras_deephash.presets.format.index_file import load_index_file
from keras_deephash.presets.format.weights import load_weights_file
from keras_deephash.presets.format.weights_check import count_weights
from keras_deephash.presets.hub.download import HubOptions
from keras_deephash.presets.loading_checks import (
    check_description,
    check_index,
    check_size,
)
from keras_deephash.presets.location import PresetLocation, locate_preset
from keras_deephash.presets.registry import is_embedded
from keras_deephash.presets.sharing import whole_weights


def from_preset(
    preset: str | os.PathLike,
    load_weights: bool = True,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike | None = None,
    local_files_only: bool = False,
    endpoint: str | None = None,
    load_index: bool = False,
    **overrides,
) -> keras.Model:
    """Loads a model, or a backbone, by a preset's name, directory or handle.

    Args:
        preset: str. A name that `list_presets()` shows, the directory of a preset,
            or a repository of the Hugging Face Hub: `"hf://org/name"` or
            `"hf://org/name@revision"`.
        load_weights: bool. Whether to load the trained weights; without them the
            model has the preset's configuration and random weights.
            Defaults to `True`.
        revision: str. Branch, tag or commit on the Hub. A whole commit (40
            hexadecimal digits) never changes, and needs no network once it is in the
            cache. Defaults to the branch `main`.
        token: str. Access token of the Hub, for private presets; `False` sends none.
            Defaults to the one that `hf auth login` stored.
        cache_dir: str. Where downloads are kept. Defaults to the Hub's cache, which
            the environment variable `HF_HOME` moves.
        local_files_only: bool. Whether to use the cache alone. Defaults to `False`.
        endpoint: str. URL of the Hub. Defaults to `HF_ENDPOINT`, or
            `https://huggingface.co`.
        load_index: bool. Whether to load the index of a database that the preset
            brings, as `model.index`. Defaults to `False`.
        **overrides: arguments of the model's class in place of the preset's, such
            as `gamma=10`; `dtype` for the backbone's dtype policy; `image_size` for
            images of another size, in pixels, where the backbone's weights fit
            any size.

    Returns:
        A model with its preprocessor, ready to encode.

    Raises:
        PresetError: if there is no such preset (close names are listed), if it is
            damaged, too new or does not fit.
        HubError: a `PresetError`, if the Hub does not give it.

    Example:

    >>> model = keras_deephash.from_preset("dch_cifar10_48")
    >>> codes = model.encode(images)
    """
    options = HubOptions(token, cache_dir, local_files_only, endpoint, load_index)
    location = locate_preset(preset, revision, options)
    return load_preset(location, load_weights, overrides, load_index)


def load_preset(
    location: PresetLocation,
    load_weights: bool,
    overrides: dict,
    load_index: bool = False,
    wanted: type | None = None,
    cls: type | None = None,
) -> keras.Model:
    """Loads the preset at a location; arguments as for `from_preset`.

    Args:
        wanted: type. The class that the user has named, whose package is trusted.
        cls: type. The class of the model, where it is a subclass of the preset's.
    """
    folder = location.folder
    metadata = location.read_metadata()
    md.check_files(folder, metadata)
    if load_index:
        check_index(location, metadata, load_weights, overrides)
    preprocessor = _read_preprocessor(folder, location.trusted)
    entry = read_entry(location, wanted)
    bits = overrides.get("bits", metadata["bits"])
    if load_weights and bits != metadata["bits"] and _takes_bits(entry):
        raise PresetError(
            f"The weights of the preset {location.name!r} have "
            f"{metadata['bits']} bits. Received: bits={bits}. Leave `bits` out, or "
            "pass `load_weights=False` to begin from random weights."
        )
    with whole_weights(location, metadata) as weights:
        if not is_embedded(folder):
            check_size(entry, preprocessor, weights, location.trusted)
        given, overrides = list(overrides), dict(overrides)
        size = overrides.pop("image_size", None)
        if size is not None:
            preprocessor = preprocessor.resized(size)
            overrides["image_shape"] = (size, size, 3)
        preprocessor = overrides.pop("preprocessor", preprocessor)
        model = model_from_config(entry, preprocessor, overrides, cls)
        if load_weights:
            method = type(model) if cls is None else find_class(entry["class"])
            check_description(model, method.__name__, metadata, folder, given)
            load_weights_file(model, weights)
            model.preset = location.name
            _take_label_names(model, metadata, location.name)
            if not (model.is_backbone or given):  # Else its codes would differ.
                model.radius_table = md.read_radius_table(metadata)
    if load_index:
        path = os.path.join(folder, md.INDEX_FILE)
        model.index = load_index_file(model, metadata, path)
    return model


def _take_label_names(model: keras.Model, metadata: dict, name: str) -> None:
    try:
        model.take_label_names(metadata["label_names"])
    except ValueError as error:
        raise PresetError(f"The preset {name!r} is damaged: {error}") from None


def read_entry(location: PresetLocation, wanted: type | None = None) -> dict:
    """The classes and configurations of a preset, checked."""
    entry = md.read_json(os.path.join(location.folder, md.CONFIG_FILE))
    check_entry(entry, only_own_classes=not location.trusted, wanted=wanted)
    return entry


def _takes_bits(entry) -> bool:
    """Whether `bits` is an argument of the model; a quantizer has other ones."""
    config = entry.get("config") if isinstance(entry, dict) else None
    return isinstance(config, dict) and "bits" in config


def check_parts(folder: str) -> None:
    """Checks what lies in a preset's directory, without building the model.

    Raises:
        PresetError: if it could not be loaded.
    """
    check_entry(md.read_json(os.path.join(folder, md.CONFIG_FILE)), False)
    _read_preprocessor(folder)
    count_weights(os.path.join(folder, md.WEIGHTS_FILE))


def _read_preprocessor(folder: str, trusted: bool = True) -> Preprocessor:
    path = os.path.join(folder, md.PREPROCESSOR_FILE)
    config = md.read_json(path)
    check_config(config, f"`{md.PREPROCESSOR_FILE}`")
    try:
        preprocessor = Preprocessor.from_config(config)
    except Exception as error:  # The file may hold anything.
        raise PresetError(f"{path!r} holds no valid preprocessing: {error}") from None
    check_canvas(preprocessor, repr(path), trusted)
    return preprocessor
