"""Scores of codes by look-up tables: AQD and SQD."""

import numpy as np

from keras_deephash.checks import check_option
from keras_deephash.codebooks.reconstruction import reconstruct

METRICS = ("inner_product", "euclidean")


def asymmetric_scores(
    query_features: np.ndarray,
    codes: np.ndarray,
    centers: np.ndarray,
    metric: str = "inner_product",
) -> np.ndarray:
    """Scores of coded items for continuous queries (AQD); higher is closer.

    A query's inner products with all centres are a table of M x K floats; an item's
    score is the sum of the M entries that its code names. The negative squared
    Euclidean distance takes one more number for each item, the squared length of its
    reconstruction, which does not depend on the query.

    Args:
        query_features: float array [queries, D].
        codes: uint8 array [n, M].
        centers: float array [M, K, D].
        metric: `"inner_product"` or `"euclidean"`. Defaults to `"inner_product"`.

    Returns:
        float32 array [queries, n].
    """
    check_option("metric", metric, METRICS)
    queries = np.asarray(query_features, dtype=np.float32)
    if queries.ndim != 2 or queries.shape[1] != centers.shape[2]:
        raise ValueError(
            f"`query_features` must have shape [queries, {centers.shape[2]}]. "
            f"Received: shape {queries.shape}."
        )
    tables = np.einsum("qd,mkd->mqk", queries, centers, optimize=True)
    scores = np.zeros((len(queries), len(codes)), np.float32)
    for table, column in zip(tables, codes.T, strict=True):
        scores += table[:, column]
    if metric == "euclidean":
        lengths = np.sum(np.square(queries), axis=1, keepdims=True)
        scores = 2 * scores - lengths - squared_lengths(codes, centers)
    return scores


def symmetric_scores(
    query_codes: np.ndarray,
    codes: np.ndarray,
    centers: np.ndarray,
    metric: str = "inner_product",
) -> np.ndarray:
    """Scores with both sides coded (SQD); arguments as for `asymmetric_scores`."""
    queries = reconstruct(query_codes, centers)
    return asymmetric_scores(queries, codes, centers, metric)


def squared_lengths(codes: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Squared lengths of reconstructions [n], from products between centres."""
    lengths = np.zeros(len(codes), np.float32)
    for m, one in enumerate(codes.T):
        for n, other in enumerate(codes.T[: m + 1]):
            products = centers[m] @ centers[n].T
            lengths += products[one, other] * (1 if m == n else 2)
    return lengths
