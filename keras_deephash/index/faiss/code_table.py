"""The number of each distinct code."""

import numpy as np

from keras_deephash.index.faiss.growing_array import GrowingArray

# Codes that are looked up at once: their slots stay in the processor's caches.
_PART = 1 << 16


class CodeTable:
    """Numbers codes in the order of their first appearance.

    A hash table with open addressing in one array: of millions of codes, a tenth of
    the memory of a dict, and many codes are looked up at once.

    Args:
        code_bytes: int. Bytes of a code.
    """

    def __init__(self, code_bytes: int):
        words = -(-code_bytes // 8)
        self._codes = GrowingArray(np.empty((0, words), np.uint64))
        self._factors = _factors(words)
        self._slots = np.full(1 << 10, -1, np.int32)

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of codes, new ones behind those that are there.

        Args:
            codes: uint8 [n, bytes].

        Returns:
            Tuple of numbers, int32 [n], and a bool mask [n] of those rows that are the
            first of their code.
        """
        numbers = np.empty(len(codes), np.int32)
        first = np.zeros(len(codes), bool)
        for start in range(0, len(codes), _PART):
            part = slice(start, start + _PART)
            numbers[part], first[part] = self._add_part(_words(codes[part]))
        return numbers, first

    def _add_part(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._make_room(len(words))
        count, slots = len(self), self._home_slots(words)
        numbers = np.full(len(words), -1, np.int32)
        # The rows of new codes, in the order in which they found a place.
        placed, places = [], []
        waiting = np.arange(len(words))
        while len(waiting):
            rows = waiting[self._slots[slots[waiting]] < 0]
            # Of rows that meet one free slot, the first takes it.
            taken, chosen = np.unique(slots[rows], return_index=True)
            rows = rows[chosen]
            self._slots[taken] = np.arange(len(self), len(self) + len(rows))
            self._codes.append(words[rows])
            placed.append(rows)
            places.append(taken)
            there = self._slots[slots[waiting]]
            same = (self._codes.rows[there] == words[waiting]).all(axis=1)
            numbers[waiting[same]] = there[same]
            waiting = waiting[~same]
            slots[waiting] = (slots[waiting] + 1) & (len(self._slots) - 1)
        rows, taken = np.concatenate(placed), np.concatenate(places)
        order = np.argsort(rows)
        self._slots[taken[order]] = np.arange(count, len(self))
        self._codes.rows[count:] = words[rows[order]]
        final = np.empty(len(rows), np.int32)
        final[order] = np.arange(count, len(self))
        new = numbers >= count
        numbers[new] = final[numbers[new] - count]
        first = np.zeros(len(words), bool)
        first[rows] = True
        return numbers, first

    def _make_room(self, count: int) -> None:
        """Keeps half of the slots free."""
        wanted = 2 * (len(self) + count)
        if wanted <= len(self._slots):
            return
        self._slots = np.full(1 << (2 * wanted - 1).bit_length(), -1, np.int32)
        for start in range(0, len(self), _PART):
            words = self._codes.rows[start : start + _PART]
            slots = self._home_slots(words)
            numbers = np.arange(start, start + len(words), dtype=np.int32)
            while len(numbers):
                free = self._slots[slots] < 0
                self._slots[slots[free]] = numbers[free]
                lost = self._slots[slots] != numbers
                slots = (slots[lost] + 1) & (len(self._slots) - 1)
                numbers = numbers[lost]

    def _home_slots(self, words: np.ndarray) -> np.ndarray:
        """Where the search for each code begins, int64 [n]."""
        bits = len(self._slots).bit_length() - 1
        hashes = _hashes(words, self._factors)
        return (hashes >> np.uint64(64 - bits)).astype(np.int64)


def count_distinct(codes: np.ndarray) -> int:
    """How many of some codes, uint8 [n, bytes], are distinct."""
    factors = _factors(-(-codes.shape[1] // 8))
    hashes = np.empty(len(codes), np.uint64)
    for start in range(0, len(codes), _PART):
        part = slice(start, start + _PART)
        hashes[part] = _hashes(_words(codes[part]), factors)
    hashes.sort()
    return int((hashes[1:] != hashes[:-1]).sum()) + min(1, len(hashes))


def _factors(words: int) -> np.ndarray:
    """Odd random numbers, drawn anew so that colliding codes cannot be prepared."""
    drawn = np.random.default_rng().integers(2**63, size=words, dtype=np.uint64)
    return 2 * drawn + 1


def _hashes(words: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Numbers that look random and are equal for equal codes, uint64 [n]."""
    mixed = words
    if words.shape[1] > 1:
        # A product spreads a bit upwards alone, and sums of what only the last bytes of
        # several words hold would often be equal: so it is first spread downwards.
        mixed = (words ^ (words >> np.uint64(32))) * factors
        mixed ^= mixed >> np.uint64(32)
    mixed = (mixed * factors).sum(axis=1, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(32)
    return mixed * factors[0]


def _words(codes: np.ndarray) -> np.ndarray:
    """Codes as whole words of eight bytes, zeros behind."""
    words = -(-codes.shape[1] // 8)
    padded = np.zeros((len(codes), 8 * words), np.uint8)
    padded[:, : codes.shape[1]] = codes
    return padded.view(np.uint64)
