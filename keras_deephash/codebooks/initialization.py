"""The first centres: k-means in blocks of dimensions, or of residuals."""

import warnings

import faiss
import numpy as np
from keras import ops
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from keras_deephash.codebooks.assignment import beam_search, cost_parts
from keras_deephash.codebooks.reconstruction import reconstruct

# More samples for each centre do not make the first centres better.
_SAMPLES_PER_CENTER = 64
_ITERATIONS = 20
_BEAM = 5  # Codes of each sample whose residuals the next centres are for.
_BATCH = 4096


def dimension_blocks(dim: int, subcodebooks: int) -> list[slice]:
    """The dimensions of every sub-codebook; lengths differ by one at most."""
    edges = np.linspace(0, dim, subcodebooks + 1).round().astype(int)
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def initial_centers(
    features: np.ndarray, subcodebooks: int, subcenters: int, structure: str, seed: int
) -> np.ndarray:
    """Centres to begin from.

    Args:
        features: float32 array [n, D]. With no more rows than centres, every row is a
            centre and some centres are the same.
        subcodebooks: int, M.
        subcenters: int, K.
        structure: `"product"` or `"additive"`.
        seed: int.

    Returns:
        float32 array [M, K, D].
    """
    generator = np.random.default_rng(seed)
    if len(features) > _SAMPLES_PER_CENTER * subcenters:
        rows = generator.permutation(len(features))[: _SAMPLES_PER_CENTER * subcenters]
        features = features[np.sort(rows)]
    if structure == "additive" and len(features) > subcenters:
        return _residual_centers(features, subcodebooks, subcenters, seed)
    return _block_centers(features, subcodebooks, subcenters, seed)


def _block_centers(features, subcodebooks: int, subcenters: int, seed: int):
    """Centres of blocks, zero outside of them."""
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


def _residual_centers(features, subcodebooks: int, subcenters: int, seed: int):
    """Centres of what the sub-codebooks before leave, of several codes each."""
    centers = np.empty((0, subcenters, features.shape[1]), np.float32)
    residuals = features
    for m in range(subcodebooks):
        new = _progressive_k_means(residuals, subcenters, seed + m)
        centers = np.concatenate([centers, new[None]])
        if m < subcodebooks - 1:
            batches = np.split(features, range(_BATCH, len(features), _BATCH))
            residuals = np.concatenate([_residuals(rows, centers) for rows in batches])
    return centers


def _residuals(features, centers) -> np.ndarray:
    """The residuals of the best codes of each row, [n * beam, D]."""
    vectors = ops.convert_to_tensor(centers)
    parts = cost_parts(ops.convert_to_tensor(features), vectors, vectors)
    codes = beam_search(*parts, _BEAM)
    codes = np.stack([ops.convert_to_numpy(code) for code in codes], axis=-1)
    reconstructions = reconstruct(codes.reshape(-1, len(centers)), centers)
    return np.repeat(features, codes.shape[1], axis=0) - reconstructions


def _progressive_k_means(points, subcenters: int, seed: int) -> np.ndarray:
    """k-means in the first principal components, then in more and more of them.

    In all dimensions at once, few points for each centre make centres of noise.
    """
    parameters = faiss.ProgressiveDimClusteringParameters()
    parameters.seed = seed + 1
    parameters.min_points_per_centroid = 1
    dim = points.shape[1]
    parameters.apply_pca = len(points) >= dim  # PCA needs as many points.
    clustering = faiss.ProgressiveDimClustering(dim, subcenters, parameters)
    points = np.ascontiguousarray(points, np.float32)
    clustering.train(
        len(points), faiss.swig_ptr(points), faiss.ProgressiveDimIndexFactory()
    )
    return faiss.vector_to_array(clustering.centroids).reshape(subcenters, dim)
