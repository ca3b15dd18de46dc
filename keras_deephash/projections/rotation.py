"""Rotations of projected features: random ones, and those of iterative quantization."""

import numpy as np


def random_rotation(dim: int, generator: np.random.Generator) -> np.ndarray:
    """Returns a uniformly distributed orthogonal matrix, float64 [dim, dim]."""
    q, r = np.linalg.qr(generator.standard_normal((dim, dim)))
    return q * np.sign(np.diagonal(r))


def sign_rotation(
    projected: np.ndarray, rotation: np.ndarray, rounds: int = 50
) -> tuple[np.ndarray, list[float]]:
    """Finds a rotation after which signs lose little: iterative quantization (ITQ).

    Minimizes `|B - V R|^2` over the signs B and the rotation R in turn, where each is
    exact given the other, so that the objective never rises.

    Args:
        projected: float array [n, bits], V, centred.
        rotation: float array [bits, bits], R to start from.
        rounds: int. Defaults to `50`.

    Returns:
        Tuple of the rotation, float64 [bits, bits], and the objective after each
        round, as a mean for each row.
    """
    projected = np.asarray(projected, dtype=np.float64)
    history = []
    for _ in range(rounds):
        signs = np.where(projected @ rotation >= 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(projected.T @ signs)
        rotation = left @ right
        error = np.square(signs - projected @ rotation).sum(axis=1)
        history.append(float(error.mean()))
    return rotation, history
