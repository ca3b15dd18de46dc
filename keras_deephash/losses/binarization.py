"""Binary codes that gradients flow through as if they were the continuous ones."""

from keras import ops

from keras_deephash.losses.replicas import gather_rows


def straight_through(codes, binary):
    """The values of `binary` [n, bits], with the gradient of `codes` [n, bits].

    Example:

    >>> straight_through(codes, signs(codes))
    """
    return binary + (codes - ops.stop_gradient(codes))


def signs(codes):
    """+1 where a code is >= 0, as in packed codes, else -1; without a gradient."""
    codes = ops.stop_gradient(codes)
    return ops.where(codes >= 0, ops.ones_like(codes), -ops.ones_like(codes))


def halves(codes):
    """+1 for the upper half of the global batch in each bit, else -1; no gradient.

    Exactly half of the images have +1, also where codes are equal; of an odd number,
    one more.

    Args:
        codes: float tensor [n, bits], this replica's.

    Returns:
        Tensor [n, bits].
    """
    codes = ops.stop_gradient(codes)
    everyone, first = gather_rows(codes)
    # Of equal codes, those of the first images are the lower ones.
    ranks = ops.argsort(ops.argsort(everyone, axis=0), axis=0)
    own = first + ops.arange(ops.shape(codes)[0])
    upper = ops.take(ranks, own, axis=0) >= ops.shape(everyone)[0] // 2
    return ops.where(upper, ops.ones_like(codes), -ops.ones_like(codes))
