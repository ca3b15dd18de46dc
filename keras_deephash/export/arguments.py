"""The arguments of `export`, checked before the network is converted."""

import os
from collections.abc import Iterable

from keras_deephash.datasets.label_names import check_label_names

# The formats by the end of a file's name.
FORMATS = {".onnx": "onnx", ".tflite": "litert"}
DIRECTORIES = ("tf_saved_model", "saved_model")


def format_of(path: str) -> str | None:
    """`"onnx"`, `"litert"`, or None for what is not the name of an exported file."""
    return FORMATS.get(os.path.splitext(path)[1].lower())


def check_path(path: str | os.PathLike, format: str | None) -> tuple[str, str]:
    """Where to write, and the format, which the end of the path says where it is None.

    Raises:
        ValueError: for what is not a path.
        IsADirectoryError: for the directory in place of a file.
        NotADirectoryError: for a path below a file.
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError(
            "`filepath` must be the path of a file or of a directory. "
            f"Received: filepath={path!r}."
        )
    if format is None:
        format = format_of(text) or "tf_saved_model"
    if format in FORMATS.values() and os.path.isdir(text):
        raise IsADirectoryError(
            f"`filepath` must be a file for format={format!r}. Received: {text!r}, a "
            "directory. Name a file in it."
        )
    parent = os.path.dirname(os.path.realpath(text))
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent):
        raise NotADirectoryError(
            f"`filepath` must be below a directory. Received: {text!r}, and "
            f"{parent!r} is a file."
        )
    return text, format


def check_names(model, names: Iterable[str] | None) -> list[str] | None:
    """The names of a model's labels, as many as it has; or a ValueError."""
    if names is None:
        return None
    names = check_label_names(names)
    model.check_label_names(names)
    known = model.label_names
    if known is not None and len(known) != len(names):
        raise ValueError(
            f"`label_names` must hold names for the {len(known)} labels that the model "
            f"learned. Received: {len(names)} names."
        )
    return names


def check_options(format: str, options: dict, allowed: tuple[str, ...] = ()) -> None:
    """Raises ValueError for an argument that a format does not have."""
    for name in options:
        if name not in allowed:
            takes = ", ".join(f"`{one}`" for one in allowed) or "no others"
            raise ValueError(
                f"`{name}` is not an argument of format={format!r}, which takes "
                f"{takes}."
            )
