"""The arrays of a saved index, read without trusting their headers."""

import os
import re
import struct
from dataclasses import dataclass

import numpy as np

from keras_deephash.index.manifest import damaged

_MAGIC = b"\x93NUMPY\x01\x00"
# As `np.save` writes it. NumPy's own reader evaluates the text as Python, and
# allocates as much as it claims.
_HEADER = re.compile(
    rb"\{'descr': '([<|][a-z][0-9]{1,2})', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,19}(?:, [0-9]{1,19})*),?\), \} *\n"
)


@dataclass(frozen=True)
class SavedFiles:
    """The files of a saved version.

    Args:
        folder: str.
        names: the files that the manifest names; others are not opened.
        mmap: bool. Whether to map arrays in place of reading them.
    """

    folder: str
    names: frozenset[str]
    mmap: bool

    def path(self, name: str) -> str:
        """Where a file is, or an IndexFileError."""
        if name not in self.names:
            raise damaged(f"the manifest of {self.folder!r} does not name {name}")
        return os.path.join(self.folder, name)

    def column(self, name: str, dtype, shape: tuple[int | None, ...]) -> np.ndarray:
        """The array in a file; see `read_column`."""
        return read_column(self.path(name), dtype, shape, self.mmap)


def read_column(
    path: str, dtype, shape: tuple[int | None, ...], mmap: bool = False
) -> np.ndarray:
    """Reads or maps an array that `np.save` wrote.

    Args:
        path: str.
        dtype: the dtype that it must have.
        shape: tuple. The shape that it must have; `None` stands for any length.
        mmap: bool. Whether to map it. Defaults to `False`.

    Raises:
        IndexFileError: for another dtype or shape, or a file that is not as long as
            its header says.
    """
    dtype = np.dtype(dtype)
    with open(path, "rb") as file:
        found, start = _read_header(file)
        expected = dtype.str.encode(), len(shape)
        fits = found is not None and expected == (found[0], len(found[1]))
        if not fits or any(
            wanted not in (None, length)
            for wanted, length in zip(shape, found[1], strict=True)
        ):
            what = "not an array that was saved by NumPy"
            if found is not None:
                what = f"{found[0].decode()!r} of shape {found[1]}"
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise damaged(
                f"{path!r} must hold {dtype.str!r} of shape ({wanted}). "
                f"Received: {what}"
            )
        count = 1
        for length in found[1]:
            count *= length  # Of Python's integers, which do not overflow.
        size = os.fstat(file.fileno()).st_size - start
        if size != count * dtype.itemsize:
            raise damaged(
                f"{path!r} holds {size} bytes of values, its header says "
                f"{count * dtype.itemsize}"
            )
        if not count:  # Nothing to map.
            return np.empty(found[1], dtype)
        if mmap:
            return np.memmap(file, dtype, "r", start, found[1])
        return np.fromfile(file, dtype, count).reshape(found[1])


def _read_header(file) -> tuple[tuple[bytes, tuple[int, ...]] | None, int]:
    """Dtype and shape, `None` if there is no such header, and where values begin."""
    magic = file.read(len(_MAGIC) + 2)
    if len(magic) < len(_MAGIC) + 2 or not magic.startswith(_MAGIC):
        return None, 0
    (length,) = struct.unpack("<H", magic[len(_MAGIC) :])
    header = _HEADER.fullmatch(file.read(length))
    if header is None:
        return None, 0
    shape = tuple(int(length) for length in header[2].split(b", "))
    return (header[1], shape), len(magic) + length
