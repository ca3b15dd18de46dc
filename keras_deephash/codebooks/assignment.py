"""The assignment of feature vectors to the centres of every sub-codebook."""

from keras import ops

from keras_deephash.codebooks.reconstruction import reconstruct


def assign(features, centers, projected, sweeps: int):
    """Codes that make the reconstructions close, by iterated conditional modes.

    Sub-codes are visited in turn, and each takes the centre that is best given the
    others. In the first sweep those not visited yet count as zero. Where the turn
    matters, the sub-codes are visited from the first to the last and, from scratch,
    from the last to the first, and the better of the two codes is taken: that lowers
    the distortion more than many more sweeps do.

    The features are looked at once: all else are look-ups of products between centres.

    Args:
        features: float32 tensor [n, D].
        centers: float32 tensor [M, K, D].
        projected: float32 tensor [M, K, D]: the centres times the matrix of the
            metric; the centres themselves for the Euclidean metric.
        sweeps: int. Rounds over all sub-codes. One is exact where the centres of
            different sub-codebooks are orthogonal.

    Returns:
        int32 tensor [n, M].
    """
    subcodebooks, subcenters, dim = centers.shape
    rows = ops.reshape(centers, (-1, dim))
    projected_rows = ops.reshape(projected, (-1, dim))
    products = ops.matmul(rows, ops.transpose(projected_rows))
    norms = ops.reshape(ops.diagonal(products), (subcodebooks, subcenters))
    linear = ops.matmul(features, ops.transpose(projected_rows))
    linear = ops.reshape(linear, (-1, subcodebooks, subcenters))
    # Half the squared distance to each centre alone, up to what all have in common.
    alone = norms / 2 - linear
    tables = ops.reshape(products, (subcodebooks, subcenters) * 2)

    codes = _visit(alone, tables, range(subcodebooks), sweeps)
    if sweeps == 1 or subcodebooks == 1:
        return codes
    others = _visit(alone, tables, range(subcodebooks)[::-1], sweeps)

    def half_error(codes):
        image = reconstruct(codes, projected)
        return ops.sum(image * (reconstruct(codes, centers) / 2 - features), axis=1)

    better = half_error(others) < half_error(codes)
    return ops.where(better[:, None], others, codes)


def _visit(alone, tables, turn, sweeps: int):
    """Codes [n, M] after visiting the sub-codes in a turn, `sweeps` times."""
    codes = {}
    for _ in range(sweeps):
        for m in turn:
            costs = alone[:, m]
            for other, taken in codes.items():
                if other != m:
                    costs += ops.take(tables[other, :, m], taken, axis=0)
            codes[m] = ops.cast(ops.argmin(costs, axis=-1), "int32")
    return ops.stack([codes[m] for m in sorted(codes)], axis=1)
