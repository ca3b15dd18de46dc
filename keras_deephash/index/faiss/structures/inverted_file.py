"""Codes in inverted lists, a few of which a search reads."""

import math
import os

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.growing_array import GrowingArray
from keras_deephash.index.faiss.structures.structure import Structure, selector

CODES_FILE = "codes.npy"
# Below this number all codes are compared, which is fast enough.
MIN_TRAINING = 4096
# Codes per list that k-means needs at least, and that it takes at most.
LEAST_PER_LIST, MOST_PER_LIST = 39, 64


class InvertedFile(Structure):
    """Base class of `kind="ivf"`, before the base class of what the codes are.

    The lists are learned once there are 4,096 distinct codes, before that all codes
    are compared; and anew by the addition that calls for twice as many lists, when the
    codes are about four times as many. `optimize` learns them anew at any time. A
    search by radius is exact, over all codes.

    Args:
        spec: `CodeSpec`.
        lists: int, which then stays. Defaults to a power of two near 2 sqrt(n).
        probes: int. Lists a search looks into. Defaults to one in 32, at least 4.
    """

    kind = "ivf"
    exact = False
    default_options = {"lists": None, "probes": None}

    def __init__(self, spec, **options):
        super().__init__(spec, **options)
        # All codes in their order, for new lists and for exact searches.
        self.rows = GrowingArray(self.to_rows(np.empty((0, spec.bytes), np.uint8)))
        # Every search finds this many codes; additions only make it more.
        self.certain = 0

    # === What a subclass defines ===

    def to_rows(self, codes: np.ndarray) -> np.ndarray:
        """Codes [n, bytes], each followed by what else is kept of it."""
        return codes

    def new_lists(self, rows: np.ndarray, lists: int):
        """A faiss index with empty lists, learned from some rows."""
        raise NotImplementedError

    def add_to_lists(self, index, rows: np.ndarray, start: int) -> None:
        """Adds rows to an index with lists, at positions from `start` on."""
        raise NotImplementedError

    def add_to_flat(self, index, rows: np.ndarray) -> None:
        """Adds rows to an index without lists."""
        raise NotImplementedError

    def flat_rows(self, index) -> np.ndarray:
        """A view of the rows in an index without lists, as faiss has them."""
        raise NotImplementedError

    def faiss_rows(self, rows: np.ndarray) -> np.ndarray:
        """Rows as faiss has them."""
        return rows

    # === Common to all ===

    @property
    def is_trained(self) -> bool:
        """Whether there are lists yet."""
        return hasattr(self.index, "invlists")

    def all_rows(self):
        """A faiss index without lists of all codes."""
        if not self.is_trained:
            return self.index
        flat = self.new_index()
        self.add_to_flat(flat, self.rows.rows)
        return flat

    def add(self, codes: np.ndarray) -> None:
        start, rows = len(self), self.to_rows(codes)
        self.rows.append(rows)
        if self.is_trained:
            if self._too_few_lists():
                self.optimize()
            else:
                self.add_to_lists(self.index, rows, start)
            return
        self.add_to_flat(self.index, rows)
        if len(self) >= max(MIN_TRAINING, self.options["lists"] or 0):
            self.optimize()

    def _too_few_lists(self) -> bool:
        if self.options["lists"]:
            return False
        return number_of_lists(len(self.rows.rows)) >= 2 * self.index.nlist

    def optimize(self) -> None:
        rows = self.rows.rows
        lists = self.options["lists"] or number_of_lists(len(rows))
        if len(rows) < lists:
            return
        index = self.new_lists(rows[training_rows(len(rows), lists)], lists)
        self.add_to_lists(index, rows, 0)
        self._use(index)

    def _use(self, index) -> None:
        self.index = index
        if self.is_trained:
            index.is_trained = True  # Whatever a file says.
            index.nprobe = probes(self.options["probes"], index.nlist)
            self.certain = _fewest(index)

    def missed(self, positions: np.ndarray) -> np.ndarray | None:
        """Which queries found fewer than k codes in their lists; None if all did."""
        # Reading the last column of fresh results costs a fast search 2 or 3 %.
        if positions.shape[1] <= self.certain:
            return None
        missed = positions[:, -1] < 0
        return missed if missed.any() else None

    def codes(self, positions) -> np.ndarray:
        return self.rows.rows[positions, : self.spec.bytes]

    def remove(self, removed: np.ndarray) -> None:
        self.rows.remove(removed)
        chosen, _bitmap = selector(self.faiss, removed)
        self.index.remove_ids(chosen)
        if self.is_trained:
            _renumber(self.faiss, self.index.invlists, removed)
            self.certain = _fewest(self.index)

    def own(self) -> None:
        super().own()
        self._use(self.index)

    def write(self, folder: str) -> list[str]:
        np.save(os.path.join(folder, CODES_FILE), self.rows.rows)
        return [*super().write(folder), CODES_FILE]

    def read(self, saved: SavedFiles, count: int) -> None:
        self._use(self.read_index(saved, count))
        width = self.rows.rows.shape[1]
        self.rows = GrowingArray(saved.column(CODES_FILE, np.uint8, (count, width)))

    def check(self) -> None:
        rows = self.rows.rows
        if not self.is_trained:
            same = np.array_equal(self.flat_rows(self.index), self.faiss_rows(rows))
        else:
            same = self._lists_hold(rows)
        if not same:
            raise ValueError(f"its lists do not hold the codes of {CODES_FILE}")

    def _lists_hold(self, rows: np.ndarray) -> bool:
        """Whether each of some rows lies in a list, with its position."""
        lists, there = self.index.invlists, np.zeros(len(rows), bool)
        for number in range(lists.nlist):
            if not (size := lists.list_size(number)):
                continue
            positions = self.faiss.rev_swig_ptr(lists.get_ids(number), size)
            if not 0 <= positions.min() <= positions.max() < len(rows):
                return False
            there[positions] = True
            listed = self.faiss.rev_swig_ptr(
                lists.get_codes(number), size * lists.code_size
            )
            expected = self.faiss_rows(rows[positions])
            if not np.array_equal(listed.reshape(size, -1), expected):
                return False
        return bool(there.all())


def _fewest(index) -> int:
    """How many codes lie in the shortest lists that a search may look into."""
    lists = index.invlists
    sizes = np.array([lists.list_size(number) for number in range(lists.nlist)])
    return int(np.sort(sizes)[: index.nprobe].sum())


def _renumber(faiss, lists, removed: np.ndarray) -> None:
    """Gives the codes left in inverted lists the positions that they move up to."""
    moved = np.cumsum(~removed) - 1
    for number in range(lists.nlist):
        if size := lists.list_size(number):
            ids = faiss.rev_swig_ptr(lists.get_ids(number), size)
            ids[:] = moved[ids]


def number_of_lists(count: int) -> int:
    """A power of two near 2 sqrt(n), with enough codes in each list for k-means."""
    wanted = min(2 * math.sqrt(count), count / LEAST_PER_LIST)
    return max(1, 2 ** int(math.log2(max(1, wanted))))


def training_rows(count: int, lists: int) -> np.ndarray:
    """Indices of the codes that k-means learns from, the same every time."""
    most = MOST_PER_LIST * lists
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def probes(chosen: int | None, lists: int) -> int:
    """Lists that a search looks into: the chosen number, or one in 32, at least 4."""
    return min(lists, chosen or max(4, lists // 32))
