"""Hash codes in inverted lists."""

import numpy as np

from keras_deephash.index.faiss.structures.hamming_flat import (
    HammingStructure,
    flat_codes,
)
from keras_deephash.index.faiss.structures.inverted_file import InvertedFile
from keras_deephash.index.faiss.structures.padding import pad


class HammingIVF(InvertedFile, HammingStructure):
    """Codes near one of many centres lie in one list; a search looks into a few.

    Args:
        spec: `CodeSpec`.
        **options: of `InvertedFile`.
    """

    file_types = ("IBxF", "IBwF")

    def new_index(self):
        return self.faiss.IndexBinaryFlat(self.bits)

    @property
    def storage(self):
        return self.all_rows()

    def add_to_flat(self, index, rows: np.ndarray) -> None:
        index.add(pad(rows))

    def flat_rows(self, index) -> np.ndarray:
        return flat_codes(index)

    def faiss_rows(self, rows: np.ndarray) -> np.ndarray:
        return pad(rows)

    def new_lists(self, rows: np.ndarray, lists: int):
        # The lists of a query are chosen by the same distance.
        index = self.faiss.IndexBinaryIVF(self.new_index(), self.bits, lists)
        index.cp.min_points_per_centroid = 1
        index.train(pad(rows))
        return index

    def add_to_lists(self, index, rows: np.ndarray, start: int) -> None:
        index.add_with_ids(pad(rows), np.arange(start, start + len(rows)))

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        distances, positions = super().search(queries, k)
        missed = self.missed(positions)
        if missed is not None:
            every = self.faiss.SearchParametersIVF(nprobe=self.index.nlist)
            distances[missed], positions[missed] = self.index.search(
                pad(queries[missed]), k, params=every
            )
        return distances, positions
