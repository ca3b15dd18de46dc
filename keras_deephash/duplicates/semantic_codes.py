"""Semantic codes: features as bits, by the signs of random projections."""

import numpy as np

BITS = 256
_BLOCK = 8192


def semantic_codes(features: np.ndarray) -> np.ndarray:
    """Computes packed codes of features, uint8 [n, 32]; distances measure angles.

    The projections are random. Learned codes, which are trained to bring pictures of
    the same kind together, find fewer copies.

    Args:
        features: float16 array [n, units], of length 1.

    References:
        - [Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC
          2002](https://dl.acm.org/doi/10.1145/509907.509965)
    """
    units = features.shape[1]
    generator = np.random.default_rng(0)
    projections = generator.standard_normal((units, BITS), dtype=np.float32)
    codes = np.empty((len(features), BITS // 8), np.uint8)
    for start in range(0, len(features), _BLOCK):
        part = features[start : start + _BLOCK].astype(np.float32)
        codes[start : start + _BLOCK] = np.packbits(part @ projections >= 0, axis=1)
    return codes
