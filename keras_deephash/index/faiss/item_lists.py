"""The items of each distinct code."""

import threading

import numpy as np

from keras_deephash.index.faiss.growing_array import GrowingArray
from keras_deephash.index.manifest import damaged


class ItemLists:
    """Which code each item has, and which items each code has.

    The items lie in one array, sorted by their codes: those of code c are
    `items[ends[c - 1] : ends[c]]`, in the order of their addition. New items are
    sorted in at the next search.

    Args:
        numbers: int32 array [n], the number of each item's code. Defaults to none.
    """

    def __init__(self, numbers: np.ndarray | None = None):
        numbers = np.empty(0, np.int32) if numbers is None else numbers
        self._numbers: GrowingArray | None = GrowingArray(numbers)
        self._items, self._ends = np.empty(0, np.int32), np.empty(0, np.int32)
        self._sorting = threading.Lock()

    @classmethod
    def of_sorted(cls, items: np.ndarray, ends: np.ndarray) -> "ItemLists":
        """The lists of arrays that `sorted` returned."""
        lists = cls()
        lists._items, lists._ends, lists._numbers = items, ends, None
        return lists

    def __len__(self) -> int:
        return len(self._items) if self._numbers is None else len(self._numbers)

    @property
    def numbers(self) -> np.ndarray:
        """The number of each item's code, int32 [n]."""
        return self._all_numbers().rows

    def _all_numbers(self) -> GrowingArray:
        with self._sorting:
            if self._numbers is None:
                self._check_sorted()
                numbers = np.empty(len(self._items), np.int32)
                sizes = np.diff(self._ends, prepend=0)
                numbers[self._items] = np.repeat(
                    np.arange(len(sizes), dtype=np.int32), sizes
                )
                self._numbers = GrowingArray(numbers)
            return self._numbers

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """The items sorted by their codes, int32 [n], and the end of each code's."""
        with self._sorting:
            if self._numbers is not None and len(self._items) < len(self._numbers):
                self._sort_in(self._numbers.rows[len(self._items) :])
            return self._items, self._ends

    def _sort_in(self, fresh: np.ndarray) -> None:
        start = len(self._items)
        codes = max(len(self._ends), int(fresh.max()) + 1)
        ends = np.full(codes, start, np.int32)
        ends[: len(self._ends)] = self._ends
        order = np.argsort(fresh, kind="stable")
        added = (start + order).astype(np.int32)
        self._items = np.insert(self._items, ends[fresh[order]], added)
        self._ends = ends + np.cumsum(
            np.bincount(fresh, minlength=codes), dtype=np.int32
        )

    def add(self, numbers: np.ndarray) -> None:
        """Appends items, by the numbers of their codes."""
        self._all_numbers().append(numbers)

    def remove(self, removed: np.ndarray) -> np.ndarray:
        """Drops the items of a bool mask [n].

        Returns:
            A bool mask of the codes that no item has any more. Codes that are left
            move up in order.
        """
        items, ends = self.sorted()
        numbers = self.numbers[~removed]
        emptied = np.bincount(numbers, minlength=len(ends)) == 0
        moved = np.cumsum(~emptied, dtype=np.int32) - np.int32(1)
        self._numbers = GrowingArray(moved[numbers])
        places = np.cumsum(~removed, dtype=np.int32) - np.int32(1)
        self._items = places[items[~removed[items]]]
        self._ends = np.cumsum(np.bincount(self._numbers.rows), dtype=np.int32)
        return emptied

    def own(self) -> None:
        """Copies into memory what is mapped from files."""
        self._items, self._ends = np.array(self._items), np.array(self._ends)

    def check(self) -> None:
        """Raises IndexFileError unless each item is in one list, in order.

        That is done too when the lists of a file are first read entirely.
        """
        self._all_numbers()

    def _check_sorted(self) -> None:
        items, ends = self._items, self._ends
        fits = not len(items) or 0 <= items.min() <= items.max() < len(items)
        if fits:
            there = np.zeros(len(items), bool)
            there[items] = True
            rising = np.diff(items) > 0
            rising[ends[:-1] - 1] = True  # Where the next list begins.
            fits = there.all() and rising.all()
        if not fits:
            raise damaged("the items of its codes are not there once each, in order")

    # === Search ===

    def spread(
        self, distances: np.ndarray, numbers: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest items, from the nearest codes.

        Args:
            distances: array [q, c], of codes.
            numbers: int64 array [q, c], of codes, all there, with k items or more.
            k: int.

        Returns:
            Tuple of distances and items, int64 [q, k].
        """
        items, ends = self.sorted()
        starts, sizes = _bounds(ends, numbers)
        # Of each code as many items as are still wanted.
        before = np.cumsum(sizes, axis=1) - sizes
        taken = np.clip(k - before, 0, sizes)
        rows = _ranges(starts.ravel(), taken.ravel())
        shape = len(numbers), k
        return (
            np.repeat(distances.ravel(), taken.ravel()).reshape(shape),
            items[rows].astype(np.int64).reshape(shape),
        )

    def spread_all(self, limits, distances, numbers):
        """As `spread`, of all items of the codes that a search by radius found."""
        items, ends = self.sorted()
        starts, sizes = _bounds(ends, numbers)
        totals = np.concatenate([[0], np.cumsum(sizes)])
        rows = _ranges(starts, sizes)
        return (
            totals[np.asarray(limits, np.int64)],
            np.repeat(distances, sizes),
            items[rows].astype(np.int64),
        )


def _bounds(ends: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the items of codes begin, and how many they are, int64."""
    starts = np.where(numbers > 0, ends[numbers - 1], 0).astype(np.int64)
    return starts, ends[numbers] - starts


def _ranges(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The numbers from each start on, as many as each size, end to end."""
    skipped = starts - (np.cumsum(sizes) - sizes)
    return np.repeat(skipped, sizes) + np.arange(int(sizes.sum()))
