"""Alternating optimization of codes and centres, with all features in memory."""

import numpy as np
from keras import ops

from keras_deephash.codebooks.initialization import initial_centers
from keras_deephash.codebooks.least_squares import (
    code_sums,
    reseed_unused,
    solve_centers,
)


def fit_centers(codebook, features: np.ndarray, rounds: int, seed: int) -> list[float]:
    """Sets the centres of a codebook; see `Codebook.fit`."""
    shape = codebook.subcodebooks, codebook.subcenters
    codebook.set_centers(initial_centers(features, *shape, seed))
    codes = codebook.encode(features)
    history, best = [], None
    for number in range(rounds):
        centers = ops.convert_to_numpy(codebook.centers)
        gram, products = code_sums(codes, features, codebook.subcenters)
        centers = solve_centers(centers, gram, products, codebook.structure)
        counts = np.diagonal(gram).reshape(shape)
        if number < rounds - 1:
            centers = reseed_unused(
                centers, counts, features, codes, codebook.structure, seed + number
            )
        codebook.set_centers(centers)
        codes = codebook.encode(features)
        history.append(codebook.distortion(features, codes))
        # A round may end above the one before: codes are not searched exhaustively.
        if history[-1] == min(history):
            best = centers
    codebook.set_centers(best)
    return history
