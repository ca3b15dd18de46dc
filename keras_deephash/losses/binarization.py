"""Binary codes that pass their gradients on to the continuous codes."""

from keras import ops

from keras_deephash.losses.replicas import gather_rows


def straight_through(codes, binary):
    """Returns the values of `binary` [n, bits], with the gradient of `codes` [n, bits].

    Example:

    >>> straight_through(codes, signs(codes))
    """
    return binary + (codes - ops.stop_gradient(codes))


def signs(codes):
    """Returns +1 where a code is >= 0, as in packed codes, else -1; no gradient."""
    codes = ops.stop_gradient(codes)
    return ops.where(codes >= 0, ops.ones_like(codes), -ops.ones_like(codes))


def halves(codes):
    """Returns +1 for the upper half of the global batch in each bit, else -1.

    Exactly half of the images have +1, even if codes are equal; of an odd number of
    images, one more than half. No gradient flows through it.

    Args:
        codes: float tensor [n, bits], this replica's.

    Returns:
        Tensor [n, bits].
    """
    codes = ops.stop_gradient(codes)
    everyone, first = gather_rows(codes)
    # Among equal codes, those of earlier images count as lower.
    ranks = ops.argsort(ops.argsort(everyone, axis=0), axis=0)
    own = first + ops.arange(ops.shape(codes)[0])
    upper = ops.take(ranks, own, axis=0) >= ops.shape(everyone)[0] // 2
    return ops.where(upper, ops.ones_like(codes), -ops.ones_like(codes))
