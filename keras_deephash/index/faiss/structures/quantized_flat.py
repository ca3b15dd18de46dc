"""A quantizer's codes compared one by one, by look-up tables: exact, no training."""

import os

import numpy as np

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

    def read_index(self, folder: str, mmap: bool):
        """The faiss index in a folder."""
        flags = self.faiss.IO_FLAG_MMAP_IFC if mmap else 0
        index = self.faiss.read_index(os.path.join(folder, self.file), flags)
        self.check_file(index)
        return index

    def own(self) -> None:
        rows = self.faiss.serialize_index(self.index)
        self.index = self.faiss.deserialize_index(rows)

    def write(self, folder: str) -> list[str]:
        self.faiss.write_index(self.index, os.path.join(folder, self.file))
        return [self.file]

    def read(self, folder: str, mmap: bool) -> None:
        self.index = self.read_index(folder, mmap)


class QuantizedFlat(QuantizedStructure):
    """Scores all codes for a query: AQD as it is defined."""

    kind = "flat"
    file_types = ("IndexPQ",)

    def new_index(self):
        return self.new_flat()

    def add(self, codes: np.ndarray) -> None:
        self.index.add_sa_codes(self.form.codes(codes))

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        return exact_range_search(self.index, self.form, queries, radius)

    def codes(self, positions) -> np.ndarray:
        columns = self.form.columns
        if not len(self):  # faiss has no memory then, of no type.
            return np.empty((0, columns), np.uint8)[positions, : self.spec.bytes]
        flat = self.faiss.rev_swig_ptr(self.index.codes.data(), len(self) * columns)
        return flat.reshape(-1, columns)[positions, : self.spec.bytes]

    def remove(self, removed: np.ndarray) -> None:
        chosen, _bitmap = selector(self.faiss, removed)
        self.index.remove_ids(chosen)


def exact_range_search(index, form, queries, radius: float) -> RangeResult:
    """All codes of an `IndexPQ` within a distance, inclusive."""
    # faiss takes one threshold for all queries, and ours depends on a query's length:
    # so one query a call. The threshold is a hair below, float32 being coarse, and
    # what it lets in too much is dropped.
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
