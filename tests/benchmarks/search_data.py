"""Codes as trained models make them: around 1,000 centres, or few that repeat."""

import numpy as np
from scipy.special import ndtr

BITS, DIM = 48, 300
CENTERS, FLIPS = 1_000, 0.06


def hash_codes(count: int, seed: int) -> np.ndarray:
    """Packed codes around centres that are the same for every seed."""
    centers = np.random.default_rng(0).integers(0, 2, (CENTERS, BITS), dtype=np.uint8)
    generator = np.random.default_rng(seed)
    parts = []
    for start in range(0, count, 100_000):
        n = min(100_000, count - start)
        flips = generator.random((n, BITS), dtype=np.float32) < FLIPS
        parts.append(np.packbits(centers[generator.integers(0, CENTERS, n)] ^ flips, 1))
    return np.concatenate(parts)


def repeating_codes(count: int, seed: int) -> np.ndarray:
    """Packed codes that repeat as those of a trained model do.

    Of each of ten classes a code, of whose bits some have a wide margin and some a
    narrow one; and of each image a doubt, which flips bits. Its three numbers are
    fitted to `dch_cifar10_48` and the 60,000 images of CIFAR-10:

      distinct codes among      1,000   6,000   20,000   60,000   ten most frequent
      of the model                260   1,148    3,145    7,868   62.8 %
      here                        257   1,136    3,203    8,186   62.5 %
    """
    classes = np.random.default_rng(0).integers(0, 2, (10, BITS), dtype=np.uint8)
    margins = np.exp(np.random.default_rng(1).standard_normal((10, BITS)))
    generator = np.random.default_rng(seed)
    parts = []
    for start in range(0, count, 100_000):
        n = min(100_000, count - start)
        chosen = generator.integers(0, 10, n)
        doubt = np.exp(-2.2 + generator.standard_normal((n, 1)))
        flips = generator.random((n, BITS)) < ndtr(-margins[chosen] / doubt)
        parts.append(np.packbits(classes[chosen] ^ flips, 1))
    return np.concatenate(parts)


def quantizer_data(count: int, queries: int, subcodebooks: int, subcenters: int):
    """A codebook, codes around centres, and queries near them."""
    generator = np.random.default_rng(0)
    # The first sub-codebook has most of the energy, as learned ones have.
    scale = 0.5 ** np.arange(subcodebooks)[:, None, None]
    centers = generator.standard_normal((subcodebooks, subcenters, DIM)) * scale * 0.5
    codes = generator.integers(0, subcenters, (count, subcodebooks), dtype=np.uint8)
    rows = codes[generator.integers(0, count, queries)]
    features = sum(centers[m][rows[:, m]] for m in range(subcodebooks))
    features = features + 0.1 * generator.standard_normal(features.shape)
    return centers.astype("float32"), codes, features.astype("float32")
