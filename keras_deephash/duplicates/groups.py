"""Groups that grow together as pairs of their items are found."""

import numpy as np

# Pairs are merged once there are this many, because merging passes over all items.
_FEWEST_PAIRS = 1 << 16


class Groups:
    """A partition of items: at first each is alone, and every pair joins two groups.

    Pairs come in arrays, and are merged many at a time.

    Args:
        count: int. Number of the items.

    Example:

    >>> groups = Groups(4)
    >>> groups.join(np.array([0, 1]), np.array([2, 2]))
    >>> groups.labels()
    array([0, 0, 0, 1], dtype=int32)
    """

    def __init__(self, count: int):
        self.merges = 0  # Grows when labels change.
        self._labels = np.arange(count, dtype=np.int32)
        self._count = count
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._waiting = 0

    @property
    def current(self) -> np.ndarray:
        """Labels [n] of the pairs merged so far; equal labels are in one group."""
        return self._labels

    def join(self, left: np.ndarray, right: np.ndarray) -> None:
        """Joins the groups of the items `left[k]` and `right[k]`, int arrays [k]."""
        left, right = self._labels[left], self._labels[right]
        apart = left != right
        if not apart.any():
            return
        self._pairs.append((left[apart], right[apart]))
        self._waiting += int(apart.sum())
        if self._waiting >= max(_FEWEST_PAIRS, len(self._labels) // 4):
            self._merge()

    def labels(self) -> np.ndarray:
        """Returns the group of each item, int32 [n], numbered by their first items."""
        self._merge()
        _, first, inverse = np.unique(
            self._labels, return_index=True, return_inverse=True
        )
        order = np.empty(len(first), np.int32)
        order[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
        return order[inverse]

    def _merge(self) -> None:
        if not self._pairs:
            return
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        left, right = map(np.concatenate, zip(*self._pairs, strict=True))
        ones = np.ones(len(left), np.bool_)
        graph = coo_matrix((ones, (left, right)), shape=(self._count, self._count))
        self._count, merged = connected_components(graph, directed=False)
        self._labels = merged[self._labels]
        self._pairs, self._waiting = [], 0
        self.merges += 1


def members(labels: np.ndarray, smallest: int = 2) -> list[np.ndarray]:
    """Returns the sorted items of each group of at least `smallest` items."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    parts = np.split(order, starts[1:]) if len(order) else []
    return sorted((p for p in parts if len(p) >= smallest), key=lambda part: part[0])
