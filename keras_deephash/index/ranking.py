"""The ranking of candidates by distance, in plain NumPy."""

import numpy as np

from keras_deephash.index.code_spec import CodeSpec

# What a search by radius returns: the neighbours of query i are the rows
# limits[i] to limits[i + 1] of the distances and the positions.
RangeResult = tuple[np.ndarray, np.ndarray, np.ndarray]


def candidate_distances(
    spec: CodeSpec, queries: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """The distances of candidates; smaller is nearer.

    Args:
        spec: `CodeSpec`.
        queries: uint8 [q, bytes], hash codes; or float32 [q, bits], the continuous
            codes of hash queries; or float32 [q, D], the features of a quantizer's.
        codes: uint8 [q, c, bytes], the candidates of each query.

    Returns:
        Array [q, c]: int32 Hamming distances; minus the inner products of continuous
        queries with codes of +1 and -1; or float32 AQD distances.
    """
    if spec.is_quantizer:
        return _quantized_distances(spec, queries, codes)
    if queries.dtype == np.uint8:
        return np.bitwise_count(queries[:, None] ^ codes).sum(axis=2, dtype=np.int32)
    return -np.einsum("qb,qcb->qc", queries, _signs(codes))


def _quantized_distances(spec, queries, codes):
    centers = spec.centers
    tables = np.einsum("qd,mkd->qmk", queries, centers, optimize=True)
    rows = np.arange(len(queries))[:, None, None]
    similarities = tables[rows, np.arange(len(centers)), codes].sum(axis=2)
    if spec.metric == "inner_product":
        return -similarities
    half_norms = np.empty(similarities.shape, np.float32)
    for row, candidates in enumerate(codes):
        sums = sum(centers[m][column] for m, column in enumerate(candidates.T))
        half_norms[row] = 0.5 * np.square(sums).sum(axis=1)
    lengths = np.square(queries).sum(axis=1, keepdims=True)
    return lengths - 2 * (similarities - half_norms)


def similarities_of(
    spec: CodeSpec, queries: np.ndarray, distances: np.ndarray
) -> np.ndarray:
    """Distances as similarities: 1 for what is equal to the query, in the same order.

    Args:
        spec: `CodeSpec`.
        queries: as for `candidate_distances`, not continuous codes of hash queries.
        distances: array [q, c], as `candidate_distances` returns.

    Returns:
        float32 array [q, c], at most 1. Of hash codes, and of the Euclidean distance of
        vectors of one length, it is their cosine.
    """
    if not spec.is_quantizer:
        return (1 - 2 * distances / spec.bits).astype(np.float32)
    squares = np.square(queries).sum(axis=1)[:, None]
    squares = np.where(squares > 0, squares, 1)
    if spec.metric == "inner_product":
        found = -distances / squares
    else:
        found = 1 - distances / (2 * squares)
    return np.minimum(found, 1).astype(np.float32)


def _signs(codes: np.ndarray) -> np.ndarray:
    return 2 * np.unpackbits(codes, axis=-1).astype(np.float32) - 1


def nearest_candidates(
    distances: np.ndarray, positions: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of candidates [q, c], in order; position -1 comes last."""
    far = np.iinfo(np.int32).max if distances.dtype.kind == "i" else np.inf
    distances = np.where(positions < 0, far, distances)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return (
        np.take_along_axis(distances, order, axis=1),
        np.take_along_axis(positions, order, axis=1),
    )


def nearest_in_range(
    limits: np.ndarray, distances: np.ndarray, ids: np.ndarray, k: int | None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The k nearest, or all, finds of a search by radius, in order, for each query."""
    nearest = [], []
    for start, end in zip(limits[:-1], limits[1:], strict=True):
        order = np.argsort(distances[start:end], kind="stable")[:k]
        nearest[0].append(distances[start:end][order])
        nearest[1].append(ids[start:end][order])
    return nearest
