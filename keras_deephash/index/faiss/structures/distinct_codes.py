"""Every distinct code once in a search structure, with the items that have it."""

import copy
import os

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.code_table import CodeTable
from keras_deephash.index.faiss.item_lists import ItemLists
from keras_deephash.index.faiss.structures.structure import Structure
from keras_deephash.index.ranking import RangeResult

ITEMS_FILE, ENDS_FILE = "items.npy", "item_ends.npy"
MAX_ITEMS = 2**31 - 1  # They are counted in four bytes.


class DistinctCodes(Structure):
    """Items over a structure that has each of their codes once.

    Short codes repeat: one image in eight of CIFAR-10 brings a new code of
    `dch_cifar10_48`. A search compares a query with the distinct codes, and a graph of
    equal points would fall apart.

    Args:
        structure: `Structure`, empty, for the distinct codes.
    """

    def __init__(self, structure: Structure):
        self.structure = structure
        self.spec, self.options = structure.spec, structure.options
        self.kind, self.exact = structure.kind, structure.exact
        # None while no code repeats: then item and code have one number.
        self._lists: ItemLists | None = None
        # None until the first addition, which must know what is there.
        self._table: CodeTable | None = None

    def __len__(self) -> int:
        return len(self.structure if self._lists is None else self._lists)

    # === Change ===

    def add(self, codes: np.ndarray) -> None:
        if self._table is None:
            self._unite()
        count = len(self)
        if count + len(codes) > MAX_ITEMS:
            raise ValueError(
                f"An index of faiss holds at most {MAX_ITEMS:,} items. Received: "
                f"{len(codes):,} more than {count:,}. Divide them among several."
            )
        numbers, first = self._table.add(codes)
        self.structure.add(codes[first])
        if self._lists is None and not first.all():
            self._lists = ItemLists(np.arange(count, dtype=np.int32))
        if self._lists is not None:
            self._lists.add(numbers)

    def _unite(self) -> None:
        """Makes the table of the codes that are there, and equal ones one.

        Equal ones are in indexes that earlier releases saved, without lists.
        """
        self._table = CodeTable(self.spec.bytes)
        numbers, first = self._table.add(self.structure.codes(slice(None)))
        if not first.all():
            if self._lists is not None:
                numbers = numbers[self._lists.numbers]
            self.structure.remove(~first)
            self._lists = ItemLists(numbers)

    def remove(self, removed: np.ndarray) -> None:
        if self._lists is not None:
            removed = self._lists.remove(removed)
        if removed.any():
            self.structure.remove(removed)
            self._table = None  # Its numbers count no more.

    def optimize(self) -> None:
        optimized = copy.copy(self.structure)
        optimized.optimize()
        self.structure = optimized

    def own(self) -> None:
        self.structure.own()
        if self._lists is not None:
            self._lists.own()

    # === Search ===

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        if self._lists is None:
            return self.structure.search(queries, k)
        # Each code has an item at least, so k codes have k items.
        nearest = self.structure.search(queries, min(k, len(self.structure)))
        return self._lists.spread(*nearest, k)

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        found = self.structure.range_search(queries, radius)
        return found if self._lists is None else self._lists.spread_all(*found)

    def codes(self, positions) -> np.ndarray:
        if self._lists is not None:
            positions = self._lists.numbers[positions]
        return self.structure.codes(positions)

    # === Files ===

    @property
    def format_version(self) -> int:
        return self.structure.format_version if self._lists is None else 2

    def write(self, folder: str) -> list[str]:
        files = self.structure.write(folder)
        if self._lists is None:
            return files
        for name, array in zip(
            (ITEMS_FILE, ENDS_FILE), self._lists.sorted(), strict=True
        ):
            np.save(os.path.join(folder, name), array)
        return [ITEMS_FILE, ENDS_FILE, *files]

    def read(self, saved: SavedFiles, count: int) -> None:
        if not {ITEMS_FILE, ENDS_FILE} & saved.names:
            self.structure.read(saved, count)
            if self.kind == "hnsw" and saved.format_version < 2:
                self._unite()  # A graph of equal codes falls apart.
            return
        items = saved.column(ITEMS_FILE, np.int32, (count,))
        ends = saved.column(ENDS_FILE, np.int32, (None,))
        # The ends are read entirely even where they are mapped: a search makes room
        # for as many items as they say.
        if (np.diff(ends, prepend=0) < 1).any() or ends[-1:].sum() != count:
            raise ValueError(f"{ENDS_FILE} does not fit its {count} items")
        self.structure.read(saved, len(ends))
        self._lists = ItemLists.of_sorted(items, ends)

    def check(self) -> None:
        self.structure.check()
        if self._lists is not None:
            self._lists.check()
