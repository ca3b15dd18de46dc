"""The text of a description, with a sha256 of its own, and how much it may hold."""

import hashlib

MAX_BYTES = 1 << 29  # The largest codebook, 2**26 numbers, has 358 MB here.
MAX_VALUES = 1 << 21  # Radii, names of labels and all else but a codebook's numbers.
# A text that is larger than these bytes is at most so many times as large as it is in a
# LiteRT file, deflated.
SMALL_BYTES, MAX_EXPANSION = 1 << 20, 250
# The last field, which holds the sha256 of all text before it.
_SEAL = ', "description_sha256": "{}"}}'
_SEAL_LENGTH = len(_SEAL.format("0" * 64))


def seal(text: str) -> str:
    """An object of JSON with the sha256 of its own text as its last field."""
    body = text.removesuffix("}")
    return body + _SEAL.format(sha256(body.encode()))


def is_sealed(text: bytes) -> bool:
    """Whether a text is as `seal` made it."""
    body, end = text[:-_SEAL_LENGTH], text[-_SEAL_LENGTH:]
    return end == _SEAL.format(sha256(body)).encode()


def check_size(text: bytes) -> None:
    """Raises ValueError for a text that would take much memory as values of Python."""
    if len(text) > MAX_BYTES:
        raise ValueError("the description is too long")
    if sum(map(text.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ValueError("the description has too many values")


def sha256(content: bytes | memoryview) -> str:
    """The sha256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
