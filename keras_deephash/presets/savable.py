"""The checks before a training that the model can be saved as a preset."""

import inspect
import json
import warnings

import keras

from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.config import (
    check_entry,
    model_from_config,
    model_to_config,
)
from keras_deephash.presets.format.config_check import check_canvas
from keras_deephash.presets.format.parameter_count import count_kept_parameters, sketch
from keras_deephash.presets.format.plain_json import to_json


def check_savable(model: keras.Model) -> None:
    """Raises a PresetError for a model that no preset could describe.

    The model is built once more from its configuration, without memory for its weights:
    so what `from_preset` would refuse shows here, before the hours of training.
    """
    text = _describe(model)
    for part in (model, getattr(model, "backbone", None)):
        if part is not None:
            _check_config_is_whole(part)
    _check_built(model)
    _check_same_again(model, json.loads(text))


def warn_unless_savable(model: keras.Model) -> None:
    """Says ahead of a training if the model has no configuration of a preset.

    This is the quick part of `check_savable`.
    """
    try:
        _describe(model)
    except Exception as error:  # Classes of the user may raise anything.
        warnings.warn(
            f"The model can be trained, but not be saved as a preset. {error}",
            stacklevel=3,
        )


def check_keras_file(model: keras.Model) -> None:
    """Raises ValueError for what no `.keras` file could be loaded from again."""
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    if not any(
        getattr(layer, "quantization_mode", None) for layer in model._flatten_layers()
    ):
        return
    kept = count_kept_parameters(model)
    # `safe_mode` is off: the code is that of the model's own user.
    built = sketch(
        lambda: count_kept_parameters(
            keras.saving.deserialize_keras_object(config, safe_mode=False)
        )
    )
    if built != kept:
        raise PresetError(
            f"The model cannot be saved, it could not be loaded again: it has {kept:,} "
            f"parameters, and its configuration gives {built:,}. Save it as it was "
            "before its layers were changed, or keep it by `model.export`."
        )


def _describe(model: keras.Model) -> str:
    """The configuration of a model as JSON, or a PresetError."""
    entry = model_to_config(model)
    text = to_json(md.CONFIG_FILE, entry)
    if len(text) > md.MAX_JSON_BYTES:
        raise PresetError(
            "The model cannot be saved as a preset: its arguments take more than "
            f"{md.MAX_JSON_BYTES:,} bytes of JSON, longer than any file of a preset. "
            f"Received: a {type(model).__name__}."
        )
    check_entry(entry, only_own_classes=False)
    if getattr(model, "preprocessor", None) is not None:
        check_canvas(model.preprocessor, "The model's preprocessing")
    return text


def _check_config_is_whole(model: keras.Model) -> None:
    """Raises PresetError if constructor and `get_config` do not name the same."""
    name, config = type(model).__name__, model.get_config()
    parameters = list(inspect.signature(type(model).__init__).parameters.values())[1:]
    passes_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    arguments = {
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    # The weights of a preset are in a file of their own.
    optional = {"weights", *getattr(model, "shared_arguments", ())}
    missing = sorted(arguments - config.keys() - optional)
    if missing:
        raise PresetError(
            f"`{name}.get_config` must give all arguments of the constructor, or a "
            f"preset would be built without. Missing: `{missing[0]}`."
        )
    # These are set afterwards.
    foreign = sorted(config.keys() - arguments - {"preprocessor"})
    if foreign and not passes_on:
        raise PresetError(
            f"The constructor of `{name}` must take all that `get_config` gives: give "
            f"it `**kwargs`, and pass them on to the base class. It does not take "
            f"`{foreign[0]}`."
        )


def _check_built(model: keras.Model) -> None:
    """Raises PresetError for a layer that would make its weights in the training."""
    for layer in model._flatten_layers():
        if not layer.built and type(layer).build is not keras.layers.Layer.build:
            raise PresetError(
                f"A `{type(model).__name__}` cannot be saved as a preset: its layer "
                f"{layer.name!r} is not built yet, and a preset is built by the "
                f"constructor. Call its `build` there, or make its weights in its own "
                "constructor."
            )


def _check_same_again(model: keras.Model, entry: dict) -> None:
    """Raises PresetError if the configuration builds another model, or none."""
    name = type(model).__name__

    def build_again() -> tuple:
        again = model_from_config(entry, preprocessor_of(model), {})
        return model_to_config(again), count_kept_parameters(again)

    try:
        config, parameters = sketch(build_again)
        text = to_json(md.CONFIG_FILE, config)
    except ValueError as error:
        raise PresetError(
            f"A `{name}` cannot be saved as a preset: it could not be built again from "
            f"what `get_config` gives. {error}"
        ) from None
    again = json.loads(text)
    for one, two in ((entry, again), (entry.get("backbone"), again.get("backbone"))):
        if one is None:
            continue
        for key in sorted(one["config"].keys() | two["config"].keys()):
            values = one["config"].get(key), two["config"].get(key)
            if values[0] != values[1]:
                raise PresetError(
                    f"A `{name}` cannot be saved as a preset: what `get_config` gives "
                    f"must build the same again, and `{key}` is {str(values[0])[:80]} "
                    f"before and {str(values[1])[:80]} after."
                )
    kept = count_kept_parameters(model)
    if parameters != kept:
        raise PresetError(
            f"A `{name}` cannot be saved as a preset: it has {kept:,} "
            f"parameters, and its configuration describes {parameters:,}. Layers and "
            "weights must be made in the constructor; for a model that was changed "
            'later on there is `model.save("it.keras")`.'
        )


def preprocessor_of(model: keras.Model) -> Preprocessor:
    """The preprocessor that a preset of the model has."""
    preprocessor = getattr(model, "preprocessor", None)
    return Preprocessor(model.input_shape[1]) if preprocessor is None else preprocessor
