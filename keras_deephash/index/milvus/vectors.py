"""Codes and queries as vectors that Milvus compares."""

import numpy as np

from keras_deephash.codebooks.scores import reconstruct
from keras_deephash.index.code_spec import CodeSpec


class HashVectors:
    """Hash codes as binary vectors.

    Args:
        spec: `CodeSpec`.
    """

    type = "BINARY_VECTOR"
    metric = "HAMMING"
    index_types = {"flat": "BIN_FLAT", "ivf": "BIN_IVF_FLAT"}

    def __init__(self, spec: CodeSpec):
        self.dim = spec.bits

    def of_codes(self, codes: np.ndarray) -> list[bytes]:
        return [code.tobytes() for code in codes]

    def of_queries(self, queries: np.ndarray) -> list[bytes]:
        return self.of_codes(queries)

    def range_params(self, radius: float, queries: np.ndarray) -> dict:
        """The search parameters for all within a radius, inclusive."""
        # Milvus wants a distance below its radius.
        return {"radius": int(min(radius, self.dim)) + 1}


class QuantizerVectors:
    """A quantizer's codes as their reconstructions, float vectors.

    The server compares them exactly. Binary vectors of their signs would take a 32nd
    of the memory, but the nearest by signs are not the nearest by AQD:
    tests/benchmarks/bench_milvus_quantizer.py.

    Args:
        spec: `CodeSpec`.
    """

    type = "FLOAT_VECTOR"
    index_types = {"flat": "FLAT", "ivf": "IVF_FLAT"}

    def __init__(self, spec: CodeSpec):
        self.centers = spec.centers
        self.dim = spec.centers.shape[2]
        self.metric = "IP" if spec.metric == "inner_product" else "L2"

    def of_codes(self, codes: np.ndarray) -> list[np.ndarray]:
        return list(reconstruct(codes, self.centers))

    def of_queries(self, queries: np.ndarray) -> list[np.ndarray]:
        return list(queries)

    def range_params(self, radius: float, queries: np.ndarray) -> dict:
        """The search parameters for all within a radius, and slightly more."""
        # float32 is coarse, at lengths far above the distance above all. What this lets
        # in too much is dropped by its exact distance.
        longest = np.square(queries).sum(axis=1).max(initial=0)
        slack = 1e-4 * max(1.0, abs(radius), float(longest))
        sign = -1 if self.metric == "IP" else 1
        return {"radius": sign * float(radius + slack)}


def new_vectors(spec: CodeSpec) -> HashVectors | QuantizerVectors:
    """How the codes of a model are vectors."""
    return QuantizerVectors(spec) if spec.is_quantizer else HashVectors(spec)
