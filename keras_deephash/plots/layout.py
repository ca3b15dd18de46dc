"""Vectors laid out in a plane, without drawing them."""

import numpy as np


def lay_out(
    vectors: np.ndarray, method: str, seed: int = 0
) -> tuple[str, np.ndarray, tuple[str, str]]:
    """A title, points [n, 2], equal ones for equal vectors, and names of the axes.

    Args:
        vectors: float64 array [n, D], n > 0.
        method: `"tsne"` or `"pca"`; of three distinct vectors or less always PCA.
        seed: int. Seed of t-SNE. Defaults to `0`.
    """
    distinct, inverse = np.unique(vectors, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    if len(distinct) == 1:  # Neither method can lay these out.
        return "All codes are equal", np.zeros((len(vectors), 2)), ("", "")
    if method == "tsne" and len(distinct) > 3:
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits

        # Many equal codes would be each other's only neighbours. The perplexity
        # must be less than the number of points.
        perplexity = min(30.0, (len(distinct) - 1) / 3)
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
        # On few points threads gain little, and on busy cores they wait for each
        # other several times as long as one thread takes.
        with threadpool_limits(1):
            points = tsne.fit_transform(distinct)
        return "t-SNE of the codes", points[inverse], ("", "")
    from sklearn.decomposition import PCA

    pca = PCA(n_components=2, svd_solver="full").fit(vectors)
    names = [
        f"component {i + 1} ({100 * share:.0f} % of the variance)"
        for i, share in enumerate(pca.explained_variance_ratio_)
    ]
    return "PCA of the codes", pca.transform(distinct)[inverse], names
