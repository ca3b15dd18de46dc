"""The names and labels of an index, for filters."""

from dataclasses import dataclass

import numpy as np

from keras_deephash.index import Index
from keras_deephash.text import printable


@dataclass(frozen=True)
class Catalog:
    """The items of an index at one moment.

    Args:
        ids: int64 array [n].
        names: list of n str, folded for comparison; empty without names.
        labels: array [n] or [n, L]; `None` without labels.
    """

    ids: np.ndarray
    names: list[str]
    labels: np.ndarray | None

    @classmethod
    def of(cls, index: Index) -> "Catalog":
        ids = index.ids
        names = [name.casefold() for name in index.names(ids) or ()]
        return cls(ids, names, index.labels(ids))

    def matching(self, name: str, label: int | None) -> np.ndarray:
        """The ids of items whose names contain a text and that have a label."""
        fits = np.ones(len(self.ids), bool)
        if name:
            text = name.casefold()
            found = [text in each for each in self.names]
            fits &= np.array(found, bool) if self.names else False
        if label is not None:
            fits &= _has_label(self.labels, label)
        return self.ids[fits]


def label_counts(labels: np.ndarray | None) -> dict[int, int]:
    """How many items have each label."""
    if labels is None:
        return {}
    if labels.ndim == 2:
        counts = labels.sum(axis=0, dtype=np.int64)
        return {number: int(count) for number, count in enumerate(counts) if count}
    values, counts = np.unique(labels, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _has_label(labels: np.ndarray | None, label: int):
    if labels is None or labels.ndim == 2 and not 0 <= label < labels.shape[1]:
        return False
    return labels == label if labels.ndim == 1 else labels[:, label] > 0


def label_lists(labels: np.ndarray | None, count: int) -> list[list[int]]:
    """The numbers of the labels of each of some items."""
    if labels is None:
        return [[] for _ in range(count)]
    if labels.ndim == 1:
        return [[int(label)] for label in labels]
    return [np.flatnonzero(row).tolist() for row in labels]


def shown_names(names: list[str] | None, count: int) -> list[str]:
    """Names as a page can show them; empty where there are none."""
    return [""] * count if names is None else [printable(name) for name in names]
