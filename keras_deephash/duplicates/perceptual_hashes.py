"""Perceptual hashes: 64 bits from a small grey version of a picture."""

import numpy as np
from PIL import Image


def perceptual_hashes(pixels: np.ndarray) -> tuple[int, int]:
    """Computes the hash of the cosine transform and that of differences, 64 bits each.

    They are `phash` and `dhash` of the package `imagehash`.

    Args:
        pixels: uint8 array [h, w, 3].
    """
    import imagehash

    image = Image.fromarray(pixels)
    return _word(imagehash.phash(image)), _word(imagehash.dhash(image))


def _word(image_hash) -> int:
    return int.from_bytes(np.packbits(image_hash.hash).tobytes(), "big")
