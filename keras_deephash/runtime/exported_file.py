"""An exported file: its content and the description in it, checked."""

import io
import os
import zipfile

from keras_deephash.export.arguments import format_of
from keras_deephash.export.description import FILE, KEY, Description
from keras_deephash.export.errors import ExportFileError
from keras_deephash.export.sealed_text import MAX_BYTES, MAX_EXPANSION, SMALL_BYTES
from keras_deephash.runtime.onnx_file import check_whole, read_property

MAX_FILE_BYTES = 1 << 31  # No ONNX file is larger.


def read_exported(path: str) -> tuple[bytes, Description]:
    """The content of an exported file and the description in it.

    Raises:
        FileNotFoundError: if there is no such file.
        ExportFileError: if it is not one that `export` wrote.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no such exported file. Received: {path!r}.")
    try:
        size = os.path.getsize(path)
        if size > MAX_FILE_BYTES:
            raise ExportFileError("it is larger than any exported file")
        with open(path, "rb") as file:
            content = file.read(size)  # Memory is taken for what is asked for.
        if format_of(path) == "onnx":
            check_whole(content)
            found = read_property(content, KEY)
        else:
            found = _read_attached(content, FILE)
        if found is None:
            raise ExportFileError("it has no description of a model of keras_deephash")
        text, network = found
        return content, Description.from_json(bytes(text), network)
    except ExportFileError as error:
        raise ExportFileError(
            f"{path!r} cannot be opened: {str(error).rstrip('.')}. Export the model "
            "again: keras-deephash export --preset NAME --output FILE"
        ) from None


def _read_attached(content: bytes, name: str) -> tuple[bytes, memoryview] | None:
    """A file in the zip at the end of a LiteRT file, and what stands before the zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if name not in archive.namelist():
                return None
            entry = archive.getinfo(name)
            _check_entry(entry)
            return archive.read(entry), memoryview(content)[: entry.header_offset]
    except ExportFileError:
        raise
    except Exception as error:  # A damaged zip has errors of zlib, struct and others.
        raise ExportFileError(
            f"it has no description, or is damaged: {error}"
        ) from None


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Raises ExportFileError for what would take far more memory than the file."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ExportFileError("its description is compressed in another way")
    allowed = max(MAX_EXPANSION * entry.compress_size, SMALL_BYTES)
    if entry.file_size > min(allowed, MAX_BYTES):
        raise ExportFileError("the description is too long")
