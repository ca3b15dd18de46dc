"""Centres from codes: least squares on sums over samples."""

import numpy as np
from scipy.sparse import csr_matrix

from keras_deephash.codebooks.initialization import dimension_blocks

# How many samples the earlier centres count for. They decide what the samples leave
# open, such as a shift from one sub-codebook to another, and keep centres of few
# samples from learning these by heart: with 5,000 rows for 8 x 256 centres, rows held
# out were 0.299 away with 30 and with 100, and 0.318 with 1.
RIDGE = 50.0


def code_sums(codes: np.ndarray, features: np.ndarray, subcenters: int):
    """B^T B [MK, MK] and B^T Z [MK, D], for the one-hot matrix B [n, MK] of codes."""
    n, subcodebooks = codes.shape
    columns = codes.astype(np.int64) + subcenters * np.arange(subcodebooks)
    one_hot = csr_matrix(
        (
            np.ones(columns.size, np.float64),
            columns.ravel(),
            np.arange(0, columns.size + 1, subcodebooks),
        ),
        shape=(n, subcodebooks * subcenters),
    )
    return (one_hot.T @ one_hot).toarray(), one_hot.T @ features.astype(np.float64)


def solve_centers(
    centers: np.ndarray, gram: np.ndarray, products: np.ndarray, structure: str
) -> np.ndarray:
    """The centres that minimize the squared error, given the codes.

    Solves `(B^T B + ridge I) (C - centers) = B^T Z - B^T B centers`. A centre that no
    code names keeps its value.

    Args:
        centers: float array [M, K, D], the centres so far.
        gram: float array [MK, MK], B^T B: how often codes go together.
        products: float array [MK, D], B^T Z: sums of the features of every centre.
        structure: `"product"` or `"additive"`.

    Returns:
        float32 array [M, K, D].
    """
    subcodebooks, subcenters, dim = centers.shape
    rows = centers.reshape(-1, dim).astype(np.float64)
    counts = np.diagonal(gram)
    if structure == "product":
        # Blocks do not meet, so a centre is the mean of its features in its block.
        blocks = dimension_blocks(dim, subcodebooks)
        solved = np.zeros_like(rows)
        for m, block in enumerate(blocks):
            own = slice(m * subcenters, (m + 1) * subcenters)
            means = products[own, block] / np.maximum(counts[own, None], 1)
            used = counts[own, None] > 0
            solved[own, block] = np.where(used, means, rows[own, block])
    else:
        residual = products - gram @ rows
        ridge = RIDGE * np.eye(len(gram))
        solved = rows + np.linalg.solve(gram + ridge, residual)
    return solved.reshape(centers.shape).astype(np.float32)


def reseed_unused(
    centers: np.ndarray,
    counts: np.ndarray,
    features: np.ndarray,
    codes: np.ndarray,
    structure: str,
    seed: int,
) -> np.ndarray:
    """Gives every unused centre the residual of a badly reconstructed sample.

    Args:
        centers: float32 array [M, K, D].
        counts: array [M, K]. How many codes name each centre.
        features: float32 array [n, D], samples.
        codes: int array [n, M], their codes.
        structure: `"product"` or `"additive"`.
        seed: int.

    Returns:
        float32 array [M, K, D].
    """
    centers = centers.copy()
    blocks = dimension_blocks(centers.shape[2], len(centers))
    generator = np.random.default_rng(seed)
    for m, block in enumerate(blocks):
        unused = np.flatnonzero(counts[m] == 0)
        parts = [centers[o][codes[:, o]] for o in range(len(centers)) if o != m]
        wanted = features - sum(parts, np.zeros_like(features))
        if structure == "product":
            inside = np.zeros_like(wanted)
            inside[:, block] = wanted[:, block]
            wanted = inside
        error = np.sum((wanted - centers[m][codes[:, m]]) ** 2, axis=1)
        if not len(unused) or not error.sum() > 0:
            continue
        # As k-means++: far samples are likely, none is certain.
        number = min(len(unused), np.count_nonzero(error))
        drawn = generator.choice(len(error), number, False, error / error.sum())
        centers[m][unused[:number]] = wanted[drawn]
    return centers
