"""Names of items, such as paths, in two arrays."""

import numpy as np

from keras_deephash.index.faiss.growing_array import GrowingArray


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
            name = text[start : ends[position]].tobytes()
            names.append(name.decode("utf-8", "surrogateescape"))
        return names

    def remove(self, removed: np.ndarray) -> None:
        """Drops the names of a bool mask [n]."""
        text, ends = self.arrays
        lengths = np.diff(ends, prepend=0)
        self._text = GrowingArray(text[np.repeat(~removed, lengths)])
        self._ends = GrowingArray(np.cumsum(lengths[~removed]))
