"""The saving of an index that is served, and the taking back of what is not saved."""

import os
from collections.abc import Callable

import numpy as np

from keras_deephash.index import Index, IndexChangedError
from keras_deephash.index.manifest import read_manifest

_CHANGED = (
    "The index was changed by another program while it was served, so the change was "
    "not saved. Start the server again."
)


class IndexSaver:
    """Saves an index where it lies, unless another program has saved there.

    Args:
        path: str, the directory of the index, which is read after this is made.
    """

    def __init__(self, path: str | os.PathLike):
        self._path = path
        self._manifest = read_manifest(path)

    def save(self, index: Index) -> None:
        """Writes the index to the disk.

        Raises:
            IndexChangedError: if it is not as it was read or last saved here.
        """
        try:
            self._manifest = index.save(self._path, self._manifest)
        except IndexChangedError:
            raise IndexChangedError(_CHANGED) from None


class Changes:
    """Changes of an index that are saved together, or taken back together.

    Args:
        index: `Index`.
    """

    def __init__(self, index: Index):
        self._index, self._before = index, index.ids
        self._removed: list[tuple] = []

    def make(self, changes: list[Callable[["Changes"], object]]) -> list:
        """Makes them one after the other.

        Returns:
            list: what each returned, or the error that it raised and that concerns it
            alone.
        """
        results = []
        for change in changes:
            try:
                results.append(change(self))
            except Exception as error:
                results.append(error)
        return results

    def remove(self, number: int) -> int:
        """Removes an item, which can come back."""
        ids = np.array([number])
        kept = self._rows(ids)
        removed = self._index.remove(ids)
        self._removed.append(kept)
        return removed

    def take_back(self) -> None:
        """Gives the index the items that it had, in their order."""
        index, before = self._index, self._before
        index.remove(np.setdiff1d(index.ids, before))
        for row in self._removed:
            if row[0][0] in before:  # Not added just before.
                self._add(row)
        now = index.ids
        if np.array_equal(now, before):
            return
        # Removed items have come back at the end: what followed them goes there again.
        first = np.flatnonzero(now != before)[0]
        rest = self._rows(before[first:])
        index.remove(before[first:])
        self._add(rest)

    def _rows(self, ids: np.ndarray) -> tuple:
        index = self._index
        return ids, index.codes(ids), index.labels(ids), index.names(ids)

    def _add(self, row: tuple) -> None:
        ids, codes, labels, names = row
        self._index.add(codes, ids, labels, names, verbose=0)
