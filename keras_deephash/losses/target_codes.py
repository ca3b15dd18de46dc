"""The code that an image should have, of the centres of its labels."""

import numpy as np
from keras import ops

_DRAWN = 4096  # Of all lengths up to it, the shorter begin the longer.


def target_codes(labels, vectors, seed: int):
    """The signs of the sums of the centres of each image's labels.

    Where a sum is 0, as in half of the bits of two labels, one vector of +1 and -1
    decides, the same for all images. It is drawn by the seed; that of a shorter code is
    the beginning of that of a longer one.

    Args:
        labels: float32 tensor [n, L], multi-hot.
        vectors: float32 tensor [L, bits], centres of +1 and -1.
        seed: int.

    Returns:
        float32 tensor [n, bits] of +1 and -1. Of an image without a label, the vector
        itself.
    """
    sums = ops.matmul(labels, vectors)
    bits = vectors.shape[-1]
    drawn = np.random.default_rng(seed).choice(np.float32([-1, 1]), max(bits, _DRAWN))
    ties = drawn[:bits]
    return ops.where(sums == 0, ties, ops.sign(sums))
