"""Principal components of a covariance."""

import numpy as np

# Directions with less variance are rounding errors: less than this share of the largest
# variance, or less than this variance of rows of length 1.
_LEAST_SHARE, _LEAST_VARIANCE = 1e-9, 1e-12


def principal_components(covariance: np.ndarray) -> np.ndarray:
    """Returns the directions of variance, the largest first.

    Args:
        covariance: float array [d, d], of rows of length 1.

    Returns:
        float64 array [d, r] of the r orthonormal columns that have variance. The
        largest entry of each is positive, so that signs do not depend on the machine.
    """
    variances, directions = np.linalg.eigh(covariance)
    variances, directions = variances[::-1], directions[:, ::-1]
    least = max(_LEAST_SHARE * variances[0], _LEAST_VARIANCE)
    rank = np.count_nonzero(variances > least)
    directions = directions[:, :rank]
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[largest, np.arange(rank)])
