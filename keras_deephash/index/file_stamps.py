"""Sizes and times of the files that an index was made of, to notice what changed."""

import os
from collections.abc import Iterable

import numpy as np

from keras_deephash.files import write_atomically

FILE_STAMPS = "files.npy"
_ROW = np.dtype([("id", "<i8"), ("bytes", "<i8"), ("modified_ns", "<i8")])
# Length in bytes, and time of the last change in ns.
Stamp = tuple[int, int]


class FileStamps:
    """The stamps of an index's files by id, kept in the directory of the index.

    They are written after the index: of what an interruption left unwritten, the next
    run knows nothing, and reads the file again.

    Args:
        folder: str. The directory of a saved index; `None` keeps nothing.
    """

    def __init__(self, folder: str | os.PathLike | None):
        self._path = None if folder is None else os.path.join(folder, FILE_STAMPS)
        self._stamps: dict[int, Stamp] = {}
        for row in self._read():
            self._stamps[int(row["id"])] = int(row["bytes"]), int(row["modified_ns"])

    def _read(self) -> np.ndarray:
        try:
            # Mapped, so that a damaged header cannot ask for more than the file has.
            rows = np.load(self._path or "", mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return np.empty(0, _ROW)
        return rows if rows.dtype == _ROW and rows.ndim == 1 else np.empty(0, _ROW)

    def is_current(self, number: int, stamp: Stamp | None) -> bool:
        """Whether the file of an id is as it was; without a directory, always."""
        return self._path is None or self._stamps.get(number) == stamp

    def set(self, numbers: Iterable[int], stamps: Iterable[Stamp | None]) -> None:
        """Remembers the stamps of ids."""
        for number, stamp in zip(numbers, stamps, strict=True):
            if stamp is not None:
                self._stamps[int(number)] = stamp

    def save(self, ids: np.ndarray) -> None:
        """Writes the stamps of the ids that an index has."""
        if self._path is None:
            return
        kept = [(i, *self._stamps[i]) for i in ids.tolist() if i in self._stamps]
        with write_atomically(self._path) as file:
            np.save(file, np.array(kept, _ROW))


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a file, or None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
