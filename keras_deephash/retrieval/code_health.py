"""Statistics of codes: balance, correlation, entropy."""

from dataclasses import dataclass

import numpy as np

# Codes that are unpacked at a time, so that memory does not grow with their number.
_BLOCK = 2**14


@dataclass(frozen=True, eq=False)
class BitStatistics:
    """Statistics of the bits of packed codes.

    Attributes:
        means: float64 array [bits], the share of ones of every bit.
        entropies: float64 array [bits], in bits: 1 for a balanced bit, 0 for a
            constant one.
        correlations: float64 array [bits, bits], Pearson's. NaN where one of the two
            bits is constant, and so has no correlation.
    """

    means: np.ndarray
    entropies: np.ndarray
    correlations: np.ndarray


def bit_statistics(codes: np.ndarray) -> BitStatistics:
    """Balance, entropy and correlation of the bits of codes.

    Args:
        codes: uint8 array [n, bits / 8], packed as `encode` returns.

    Returns:
        `BitStatistics`.

    Raises:
        ValueError: for codes of another form, or none.

    Example:

    >>> bit_statistics(np.array([[0b11110000], [0b11111111]], np.uint8)).means
    array([1. , 1. , 1. , 1. , 0.5, 0.5, 0.5, 0.5])
    """
    codes = check_coded(codes)
    bits = 8 * codes.shape[1]
    ones, both = np.zeros(bits), np.zeros((bits, bits))
    for start in range(0, len(codes), _BLOCK):
        block = np.unpackbits(codes[start : start + _BLOCK], axis=1).astype(np.float32)
        ones += block.sum(axis=0)
        both += block.T @ block  # Whole numbers, exact in float32.
    means = ones / len(codes)
    covariances = both / len(codes) - np.outer(means, means)
    deviations = np.sqrt(means * (1 - means))
    scales = np.outer(deviations, deviations)
    correlations = np.full((bits, bits), np.nan)
    np.divide(covariances, scales, out=correlations, where=scales > 0)
    # Rounding may leave 1 + 1e-16.
    np.clip(correlations, -1, 1, out=correlations)
    entropies = entropy(np.stack([ones, len(codes) - ones], axis=1))
    return BitStatistics(means, entropies, correlations)


def center_counts(codes: np.ndarray, subcenters: int) -> np.ndarray:
    """How many codes use each centre of each sub-codebook.

    Args:
        codes: uint8 array [n, M], as `encode` of a quantizer returns.
        subcenters: int, K.

    Returns:
        int64 array [M, K].
    """
    codes = check_coded(codes)
    if codes.max() >= subcenters:
        raise ValueError(
            f"`codes` must name centres 0 to {subcenters - 1}. "
            f"Received: centre {codes.max()}."
        )
    return np.stack([np.bincount(column, minlength=subcenters) for column in codes.T])


def entropy(counts: np.ndarray) -> np.ndarray:
    """Entropies in bits, float64 [...], of counts [..., choices]."""
    shares = counts / counts.sum(axis=-1, keepdims=True)
    logs = np.zeros(shares.shape)
    np.log2(shares, out=logs, where=shares > 0)  # 0 log 0 is 0.
    return np.abs(np.sum(shares * logs, axis=-1))


def distinct_codes(codes: np.ndarray) -> int:
    """The number of different codes among codes, uint8 [n, bytes]."""
    codes = np.ascontiguousarray(check_coded(codes))
    # A code as one value of `bytes` bytes sorts faster than rows do.
    return len(np.unique(codes.view(f"V{codes.shape[1]}")))


def check_coded(codes: np.ndarray) -> np.ndarray:
    """Codes, uint8 of shape [n, bytes], at least one; or a ValueError."""
    codes = np.asarray(codes)
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.size == 0:
        raise ValueError(
            "`codes` must be uint8 [n, bytes] with at least one code, as `encode` "
            f"returns. Received: {codes.dtype} of shape {codes.shape}."
        )
    return codes
