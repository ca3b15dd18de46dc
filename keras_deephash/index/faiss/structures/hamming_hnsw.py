"""Hash codes in a graph of neighbours."""

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.structures.hamming_flat import HammingStructure
from keras_deephash.index.faiss.structures.padding import pad


class HammingHNSW(HammingStructure):
    """Walks a graph of neighbours towards the query: no training, slow to build.

    Codes must be distinct: a graph of equal ones falls apart. Removal of a code builds
    the graph anew, so remove many at once.

    Args:
        spec: `CodeSpec`.
        links: int. Neighbours per code. Defaults to `16`.
        build_width: int. Candidates while building. Defaults to `40`.
        width: int. Candidates while searching: more find more. Defaults to `64`.
    """

    kind = "hnsw"
    file_types = ("IBHf",)
    needs_distinct = True
    exact = False
    default_options = {"links": 16, "build_width": 40, "width": 64}
    largest_options = {"links": 2048, "build_width": 65_536}

    def new_index(self):
        index = self.faiss.IndexBinaryHNSW(self.bits, self.options["links"])
        index.hnsw.efConstruction = self.options["build_width"]
        index.hnsw.efSearch = self.options["width"]
        return index

    @property
    def storage(self):
        return self.faiss.downcast_IndexBinary(self.index.storage)

    def read(self, saved: SavedFiles, count: int) -> None:
        super().read(saved, count)
        self._check_graph()
        self.index.is_trained = True
        self.index.hnsw.efConstruction = self.options["build_width"]
        self.index.hnsw.efSearch = self.options["width"]

    def _check_graph(self) -> None:
        """Raises ValueError where a walk would leave the graph.

        faiss follows the links without checking their bounds, so they are read entirely
        even where they are mapped.
        """
        hnsw, empty = self.index.hnsw, self.new_index()  # Kept: it owns its graph.
        to_array = self.faiss.vector_to_array
        # A point has `upto[level]` places for links below a level, and `tops` levels.
        upto = to_array(hnsw.cum_nneighbor_per_level).astype(np.int64)
        tops, offsets = to_array(hnsw.levels), to_array(hnsw.offsets).astype(np.int64)
        count, places = len(tops), int(hnsw.neighbors.size())
        same = all(
            np.array_equal(*(to_array(getattr(h, name)) for h in (hnsw, empty.hnsw)))
            for name in ("cum_nneighbor_per_level", "assign_probas")
        )
        if not same:
            raise ValueError("its graph does not have the links of its options")
        if not count:
            begins = (hnsw.entry_point, hnsw.max_level) == (-1, -1) and not places
            if not begins:
                raise ValueError("its graph has links, and no codes")
            return
        fits = 1 <= tops.min() <= tops.max() < len(upto)
        fits = fits and offsets[0] == 0 and offsets[-1] == places
        if not (fits and np.array_equal(np.diff(offsets), upto[tops])):
            raise ValueError("the levels of its graph do not fit its links")
        links = self.faiss.rev_swig_ptr(hnsw.neighbors.data(), places)
        if not -1 <= links.min() <= links.max() < count:
            raise ValueError("the links of its graph are out of bounds")
        for level in range(1, int(tops.max())):
            points = np.flatnonzero(tops > level)
            starts = offsets[points, None]
            there = links[starts + np.arange(upto[level], upto[level + 1])]
            if (tops[there[there >= 0]] <= level).any():
                raise ValueError("the links of its graph leave their level")
        top, entry = hnsw.max_level, hnsw.entry_point
        if not 0 <= entry < count or not 0 <= top < tops[entry]:
            raise ValueError("its graph begins out of bounds")

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
