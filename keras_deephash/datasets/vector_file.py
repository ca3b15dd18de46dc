"""Reading word2vec and GloVe files, keeping only the wanted vectors in memory."""

import bz2
import codecs
import gzip
import os
import re
from collections.abc import Iterator
from math import inf

import numpy as np

# The first line of a word2vec file: the number of words, and of values for each.
_HEADER = re.compile(rb"\s*(\d{1,12})\s+(\d{1,12})\s*")
_ROW = re.compile(rb"[^ ]+(?: [-+.\daefintyAEFINTY]+)+\s*")  # nan and inf, too.
_NO_TEXT = re.compile("[\0-\x08\x0e-\x1f\ufffd]")
# Limits in bytes. A compressed file may unpack to any size: only the wanted vectors and
# one line, or one word of a binary file, are kept in memory.
_LONGEST_LINE = 1 << 22
_LONGEST_WORD = 1 << 16
_MOST_VALUES = 100_000  # In a vector.
_OPENERS = {".gz": gzip.open, ".bz2": bz2.open}


def read_vectors(
    path: str, keys: set[str], limit: int | None = None
) -> dict[str, np.ndarray]:
    """Reads the float32 vectors of those keys that a file contains.

    Args:
        path: str. A word2vec file, text or binary, or a GloVe file.
        keys: set of str. Words.
        limit: int. Read only the first `limit` words. Defaults to `None`, all.

    Raises:
        ValueError: if the file has another format or is damaged. Damaged compressed
            files also raise the errors of `gzip` and `bz2`.
    """
    opener = _OPENERS.get(os.path.splitext(path)[1], open)
    wanted = {key.encode("utf-8", "replace"): key for key in keys}
    table = {}
    with opener(path, "rb") as file:
        size = os.path.getsize(path)
        for word, values in _vectors(file, size, wanted.keys(), limit or inf):
            table.setdefault(wanted[word], values)  # The first of a repeated word.
    return table


def _vectors(file, file_size: int, wanted, limit) -> Iterator[tuple[bytes, np.ndarray]]:
    """Yields the words among `wanted`, and their vectors, of a file in any format."""
    line = file.readline(_LONGEST_LINE)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("It is UTF-16: save it as UTF-8.")
    line = line.removeprefix(codecs.BOM_UTF8)
    header = _HEADER.fullmatch(line)
    count, size = inf, line.rstrip().count(b" ")
    if header:
        count, size = map(int, header.groups())
        # gzip packs 1,032 : 1 at best.
        if not 0 < count * size < 1100 * file_size or size > _MOST_VALUES:
            raise ValueError(f"The header says {count} words of {size} values.")
        line = file.readline(_LONGEST_LINE)
    if not _ROW.fullmatch(line) or line.rstrip().count(b" ") != size:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        start = line + file.read(4096)
        if header and _NO_TEXT.search(decoder.decode(start)):
            return _binary_vectors(file, start, min(count, limit), size, wanted)
        raise ValueError(f"The first vector must be a word and numbers: {line[:80]!r}.")
    return _text_vectors(file, line, count, size, limit, wanted)


def _text_vectors(file, line: bytes, count, size: int, limit, wanted):
    """Yields vectors of lines `word 0.1 0.2`, the first of which has been read."""
    rows, last = 0, min(count, limit)
    while line and rows < last:
        if len(line) == _LONGEST_LINE:
            raise ValueError(f"Vector {rows + 1} is too long: {line[:80]!r}.")
        rows, line = rows + 1, line.rstrip()
        spaces = line.count(b" ")
        if spaces < size:
            raise ValueError(f"Vector {rows} must have {size} values: {line[:80]!r}.")
        # A line with more spaces has them in its word; GloVe's 840B has a few.
        word, _, values = line.partition(b" ")
        if spaces == size and word in wanted:
            yield word, np.array(values.split(b" ")).astype(np.float32)
        line = file.readline(_LONGEST_LINE)
    if count < inf and rows < last:
        raise ValueError(f"The header says {count} words, but there are {rows}.")


def _binary_vectors(file, start: bytes, count, size: int, wanted):
    """Yields vectors of the binary format: a word, a space, little-endian float32."""
    buffer, place, width = start, 0, 4 * size
    for row in range(count):
        while (end := buffer.find(b" ", place)) < 0 or end + 1 + width > len(buffer):
            if end < 0 and len(buffer) - place > _LONGEST_WORD:
                raise ValueError(f"Word {row + 1} of the binary file is too long.")
            more = file.read(max(_LONGEST_WORD, width))
            if not more:
                raise ValueError(f"unexpected end after {row} of {count} words")
            buffer, place = buffer[place:] + more, 0
        word = buffer[place:end].lstrip(b"\n")
        place = end + 1 + width
        if word in wanted:
            yield word, np.frombuffer(buffer[end + 1 : place], "<f4")
