"""Distances between continuous codes."""

from keras import ops

DISTANCES = ("hamming", "squared_euclidean")

# Keeps the gradient of a code near zero finite; no effect on any other code.
_SMALLEST_SQUARED_NORM = 1e-6


def normalize(codes):
    """Codes [n, bits] scaled to length 1; a zero code stays zero."""
    squared = ops.sum(ops.square(codes), axis=-1, keepdims=True)
    return codes * ops.rsqrt(ops.maximum(squared, _SMALLEST_SQUARED_NORM))


def pairwise_distances(a, b, distance: str):
    """Distances of every row of `a` [n, bits] to every row of `b` [m, bits].

    `"hamming"` is the continuous Hamming distance `bits / 2 * (1 - cos(a, b))`;
    on +-1 codes it is the Hamming distance. `"squared_euclidean"` is 4 times that
    on +-1 codes.
    """
    if distance == "hamming":
        cosine = ops.matmul(normalize(a), ops.transpose(normalize(b)))
        return a.shape[-1] / 2 * (1 - cosine)
    return (
        ops.sum(ops.square(a), axis=-1, keepdims=True)
        - 2 * ops.matmul(a, ops.transpose(b))
        + ops.sum(ops.square(b), axis=-1)
    )


def distances_to_ones(magnitudes, distance: str):
    """Distances of each row of `magnitudes` [n, bits] to the all-ones code, [n]."""
    if distance == "hamming":
        bits = magnitudes.shape[-1]
        cosine = ops.sum(normalize(magnitudes), axis=-1) / bits**0.5
        return bits / 2 * (1 - cosine)
    return ops.sum(ops.square(magnitudes - 1), axis=-1)
