"""SavedModels of TensorFlow, with the description as a file among theirs."""

import os
import re
import tempfile

import keras
from keras import ops

from keras_deephash.export.description import FILE, Description
from keras_deephash.export.network import (
    CODES,
    CONTINUOUS,
    code_function,
    image_spec,
)
from keras_deephash.files import take_name, write_atomically

# What a SavedModel of a network is made of; `assets` is empty.
_FILES = ("saved_model.pb", "fingerprint.pb", FILE)
_VARIABLES = re.compile(r"variables\.(index|data-\d+-of-\d+)")


def export_saved_model(
    model,
    path: str | os.PathLike,
    verbose: bool | None = None,
    input_signature=None,
    label_names: list[str] | None = None,
) -> None:
    """Writes a SavedModel with the endpoints `serve`, continuous codes, and `encode`.

    Args:
        model: a method that can encode.
        path: str. The directory.
        verbose: bool. Whether a line says what was written. Defaults to `None`, yes.
        label_names: list of str, as of `Description.of`. Defaults to `None`.
        input_signature: as for `image_spec`.
    """
    model.check_can_encode()
    path = os.path.realpath(path)  # A link stays.
    _check_replaceable(path)
    spec = image_spec(model, input_signature)
    description = Description.of(model, label_names=label_names)
    encode = _of_any_number(code_function(model))
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, output in (("serve", CONTINUOUS), ("encode", CODES)):
        archive.add_endpoint(name, _output_of(encode, output), [spec])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Whole before it has its name.
    with tempfile.TemporaryDirectory(
        prefix=f".{os.path.basename(path)}-", dir=os.path.dirname(path)
    ) as folder:
        made = os.path.join(folder, "model")
        archive.write_out(made, verbose=False)  # It would name the temporary place.
        with write_atomically(os.path.join(made, FILE)) as file:
            file.write(description.to_json().encode())
        _check_replaceable(path)  # Files may have come meanwhile.
        take_name(made, path, os.path.join(folder, "old"))
    if verbose is None or verbose:
        print(f"{path}: a SavedModel with the endpoints encode and serve")


def _of_any_number(encode):
    """As `encode`, also of no images.

    Some operations of TensorFlow fail at them on some processors, so one image is added
    and its codes are taken away.
    """

    def encode_any(images):
        count = ops.shape(images)[0]
        added = ops.zeros((1, *images.shape[1:]), images.dtype)
        some = ops.concatenate([images, added[: ops.maximum(1 - count, 0)]])
        return {name: codes[:count] for name, codes in encode(some).items()}

    return encode_any


def _output_of(encode, name: str):
    return lambda images: encode(images)[name]


def _check_replaceable(path: str) -> None:
    """Raises FileExistsError for what is not a SavedModel alone, or empty."""
    if not os.path.lexists(path):
        return
    if not os.path.isdir(path):
        others = [path]
    elif os.path.samefile(path, os.curdir):
        raise FileExistsError(
            f"{path!r} is the working directory, which a SavedModel would replace. "
            "Choose a new directory in it."
        )
    else:
        others = [
            os.path.join(at, name)
            for at, folders, names in os.walk(path)
            for name in (*folders, *names)
            if not _is_ours(os.path.relpath(os.path.join(at, name), path))
        ]
        is_model = os.path.isfile(os.path.join(path, "saved_model.pb"))
        if not is_model and os.listdir(path):
            others = others or [path]
    if others:
        raise FileExistsError(
            f"{path!r} exists and is not a SavedModel alone: {min(others)!r} would be "
            "lost. Choose another directory, or remove it."
        )


def _is_ours(name: str) -> bool:
    """Whether a path in the directory of a SavedModel is its own."""
    folder, base = os.path.split(name)
    if folder == "variables":
        return _VARIABLES.fullmatch(base) is not None
    return not folder and base in (*_FILES, "variables", "assets")
