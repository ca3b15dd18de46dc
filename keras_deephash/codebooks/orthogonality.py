"""Centres that are close to orthogonal: least squares with DTQ's penalty."""

import numpy as np
from scipy.optimize import minimize

_ITERATIONS = 50


def solve_with_penalty(
    centers: np.ndarray, gram: np.ndarray, products: np.ndarray, weight: float
) -> np.ndarray:
    """Centres that minimize the mean squared error plus `weight` times the penalty.

    The objective is `mean_i |z_i - sum_m C_m[b_im]|^2 + weight * sum_m sum_m'
    |C_m^T C_m' - I|^2` up to a constant. It needs no sample, only their sums.

    Args:
        centers: float array [M, K, D], where the search begins: the least squares
            without the penalty.
        gram: float array [MK, MK], B^T B.
        products: float array [MK, D], B^T Z.
        weight: float, > 0.

    Returns:
        float32 array [M, K, D].
    """
    subcodebooks, subcenters, dim = centers.shape
    samples = np.trace(gram) / subcodebooks
    identities = np.tile(np.eye(subcenters), (subcodebooks, subcodebooks))

    def objective(values):
        rows = values.reshape(-1, dim)
        fitted = gram @ rows
        error = np.sum(rows * (fitted - 2 * products)) / samples
        excess = rows @ rows.T - identities
        gradient = 2 * (fitted - products) / samples + 4 * weight * excess @ rows
        return error + weight * np.sum(excess**2), gradient.ravel()

    found = minimize(
        objective,
        centers.astype(np.float64).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _ITERATIONS},
    )
    return found.x.reshape(centers.shape).astype(np.float32)
