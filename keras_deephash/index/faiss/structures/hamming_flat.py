"""Hash codes compared one by one: exact, no training."""

import os

import numpy as np

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
        length = self.bits // 8
        if not len(self):  # faiss has no memory then, of no type.
            return np.empty((0, length), np.uint8)[positions, : self.spec.bytes]
        flat = self.faiss.rev_swig_ptr(self.storage.xb.data(), len(self) * length)
        return flat.reshape(-1, length)[positions, : self.spec.bytes]

    def remove(self, removed: np.ndarray) -> None:
        kept = self.codes(~removed)
        self.index = self.new_index()
        self.add(kept)

    def own(self) -> None:
        rows = self.faiss.serialize_index_binary(self.index)
        self.index = self.faiss.deserialize_index_binary(rows)

    def write(self, folder: str) -> list[str]:
        self.faiss.write_index_binary(self.index, os.path.join(folder, FILE))
        return [FILE]

    def read(self, folder: str, mmap: bool) -> None:
        self.index = self.read_index(folder, mmap)

    def read_index(self, folder: str, mmap: bool):
        """The faiss index in a folder."""
        flags = self.faiss.IO_FLAG_MMAP_IFC if mmap else 0
        index = self.faiss.read_index_binary(os.path.join(folder, FILE), flags)
        self.check_file(index)
        return index


class HammingFlat(HammingStructure):
    """Compares a query with all codes."""

    kind = "flat"
    file_types = ("IndexBinaryFlat",)

    def new_index(self):
        return self.faiss.IndexBinaryFlat(self.bits)

    def remove(self, removed: np.ndarray) -> None:
        chosen, _bitmap = selector(self.faiss, removed)
        self.index.remove_ids(chosen)
