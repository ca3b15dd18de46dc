"""The first centres: k-means in every block of dimensions."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

# More samples than these a centre do not make the first centres better.
_SAMPLES_PER_CENTER = 64
_ITERATIONS = 20


def dimension_blocks(dim: int, subcodebooks: int) -> list[slice]:
    """The dimensions of every sub-codebook; lengths differ by one at most."""
    edges = np.linspace(0, dim, subcodebooks + 1).round().astype(int)
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def initial_centers(
    features: np.ndarray, subcodebooks: int, subcenters: int, seed: int
) -> np.ndarray:
    """Centres of blocks, zero outside of them.

    Args:
        features: float32 array [n, D]. With fewer rows than centres, every row is a
            centre and some centres are the same.
        subcodebooks: int, M.
        subcenters: int, K.
        seed: int.

    Returns:
        float32 array [M, K, D].
    """
    generator = np.random.default_rng(seed)
    if len(features) > _SAMPLES_PER_CENTER * subcenters:
        rows = generator.permutation(len(features))[: _SAMPLES_PER_CENTER * subcenters]
        features = features[np.sort(rows)]
    dim = features.shape[1]
    centers = np.zeros((subcodebooks, subcenters, dim), np.float32)
    for m, block in enumerate(dimension_blocks(dim, subcodebooks)):
        points = features[:, block]
        if len(points) <= subcenters:
            centers[m, :, block] = points[np.arange(subcenters) % len(points)]
            continue
        with warnings.catch_warnings():
            # Fewer different points than centres: some centres are the same.
            warnings.simplefilter("ignore", ConvergenceWarning)
            k_means = KMeans(
                subcenters, n_init=1, max_iter=_ITERATIONS, random_state=seed
            ).fit(points)
        centers[m, :, block] = k_means.cluster_centers_
    return centers
