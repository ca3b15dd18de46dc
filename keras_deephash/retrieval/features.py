"""Scores between continuous codes: inner product and Euclidean distance."""

import numpy as np

# Bytes of one block of scores.
_BLOCK_BYTES = 2**26
# Scores are compared on a grid this many binary digits finer than what they sum up.
_DIGITS = 40


def check_features(
    query_features: np.ndarray,
    database_features: np.ndarray,
    names: tuple[str, str] = ("query_features", "database_features"),
) -> tuple[np.ndarray, np.ndarray]:
    """Checks continuous codes: finite floats `[n, dim]` of equal `dim`."""
    checked = []
    for name, features in zip(names, (query_features, database_features), strict=True):
        features = np.asarray(features)
        if not np.issubdtype(features.dtype, np.floating) or features.ndim != 2:
            raise ValueError(
                f"`{name}` must be floating-point features of shape [n, dim]. "
                f"Received: dtype={features.dtype}, shape={features.shape}. "
                "Pass the continuous outputs of the hash layer."
            )
        if not np.all(np.isfinite(features)):
            raise ValueError(
                f"`{name}` must be finite. Received: NaN or infinite values. "
                "Check whether training diverged."
            )
        checked.append(features)
    queries, database = checked
    if queries.shape[1] != database.shape[1]:
        raise ValueError(
            f"`{names[0]}` and `{names[1]}` must have the same number of columns. "
            f"Received: {queries.shape[1]} and {database.shape[1]}. "
            "Encode both with the same model."
        )
    return queries, database


def feature_scores(
    query_features: np.ndarray, database_features: np.ndarray, distance: str
) -> np.ndarray:
    """Scores of the database for some queries; closer items score higher.

    Args:
        query_features: Floats of shape `[n, dim]`.
        database_features: Floats of shape `[database, dim]`.
        distance: `"inner_product"`, or `"euclidean"`, whose score is the negative
            squared distance.

    Returns:
        A `float64` array of shape `[n, database]`. A matrix product may round equal
        rows differently, so a score is rounded far above the error of its own sum and
        far below any difference of `float32` features: what is equal stays equal.
    """
    queries = query_features.astype(np.float64)
    database = database_features.astype(np.float64, copy=False)
    query_norms = np.einsum("nd,nd->n", queries, queries)
    norms = np.einsum("nd,nd->n", database, database)
    scores = queries @ database.T
    if distance == "euclidean":
        scores *= 2
        scores -= query_norms[:, None]
        scores -= norms
        grid = np.maximum.outer(_grid(query_norms), _grid(norms))
    else:
        grid = np.outer(_grid(np.sqrt(query_norms), 20), _grid(np.sqrt(norms), 20))
    scores /= grid
    np.rint(scores, out=scores)
    scores *= grid
    return scores


def _grid(sizes: np.ndarray, digits: int = _DIGITS) -> np.ndarray:
    """Powers of two, a number of binary digits below the sizes."""
    _, exponents = np.frexp(sizes)
    return np.ldexp(1.0, exponents - digits)


def without_offset(
    query_features: np.ndarray, database_features: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Features of the same Euclidean distances, near to the origin.

    Far from it the sums that make a distance are much larger than the distance.
    """
    center = database_features.mean(axis=0)
    spread = database_features.var(axis=0).sum()
    if np.square(center).sum() <= spread:
        return query_features, database_features
    return query_features - center, database_features - center


def blocks_of_scores(
    query_features: np.ndarray, database_features: np.ndarray, distance: str
):
    """Yields `(start, scores)` for block after block of queries."""
    # Convert once, not for each block.
    query_features = query_features.astype(np.float64, copy=False)
    database_features = database_features.astype(np.float64, copy=False)
    if distance == "euclidean":
        query_features, database_features = without_offset(
            query_features, database_features
        )
    size = max(1, _BLOCK_BYTES // (8 * len(database_features)))
    for start in range(0, len(query_features), size):
        queries = query_features[start : start + size]
        yield start, feature_scores(queries, database_features, distance)
