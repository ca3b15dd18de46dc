"""Nearest neighbours of packed codes, by faiss."""

import numpy as np


def search(
    query_codes: np.ndarray, database_codes: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest database codes of every query, in Hamming distance.

    Args:
        query_codes: uint8 array [queries, bits / 8].
        database_codes: uint8 array [n, bits / 8].
        k: int. Neighbours a query; at most n are returned.

    Returns:
        Tuple of int32 distances and int64 indices, both [queries, min(k, n)],
        nearest first.

    Raises:
        ValueError: for codes of unequal length, or an empty database.

    Example:

    >>> distances, indices = search(codes[:5], codes, k=10)
    """
    query_codes = np.ascontiguousarray(query_codes)
    database_codes = np.ascontiguousarray(database_codes)
    for name, codes in (("query", query_codes), ("database", database_codes)):
        if codes.dtype != np.uint8 or codes.ndim != 2:
            raise ValueError(
                f"`{name}_codes` must be uint8 [n, bits / 8], as `encode` returns. "
                f"Received: {codes.dtype} of shape {codes.shape}."
            )
    if query_codes.shape[1] != database_codes.shape[1]:
        raise ValueError(
            "Query and database codes must have the same bits. Received: "
            f"{8 * query_codes.shape[1]} and {8 * database_codes.shape[1]} bits."
        )
    if not len(database_codes) or k < 1:
        raise ValueError(
            "The database must hold at least one code and `k` must be >= 1. "
            f"Received: {len(database_codes)} codes, k={k}."
        )
    # A start-up without faiss is faster, and evaluation does not need it.
    import faiss

    index = faiss.IndexBinaryFlat(8 * database_codes.shape[1])
    index.add(database_codes)
    return index.search(query_codes, min(k, len(database_codes)))
