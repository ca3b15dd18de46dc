"""A quantizer's codes of 16 centres per sub-codebook, scanned in registers."""

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.structures.product_form import BATCH
from keras_deephash.index.faiss.structures.quantized_flat import (
    QuantizedFlat,
    QuantizedStructure,
)
from keras_deephash.index.ranking import (
    RangeResult,
    candidate_distances,
    nearest_candidates,
)


class QuantizedFastScan(QuantizedStructure):
    """Look-up tables of bytes in registers find candidates; exact scores rank them.

    Needs a model of 16 centres per sub-codebook, such as
    `DTQ(backbone, subcodebooks=8, subcenters=16)`. The codes are kept twice, for the
    scan and for the exact scores.

    Args:
        spec: `CodeSpec`.
        candidates: int. Codes scored exactly for a query, at least k.
            Defaults to `200`.
    """

    kind = "fast_scan"
    file_types = ("IPfs",)
    exact = False
    default_options = {"candidates": 200}
    base = 16
    file = "fast.faiss"

    def __init__(self, spec, **options):
        if spec.centers.shape[1] > 16:
            raise ValueError(
                '`kind="fast_scan"` needs a codebook of at most 16 centres. Received: '
                f"{spec.centers.shape[1]} centres. Train with `subcenters=16` and "
                'twice the `subcodebooks`, or use `kind="flat"`.'
            )
        super().__init__(spec, **options)
        self._exact = QuantizedFlat(spec)

    def new_index(self):
        columns = self.form.columns
        return self.set_centers(
            self.faiss.IndexPQFastScan(
                columns * self.form.dim, columns, 4, self.faiss.METRIC_INNER_PRODUCT
            )
        )

    def add(self, codes: np.ndarray) -> None:
        table = self.form.faiss_centers()
        columns = np.arange(self.form.columns)
        for start in range(0, len(codes), BATCH):
            rows = self.form.codes(codes[start : start + BATCH])
            # faiss packs the codes in blocks itself, from vectors only.
            self.index.add(table[columns, rows].reshape(len(rows), -1))
        self._exact.add(codes)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        count = min(len(self), max(k, self.options["candidates"]))
        _, candidates = self.index.search(self.form.queries(queries), count)
        codes = self._exact.codes(candidates)
        distances = candidate_distances(self.spec, queries, codes)
        distances, positions = nearest_candidates(distances, candidates, k)
        # faiss leaves out codes whose score is the least that its bytes can hold.
        missed = positions[:, -1] < 0
        if missed.any():
            distances[missed], positions[missed] = self._exact.search(
                queries[missed], k
            )
        return distances, positions

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        return self._exact.range_search(queries, radius)

    def codes(self, positions) -> np.ndarray:
        return self._exact.codes(positions)

    def remove(self, removed: np.ndarray) -> None:
        kept = self.codes(~removed)
        self.index = self.new_index()
        self._exact = QuantizedFlat(self.spec)
        self.add(kept)

    def own(self) -> None:
        super().own()
        self._exact.own()

    def write(self, folder: str) -> list[str]:
        return [*super().write(folder), *self._exact.write(folder)]

    def read(self, saved: SavedFiles, count: int) -> None:
        super().read(saved, count)
        self.index.implem = self.index.qbs = 0
        self._exact.read(saved, count)

    def check(self) -> None:
        self._exact.check()
