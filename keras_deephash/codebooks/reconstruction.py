"""The vectors that codes stand for."""

import numpy as np


def reconstruct(codes, centers):
    """The sums of the centres that codes name.

    Args:
        codes: int array or tensor [n, M].
        centers: float32 array or tensor [M, K, D].

    Returns:
        float32 [n, D]: an array for codes that are an array, else a tensor.
    """
    take = np.take
    if not isinstance(codes, np.ndarray):
        from keras import ops  # Arrays need no Keras.

        take, codes = ops.take, ops.cast(codes, "int32")
    total = take(centers[0], codes[:, 0], axis=0)
    for m in range(1, centers.shape[0]):
        total += take(centers[m], codes[:, m], axis=0)
    return total
