"""The assignment of feature vectors to the centres of every sub-codebook.

Each feature vector is read once; all else is looked up in products of centres. The
functions take tensors or NumPy arrays and return the same kind. Without tables they
convert to ONNX and LiteRT, which have no `ops.argmin` and no `ops.diagonal`.
"""

from functools import partial

from keras_deephash.codebooks.array_ops import ops_of, top_k
from keras_deephash.codebooks.reconstruction import reconstruct

SWEEPS = 3  # Rounds of iterated conditional modes; the published number.


def assign_by_beam(features, centers, projected, beam: int, tables: bool = True):
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
        tables: bool, as for `cost_parts`. Defaults to `True`.

    Returns:
        int32 tensor [n, M].
    """
    alone, add_pairs = cost_parts(features, centers, projected, tables)
    codes = [code[:, 0] for code in beam_search(alone, add_pairs, beam)]
    if beam > 1:
        codes = _change_each(alone, add_pairs, codes, range(len(codes)))
    return ops_of(alone).stack(codes, axis=1)


def assign_by_modes(features, centers, projected, tables: bool = True):
    """Codes that make the reconstructions close, by iterated conditional modes.

    Sub-codes are visited in turn, three times, and each takes the centre that is best
    given the others. In the first round those not visited yet count as zero. The
    sub-codes are visited from the first to the last and, from scratch, from the last to
    the first, and the better of the two codes is taken: that lowers the distortion more
    than many more rounds do.

    Args:
        features, centers, projected, tables: as for `assign_by_beam`.

    Returns:
        int32 tensor [n, M].
    """
    alone, add_pairs = cost_parts(features, centers, projected, tables)
    turn = range(centers.shape[0])
    codes = _visit(alone, add_pairs, turn)
    if len(turn) == 1:
        return codes
    others = _visit(alone, add_pairs, turn[::-1])
    ops = ops_of(features)

    def half_error(codes):
        image = reconstruct(codes, projected)
        return ops.sum(image * (reconstruct(codes, centers) / 2 - features), axis=1)

    better = half_error(others) < half_error(codes)
    return ops.where(better[:, None], others, codes)


def cost_parts(features, centers, projected, tables: bool = True):
    """Half the squared distance of features to sums of centres, in two parts.

    Args:
        features, centers, projected: as for `assign_by_beam`.
        tables: bool. Whether the products of all centres are looked up in a table
            [M, K, M, K], for many rows at once; else those that are needed are
            computed. Defaults to `True`.

    Returns:
        Tuple of the part of each centre alone, [n, M, K], and a function that adds
        the part of pairs: of costs [..., K] of the centres of sub-codebook m, the
        sub-codes so far, None for those not chosen, and m. Both up to what all sums
        have in common.
    """
    ops = ops_of(features)
    subcodebooks, subcenters, dim = centers.shape
    rows = ops.reshape(centers, (-1, dim))
    projected_rows = ops.reshape(projected, (-1, dim))
    if tables:
        products = ops.matmul(rows, ops.transpose(projected_rows))
        norms = ops.diagonal(products)
        products = ops.reshape(products, (subcodebooks, subcenters) * 2)
        add_pairs = partial(_add_looked_up, products)
    else:
        norms = ops.sum(rows * projected_rows, axis=1)
        add_pairs = partial(_add_computed, centers, projected)
    linear = ops.matmul(features, ops.transpose(projected_rows))
    linear = ops.reshape(linear, (-1, subcodebooks, subcenters))
    return ops.reshape(norms, (subcodebooks, subcenters)) / 2 - linear, add_pairs


def _add_looked_up(products, costs, codes: list, m: int):
    for other, taken in enumerate(codes):
        if other != m and taken is not None:
            costs = costs + ops_of(costs).take(products[other, :, m], taken, axis=0)
    return costs


def _add_computed(centers, projected, costs, codes: list, m: int):
    ops, total = ops_of(costs), None
    for other, taken in enumerate(codes):
        if other != m and taken is not None:
            vectors = ops.take(centers[other], taken, axis=0)
            total = vectors if total is None else total + vectors
    if total is None:
        return costs
    return costs + ops.matmul(total, ops.transpose(projected[m]))


def beam_search(alone, add_pairs, beam: int) -> list:
    """The best codes that a beam search finds, the best first.

    Args:
        alone, add_pairs: as `cost_parts` returns.
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
        costs = add_pairs(errors[:, :, None] + alone[:, None, m], codes, m)
        costs = ops.reshape(costs, (-1, width * subcenters))
        width = min(beam, width * subcenters)
        errors, chosen = top_k(-costs, width)
        errors, parents = -errors, chosen // subcenters
        codes = [ops.take_along_axis(code, parents, axis=1) for code in codes]
        codes.append(chosen % subcenters)
    return codes


def _visit(alone, add_pairs, turn):
    """Codes [n, M] after visiting the sub-codes in a turn, from none."""
    codes = [None] * len(turn)
    for _ in range(SWEEPS):
        codes = _change_each(alone, add_pairs, codes, turn)
    return ops_of(alone).stack(codes, axis=1)


def _change_each(alone, add_pairs, codes: list, turn) -> list:
    """Sub-codes [n] after each took the centre that is best given the others."""
    codes = list(codes)
    for m in turn:
        costs = add_pairs(alone[:, m], codes, m)
        codes[m] = top_k(-costs, 1)[1][..., 0]
    return codes
