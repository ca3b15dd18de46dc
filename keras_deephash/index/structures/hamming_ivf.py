"""Hash codes in inverted lists."""

import os

import numpy as np

from keras_deephash.index.structures.growing_array import GrowingArray
from keras_deephash.index.structures.hamming_flat import HammingStructure
from keras_deephash.index.structures.inverted_lists import (
    MIN_TRAINING,
    number_of_lists,
    probes,
    training_rows,
)
from keras_deephash.index.structures.padding import pad
from keras_deephash.index.structures.structure import (
    RangeResult,
    renumber,
    selector,
)

CODES_FILE = "codes.npy"


class HammingIVF(HammingStructure):
    """Codes near one of many centres lie in one list; a search looks into a few.

    The lists are learned once there are 4,096 codes, before that all codes are
    compared. `optimize` learns them anew for the codes that are there by then.
    A search by radius is exact, over all codes.

    Args:
        spec: `CodeSpec`.
        lists: int. Defaults to a power of two near 2 sqrt(n).
        probes: int. Lists a search looks into. Defaults to one in 32, at least 4.
    """

    kind = "ivf"
    file_types = ("IndexBinaryFlat", "IndexBinaryIVF")
    exact = False
    default_options = {"lists": None, "probes": None}

    def __init__(self, spec, **options):
        super().__init__(spec, **options)
        self._codes = GrowingArray(np.empty((0, spec.bytes), np.uint8))

    def new_index(self):
        return self.faiss.IndexBinaryFlat(self.bits)

    @property
    def is_trained(self) -> bool:
        """Whether there are lists yet."""
        return isinstance(self.index, self.faiss.IndexBinaryIVF)

    def add(self, codes: np.ndarray) -> None:
        self._codes.append(codes)
        if self.is_trained:
            positions = np.arange(len(self), len(self) + len(codes))
            self.index.add_with_ids(pad(codes), positions)
            return
        self.index.add(pad(codes))
        if len(self) >= max(MIN_TRAINING, self.options["lists"] or 0):
            self.optimize()

    def optimize(self) -> None:
        count = len(self)
        lists = self.options["lists"] or number_of_lists(count)
        if count < lists:
            return
        codes = self._codes.rows
        quantizer = self.faiss.IndexBinaryFlat(self.bits)
        index = self.faiss.IndexBinaryIVF(quantizer, self.bits, lists)
        index.cp.min_points_per_centroid = 1
        # The lists of a query are chosen by the same distance.
        index.train(pad(codes[training_rows(count, lists)]))
        index.add_with_ids(pad(codes), np.arange(count))
        self._use(index)

    def _use(self, index) -> None:
        index.nprobe = probes(self.options["probes"], index.nlist)
        self.index = index

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        distances, positions = super().search(queries, k)
        missed = positions[:, -1] < 0
        if missed.any():  # Fewer than k codes lie in the lists looked into.
            every = self.faiss.SearchParametersIVF(nprobe=self.index.nlist)
            distances[missed], positions[missed] = self.index.search(
                pad(queries[missed]), k, params=every
            )
        return distances, positions

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        if not self.is_trained:
            return super().range_search(queries, radius)
        flat = self.faiss.IndexBinaryFlat(self.bits)
        flat.add(pad(self._codes.rows))
        return flat.range_search(pad(queries), int(radius) + 1)

    def codes(self, positions) -> np.ndarray:
        return self._codes.rows[positions]

    def remove(self, removed: np.ndarray) -> None:
        self._codes.remove(removed)
        chosen, _bitmap = selector(self.faiss, removed)
        self.index.remove_ids(chosen)
        if self.is_trained:
            renumber(self.faiss, self.index.invlists, removed)

    def write(self, folder: str) -> list[str]:
        np.save(os.path.join(folder, CODES_FILE), self._codes.rows)
        return [*super().write(folder), CODES_FILE]

    def read(self, folder: str, mmap: bool) -> None:
        index = self.read_index(folder, mmap)
        if isinstance(index, self.faiss.IndexBinaryIVF):
            self._use(index)
        else:
            self.index = index
        path = os.path.join(folder, CODES_FILE)
        self._codes = GrowingArray(np.load(path, mmap_mode="r" if mmap else None))
