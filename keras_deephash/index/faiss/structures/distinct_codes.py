"""Every distinct code once in a search structure, with the items that have it."""

import copy
import os

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.code_table import CodeTable, count_distinct
from keras_deephash.index.faiss.item_lists import ItemLists
from keras_deephash.index.faiss.structures.structure import Structure
from keras_deephash.index.ranking import RangeResult

ITEMS_FILE, ENDS_FILE = "items.npy", "item_ends.npy"
MAX_ITEMS = 2**31 - 1  # They are counted in four bytes.
# Where fewer codes than this share are distinct, equal ones become one.
SHARE = 0.5


class DistinctCodes(Structure):
    """Items over a structure that has each of their codes once.

    Short codes repeat: one image in eight of CIFAR-10 brings a new code of
    `dch_cifar10_48`. A search compares a query with the distinct codes, and a graph of
    equal points would fall apart. Where most codes are distinct, the lists of their
    items would take more than they spare: then each item has its own code there, but
    for a graph.

    Args:
        structure: `Structure`, empty, for the codes.
    """

    def __init__(self, structure: Structure):
        self.spec, self.options = structure.spec, structure.options
        self.kind, self.exact = structure.kind, structure.exact
        # The structure and the lists of items, which are exchanged in one step. No
        # lists: each item has its own code.
        self._parts: tuple[Structure, ItemLists | None] = structure, None
        # None until the next addition, which must know what is there.
        self._table: CodeTable | None = None
        # How many items there were when distinct codes were last counted.
        self._counted = 0

    @property
    def structure(self) -> Structure:
        """The structure of the codes."""
        return self._parts[0]

    @property
    def _lists(self) -> ItemLists | None:
        return self._parts[1]

    def __len__(self) -> int:
        return len(self.structure if self._lists is None else self._lists)

    # === Change ===

    def add(self, codes: np.ndarray) -> None:
        count = len(self)
        if count + len(codes) > MAX_ITEMS:
            raise ValueError(
                f"An index of faiss holds at most {MAX_ITEMS:,} items. Received: "
                f"{len(codes):,} more than {count:,}. Divide them among several."
            )
        if self._lists is None and self._should_unite(codes):
            self._unite()
        structure, lists = self._parts
        if lists is None:
            structure.add(codes)
            return
        if self._table is None:
            self._table = CodeTable(self.spec.bytes)
            self._table.add(structure.codes(slice(None)))
        numbers, first = self._table.add(codes)
        structure.add(codes[first])
        lists.add(numbers)

    def _should_unite(self, codes: np.ndarray) -> bool:
        """Whether equal codes should become one, with those that are added."""
        if self.structure.needs_distinct:
            return True
        count = len(self) + len(codes)
        if count < 2 * self._counted:  # Each time that they have doubled.
            return False
        self._counted = count
        there = self.structure.codes(slice(None))
        return count_distinct(np.concatenate([there, codes])) < SHARE * count

    def _unite(self) -> None:
        """Makes equal codes one."""
        structure, table = self.structure, CodeTable(self.spec.bytes)
        codes = structure.codes(slice(None))
        numbers, first = table.add(codes)
        if not first.all():
            structure = type(structure)(self.spec, **self.options)
            structure.add(codes[first])
        self._parts, self._table = (structure, ItemLists(numbers)), table

    def remove(self, removed: np.ndarray) -> None:
        structure, lists = self._parts
        if lists is not None:
            removed = lists.remove(removed)
        if removed.any():
            structure.remove(removed)
            self._table = None  # Its numbers count no more.

    def optimize(self) -> None:
        structure, lists = self._parts
        optimized = copy.copy(structure)
        optimized.optimize()
        self._parts = optimized, lists

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
        structure = self.structure
        if not {ITEMS_FILE, ENDS_FILE} & saved.names:
            structure.read(saved, count)
            if structure.needs_distinct:  # Of an earlier release.
                self._unite()
            return
        items = saved.column(ITEMS_FILE, np.int32, (count,))
        ends = saved.column(ENDS_FILE, np.int32, (None,))
        # The ends are read entirely even where they are mapped: a search makes room
        # for as many items as they say.
        rising = (ends[1:] > ends[:-1]).all() and (ends[:1] > 0).all()
        if not rising or ends[-1:].sum() != count:
            raise ValueError(f"{ENDS_FILE} does not fit its {count} items")
        structure.read(saved, len(ends))
        self._parts = structure, ItemLists.of_sorted(items, ends)

    def check(self) -> None:
        self.structure.check()
        if self._lists is not None:
            self._lists.check()
