"""Nearest neighbours of some queries, for pictures and tables."""

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.retrieval.features import feature_scores


def spread_over_classes(labels: np.ndarray, count: int) -> np.ndarray:
    """Indices of items that are spread over the classes.

    Args:
        labels: multi-hot array [n, L], of at least one item.
        count: int. At most n are returned.

    Returns:
        int64 array [min(count, n)], in the order of their first labels.
    """
    by_class = np.argsort(np.argmax(labels, axis=1), kind="stable")
    places = np.linspace(0, len(labels) - 1, min(count, len(labels)))
    return by_class[places.round().astype(int)]


def nearest_neighbors(
    ranking: dict, queries: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest database items of some queries.

    Args:
        ranking: dict, as a model's `ranking` returns.
        queries: int array [m], which queries.
        k: int. At most the whole database is returned.

    Returns:
        Tuple of int64 indices [m, k], nearest first, and a float64 array [m, k] of
        what `nearness` names.
    """
    if ranking.get("query_features") is None:
        distances, indices = search(
            ranking["query_codes"][queries], ranking["database_codes"], k
        )
        return indices, distances.astype(np.float64)
    features = ranking["query_features"][queries]
    database, metric = ranking["database_features"], ranking["distance"]
    scores = feature_scores(features, database, metric)
    indices = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found, features = database[indices].astype(np.float64), features[:, None]
    if metric == "euclidean":
        return indices, np.linalg.norm(found - features, axis=2)
    return indices, np.sum(found * features, axis=2)


def nearness(ranking: dict) -> str:
    """The name of the measure that a ranking orders by."""
    return {
        "hamming": "Hamming distance in bits",
        "euclidean": "Euclidean distance",
        "inner_product": "inner product, the higher the nearer",
    }[ranking.get("distance", "hamming")]


def search(
    query_codes: np.ndarray, database_codes: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest database codes of every query, in Hamming distance.

    Args:
        query_codes: uint8 array [queries, bits / 8].
        database_codes: uint8 array [n, bits / 8].
        k: int. Neighbours per query; at most n are returned.

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
    k = check_integer("k", k, minimum=1)
    if not len(database_codes):
        raise ValueError("The database must hold at least one code. Received: none.")
    # A start-up without faiss is faster, and evaluation does not need it.
    import faiss

    index = faiss.IndexBinaryFlat(8 * database_codes.shape[1])
    index.add(database_codes)
    return index.search(query_codes, min(k, len(database_codes)))
