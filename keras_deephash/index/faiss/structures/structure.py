"""The base class of the search structures."""

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.ranking import RangeResult

MAX_OPTION = 1 << 20


class Structure:
    """Base class: codes at positions 0 to n - 1, searched by faiss.

    A subclass sets `kind`, and `exact`, whether it finds the true neighbours. Ids,
    labels and names belong to the store above it; and codes are added once, however
    many items have them: see `DistinctCodes`.

    Args:
        spec: `CodeSpec`.
        **options: of the kind.
    """

    kind = ""
    exact = True
    # Whether it fails where codes repeat.
    needs_distinct = False
    # The types of index that a file may hold: keys of `layouts.LAYOUTS`.
    file_types: tuple[str, ...] = ()
    default_options: dict = {}
    # The largest value of an option. Beyond it a search, also one in an index from
    # a stranger, could take all memory.
    largest_options: dict = {}

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
            value = check_integer(name, value, minimum=1)
            largest = self.largest_options.get(name, MAX_OPTION)
            options[name] = check_integer(name, value, minimum=1, maximum=largest)
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

    def own(self) -> None:
        """Copies into memory what is mapped from files, which may be gone by now."""
        raise NotImplementedError

    # === Files ===

    # The format of a saved index that its files need.
    format_version = 1

    def write(self, folder: str) -> list[str]:
        """Writes files into a folder and returns their names."""
        raise NotImplementedError

    def read(self, saved: SavedFiles, count: int) -> None:
        """Takes the content of files that `write` made; they must hold `count` codes.

        What a search relies on is checked here, mapped or not, and raises ValueError.
        """
        raise NotImplementedError

    def check(self) -> None:
        """Reads all that is there and raises ValueError where it does not fit.

        After `read`, and for what was mapped after `own`.
        """


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
