"""The properties of an ONNX file, read without a library of ONNX.

A file is a message of protocol buffers: numbered fields, each a varint, 8 or 4 bytes,
or bytes after their length. The properties are field 14 of the outermost message, each
a message of a key, field 1, and a value, field 2.
"""

from collections.abc import Iterator

from keras_deephash.export.errors import ExportFileError

_PROPERTIES, _KEY, _VALUE = 14, 1, 2
_MOST_FIELDS = 10_000  # Of the outermost message; those of a file are about ten.
_FIXED = {1: 8, 5: 4}  # Bytes of the kinds that have no length before them.


def read_property(content: bytes, name: str) -> bytes | None:
    """The value of a property of an ONNX file; None where it has no such one.

    Raises:
        ExportFileError: if the content is not an ONNX file.
    """
    for field, value in _fields(memoryview(content)):
        if field == _PROPERTIES:
            entry = dict(_fields(value))
            if bytes(entry.get(_KEY, b"")) == name.encode():
                return bytes(entry.get(_VALUE, b""))
    return None


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes of every field that has a length."""
    position = 0
    for _ in range(_MOST_FIELDS):
        if position == len(message):
            return
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == 0:
            _, position = _varint(message, position)
            continue
        if kind == 2:
            size, position = _varint(message, position)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise _damaged()
        if position + size > len(message):
            raise _damaged()
        if kind == 2:
            yield tag >> 3, message[position : position + size]
        position += size
    raise _damaged()


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _damaged()


def _damaged() -> ExportFileError:
    return ExportFileError("it is not an ONNX file, or damaged")
