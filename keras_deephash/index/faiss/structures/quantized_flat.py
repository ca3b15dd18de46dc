"""A quantizer's codes compared one by one, by look-up tables: exact, no training."""

import os

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.files import read_index, write_index
from keras_deephash.index.faiss.structures.product_form import ProductForm
from keras_deephash.index.faiss.structures.structure import Structure, selector
from keras_deephash.index.faiss.threads import load_faiss
from keras_deephash.index.ranking import RangeResult


class QuantizedStructure(Structure):
    """Base class of the structures over faiss's product quantizers."""

    base = 256
    file = "codes.faiss"

    def __init__(self, spec, **options):
        super().__init__(spec, **options)
        self.faiss = load_faiss()
        self.form = ProductForm(spec.centers, spec.metric, self.base)
        self.index = self.new_index()

    def new_index(self):
        """An empty faiss index with our centres."""
        raise NotImplementedError

    def set_centers(self, index):
        """Gives a faiss index our centres, so that it needs no training."""
        self.faiss.copy_array_to_vector(
            self.form.faiss_centers().ravel(), index.pq.centroids
        )
        index.is_trained = True
        return index

    def new_flat(self):
        columns = self.form.columns
        return self.set_centers(
            self.faiss.IndexPQ(
                columns * self.form.dim, columns, 8, self.faiss.METRIC_INNER_PRODUCT
            )
        )

    def __len__(self) -> int:
        return self.index.ntotal

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        similarities, positions = self.index.search(self.form.queries(queries), k)
        return self.form.distances(similarities, queries), positions

    def read_index(self, saved: SavedFiles, count: int):
        """The faiss index in a folder, with our centres whatever it says."""
        columns = self.form.columns
        index = read_index(
            saved.path(self.file),
            saved.mmap,
            self.file_types,
            columns * self.form.dim,
            count,
            columns,
        )
        return self.set_centers(index)

    def own(self) -> None:
        rows = self.faiss.serialize_index(self.index)
        self.index = self.faiss.deserialize_index(rows)

    def write(self, folder: str) -> list[str]:
        write_index(self.index, os.path.join(folder, self.file))
        return [self.file]

    def read(self, saved: SavedFiles, count: int) -> None:
        self.index = self.read_index(saved, count)


def pq_codes(index) -> np.ndarray:
    """A view of the codes in an `IndexPQ`, with the digits behind them."""
    if not index.ntotal:  # faiss has no array then.
        return np.empty((0, index.pq.M), np.uint8)
    codes = load_faiss().rev_swig_ptr(index.codes.data(), index.ntotal * index.pq.M)
    return codes.reshape(-1, index.pq.M)


class QuantizedFlat(QuantizedStructure):
    """Scores all codes for a query: AQD as it is defined."""

    kind = "flat"
    file_types = ("IxPq",)

    def new_index(self):
        return self.new_flat()

    def read(self, saved: SavedFiles, count: int) -> None:
        super().read(saved, count)
        self.index.search_type = self.faiss.IndexPQ.ST_PQ

    def check(self) -> None:
        self.form.check(pq_codes(self.index))

    def add(self, codes: np.ndarray) -> None:
        self.index.add_sa_codes(self.form.codes(codes))

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        return exact_range_search(self.index, self.form, queries, radius)

    def codes(self, positions) -> np.ndarray:
        return pq_codes(self.index)[positions, : self.spec.bytes]

    def remove(self, removed: np.ndarray) -> None:
        chosen, _bitmap = selector(self.faiss, removed)
        self.index.remove_ids(chosen)


def exact_range_search(index, form, queries, radius: float) -> RangeResult:
    """All codes of an `IndexPQ` within a distance, inclusive."""
    # faiss takes one threshold for all queries, and ours depends on a query's length:
    # so there is one call for each query. The threshold is slightly below, float32
    # being coarse, and what it lets in too much is dropped.
    limits, distances, positions = [0], [], []
    for query, least in zip(
        queries, form.least_similarity(radius, queries), strict=True
    ):
        threshold = np.float32(least - 1e-5 * max(1.0, abs(least)))
        _, similarities, found = index.range_search(
            form.queries(query[None]), float(threshold)
        )
        apart = form.distances(similarities[None], query[None])[0]
        kept = apart <= radius
        distances.append(apart[kept])
        positions.append(found[kept])
        limits.append(limits[-1] + int(kept.sum()))
    empty = [np.empty(0, np.float32)], [np.empty(0, np.int64)]
    return (
        np.array(limits),
        np.concatenate(distances or empty[0]),
        np.concatenate(positions or empty[1]),
    )
