"""A quantizer's codes in inverted lists."""

import os

import numpy as np

from keras_deephash.index.structures.growing_array import GrowingArray
from keras_deephash.index.structures.inverted_lists import (
    MIN_TRAINING,
    number_of_lists,
    probes,
    training_rows,
)
from keras_deephash.index.structures.product_form import BATCH, reconstruct
from keras_deephash.index.structures.quantized_flat import (
    QuantizedStructure,
    exact_range_search,
)
from keras_deephash.index.structures.structure import (
    RangeResult,
    renumber,
    selector,
)

CODES_FILE, LISTS_FILE = "codes.npy", "lists.npy"


class QuantizedIVF(QuantizedStructure):
    """Codes whose reconstructions are near one of many centres lie in one list.

    A search looks into a few lists. They are learned once there are 4,096 codes,
    before that all codes are scored. `optimize` learns them anew for the codes that
    are there by then. A search by radius is exact, over all codes.

    Args:
        spec: `CodeSpec`.
        lists: int. Defaults to a power of two near 2 sqrt(n).
        probes: int. Lists a search looks into. Defaults to one in 32, at least 4.
    """

    kind = "ivf"
    file_types = ("IndexPQ", "IndexIVFPQ")
    exact = False
    default_options = {"lists": None, "probes": None}

    def __init__(self, spec, **options):
        super().__init__(spec, **options)
        # Codes as faiss has them, with the digits of their norms.
        self._rows = GrowingArray(np.empty((0, self.form.columns), np.uint8))
        self._list_centers = None

    def new_index(self):
        return self.new_flat()

    @property
    def is_trained(self) -> bool:
        """Whether there are lists yet."""
        return self._list_centers is not None

    def add(self, codes: np.ndarray) -> None:
        start, rows = len(self), self.form.codes(codes)
        self._rows.append(rows)
        if self.is_trained:
            self._add_to_lists(rows, start)
            return
        self.index.add_sa_codes(rows)
        if len(self) >= max(MIN_TRAINING, self.options["lists"] or 0):
            self.optimize()

    def optimize(self) -> None:
        rows = self._rows.rows
        lists = self.options["lists"] or number_of_lists(len(rows))
        if len(rows) < lists:
            return
        chosen = rows[training_rows(len(rows), lists)]
        kmeans = self.faiss.Kmeans(
            self.form.dim, lists, niter=10, seed=1, min_points_per_centroid=1
        )
        kmeans.train(self._reconstruct(chosen))
        self._use(kmeans.centroids, self._new_lists(lists))
        self._add_to_lists(rows, 0)

    def _reconstruct(self, rows: np.ndarray) -> np.ndarray:
        return reconstruct(rows[:, : self.spec.bytes], self.spec.centers)

    def _new_lists(self, lists: int):
        columns = self.form.columns
        # The lists of codes and queries are chosen here, in D dimensions, so faiss
        # is never asked for them in its many.
        coarse = self.faiss.IndexFlatIP(columns * self.form.dim)
        index = self.faiss.IndexIVFPQ(
            coarse, coarse.d, lists, columns, 8, self.faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = False
        return self.set_centers(index)

    def _use(self, list_centers: np.ndarray, index) -> None:
        euclidean = self.spec.metric == "euclidean"
        flat = self.faiss.IndexFlatL2 if euclidean else self.faiss.IndexFlatIP
        self._list_centers = np.ascontiguousarray(list_centers)
        self._query_lists = flat(self.form.dim)
        self._query_lists.add(self._list_centers)
        self._code_lists = self.faiss.IndexFlatL2(self.form.dim)
        self._code_lists.add(self._list_centers)
        self.index = index
        self.index.nprobe = probes(self.options["probes"], index.nlist)

    def _add_to_lists(self, rows: np.ndarray, start: int) -> None:
        width = self.index.coarse_code_size()
        for first in range(0, len(rows), BATCH):
            part = rows[first : first + BATCH]
            _, lists = self._code_lists.search(self._reconstruct(part), 1)
            # faiss's own layout: the number of the list, low byte first, the code.
            numbers = (lists >> (8 * np.arange(width)) & 255).astype(np.uint8)
            positions = np.arange(start + first, start + first + len(part))
            self.index.add_sa_codes(np.hstack([numbers, part]), positions)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        if not self.is_trained:
            return super().search(queries, k)
        nearness, lists = self._query_lists.search(queries, self.index.nprobe)
        similarities, positions = self.index.search_preassigned(
            self.form.queries(queries), k, lists, np.zeros_like(nearness)
        )
        missed = positions[:, -1] < 0
        if missed.any():  # Fewer than k codes lie in the lists looked into.
            similarities[missed], positions[missed] = self._all_rows().search(
                self.form.queries(queries[missed]), k
            )
        return self.form.distances(similarities, queries), positions

    def _all_rows(self):
        flat = self.new_flat()
        flat.add_sa_codes(self._rows.rows)
        return flat

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        return exact_range_search(self._all_rows(), self.form, queries, radius)

    def codes(self, positions) -> np.ndarray:
        return self._rows.rows[positions, : self.spec.bytes]

    def remove(self, removed: np.ndarray) -> None:
        self._rows.remove(removed)
        chosen, _bitmap = selector(self.faiss, removed)
        self.index.remove_ids(chosen)
        if self.is_trained:
            renumber(self.faiss, self.index.invlists, removed)

    def write(self, folder: str) -> list[str]:
        files = [*super().write(folder), CODES_FILE]
        np.save(os.path.join(folder, CODES_FILE), self._rows.rows)
        if self.is_trained:
            np.save(os.path.join(folder, LISTS_FILE), self._list_centers)
            files.append(LISTS_FILE)
        return files

    def read(self, folder: str, mmap: bool) -> None:
        index = self.read_index(folder, mmap)
        path = os.path.join(folder, LISTS_FILE)
        if os.path.exists(path):
            self._use(np.load(path), index)
        else:
            self.index = index
        path = os.path.join(folder, CODES_FILE)
        self._rows = GrowingArray(np.load(path, mmap_mode="r" if mmap else None))
