"""Hamming distances between packed binary codes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_deephash.retrieval.relevance import Relevance

# Bytes of one block of distances. Blocks must fit a cache, and yet be large enough
# that the threads seldom wait for each other.
_BLOCK_BYTES = 2**20
# Counting holds Python's global lock, so more threads than these gain nothing.
_THREADS = 2


def check_codes(
    query_codes: np.ndarray, database_codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Checks packed codes: `uint8`, of shape `[n, bits / 8]`, of equal width."""
    checked = []
    for name, codes in (
        ("query_codes", query_codes),
        ("database_codes", database_codes),
    ):
        codes = np.asarray(codes)
        if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] == 0:
            raise ValueError(
                f"`{name}` must be packed codes of dtype uint8 and shape "
                f"[n, bits / 8]. Received: dtype={codes.dtype}, shape={codes.shape}. "
                "Pack them with `np.packbits(codes >= 0, axis=-1)`, or pass "
                '`distance="inner_product"` for continuous codes.'
            )
        checked.append(codes)
    queries, database = checked
    if queries.shape[1] != database.shape[1]:
        raise ValueError(
            "`query_codes` and `database_codes` must have the same number of bits. "
            f"Received: {8 * queries.shape[1]} and {8 * database.shape[1]} bits. "
            "Encode both with the same model."
        )
    return queries, database


def code_planes(codes: np.ndarray) -> np.ndarray:
    """Codes as `[bits / 8, n]`: one contiguous row per byte of the code."""
    return np.ascontiguousarray(codes.T)


def hamming_distances(query_codes: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Hamming distances from some queries to the whole database.

    Args:
        query_codes: Packed codes, `uint8` of shape `[n, bits / 8]`.
        planes: The database, as `code_planes` returns it.

    Returns:
        Distances of shape `[n, database]`; `uint8`, or `uint16` over 255 bits.
    """
    dtype = np.uint8 if 8 * len(planes) <= 255 else np.uint16
    distances = np.zeros((len(query_codes), planes.shape[1]), dtype)
    # Byte by byte: bytes take the widest vector instructions, and every
    # temporary array stays as small as the distances.
    for byte, plane in zip(query_codes.T, planes, strict=True):
        different = byte[:, None] ^ plane
        distances += np.bitwise_count(different, out=different)
    return distances


def distance_histograms(
    distances: np.ndarray, relevant: np.ndarray, bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Counts a block's items, and its relevant items, at every distance.

    Args:
        distances: Distances of shape `[n, database]`.
        relevant: Booleans of shape `[n, database]`.
        bits: Length of the codes.

    Returns:
        Two integer arrays of shape `[n, bits + 1]`: items, relevant items.
    """
    # One pass counts both: relevant items are counted `bits + 1` bins later.
    bins = bits + 1
    dtype = np.uint8 if 2 * bins <= 256 else np.uint16
    keys = relevant * dtype(bins)
    keys += distances
    counts = np.stack([np.bincount(row, minlength=2 * bins) for row in keys])
    return counts[:, :bins] + counts[:, bins:], counts[:, bins:]


def for_each_block(
    function: Callable[[int, np.ndarray, np.ndarray], None],
    query_codes: np.ndarray,
    database_codes: np.ndarray,
    relevance: Relevance,
) -> None:
    """Calls `function(start, distances, relevant)` for block after block of queries.

    Blocks are handled by a few threads, so `function` must write only to places of
    its own block.
    """
    planes = code_planes(database_codes)
    size = max(1, _BLOCK_BYTES // planes.shape[1])

    def handle(start: int) -> None:
        stop = min(start + size, len(query_codes))
        distances = hamming_distances(query_codes[start:stop], planes)
        function(start, distances, relevance.rows(start, stop))

    with ThreadPoolExecutor(_THREADS) as pool:
        # `list` waits, and raises what a thread raised.
        list(pool.map(handle, range(0, len(query_codes), size)))


def pack_bits(codes: np.ndarray) -> np.ndarray:
    """Packs continuous codes [n, bits] into uint8 [n, bits / 8], bit = code >= 0."""
    return np.packbits(codes >= 0, axis=-1)
