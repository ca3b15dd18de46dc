"""LiteRT files, by TensorFlow's converter, with the description in a zip at the end.

So LiteRT's own tools attach files too: `unzip` lists and extracts them.
"""

import io
import os
import tempfile
import zipfile
import zlib

import keras

from keras_deephash.export.description import FILE, Description
from keras_deephash.export.network import check_can_export, code_function, image_spec
from keras_deephash.export.sealed_text import MAX_EXPANSION
from keras_deephash.files import write_atomically


def export_litert(
    model,
    path: str | os.PathLike,
    input_signature=None,
    quantize: str | None = None,
    label_names: list[str] | None = None,
    **kwargs,
) -> None:
    """Writes a model as a LiteRT file with the outputs `codes` and `continuous`.

    Args:
        model: a method that can encode.
        path: str. The file.
        input_signature: as for `image_spec`.
        quantize: `"int8"`: weights of 8 bits. Defaults to `None`.
        label_names: list of str, as of `Description.of`. Defaults to `None`.
        **kwargs: attributes of `tf.lite.TFLiteConverter`, such as `optimizations`.
    """
    import tensorflow as tf

    check_can_export(model)
    for name in kwargs:
        if not hasattr(tf.lite.TFLiteConverter([]), name):
            raise ValueError(f"`tf.lite.TFLiteConverter` has no attribute {name!r}.")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "encode", code_function(model), [image_spec(model, input_signature)]
    )
    with tempfile.TemporaryDirectory() as folder:
        # From concrete functions, the converter would leave the weights out.
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["encode"]
        )
        if quantize is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        for name, value in kwargs.items():
            setattr(converter, name, value)
        content = converter.convert()
    attached = io.BytesIO(content)
    text = Description.of(model, quantize, label_names).to_json(content)
    with zipfile.ZipFile(attached, "a") as attachments:
        attachments.writestr(FILE, text, _compression(text))
    with write_atomically(path) as file:
        file.write(attached.getvalue())


def _compression(text: str) -> int:
    """Deflated, if the reader would not refuse a text that becomes so small."""
    small = len(zlib.compress(text.encode())) * MAX_EXPANSION < len(text)
    return zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED
