"""Alternating optimization of codes and centres, with all features in memory."""

import numpy as np

from keras_deephash.codebooks.initialization import initial_centers
from keras_deephash.codebooks.least_squares import (
    code_sums,
    reseed_unused,
    solve_centers,
)


def fit_centers(codebook, features: np.ndarray, rounds: int, seed: int) -> list[float]:
    """Sets the centres of a codebook; see `Codebook.fit`."""
    shape = codebook.subcodebooks, codebook.subcenters
    anchors = initial_centers(features, *shape, codebook.structure, seed)
    codebook.set_centers(anchors)
    codes = codebook.encode(features)
    history, best = [], None
    for number in range(rounds):
        gram, products = code_sums(codes, features, codebook.subcenters)
        # From the first centres: from those of the round before, small sets would be
        # learned by heart, little by little.
        centers = solve_centers(anchors, gram, products, codebook.structure)
        counts = np.diagonal(gram).reshape(shape)
        if number < rounds - 1:
            centers = reseed_unused(
                centers, counts, features, codes, codebook.structure, seed + number
            )
            anchors = np.where(counts[:, :, None] == 0, centers, anchors)
        codebook.set_centers(centers)
        codes = codebook.encode(features)
        history.append(codebook.distortion(features, codes))
        # A round may end above the one before: codes are not searched exhaustively.
        if history[-1] == min(history):
            best = centers
    codebook.set_centers(best)
    return history
