"""The operations of NumPy arrays or of tensors, by the same names."""

import numpy as np

_FEW = 16  # Up to here, one search for the largest after another is faster.


def ops_of(array):
    """The module with the operations of an array: `numpy`, or `keras.ops`."""
    if isinstance(array, np.ndarray):
        return np
    from keras import ops  # Arrays need no Keras.

    return ops


def top_k(values, k: int):
    """The k largest of the last axis and their positions, as `keras.ops.top_k`.

    Of equal values the first comes first.

    Args:
        values: array or tensor [..., n].
        k: int, up to n.

    Returns:
        Tuple of values and int32 positions, [..., k], the largest first.
    """
    if not isinstance(values, np.ndarray):
        return ops_of(values).top_k(values, k)
    if k > _FEW:
        order = np.argsort(-values, axis=-1, kind="stable")[..., :k]
        return np.take_along_axis(values, order, axis=-1), order.astype(np.int32)
    left = values.copy()
    order = np.empty((*values.shape[:-1], k), np.int32)
    for rank in range(k):
        order[..., rank] = best = left.argmax(axis=-1)
        np.put_along_axis(left, best[..., None], -np.inf, axis=-1)
    return np.take_along_axis(values, order, axis=-1), order
