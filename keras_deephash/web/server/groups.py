"""Groups of items that are alike by their codes."""

import threading

import numpy as np

from keras_deephash.web.server.collection import Collection
from keras_deephash.web.server.records import Group, Groups

_MOST_RADIUS = 8  # Codes that are further apart are not copies, and take long.
_SHOWN = 24


def most_radius(collection: Collection) -> int:
    """The largest radius of a group; a quantizer's codes are equal or not."""
    spec = collection.index.spec
    return 0 if spec.is_quantizer else min(_MOST_RADIUS, spec.bits // 8)


class GroupFinder:
    """Finds the groups of a collection; the last ones that were found are kept."""

    def __init__(self, collection: Collection):
        self._collection = collection
        self._lock = threading.Lock()  # One search at a time: it takes seconds.
        self._found: tuple = (None, [])

    def page(self, radius: int, offset: int, limit: int) -> Groups:
        """A part of the groups of at least two items, the largest first."""
        collection = self._collection
        with self._lock:
            key = collection.version, radius
            if self._found[0] != key:
                self._found = key, self._find(radius)
            found = self._found[1]
        groups = [
            Group(len(ids), collection.existing(ids[:_SHOWN]))
            for ids in found[offset : offset + limit]
        ]
        return Groups(len(found), radius, groups)

    def _find(self, radius: int) -> list[np.ndarray]:
        from keras_deephash.duplicates import group_codes

        with self._collection.lock.read():
            ids = self._collection.index.ids
            codes = self._collection.index.codes(ids)
        labels = group_codes(codes, radius)  # Without the lock: others go on.
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
        parts = np.split(ids[order], starts[1:])
        return sorted((part for part in parts if len(part) > 1), key=len, reverse=True)
