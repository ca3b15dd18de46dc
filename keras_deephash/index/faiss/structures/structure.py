"""What every search structure does: add, search, remove, write, read."""

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.ranking import RangeResult

# What a search by radius returns: the neighbours of query i are the rows
# limits[i] to limits[i + 1] of the distances and the positions.


class Structure:
    """Base class: codes at positions 0 to n - 1, searched by faiss.

    A subclass sets `kind`, and `exact`, whether it finds the true neighbours. Ids,
    labels and names belong to the store above it.

    Args:
        spec: `CodeSpec`.
        **options: of the kind.
    """

    kind = ""
    exact = True
    # The faiss classes that a file may hold.
    file_types: tuple[str, ...] = ()
    default_options: dict = {}

    def __init__(self, spec: CodeSpec, **options):
        unknown = sorted(set(options) - set(self.default_options))
        if unknown:
            known = ", ".join(self.default_options) or "none"
            raise ValueError(
                f"`kind={self.kind!r}` has no option `{unknown[0]}`. Its options: "
                f"{known}. Received: {options}."
            )
        for name, value in options.items():
            if value is None and self.default_options[name] is None:
                continue
            options[name] = check_integer(name, value, minimum=1)
        self.spec = spec
        self.options = {**self.default_options, **options}

    def __len__(self) -> int:
        raise NotImplementedError

    def add(self, codes: np.ndarray) -> None:
        """Appends codes, uint8 [n, bytes]."""
        raise NotImplementedError

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and positions [queries, k]; position -1 where there is none.

        `queries` are packed codes for hash codes, features [q, D] for a quantizer.
        """
        raise NotImplementedError

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        """All within the radius, inclusive, in any order."""
        raise NotImplementedError

    def codes(self, positions) -> np.ndarray:
        """The codes at positions (an index array or a slice), uint8 [n, bytes]."""
        raise NotImplementedError

    def remove(self, removed: np.ndarray) -> None:
        """Drops the positions of a bool mask [n]; the others move up in order."""
        raise NotImplementedError

    def optimize(self) -> None:
        """Fits a trained structure to all codes that are there; others stay.

        Attributes are set anew, never changed in place: see `FaissStore.optimize`.
        """

    def check_file(self, index) -> None:
        """Raises ValueError for a faiss index that is none of this kind and length."""
        found = type(index).__name__
        if found not in self.file_types or index.d != self.index.d:
            raise ValueError(
                f"Expected {self.file_types} of {self.index.d} dimensions. "
                f"Received: {found} of {index.d}."
            )

    def own(self) -> None:
        """Copies into memory what is mapped from files, which may be gone by now."""
        raise NotImplementedError

    def write(self, folder: str) -> list[str]:
        """Writes files into a folder and returns their names."""
        raise NotImplementedError

    def read(self, folder: str, mmap: bool) -> None:
        """Takes the content of files that `write` made."""
        raise NotImplementedError


class InterruptedStructure:
    """Stands for a structure while it changes, and for good if that was interrupted."""

    def __getattr__(self, name: str):
        raise RuntimeError(
            "This index was interrupted while it changed, so its codes and ids may not "
            "belong together. Load it again, or build it anew."
        )


def selector(faiss, removed: np.ndarray):
    """A faiss selector of the positions of a mask, and the memory it points to."""
    bitmap = np.packbits(removed, bitorder="little")
    return faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap)), bitmap
