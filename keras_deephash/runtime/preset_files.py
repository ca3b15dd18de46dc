"""The ONNX files of presets: made once, kept in a folder of the user.

The name of a file holds a sha256 of all that the preset's metadata say, the sha256 of
its weights among it, and of the versions that codes depend on: another preset of the
same name, or another version, has another file.
"""

import hashlib
import json
import os
from contextlib import suppress
from importlib.util import find_spec

from keras_deephash.export.description import FORMAT_VERSION, Description
from keras_deephash.export.errors import ExportFileError
from keras_deephash.preprocessing import PREPROCESSING_VERSION
from keras_deephash.runtime.exported_file import read_exported

# Directory of the files, in place of keras_deephash in the user's folder of caches.
CACHE_VARIABLE = "KERAS_DEEPHASH_CACHE"


def cache_folder() -> str:
    """The directory of the files."""
    folder = os.environ.get(CACHE_VARIABLE)
    if not folder:
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
        folder = os.path.join(caches, "keras_deephash")
    return os.path.abspath(os.path.expanduser(folder))


def preset_file(preset: str | os.PathLike) -> str:
    """The path of the ONNX file of a preset, which may not be there yet.

    Raises:
        PresetError: if there is no such preset.
    """
    from keras_deephash.presets.location import locate_preset

    location = locate_preset(preset)
    described = [location.read_metadata(), FORMAT_VERSION, PREPROCESSING_VERSION]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    name = os.path.basename(os.path.normpath(location.name)).partition("@")[0]
    return os.path.join(cache_folder(), f"{name}-{digest[:32]}.onnx")


def make_preset_file(preset: str | os.PathLike) -> str:
    """The path of the ONNX file of a preset, which is made where it is not there whole.

    Raises:
        PresetError: if there is no such preset.
        ImportError: where TensorFlow, or a package of the extra `export`, is missing.
    """
    return read_preset_file(preset)[0]


def read_preset_file(preset: str | os.PathLike) -> tuple[str, bytes, Description]:
    """The path of `make_preset_file`, with its content and the description in it."""
    path = preset_file(preset)
    if os.path.isfile(path):
        with suppress(ExportFileError):  # A damaged one is made again.
            return path, *read_exported(path)
    if find_spec("tensorflow") is None or find_spec("tf2onnx") is None:
        raise ImportError(
            f"There is no whole ONNX file of the preset {os.fspath(preset)!r} yet, and "
            "to make it needs TensorFlow and tf2onnx: "
            'pip install "keras-deephash[export]". Or make it on another machine, '
            f"`keras-deephash export --preset {os.fspath(preset)} --output "
            'model.onnx`, and open it: Encoder("model.onnx").'
        )
    from keras_deephash.presets.loading import from_preset

    model = from_preset(preset)
    if getattr(model, "is_backbone", False):
        raise ValueError(
            "An `Encoder` needs the preset of a method, which has codes. "
            f"Received: {os.fspath(preset)!r}, a {type(model).__name__}."
        )
    model.export(path, format="onnx", label_names=preset_label_names(preset))
    return path, *read_exported(path)


def preset_label_names(preset: str | os.PathLike) -> list[str] | None:
    """The names of the labels that a preset was trained with; a model takes them only
    where its classes are fixed."""
    from keras_deephash.presets.location import read_preset_metadata

    return read_preset_metadata(preset)["label_names"]
