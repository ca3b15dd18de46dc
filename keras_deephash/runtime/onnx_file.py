"""The properties of an ONNX file, read without a library of ONNX.

A file is a message of protocol buffers: numbered fields, each a varint, 8 or 4 bytes,
or bytes after their length. The properties are field 14 of the outermost message, each
a message of a key, field 1, and a value, field 2.

A tensor may name another file that holds its values, in field 13; a runtime would read
it. Such a file is refused. Readers of protocol buffers disagree on numbers that are
longer than they need be or than their type, so that a field could have one number here
and another one there: a file with such a number is refused too.
"""

from collections.abc import Iterator

from keras_deephash.export.errors import ExportFileError

_PROPERTIES, _KEY, _VALUE = 14, 1, 2
_MOST_FIELDS = 1_000_000  # Of a message: a network has thousands of nodes.
_FIXED = {1: 8, 5: 4}  # Bytes of the kinds that have no length before them.
_TAG_BITS, _SIZE_BITS, _VALUE_BITS = 32, 31, 64  # Of the varints of a file.
_DEEPEST = 32  # Graphs within graphs.
_EXTERNAL_DATA = 13  # Of a tensor.
# What may hold a tensor: for each message, the fields that are such messages.
_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        **{5: "tensor", 10: "tensor", 6: "graph", 11: "graph"},
        **{22: "sparse", 23: "sparse"},
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}


def read_property(content: bytes, name: str) -> tuple[memoryview, memoryview] | None:
    """The value of a property of an ONNX file, and what stands before the property.

    Returns:
        Tuple of bytes, or None where the file has no such property.

    Raises:
        ExportFileError: if the content is not an ONNX file, or the property is not the
            last of it.
    """
    message = memoryview(content)
    for start, end, field, value in _fields(message):
        if field == _PROPERTIES:
            entry = {field: text for _, _, field, text in _fields(value)}
            if entry.get(_KEY) == name.encode():
                if end != len(message):  # No sha256 is of what comes after it.
                    raise _damaged()
                return entry.get(_VALUE, memoryview(b"")), message[:start]
    return None


def check_whole(content: bytes) -> None:
    """Raises ExportFileError for an ONNX file whose tensors name other files."""
    _check_part(memoryview(content), "model", 0)


def _check_part(message: memoryview, kind: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise _damaged()
    for _, _, field, value in _fields(message):
        if kind == "tensor" and field == _EXTERNAL_DATA:
            raise ExportFileError("it names other files, which hold its weights")
        if part := _PARTS[kind].get(field):
            _check_part(value, part, depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, int, int, memoryview]]:
    """Start, end, number and bytes of every field that has a length."""
    position = 0
    for _ in range(_MOST_FIELDS):
        if position == len(message):
            return
        start = position
        tag, position = _varint(message, position, _TAG_BITS)
        field, kind = tag >> 3, tag & 7
        if field == 0:  # Some readers take it for the end of the message.
            raise _damaged()
        if kind == 0:
            _, position = _varint(message, position, _VALUE_BITS)
            continue
        if kind == 2:
            size, position = _varint(message, position, _SIZE_BITS)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:  # Groups, which ONNX has none of.
            raise _damaged()
        if position + size > len(message):
            raise _damaged()
        end = position + size
        if kind == 2:
            yield start, end, field, message[position:end]
        position = end
    raise _damaged()


def _varint(message: memoryview, position: int, bits: int) -> tuple[int, int]:
    """A number of at most `bits` bits, in its shortest form, and the position after."""
    value = 0
    for shift in range(0, bits, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> bits or (byte == 0 and shift):
                break
            return value, position
    raise _damaged()


def _damaged() -> ExportFileError:
    return ExportFileError("it is not an ONNX file, or damaged")
