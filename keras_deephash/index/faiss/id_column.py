"""The ids of items, and where each lies."""

import numpy as np

from keras_deephash.index.faiss.growing_array import GrowingArray
from keras_deephash.index.ids import (
    MAX_ID,
    check_ids,
    ids_are_missing,
    ids_are_there,
)
from keras_deephash.index.manifest import damaged


class IdColumn:
    """Unique int64 ids >= 0 in the order of the codes.

    Args:
        ids: int64 array [n]. Defaults to none.
        next_id: int. The id that the next item gets by default. Defaults to one more
            than the largest.
        checked: bool. Whether the ids are known to be unique and >= 0; if not, they are
            looked at when they are first read entirely. Defaults to `True`.
    """

    def __init__(
        self,
        ids: np.ndarray | None = None,
        next_id: int | None = None,
        checked: bool = True,
    ):
        ids = np.empty(0, np.int64) if ids is None else ids
        self._ids = GrowingArray(ids)
        if next_id is None:
            next_id = int(ids.max()) + 1 if len(ids) else 0
        self.next_id = next_id
        self._order = None
        self._counted = None
        self._checked = checked

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> np.ndarray:
        return self._ids.rows

    def fresh(self, count: int) -> np.ndarray:
        """Ids that were never given."""
        if self.next_id + count > MAX_ID + 1:
            raise ValueError(
                f"There are no new ids above {self.next_id - 1}, which is there: give "
                "`ids`."
            )
        return np.arange(self.next_id, self.next_id + count)

    def check_new(self, ids, count: int) -> np.ndarray:
        """Given ids as int64 [count], or a ValueError."""
        ids = check_ids(ids, count)
        twice = ids[:0]
        if count and ids.min() < self.next_id:
            twice = ids[self.positions(ids) >= 0]
        if len(twice):
            raise ids_are_there(twice)
        return ids

    def append(self, ids: np.ndarray) -> None:
        if self._counted:
            self._counted = is_counted(ids, len(self))
        self._ids.append(ids)
        if len(ids):
            self.next_id = max(self.next_id, int(ids.max()) + 1)
        self._order = None

    def at(self, positions: np.ndarray) -> np.ndarray:
        """The ids at positions, int64 of their shape."""
        if self._counted is None:
            self._counted = self.next_id == len(self) and is_counted(self.ids, 0)
        # Reading random places of a table as long as the index is a good part of the
        # time of a fast search; most often ids are the positions.
        return positions if self._counted else self.ids[positions]

    def positions(self, ids) -> np.ndarray:
        """Where ids lie, an array of their shape; -1 for those that are not there."""
        ids = np.asarray(ids, dtype=np.int64)
        if not len(self):
            return np.full(ids.shape, -1)
        ordered = self._ordered()
        places = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
        found = ordered[places] == ids
        if not isinstance(self._order, slice):
            places = self._order[places]
        return np.where(found, places, -1)

    def _ordered(self) -> np.ndarray:
        """The ids in rising order."""
        if self._order is None:
            # Most often ids come in order, and need no table.
            rising = _rise(self.ids)
            order = slice(None) if rising else np.argsort(self.ids)
            if not (self._checked or self._may_be(self.ids[order])):
                last = self.next_id - 1
                raise damaged(f"its ids are not there once each, from 0 to {last}")
            self._order, self._checked = order, True
        return self.ids[self._order]

    def _may_be(self, ordered: np.ndarray) -> bool:
        return _rise(ordered) and ordered[0] >= 0 and ordered[-1] < self.next_id

    def check(self) -> None:
        """Reads all ids and raises IndexFileError where they cannot be ids."""
        if len(self) and not self._checked:
            self._ordered()

    def known_positions(self, ids) -> np.ndarray:
        """As `positions`, or a ValueError that names an id that is not there."""
        ids = np.asarray(ids)
        if ids.size and ids.dtype.kind not in "iu":
            raise ValueError(f"`ids` must be integers. Received: {ids.dtype}.")
        positions = self.positions(ids)
        if (positions < 0).any():
            raise ids_are_missing(ids[positions < 0])
        return positions

    def remove(self, removed: np.ndarray) -> None:
        """Drops the ids of a bool mask [n]."""
        self._ids.remove(removed)
        self._order = None
        self._counted = None


def _rise(ids: np.ndarray) -> bool:
    """Whether each id is larger than the one before; differences could overflow."""
    return bool((ids[1:] > ids[:-1]).all())


def is_counted(ids: np.ndarray, start: int) -> bool:
    """Whether ids are `start`, `start + 1` and so on."""
    return bool(np.array_equal(ids, np.arange(start, start + len(ids))))
