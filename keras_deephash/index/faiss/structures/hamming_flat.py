"""Hash codes compared one by one: exact, no training."""

import os

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.files import read_index, write_index
from keras_deephash.index.faiss.structures.padding import pad, padded_bytes
from keras_deephash.index.faiss.structures.structure import Structure, selector
from keras_deephash.index.faiss.threads import load_faiss
from keras_deephash.index.ranking import RangeResult

FILE = "codes.faissbinary"


class HammingStructure(Structure):
    """Base class of what faiss's binary indexes do alike."""

    def __init__(self, spec, **options):
        super().__init__(spec, **options)
        self.faiss = load_faiss()
        self.bits = 8 * padded_bytes(spec.bytes)
        self.index = self.new_index()

    def new_index(self):
        """An empty faiss index of `self.bits` bits."""
        raise NotImplementedError

    @property
    def storage(self):
        """The `IndexBinaryFlat` that has the codes in their order."""
        return self.index

    def __len__(self) -> int:
        return self.index.ntotal

    def add(self, codes: np.ndarray) -> None:
        self.index.add(pad(codes))

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        return self.index.search(pad(queries), k)

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        return self.storage.range_search(pad(queries), self.faiss_radius(radius))

    def faiss_radius(self, radius: float) -> int:
        """A radius as faiss takes it: exclusive, and no number beyond an int."""
        return int(np.clip(np.floor(radius), -1, self.bits)) + 1

    def codes(self, positions) -> np.ndarray:
        return flat_codes(self.storage)[positions, : self.spec.bytes]

    def remove(self, removed: np.ndarray) -> None:
        kept = self.codes(~removed)
        self.index = self.new_index()
        self.add(kept)

    def own(self) -> None:
        rows = self.faiss.serialize_index_binary(self.index)
        self.index = self.faiss.deserialize_index_binary(rows)

    def write(self, folder: str) -> list[str]:
        write_index(self.index, os.path.join(folder, FILE))
        return [FILE]

    def read(self, saved: SavedFiles, count: int) -> None:
        self.index = self.read_index(saved, count)

    def read_index(self, saved: SavedFiles, count: int):
        """The faiss index in a folder."""
        path = saved.path(FILE)
        return read_index(path, saved.mmap, self.file_types, self.bits, count)

    def check(self) -> None:
        if flat_codes(self.storage)[:, self.spec.bytes :].any():
            raise ValueError("there are bits behind the codes")


def flat_codes(index) -> np.ndarray:
    """A view of the codes in an `IndexBinaryFlat`, with the bytes behind them."""
    if not index.ntotal:  # faiss has no array then.
        return np.empty((0, index.code_size), np.uint8)
    size = index.ntotal * index.code_size
    codes = load_faiss().rev_swig_ptr(index.xb.data(), size)
    return codes.reshape(-1, index.code_size)


class HammingFlat(HammingStructure):
    """Compares a query with all codes."""

    kind = "flat"
    file_types = ("IBxF",)

    def new_index(self):
        return self.faiss.IndexBinaryFlat(self.bits)

    def remove(self, removed: np.ndarray) -> None:
        chosen, _bitmap = selector(self.faiss, removed)
        self.index.remove_ids(chosen)
