"""The target codes of images, from the centres of their labels."""

import numpy as np
from keras import ops

_DRAWN = 4096  # Up to this length, shorter draws are the beginning of longer ones.


def target_codes(labels, vectors, seed: int):
    """Returns the signs of the sums of the centres of each image's labels.

    Where a sum is 0, as in half of the bits for two labels, a vector of +1 and -1
    decides, the same for all images. It is drawn with the seed; the vector for a
    shorter code is the beginning of that for a longer one.

    Args:
        labels: float32 tensor [n, L], multi-hot.
        vectors: float32 tensor [L, bits], centres of +1 and -1.
        seed: int.

    Returns:
        float32 tensor [n, bits] of +1 and -1. An image without labels gets that vector
        itself.
    """
    sums = ops.matmul(labels, vectors)
    bits = vectors.shape[-1]
    drawn = np.random.default_rng(seed).choice(np.float32([-1, 1]), max(bits, _DRAWN))
    ties = drawn[:bits]
    return ops.where(sums == 0, ties, ops.sign(sums))
