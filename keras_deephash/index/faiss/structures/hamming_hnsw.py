"""Hash codes in a graph of neighbours."""

import numpy as np

from keras_deephash.index.faiss.structures.hamming_flat import HammingStructure
from keras_deephash.index.faiss.structures.padding import pad


class HammingHNSW(HammingStructure):
    """Walks a graph of neighbours towards the query: no training, slow to build.

    Removal builds the graph anew, so remove many at once.

    Args:
        spec: `CodeSpec`.
        links: int. Neighbours a code. Defaults to `16`.
        build_width: int. Candidates while building. Defaults to `40`.
        width: int. Candidates while searching: more find more. Defaults to `64`.
    """

    kind = "hnsw"
    file_types = ("IndexBinaryHNSW",)
    exact = False
    default_options = {"links": 16, "build_width": 40, "width": 64}

    def new_index(self):
        index = self.faiss.IndexBinaryHNSW(self.bits, self.options["links"])
        index.hnsw.efConstruction = self.options["build_width"]
        index.hnsw.efSearch = self.options["width"]
        return index

    @property
    def storage(self):
        return self.faiss.downcast_IndexBinary(self.index.storage)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        # A walk with fewer candidates than k finds fewer than k.
        width = max(self.options["width"], k)
        parameters = self.faiss.SearchParametersHNSW(efSearch=width)
        queries = pad(queries)
        distances, positions = self.index.search(queries, k, params=parameters)
        missed = (positions < 0).any(axis=1)
        if missed.any():  # A part of the graph was out of reach.
            distances[missed], positions[missed] = self.storage.search(
                queries[missed], k
            )
        return distances, positions
