"""The codebook of an exported quantizer, in NumPy."""

import numpy as np

from keras_deephash.codebooks.arrays import as_codes, as_features
from keras_deephash.codebooks.assignment import assign_by_beam, assign_by_modes
from keras_deephash.codebooks.reconstruction import reconstruct
from keras_deephash.export.description import Description

_BATCH = 256  # Rows at once: their tables of costs take memory.


class FixedCodebook:
    """Feature vectors to codes and back, as by `Codebook`; nothing is learned.

    Args:
        description: `Description` of a quantizer.
    """

    def __init__(self, description: Description):
        self.centers = description.spec.centers
        self.subcodebooks, self.subcenters, self.dim = self.centers.shape
        self.beam = description.beam
        self._projected = self.centers
        if (projection := description.projection) is not None:
            self._projected = self.centers @ (projection.T @ projection)

    def encode(self, features) -> np.ndarray:
        """Codes, uint8 [n, M], of feature vectors, float [n, D]."""
        features = as_features(features, self.dim)
        codes = np.empty((len(features), self.subcodebooks), np.uint8)
        for start in range(0, len(features), _BATCH):
            rows = features[start : start + _BATCH]
            arguments = rows, self.centers, self._projected
            if self.beam is None:
                found = assign_by_modes(*arguments, tables=False)
            else:
                found = assign_by_beam(*arguments, self.beam, tables=False)
            codes[start : start + _BATCH] = found
        return codes

    def decode(self, codes) -> np.ndarray:
        """Reconstructions, float32 [n, D], of codes, uint8 [n, M]."""
        return reconstruct(self.check_codes(codes), self.centers)

    def check_codes(self, codes) -> np.ndarray:
        """Codes as an array [n, M] of sub-codes below K, or a ValueError."""
        return as_codes(codes, self.subcodebooks, self.subcenters)
