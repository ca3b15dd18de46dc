"""All pairs of codes within a Hamming radius, exactly, without comparing all pairs."""

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np

from keras_deephash.duplicates.groups import Groups

# Pairs that are compared at once, which bounds the memory.
_BLOCK = 1 << 20
# The most bits of a part, because its table has an entry for each value.
_MOST_BITS = 22
# The cost of looking up a part of one code, in comparisons of two codes.
_LOOK = 1.0

Pairs = tuple[np.ndarray, np.ndarray]


def pairs_within(
    codes: np.ndarray, radius: int, groups: Groups | None = None
) -> Iterator[Pairs]:
    """Yields every pair of codes within a radius once.

    Codes are cut into parts. If two codes are within the radius, at least one part
    differs in few bits: with 8 bits and three parts, in at most 2. So each part of a
    code is looked up with every choice of so many bits flipped.

    Args:
        codes: uint64 [n, w], the bits of a code in w words. Equal codes cost the square
            of their number, unless `groups` already has them together.
        radius: int, in bits.
        groups: `Groups` that the caller joins with the pairs. If it is given, a pair
            within one group may be left out or repeated. Defaults to `None`.

    Yields:
        Tuples of int arrays, the numbers of the two codes.

    References:
        - [Norouzi et al., Fast Search in Hamming Space with Multi-Index Hashing,
          CVPR 2012](https://ieeexplore.ieee.org/document/6248043)
    """
    count, bits = len(codes), 64 * codes.shape[1]
    parts = _cheapest_parts(count, bits, radius)
    if not parts:
        yield from _compare_all(codes, radius, groups)
        return
    reaches = _reaches(radius, parts)
    # A part has every `parts`-th bit, so that neighbouring bits lie in different parts:
    # in perceptual hashes they are correlated.
    places = [range(part, bits, parts) for part in range(parts)]
    words = [_part(codes, chosen) for chosen in places]
    for number, (word, reach) in enumerate(zip(words, reaches, strict=True)):
        for left, right in _pairs_by_part(word, len(places[number]), reach, groups):
            near = _distances(codes, left, right) <= radius
            left, right = left[near], right[near]
            # Leave out pairs that an earlier part has found.
            for earlier, its_reach in zip(words[:number], reaches, strict=False):
                if groups is None and len(left):
                    apart = np.bitwise_count(earlier[left] ^ earlier[right])
                    left, right = left[apart > its_reach], right[apart > its_reach]
            if len(left):
                yield left, right


def _cheapest_parts(count: int, bits: int, radius: int) -> int:
    """Returns the best number of parts; 0 if it is faster to compare all pairs."""
    best, cost = 0, count / 2
    for parts in range(1, min(bits, radius + 1) + 1):
        width = -(-bits // parts)
        if width > _MOST_BITS:
            continue
        looks = sum(
            sum(comb(width, flips) for flips in range(reach + 1))
            for reach in _reaches(radius, parts)
        )
        each = looks * (_LOOK + count / 2 ** (width + 1))
        if each < cost:
            best, cost = parts, each
    return best


def _reaches(radius: int, parts: int) -> list[int]:
    """Returns the bits that may differ in each part.

    If one more bit differs in every part, the codes are too far apart.
    """
    total = radius + 1 - parts
    return [total // parts + (part < total % parts) for part in range(parts)]


def _part(codes: np.ndarray, places: range) -> np.ndarray:
    """Returns some of the bits of codes, as the low bits of uint32 [n]."""
    part = np.zeros(len(codes), np.uint32)
    for number, place in enumerate(places):
        bit = codes[:, place // 64] >> np.uint64(place % 64) & np.uint64(1)
        part |= bit.astype(np.uint32) << np.uint32(number)
    return part


def _pairs_by_part(
    word: np.ndarray, width: int, reach: int, groups: Groups | None
) -> Iterator[Pairs]:
    """Yields all pairs whose part differs in at most `reach` bits, once."""
    order = np.argsort(word, kind="stable").astype(np.int32)
    keys = word[order]
    ends = np.cumsum(np.bincount(keys, minlength=1 << width), dtype=np.int32)
    starts = np.concatenate([np.zeros(1, np.int32), ends[:-1]])
    buckets = _Buckets(order, keys, groups)
    for flips in range(reach + 1):
        for flipped in combinations(range(width), flips):
            mask = np.uint32(sum(1 << bit for bit in flipped))
            if mask:
                # Only the value without the highest flipped bit looks for the other.
                rows = np.flatnonzero(keys & np.uint32(1 << flipped[-1]) == 0)
                partners = keys[rows] ^ mask
                first, last = starts[partners], ends[partners]
            else:
                rows = np.arange(len(keys))
                first, last = rows + 1, ends[keys]
            some = last > first
            rows, first, last = rows[some], first[some], last[some]
            for a, b in _blocks(rows, first, last, buckets):
                yield order[a], order[b]


class _Buckets:
    """Finds codes that are already in the group of all codes of a bucket.

    A bucket holds the codes with the same value of a part.
    """

    def __init__(self, order: np.ndarray, keys: np.ndarray, groups: Groups | None):
        self._order, self._groups, self._merges = order, groups, 0
        # Each code is in a group of its own at first.
        self._starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
        sizes = np.diff(self._starts, append=len(keys))
        self._bucket = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        self._labels = self._low = self._high = None

    def to_compare(self, rows: np.ndarray, first: np.ndarray) -> np.ndarray | None:
        """Returns which rows are outside the group of a whole bucket; None for all."""
        if self._groups is None or not self._groups.merges:
            return None
        if self._merges != self._groups.merges:
            self._merges = self._groups.merges
            self._labels = self._groups.current[self._order]
            self._low = np.minimum.reduceat(self._labels, self._starts)
            self._high = np.maximum.reduceat(self._labels, self._starts)
        bucket, labels = self._bucket[first], self._labels[rows]
        return (self._low[bucket] != labels) | (self._high[bucket] != labels)


def _blocks(rows, first, last, buckets: _Buckets) -> Iterator[Pairs]:
    """Yields each row with the rows from `first` to `last` - 1, in large blocks."""
    while len(rows):
        wanted = buckets.to_compare(rows, first)
        if wanted is not None:
            rows, first, last = rows[wanted], first[wanted], last[wanted]
            if not len(rows):
                return
        # A row with more partners is a block of its own.
        sums = np.cumsum(last - first, dtype=np.int64)
        taken = max(1, int(np.searchsorted(sums, _BLOCK, side="right")))
        counts = last[:taken] - first[:taken]
        begins = sums[:taken] - counts
        offsets = np.arange(sums[taken - 1]) - np.repeat(begins, counts)
        partners = np.repeat(first[:taken], counts) + offsets
        yield np.repeat(rows[:taken], counts), partners
        rows, first, last = rows[taken:], first[taken:], last[taken:]


def _compare_all(
    codes: np.ndarray, radius: int, groups: Groups | None
) -> Iterator[Pairs]:
    rows = np.arange(len(codes))
    last = np.full(len(codes), len(codes))
    alone = _Buckets(rows, np.zeros(len(codes), np.uint32), groups)
    for left, right in _blocks(rows[:-1], rows[1:], last[1:], alone):
        near = _distances(codes, left, right) <= radius
        if near.any():
            yield left[near], right[near]


def _distances(codes: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    distances = np.zeros(len(left), np.uint16)
    for column in codes.T:
        distances += np.bitwise_count(column[left] ^ column[right])
    return distances
