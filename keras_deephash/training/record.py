"""The record of a training: its settings, figures and data set."""

import datetime
import os

import keras

from keras_deephash.files import describe_file
from keras_deephash.presets.format.metadata import METADATA_FILE
from keras_deephash.training.data import TrainingData
from keras_deephash.training.optimizer import chosen_rates
from keras_deephash.training.options import NEW_BACKBONES, TrainingOptions

# Options that do not change what is learned.
_NO_SETTINGS = {
    "command",
    "dataset_name",
    "feature_cache",
    "label_column",
    "no_evaluation",
    "output",
    "path_column",
    "recipe",  # The options that it chooses are recorded.
    "separator",
    "split_column",
    "top_k",
    "weights_dtype",
}


def settings(options: TrainingOptions, data: TrainingData) -> dict:
    """Returns the options that change what is learned, as JSON values.

    Data and other files are identified by their contents rather than their paths: they
    may have moved since a training was interrupted, for example to another machine.
    """
    values = {**options.as_dict(), "data": data.digest}
    for name in ("backbone", "word_vectors"):
        if isinstance(values[name], (str, os.PathLike)):
            values[name] = _content_of(os.fspath(values[name]))
    return {
        name: _plain(value)
        for name, value in values.items()
        if name not in _NO_SETTINGS
    }


def given(options: TrainingOptions) -> dict:
    """Returns the options that are not the default, without data and output."""
    defaults = TrainingOptions("").as_dict()
    return {
        name: _plain(value)
        for name, value in options.as_dict().items()
        if name not in ("data", "output", "command")
        and (name not in defaults or value != defaults[name])
    }


def _content_of(place: str) -> str:
    """Identifies a file or a preset by its contents; returns other names unchanged."""
    if os.path.isdir(place) and os.path.isfile(os.path.join(place, METADATA_FILE)):
        # It has the sha256 of the weights.
        return describe_file(os.path.join(place, METADATA_FILE))["sha256"]
    if os.path.isfile(place):
        return f"{os.path.basename(place)}, {os.path.getsize(place)} bytes"
    return place


def new_record(
    options: TrainingOptions,
    data: TrainingData,
    closed_form: bool,
    found: dict,
    told: TrainingOptions | None = None,
) -> dict:
    """Creates the `training_record` of a model that is not evaluated yet.

    Args:
        options: `TrainingOptions`, with a value for each option.
        closed_form: bool. Whether the method has neither epochs nor an optimizer.
        found: dict, figures that the training has measured.
        told: `TrainingOptions` as the user gave them. Defaults to `options`.
    """
    training = {
        "split": _split(options, data),
        "start": _start(options.backbone),
        "seed": options.seed,
    }
    if closed_form:
        training["optimizer"] = "closed form"
    else:
        training |= {
            "epochs": options.epochs,
            "batch_size": options.batch_size,
            "optimizer": options.optimizer,
        }
    if not closed_form and options.optimizer != "recipe":
        rate, decay = chosen_rates(options.learning_rate, options.weight_decay)
        training |= {"learning_rate": rate, "weight_decay": decay}
    if options.freeze_until is not None:
        training["frozen"] = f"until {options.freeze_until}"
    told = options if told is None else told
    command = told.command or f"kdh.train(kdh.{told.as_code()})"
    training |= {"command": command, "date": datetime.date.today().isoformat()}
    if data.unlabelled:
        training["unlabelled"] = data.unlabelled
    if data.held_out:
        training["held_out"] = data.held_out_count
    training |= found
    return {
        "dataset": options.dataset_name,
        "label_names": data.train.label_names,
        "weights_dtype": options.weights_dtype,
        "training": training,
        "metrics": {},
    }


def _split(options: TrainingOptions, data: TrainingData) -> str:
    """Describes the training images."""
    if data.lists is not None or isinstance(options.data, (str, os.PathLike)):
        return f"{len(data.train)} images of train.txt"
    made = f" of split_images(data, seed={data.seed})" if data.split else ""
    return f"{len(data.train)} training images{made}"


def _start(backbone) -> str:
    """Names the backbone or preset that the training started from."""
    if isinstance(backbone, keras.Model):
        return type(backbone).__name__
    if backbone in NEW_BACKBONES:
        return "random weights"
    return os.path.basename(os.path.normpath(backbone))


def _plain(value):
    """Converts a value for JSON: classes and backbones to names, tuples to lists."""
    if isinstance(value, keras.Model):
        return type(value).__name__
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return list(value) if isinstance(value, tuple) else value
