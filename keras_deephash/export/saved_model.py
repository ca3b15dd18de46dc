"""SavedModels of TensorFlow, with the description as a file among theirs."""

import os
import tempfile

import keras

from keras_deephash.export.description import FILE, Description
from keras_deephash.export.network import CODES, code_function, image_spec
from keras_deephash.files import write_atomically


def export_saved_model(
    model,
    path: str | os.PathLike,
    verbose: bool | None = None,
    input_signature=None,
    label_names: list[str] | None = None,
    **kwargs,
) -> None:
    """Writes a SavedModel with the endpoints `serve`, continuous codes, and `encode`.

    Args:
        model: a method that can encode.
        path: str. The directory.
        verbose: bool. Whether a line says what was written. Defaults to `None`, yes.
        label_names: list of str, as of `Description.of`. Defaults to `None`.
        input_signature, **kwargs: of `keras.Model.export`.
    """
    model.check_can_encode()
    path = os.path.abspath(os.fspath(path))
    spec = image_spec(model, input_signature)
    description = Description.of(model, label_names=label_names)
    archive = keras.export.ExportArchive()
    archive.track_and_add_endpoint("serve", model, [spec], **kwargs)
    encode = code_function(model)
    archive.add_endpoint("encode", lambda images: encode(images)[CODES], [spec])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Whole before it has its name.
    with tempfile.TemporaryDirectory(
        prefix=f".{os.path.basename(path)}-", dir=os.path.dirname(path)
    ) as folder:
        made = os.path.join(folder, "model")
        archive.write_out(made, verbose=False)  # It would name the temporary place.
        with write_atomically(os.path.join(made, FILE)) as file:
            file.write(description.to_json().encode())
        if os.path.lexists(path):
            _check_replaceable(path)
            os.rename(path, os.path.join(folder, "old"))
        os.rename(made, path)
    if verbose is None or verbose:
        print(f"{path}: a SavedModel with the endpoints encode and serve")


def _check_replaceable(path: str) -> None:
    """Raises FileExistsError for what is not a SavedModel or an empty directory."""
    is_model = os.path.isfile(os.path.join(path, "saved_model.pb"))
    if not os.path.isdir(path) or not (is_model or not os.listdir(path)):
        raise FileExistsError(
            f"{path!r} exists and is not a SavedModel. Choose another directory, or "
            "remove it."
        )
