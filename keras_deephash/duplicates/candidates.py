"""Pairs of pictures that may be copies: those that either kind of code is near in."""

from collections.abc import Iterator

import numpy as np

from keras_deephash.duplicates.groups import Groups
from keras_deephash.duplicates.hamming_pairs import Pairs, pairs_within
from keras_deephash.duplicates.semantic_codes import BITS, semantic_codes
from keras_deephash.index import CodeSpec, Index

# Bits of 64 within which hashes of copies lie that features do not find, of pictures
# made small.
HASH_RADIUS = 8
# Results of a search at a time, which bounds the memory.
_RESULTS = 1 << 22


def candidate_pairs(
    records: np.ndarray, semantic_radius: int, groups: Groups
) -> Iterator[Pairs]:
    """Pairs of records whose hashes or semantic codes are near.

    Args:
        records: array [n] of `record_type`.
        semantic_radius: int, in bits of 256.
        groups: `Groups` that the caller joins with the pairs that are copies; of pairs
            within one group some are left out.

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
