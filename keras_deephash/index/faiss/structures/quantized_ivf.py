"""A quantizer's codes in inverted lists."""

import os

import numpy as np

from keras_deephash.codebooks.scores import reconstruct
from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.structures.inverted_file import InvertedFile
from keras_deephash.index.faiss.structures.product_form import BATCH
from keras_deephash.index.faiss.structures.quantized_flat import (
    QuantizedStructure,
    exact_range_search,
    pq_codes,
)
from keras_deephash.index.ranking import RangeResult

LISTS_FILE = "lists.npy"


class QuantizedIVF(InvertedFile, QuantizedStructure):
    """Codes whose reconstructions are near one of many centres lie in one list.

    Args:
        spec: `CodeSpec`.
        **options: of `InvertedFile`.
    """

    file_types = ("IxPq", "IwPQ")

    def new_index(self):
        return self.new_flat()

    def to_rows(self, codes: np.ndarray) -> np.ndarray:
        # As faiss has them, with the digits of their norms.
        return self.form.codes(codes)

    def add_to_flat(self, index, rows: np.ndarray) -> None:
        index.add_sa_codes(rows)

    def flat_rows(self, index) -> np.ndarray:
        return pq_codes(index)

    def new_lists(self, rows: np.ndarray, lists: int):
        kmeans = self.faiss.Kmeans(
            self.form.dim, lists, niter=10, seed=1, min_points_per_centroid=1
        )
        kmeans.train(self._reconstruct(rows))
        self._set_list_centers(kmeans.centroids)
        columns = self.form.columns
        # The lists of codes and queries are chosen here, in D dimensions, so faiss
        # is never asked for them in its many.
        coarse = self.faiss.IndexFlatIP(columns * self.form.dim)
        index = self.faiss.IndexIVFPQ(
            coarse, coarse.d, lists, columns, 8, self.faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = False
        return self.set_centers(index)

    def _set_list_centers(self, list_centers: np.ndarray) -> None:
        euclidean = self.spec.metric == "euclidean"
        flat = self.faiss.IndexFlatL2 if euclidean else self.faiss.IndexFlatIP
        self._list_centers = np.ascontiguousarray(list_centers)
        self._query_lists = flat(self.form.dim)
        self._query_lists.add(self._list_centers)
        self._code_lists = self.faiss.IndexFlatL2(self.form.dim)
        self._code_lists.add(self._list_centers)

    def _reconstruct(self, rows: np.ndarray) -> np.ndarray:
        return reconstruct(rows[:, : self.spec.bytes], self.spec.centers)

    def add_to_lists(self, index, rows: np.ndarray, start: int) -> None:
        width = index.coarse_code_size()
        for first in range(0, len(rows), BATCH):
            part = rows[first : first + BATCH]
            _, lists = self._code_lists.search(self._reconstruct(part), 1)
            # faiss's own layout: the number of the list, low byte first, the code.
            numbers = (lists >> (8 * np.arange(width)) & 255).astype(np.uint8)
            positions = np.arange(start + first, start + first + len(part))
            index.add_sa_codes(np.hstack([numbers, part]), positions)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        if not self.is_trained:
            return super().search(queries, k)
        nearness, lists = self._query_lists.search(queries, self.index.nprobe)
        similarities, positions = self.index.search_preassigned(
            self.form.queries(queries), k, lists, np.zeros_like(nearness)
        )
        missed = self.missed(positions)
        if missed is not None:
            similarities[missed], positions[missed] = self.all_rows().search(
                self.form.queries(queries[missed]), k
            )
        return self.form.distances(similarities, queries), positions

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        return exact_range_search(self.all_rows(), self.form, queries, radius)

    def write(self, folder: str) -> list[str]:
        files = super().write(folder)
        if self.is_trained:
            np.save(os.path.join(folder, LISTS_FILE), self._list_centers)
            files.append(LISTS_FILE)
        return files

    def check(self) -> None:
        self.form.check(self.rows.rows)
        super().check()

    def read(self, saved: SavedFiles, count: int) -> None:
        super().read(saved, count)
        if not self.is_trained:
            self.index.search_type = self.faiss.IndexPQ.ST_PQ
            return
        shape = self.index.nlist, self.form.dim
        centers = saved.column(LISTS_FILE, np.float32, shape)
        if not np.isfinite(centers).all():
            raise ValueError(f"{LISTS_FILE} holds NaN or infinity")
        self._set_list_centers(centers)
