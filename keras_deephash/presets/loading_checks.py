"""Checks of a preset that need its configuration, weights or model."""

import keras

from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.config import model_from_config
from keras_deephash.presets.format.parameter_count import measure_model
from keras_deephash.presets.format.weights_check import count_weights
from keras_deephash.presets.location import PresetLocation

# The most values that a layer of a small network may have for one image, in a preset
# of unknown origin; VGG16 has 3.2 million.
_MAX_STRANGE_OUTPUT = 2**23


def check_index(
    location: PresetLocation, metadata: dict, load_weights: bool, overrides: dict
) -> None:
    """Checks that a preset has an index, and that it fits the model to load."""
    if md.INDEX_FILE not in metadata["files"]:
        raise PresetError(
            f"The preset {location.name!r} has no index of a database. Load it "
            "without `load_index`."
        )
    if not load_weights or overrides:
        raise PresetError(
            "An index has the codes of the preset's own weights and arguments. "
            f"Received: load_weights={load_weights}, overrides {sorted(overrides)}. "
            "Load it without `load_index`."
        )
    md.check_file(location.folder, md.INDEX_FILE, metadata)


def check_size(
    entry: dict, preprocessor: Preprocessor, weights: str, trusted: bool
) -> None:
    """Checks that a model is no larger than its weights before it is built."""
    stored = count_weights(weights)
    made = _as_made(entry)
    described, largest = measure_model(
        lambda: model_from_config(made, preprocessor, {})
    )
    if made != entry:  # Some quantized weights lie two in a byte.
        described //= 2
    if described > stored:
        raise PresetError(
            f"The configuration describes {described:,} parameters, and {weights!r} "
            f"holds {stored:,}: the weights do not fit. Fetch or save the preset again."
        )
    if largest > max(_MAX_STRANGE_OUTPUT, stored) and not trusted:
        raise PresetError(
            f"The configuration describes a layer of {largest:,} values for one image, "
            f"which is too much for a network of {stored:,} parameters: a batch would "
            "fill the memory. Download the preset, read it, and load its directory if "
            "you trust it."
        )


def _as_made(entry: dict) -> dict:
    """An entry without the changes of dtypes, which would take memory."""
    config = {k: v for k, v in entry["config"].items() if k != "layer_dtypes"}
    made = {**entry, "config": config}
    if entry.get("backbone") is not None:
        made["backbone"] = _as_made(entry["backbone"])
    return made


def check_description(
    model: keras.Model,
    method: str,
    metadata: dict,
    folder: str,
    overrides: list[str],
) -> None:
    """Checks that the metadata describe the model that the config builds."""
    for field, found in (
        ("method", method),
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
