"""The assignment of feature vectors to the centres of every sub-codebook.

Each feature vector is read once; all else is looked up in products of centres. The
functions take tensors or NumPy arrays and return the same kind. They use operations
that convert to ONNX and LiteRT: neither has `ops.argmin` of Keras or `ops.diagonal`.
"""

import numpy as np

from keras_deephash.codebooks.array_ops import ops_of, top_k
from keras_deephash.codebooks.reconstruction import reconstruct

SWEEPS = 3  # Rounds of iterated conditional modes; the published number.


def assign_by_beam(features, centers, projected, beam: int):
    """Codes that make the reconstructions close: a beam search, then single changes.

    Sub-codes are chosen in turn, from the first to the last, and the `beam` best codes
    so far go on; those not chosen yet count as zero. Then each sub-code of the best
    code takes the centre that is best given all others, once. For centres of residuals,
    as `Codebook.fit` makes them.

    Args:
        features: float32 tensor [n, D].
        centers: float32 tensor [M, K, D].
        projected: float32 tensor [M, K, D]: the centres times the matrix of the
            metric; the centres themselves for the Euclidean metric.
        beam: int. Codes that go on. One is exact where the centres of different
            sub-codebooks are orthogonal.

    Returns:
        int32 tensor [n, M].
    """
    alone, tables = cost_tables(features, centers, projected)
    codes = [code[:, 0] for code in beam_search(alone, tables, beam)]
    if beam > 1:
        codes = _change_each(alone, tables, codes, range(len(codes)))
    return ops_of(alone).stack(codes, axis=1)


def assign_by_modes(features, centers, projected):
    """Codes that make the reconstructions close, by iterated conditional modes.

    Sub-codes are visited in turn, three times, and each takes the centre that is best
    given the others. In the first round those not visited yet count as zero. The
    sub-codes are visited from the first to the last and, from scratch, from the last to
    the first, and the better of the two codes is taken: that lowers the distortion more
    than many more rounds do.

    Args:
        features, centers, projected: as for `assign_by_beam`.

    Returns:
        int32 tensor [n, M].
    """
    alone, tables = cost_tables(features, centers, projected)
    turn = range(centers.shape[0])
    codes = _visit(alone, tables, turn)
    if len(turn) == 1:
        return codes
    others = _visit(alone, tables, turn[::-1])
    ops = ops_of(features)

    def half_error(codes):
        image = reconstruct(codes, projected)
        return ops.sum(image * (reconstruct(codes, centers) / 2 - features), axis=1)

    better = half_error(others) < half_error(codes)
    return ops.where(better[:, None], others, codes)


def cost_tables(features, centers, projected):
    """Half the squared distance of features to sums of centres, in two parts.

    Args:
        features, centers, projected: as for `assign`.

    Returns:
        Tuple of the part of each centre alone, [n, M, K], and of each two centres,
        [M, K, M, K], up to what all sums have in common.
    """
    ops = ops_of(features)
    subcodebooks, subcenters, dim = centers.shape
    rows = ops.reshape(centers, (-1, dim))
    projected_rows = ops.reshape(projected, (-1, dim))
    products = ops.matmul(rows, ops.transpose(projected_rows))
    norms = ops.sum(products * np.eye(products.shape[0], dtype=np.float32), axis=1)
    norms = ops.reshape(norms, (subcodebooks, subcenters))
    linear = ops.matmul(features, ops.transpose(projected_rows))
    linear = ops.reshape(linear, (-1, subcodebooks, subcenters))
    return norms / 2 - linear, ops.reshape(products, (subcodebooks, subcenters) * 2)


def beam_search(alone, tables, beam: int) -> list:
    """The best codes that a beam search finds, the best first.

    Args:
        alone, tables: as `cost_tables` returns.
        beam: int. Codes that go on.

    Returns:
        List of M int32 tensors [n, beam]; fewer where there are fewer codes.
    """
    ops = ops_of(alone)
    subcenters = alone.shape[2]
    width = min(beam, subcenters)
    errors, first = top_k(-alone[:, 0], width)
    errors, codes = -errors, [first]
    for m in range(1, alone.shape[1]):
        costs = errors[:, :, None] + alone[:, None, m]
        costs = ops.reshape(
            _with_others(costs, tables, codes, m), (-1, width * subcenters)
        )
        width = min(beam, width * subcenters)
        errors, chosen = top_k(-costs, width)
        errors, parents = -errors, chosen // subcenters
        codes = [ops.take_along_axis(code, parents, axis=1) for code in codes]
        codes.append(chosen % subcenters)
    return codes


def _visit(alone, tables, turn):
    """Codes [n, M] after visiting the sub-codes in a turn, from none."""
    codes = [None] * len(turn)
    for _ in range(SWEEPS):
        codes = _change_each(alone, tables, codes, turn)
    return ops_of(alone).stack(codes, axis=1)


def _change_each(alone, tables, codes: list, turn) -> list:
    """Sub-codes [n] after each took the centre that is best given the others."""
    codes = list(codes)
    for m in turn:
        costs = _with_others(alone[:, m], tables, codes, m)
        codes[m] = top_k(-costs, 1)[1][..., 0]
    return codes


def _with_others(costs, tables, codes: list, m: int):
    """Costs of the centres of sub-codebook m, beside the other sub-codes, if any."""
    ops = ops_of(costs)
    for other, taken in enumerate(codes):
        if other != m and taken is not None:
            costs = costs + ops.take(tables[other, :, m], taken, axis=0)
    return costs
