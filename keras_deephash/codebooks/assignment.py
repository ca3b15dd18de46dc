"""The assignment of feature vectors to the centres of every sub-codebook."""

from keras import ops


def assign(features, centers, projected, beam: int, sweeps: int):
    """Codes that make the reconstructions close: a beam search, then single changes.

    Sub-codes are chosen in turn, from the first to the last, and the `beam` best codes
    so far go on; those not chosen yet count as zero. Then each sub-code of the best
    code takes the centre that is best given all others (iterated conditional modes).

    The features are looked at once: all else are look-ups of products between centres.

    Args:
        features: float32 tensor [n, D].
        centers: float32 tensor [M, K, D].
        projected: float32 tensor [M, K, D]: the centres times the matrix of the
            metric; the centres themselves for the Euclidean metric.
        beam: int. Codes that go on. One is exact where the centres of different
            sub-codebooks are orthogonal.
        sweeps: int. Rounds of single changes over all sub-codes.

    Returns:
        int32 tensor [n, M].
    """
    alone, tables = cost_tables(features, centers, projected)
    codes = [code[:, 0] for code in beam_search(alone, tables, beam)]
    for _ in range(sweeps):
        for m in range(len(codes)):
            costs = _with_others(alone[:, m], tables, codes, m)
            codes[m] = ops.cast(ops.argmin(costs, axis=-1), "int32")
    return ops.stack(codes, axis=1)


def cost_tables(features, centers, projected):
    """Half the squared distance of features to sums of centres, in two parts.

    Args:
        features, centers, projected: as for `assign`.

    Returns:
        Tuple of the part of each centre alone, [n, M, K], and of each two centres,
        [M, K, M, K], up to what all sums have in common.
    """
    subcodebooks, subcenters, dim = centers.shape
    rows = ops.reshape(centers, (-1, dim))
    projected_rows = ops.reshape(projected, (-1, dim))
    products = ops.matmul(rows, ops.transpose(projected_rows))
    norms = ops.reshape(ops.diagonal(products), (subcodebooks, subcenters))
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
    subcenters = alone.shape[2]
    width = min(beam, subcenters)
    errors, first = ops.top_k(-alone[:, 0], width)
    errors, codes = -errors, [first]
    for m in range(1, alone.shape[1]):
        costs = errors[:, :, None] + alone[:, None, m]
        costs = ops.reshape(
            _with_others(costs, tables, codes, m), (-1, width * subcenters)
        )
        width = min(beam, width * subcenters)
        errors, chosen = ops.top_k(-costs, width)
        errors, parents = -errors, chosen // subcenters
        codes = [ops.take_along_axis(code, parents, axis=1) for code in codes]
        codes.append(chosen % subcenters)
    return codes


def _with_others(costs, tables, codes: list, m: int):
    """Costs of the centres of sub-codebook m, beside the other sub-codes."""
    for other, taken in enumerate(codes):
        if other != m:
            costs += ops.take(tables[other, :, m], taken, axis=0)
    return costs
