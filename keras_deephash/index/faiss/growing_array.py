"""An array that grows at its end, mostly without a copy."""

import numpy as np


class GrowingArray:
    """Rows of one dtype and shape; capacity doubles as needed.

    Args:
        rows: array [n, ...], the first rows.
    """

    def __init__(self, rows: np.ndarray):
        self._rows = rows
        self._length = len(rows)

    def __len__(self) -> int:
        return self._length

    @property
    def rows(self) -> np.ndarray:
        """A view of all rows, valid until the next change."""
        return self._rows[: self._length]

    def append(self, rows: np.ndarray) -> None:
        wanted = self._length + len(rows)
        # What is mapped from a file is copied at the first change.
        if wanted > len(self._rows) or not self._rows.flags.writeable:
            capacity = max(wanted, 2 * len(self._rows))
            larger = np.empty((capacity, *self._rows.shape[1:]), self._rows.dtype)
            larger[: self._length] = self.rows
            self._rows = larger
        self._rows[self._length : wanted] = rows
        self._length = wanted

    def remove(self, removed: np.ndarray) -> None:
        """Drops the rows of a bool mask [n]."""
        self._rows = self.rows[~removed]
        self._length = len(self._rows)
