"""Codes padded with zero bytes to the lengths that faiss compares fast."""

import numpy as np

# faiss has a distance of its own for these lengths; others take a loop over bytes.
FAST_BYTES = (4, 8, 16, 32)


def padded_bytes(length: int) -> int:
    """The next length that faiss compares fast."""
    for fast in FAST_BYTES:
        if length <= fast:
            return fast
    # Multiples of 32 are not special any more, whole 64-bit words are.
    return -(-length // 8) * 8


def pad(codes: np.ndarray) -> np.ndarray:
    """Codes [n, bytes] with zero bytes behind, which are equal in all codes."""
    count, length = codes.shape
    if padded_bytes(length) == length:
        return codes
    # np.pad takes four times as long.
    padded = np.zeros((count, padded_bytes(length)), codes.dtype)
    padded[:, :length] = codes
    return padded
