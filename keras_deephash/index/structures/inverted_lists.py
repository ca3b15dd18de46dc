"""How many inverted lists a collection gets, and when they are learned."""

import math

import numpy as np

# Below this number all codes are compared, which is fast enough.
MIN_TRAINING = 4096
# Codes a list that k-means needs at least, and that it takes at most.
LEAST_PER_LIST, MOST_PER_LIST = 39, 64


def number_of_lists(count: int) -> int:
    """A power of two near 2 sqrt(n), with enough codes in each list for k-means."""
    wanted = min(2 * math.sqrt(count), count / LEAST_PER_LIST)
    return max(1, 2 ** int(math.log2(max(1, wanted))))


def training_rows(count: int, lists: int) -> np.ndarray:
    """Indices of the codes that k-means learns from, the same every time."""
    most = MOST_PER_LIST * lists
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def probes(chosen: int | None, lists: int) -> int:
    """Lists that a search looks into: the chosen number, or one in 32, at least 4."""
    return min(lists, chosen or max(4, lists // 32))
