"""Loading a preset: every word of its metadata is checked."""

import os

import keras

from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets import metadata as md
from keras_deephash.presets.config import model_from_config
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.registry import find_preset
from keras_deephash.presets.weights import load_weights_file


def from_preset(
    preset: str | os.PathLike, load_weights: bool = True, **overrides
) -> keras.Model:
    """Loads a model, or a backbone, by a preset's name or directory.

    Args:
        preset: str. A name that `list_presets()` shows, or the directory of a
            preset.
        load_weights: bool. Whether to load the trained weights; without them the
            model has the preset's configuration and random weights.
            Defaults to `True`.
        **overrides: arguments of the model's class in place of the preset's, such
            as `gamma=10`; `dtype` for the backbone's dtype policy; `image_size` for
            images of another size, in pixels, where the backbone's weights fit
            any size.

    Returns:
        A model with its preprocessor, ready to encode.

    Raises:
        PresetError: if there is no such preset (close names are listed), if it is
            damaged, too new or does not fit.

    Example:

    >>> model = keras_deephash.from_preset("dch_cifar10_48")
    >>> codes = model.encode(images)
    """
    folder = find_preset(preset)
    metadata = md.read_metadata(folder)
    md.check_files(folder, metadata)
    preprocessor = _read_preprocessor(folder)
    entry = md.read_json(os.path.join(folder, md.CONFIG_FILE))
    bits = overrides.get("bits", metadata["bits"])
    if load_weights and bits != metadata["bits"]:
        raise PresetError(
            f"The weights of the preset {os.fspath(preset)!r} have "
            f"{metadata['bits']} bits. Received: bits={bits}. Leave `bits` out, or "
            "pass `load_weights=False` to begin from random weights."
        )
    given = list(overrides)
    if "image_size" in overrides:
        size = overrides.pop("image_size")
        preprocessor = preprocessor.resized(size)
        overrides["image_shape"] = (size, size, 3)
    preprocessor = overrides.pop("preprocessor", preprocessor)
    model = model_from_config(entry, preprocessor, overrides)
    if load_weights:
        _check_description(model, metadata, folder, given)
        load_weights_file(model, os.path.join(folder, md.WEIGHTS_FILE))
        model.preset = os.path.basename(os.path.normpath(os.fspath(preset)))
    return model


def _read_preprocessor(folder: str) -> Preprocessor:
    path = os.path.join(folder, md.PREPROCESSOR_FILE)
    config = md.read_json(path)
    try:
        return Preprocessor.from_config(config)
    except (TypeError, ValueError) as error:
        raise PresetError(f"{path!r} holds no valid preprocessing: {error}") from None


def _check_description(
    model: keras.Model, metadata: dict, folder: str, overrides: list[str]
) -> None:
    """Checks that the metadata describe the model that the config builds."""
    for field, found in (
        ("method", type(model).__name__),
        ("bits", getattr(model, "bits", None)),
        ("parameters", model.count_params()),
    ):
        if metadata[field] != found and overrides:
            raise PresetError(
                f"The weights in {folder!r} do not fit with {', '.join(overrides)} "
                f"overridden: `{field}` is {metadata[field]!r} there, and {found!r} "
                "here. Leave the override out, or pass `load_weights=False` to begin "
                "from random weights."
            )
        if metadata[field] != found:
            raise PresetError(
                f"`{field}` in the metadata of {folder!r} does not fit its "
                f"configuration: the metadata say {metadata[field]!r}, the "
                f"configuration gives {found!r}. Fetch or save the preset again."
            )
