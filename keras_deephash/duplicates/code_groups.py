"""Grouping codes that are linked by pairs within a Hamming radius."""

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.duplicates.groups import Groups
from keras_deephash.duplicates.hamming_pairs import pairs_within


def group_codes(codes: np.ndarray, radius: int) -> np.ndarray:
    """Groups codes that are linked by pairs within a Hamming radius.

    Exact: two codes are in one group if and only if a chain of codes leads from one to
    the other, each within the radius of the next. A million random codes of 64 bits
    take seconds at radius 8. It takes longer the more bits many codes have in common.

    Args:
        codes: uint8 [n, bits / 8], packed codes.
        radius: int, in bits.

    Returns:
        int32 array [n]: the group of each code, numbered from 0 in the order of their
        first codes.

    Raises:
        ValueError: if `codes` are not packed codes, or the radius is below 0.

    Example:

    >>> group_codes(np.array([[0], [255], [1]], "uint8"), radius=1)
    array([0, 1, 0], dtype=int32)
    """
    codes = np.asarray(codes)
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] == 0:
        raise ValueError(
            "`codes` must be packed codes of dtype uint8 and shape [n, bits / 8]. "
            f"Received: dtype={codes.dtype}, shape={codes.shape}."
        )
    radius = check_integer("radius", radius, minimum=0)
    if not len(codes):
        return np.empty(0, np.int32)
    distinct, number = np.unique(as_words(codes), axis=0, return_inverse=True)
    groups = Groups(len(distinct))
    if radius:
        for left, right in pairs_within(distinct, radius, groups):
            groups.join(left, right)
    return _in_order(groups.labels()[number.ravel()])


def as_words(codes: np.ndarray) -> np.ndarray:
    """Returns packed codes as uint64 [n, w], filled up with zeros."""
    words = -(-codes.shape[1] // 8)
    padded = np.zeros((len(codes), 8 * words), np.uint8)
    padded[:, : codes.shape[1]] = codes
    return padded.view(np.uint64)


def _in_order(labels: np.ndarray) -> np.ndarray:
    """Renumbers labels in the order of their first items."""
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[number]
