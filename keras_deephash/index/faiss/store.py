"""Codes, ids, labels and names in memory, searched by faiss."""

import copy

import numpy as np

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.faiss.growing_array import GrowingArray
from keras_deephash.index.faiss.id_column import IdColumn
from keras_deephash.index.faiss.name_column import NameColumn
from keras_deephash.index.faiss.read_write_lock import ReadWriteLock
from keras_deephash.index.faiss.store_files import StoreFilesMixin
from keras_deephash.index.faiss.structures import new_structure
from keras_deephash.index.faiss.structures.structure import (
    InterruptedStructure,
    Structure,
)
from keras_deephash.index.labels import check_labels
from keras_deephash.index.manifest import damaged
from keras_deephash.index.ranking import (
    RangeResult,
    candidate_distances,
    nearest_candidates,
)


class FaissStore(StoreFilesMixin):
    """The store of `Index` with `backend="faiss"`.

    Searches may run in many threads. Additions and removals wait for them and then
    have the store alone, so a search sees all of an addition or nothing.

    Args:
        spec: `CodeSpec`.
        kind: str.
        **options: of the kind.
    """

    backend = "faiss"

    def __init__(self, spec: CodeSpec, kind: str, **options):
        self.spec = spec
        self.kind = kind
        self.structure = new_structure(spec, kind, **options)
        self.ids = IdColumn()
        self.labels: GrowingArray | None = None
        self.names: NameColumn | None = None
        self.lock = ReadWriteLock()

    def __len__(self) -> int:
        return len(self.ids)

    # === Change ===

    def add(self, codes, ids, labels, names, verbose=0) -> np.ndarray:
        """Adds codes [n, bytes] and returns their ids.

        `verbose` is for stores that take a while; this one does not.
        """
        with self.lock.write():
            count = len(codes)
            ids = self.ids.check_new(
                self.ids.fresh(count) if ids is None else ids, count
            )
            form = None if self.labels is None else self.labels.rows.shape[1:]
            labels = check_labels(labels, count, form, empty=not len(self))
            names = None if names is None else NameColumn.encode(names)
            self._own()
            structure, self.structure = self.structure, InterruptedStructure()
            try:
                structure.add(codes)
            except BaseException:
                # Also after Ctrl-C: the earlier items are searched as before.
                self.structure = self._rebuilt(structure)
                raise
            self.ids.append(ids)
            if labels is not None and count:
                if self.labels is None:
                    self.labels = GrowingArray(labels[:0])
                self.labels.append(labels)
            self._add_names(names, count)
            self.structure = structure
            return ids

    def _rebuilt(self, structure: Structure) -> Structure:
        """A structure of the codes that have ids, from one that may have more."""
        kept = structure.codes(slice(0, len(self))).copy()
        rebuilt = new_structure(self.spec, self.kind, **structure.options)
        rebuilt.add(kept)
        return rebuilt

    def _add_names(self, names: list[bytes] | None, count: int) -> None:
        if names is not None and self.names is None:
            self.names = NameColumn()
            self.names.append([b""] * (len(self) - count))
        if self.names is not None:
            self.names.append([b""] * count if names is None else names)

    def remove(self, ids) -> int:
        """Drops items and returns how many."""
        with self.lock.write():
            positions = self.ids.known_positions(np.unique(np.asarray(ids).ravel()))
            if not len(positions):
                return 0
            self._own()
            removed = np.zeros(len(self), bool)
            removed[positions] = True
            structure, self.structure = self.structure, InterruptedStructure()
            for part in (structure, self.labels, self.names, self.ids):
                if part is not None:
                    part.remove(removed)
            if not len(self):  # The next items may have other labels, or none.
                self.labels = self.names = None
            self.structure = structure
            return len(positions)

    def optimize(self) -> None:
        with self.lock.write():
            self._own()
            # A copy that holds the same arrays: interrupted, it changes nothing here.
            optimized = copy.copy(self.structure)
            optimized.optimize()
            self.structure = optimized

    # === Search ===

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and ids [queries, min(k, n)], nearest first."""
        with self.lock.read():
            k = min(k, len(self))
            if not k or not len(queries):
                kind = np.float32 if self.spec.is_quantizer else np.int32
                shape = (len(queries), k)
                return np.empty(shape, kind), np.empty(shape, np.int64)
            try:
                distances, positions = self.structure.search(queries, k)
            except IndexError:
                if not self.mapped:
                    raise
                raise damaged("its codes name what is not there") from None
            self._check_positions(positions)
            return distances, self.ids.at(positions)

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        """Limits, distances and ids of all within the radius, in any order."""
        with self.lock.read():
            if not len(self) or not len(queries):
                limits = np.zeros(len(queries) + 1, np.int64)
                return limits, np.empty(0, np.float32), np.empty(0, np.int64)
            limits, distances, positions = self.structure.range_search(queries, radius)
            self._check_positions(positions)
            return limits.astype(np.int64), distances, self.ids.at(positions)

    def _check_positions(self, positions: np.ndarray) -> None:
        """Raises IndexFileError for finds that a mapped file places out of bounds."""
        if self.mapped and ((positions < 0) | (positions >= len(self))).any():
            raise damaged("its lists name codes that are not there")

    def rerank(self, queries: np.ndarray, candidates: np.ndarray, k: int):
        """The k nearest of candidates, ids [q, c], by exact distances."""
        with self.lock.read():
            positions = self.ids.known_positions(candidates)
            codes = self._codes(positions)
            distances = candidate_distances(self.spec, queries, codes)
            distances, positions = nearest_candidates(distances, positions, k)
            return distances, self.ids.at(positions)

    # === Items ===

    def codes_of(self, ids) -> np.ndarray:
        with self.lock.read():
            return self._codes(self.ids.known_positions(ids)).copy()

    def _codes(self, positions: np.ndarray) -> np.ndarray:
        codes = self.structure.codes(positions)
        if self.mapped:
            try:
                self.spec.check_codes(codes.reshape(-1, self.spec.bytes))
            except ValueError as error:
                raise damaged(error) from None
        return codes

    def labels_of(self, ids) -> np.ndarray | None:
        with self.lock.read():
            positions = self.ids.known_positions(ids)
            return None if self.labels is None else self.labels.rows[positions]

    def names_of(self, ids) -> list[str] | None:
        with self.lock.read():
            positions = self.ids.known_positions(ids)
            return None if self.names is None else self.names.take(positions)

    def find(self, names: list[str]) -> np.ndarray:
        """The ids of all items that have one of some names, in order."""
        with self.lock.read():
            if self.names is None:
                return np.empty(0, np.int64)
            return self.ids.ids[self.names.find(NameColumn.encode(names))]

    def all_ids(self) -> np.ndarray:
        with self.lock.read():
            self.ids.check()
            return self.ids.ids.copy()

    @property
    def options(self) -> dict:
        return self.structure.options

    def arrays(self) -> dict[str, np.ndarray]:
        """The content as plain arrays; see `Index.arrays`."""
        with self.lock.read():
            arrays = {
                "codes": self.structure.codes(slice(None)).copy(),
                "ids": self.ids.ids.copy(),
            }
            if self.labels is not None:
                arrays["labels"] = self.labels.rows.copy()
            if self.names is not None:
                arrays["names"], arrays["name_ends"] = (
                    array.copy() for array in self.names.arrays
                )
            return arrays

    def stats(self) -> dict:
        return {"exact": self.structure.exact, **self.structure.options}

    def describe(self) -> str:
        """The contents, in a few words."""
        count = len(self)
        return f"{count:,} item{'' if count == 1 else 's'}"
