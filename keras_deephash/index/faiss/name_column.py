"""Names of items, such as paths, in two arrays."""

import numpy as np

from keras_deephash.index.faiss.growing_array import GrowingArray
from keras_deephash.index.manifest import damaged

_NAMES_DO_NOT_FIT = "the ends of its names do not fit their text"


class NameColumn:
    """Strings end to end as UTF-8: of millions, a tenth of the memory of a list.

    Args:
        text: uint8 array, the strings' bytes. Defaults to none.
        ends: int64 array [n], where each string ends. Defaults to none.
    """

    def __init__(self, text: np.ndarray | None = None, ends: np.ndarray | None = None):
        self._text = GrowingArray(np.empty(0, np.uint8) if text is None else text)
        self._ends = GrowingArray(np.empty(0, np.int64) if ends is None else ends)

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Text and ends."""
        return self._text.rows, self._ends.rows

    @staticmethod
    def encode(names: list[str]) -> list[bytes]:
        """Names as they are kept, or a ValueError."""
        encoded = []
        for name in names:
            try:
                encoded.append(name.encode("utf-8", "surrogateescape"))
            except UnicodeEncodeError:
                raise ValueError(
                    "`names` must be text, or file names as the system gives them. "
                    f"Received: {name!r}."
                ) from None
        return encoded

    def append(self, encoded: list[bytes]) -> None:
        ends = np.cumsum([len(name) for name in encoded], dtype=np.int64)
        start = len(self._text)
        self._text.append(np.frombuffer(b"".join(encoded), np.uint8))
        self._ends.append(ends + start)

    def take(self, positions) -> list[str]:
        """The names at positions."""
        text, ends = self.arrays
        names = []
        for position in positions:
            start = ends[position - 1] if position else 0
            end = ends[position]
            if not 0 <= start <= end <= len(text):  # Of a mapped file.
                raise damaged(_NAMES_DO_NOT_FIT)
            name = text[start:end].tobytes()
            names.append(name.decode("utf-8", "surrogateescape"))
        return names

    def find(self, encoded: list[bytes]) -> np.ndarray:
        """The positions of all items that have one of some names, in order."""
        self.check()
        text, ends = self.arrays
        starts = np.concatenate([[0], ends[:-1]])
        lengths = ends - starts
        found = np.zeros(len(self), bool)
        for length in {len(name) for name in encoded}:
            rows = np.flatnonzero(lengths == length)
            if not length:
                found[rows] = True
                continue
            wanted = np.array([n for n in encoded if len(n) == length], f"S{length}")
            # As strings of one length, in parts that need little memory.
            part = max(1, (1 << 20) // length)
            for first in range(0, len(rows), part):
                some = rows[first : first + part]
                places = starts[some, None] + np.arange(length)
                names = text[places].view(f"S{length}").ravel()
                found[some] = np.isin(names, wanted)
        return np.flatnonzero(found)

    def check(self) -> None:
        """Raises IndexFileError unless the names cover their text, one by one."""
        text, ends = self.arrays
        # Not by differences, which could overflow.
        rising = (ends[1:] >= ends[:-1]).all() and (ends[:1] >= 0).all()
        if not rising or ends[-1:].sum() != len(text):
            raise damaged(_NAMES_DO_NOT_FIT)

    def remove(self, removed: np.ndarray) -> None:
        """Drops the names of a bool mask [n]."""
        text, ends = self.arrays
        lengths = np.diff(ends, prepend=0)
        self._text = GrowingArray(text[np.repeat(~removed, lengths)])
        self._ends = GrowingArray(np.cumsum(lengths[~removed]))
