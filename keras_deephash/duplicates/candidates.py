"""Pairs of pictures that may be copies: hashes or semantic codes are near."""

from collections.abc import Iterator

import numpy as np

from keras_deephash.duplicates.groups import Groups
from keras_deephash.duplicates.hamming_pairs import Pairs, pairs_within
from keras_deephash.duplicates.semantic_codes import BITS, semantic_codes
from keras_deephash.index import CodeSpec, Index

# Of 64 bits, the most in which hashes of copies differ that features do not find, such
# as strongly reduced pictures.
HASH_RADIUS = 8
# Results of one search, which bounds the memory.
_RESULTS = 1 << 22


def candidate_pairs(
    records: np.ndarray, semantic_radius: int, groups: Groups
) -> Iterator[Pairs]:
    """Yields pairs of records whose hashes or semantic codes are near.

    Args:
        records: array [n] of `record_type`.
        semantic_radius: int, in bits of 256.
        groups: `Groups` that the caller joins with the pairs that are copies; pairs
            within one group may be left out.

    Yields:
        Tuples of int arrays, numbers of records. A pair may come more than once.
    """
    for name in ("phash", "dhash"):
        yield from pairs_within(records[name][:, None], HASH_RADIUS, groups)
    yield from _near_features(records["features"], semantic_radius)


def _near_features(features: np.ndarray, radius: int) -> Iterator[Pairs]:
    codes = semantic_codes(features)
    index = Index(CodeSpec(BITS))
    index.add(codes)
    size = max(1, _RESULTS // max(1, len(codes)))
    for start in range(0, len(codes), size):
        _, found = index.search(codes[start : start + size], radius=radius)
        counts = [len(ids) for ids in found]
        left = np.repeat(np.arange(start, start + len(found)), counts)
        right = np.concatenate(found)
        once = left < right
        if once.any():
            yield left[once], right[once]
