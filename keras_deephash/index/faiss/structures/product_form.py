"""The exact form of any codebook as a product quantizer of faiss.

The score of a code is a sum over its M centres, <q, C_1[b_1]> + ... + <q, C_M[b_M]>.
That is one inner product in M * D dimensions, of the query M times over with the
centres side by side: a product quantizer whose sub-vectors are whole centres.

The squared Euclidean distance |q|^2 - 2 <q, x> + |x|^2 needs |x|^2 / 2 besides. It is
written as a number of three bytes, as fine as float32 in effect, and each byte is one
more sub-quantizer: its centres hold the byte's worth in their first dimension, which
is 1 in the query.
"""

import numpy as np

from keras_deephash.codebooks.scores import reconstruct

DIGITS = 3
BATCH = 1 << 16


class ProductForm:
    """Turns codes and queries into those of faiss's product quantizer.

    Args:
        centers: float32 array [M, K, D].
        metric: `"inner_product"` or `"euclidean"`.
        base: int. Centres of a sub-quantizer in faiss, 256 or 16. Defaults to `256`.
    """

    def __init__(self, centers: np.ndarray, metric: str, base: int = 256):
        self.centers, self.base = centers, base
        self.euclidean = metric == "euclidean"
        self.dim = centers.shape[2]
        self.digits = DIGITS if self.euclidean else 0
        self.columns = len(centers) + self.digits
        if self.euclidean:
            low, high = half_norm_bounds(centers)
            self.offset = low
            # The largest number that the digits can write is at the upper bound.
            self.step = max((high - low) / (base**self.digits - 1), 1e-30)

    def faiss_centers(self) -> np.ndarray:
        """float32 [columns, base, D]; centres that no code names are zero."""
        table = np.zeros((self.columns, self.base, self.dim), np.float32)
        table[: len(self.centers), : self.centers.shape[1]] = self.centers
        for digit in range(self.digits):
            worth = self.step * float(self.base) ** digit
            table[len(self.centers) + digit, :, 0] = -worth * np.arange(self.base)
        return table

    def queries(self, features: np.ndarray) -> np.ndarray:
        """Features [q, D] as queries [q, columns * D]."""
        tiled = np.tile(features, (1, self.columns))
        if self.digits:
            ones = tiled.reshape(len(features), self.columns, self.dim)
            ones[:, len(self.centers) :] = 0
            ones[:, len(self.centers) :, 0] = 1
        return tiled

    def codes(self, codes: np.ndarray) -> np.ndarray:
        """Codes [n, M] with the digits of their half squared norms behind."""
        if not self.digits:
            return codes
        digits = np.empty((len(codes), self.digits), np.uint8)
        for start in range(0, len(codes), BATCH):
            part = slice(start, start + BATCH)
            digits[part] = self._digits(codes[part])
        return np.concatenate([codes, digits], axis=1)

    def _digits(self, codes: np.ndarray) -> np.ndarray:
        half_norms = 0.5 * np.square(reconstruct(codes, self.centers)).sum(
            axis=1, dtype=np.float64
        )
        number = np.rint((half_norms - self.offset) / self.step).astype(np.int64)
        number = np.clip(number, 0, self.base**self.digits - 1)
        powers = self.base ** np.arange(self.digits)
        return (number[:, None] // powers % self.base).astype(np.uint8)

    def check(self, rows: np.ndarray) -> None:
        """Raises ValueError for rows whose codes or digits cannot be ours."""
        codes = rows[:, : len(self.centers)]
        # The maximum, as NumPy before 2.2.6 crashes where an array of uint8 meets 256.
        if codes.size and codes.max() >= self.centers.shape[1]:
            raise ValueError("its codes name centres that are not there")
        if not self.digits:
            return
        for start in range(0, len(rows), BATCH):
            part = slice(start, start + BATCH)
            powers = self.base ** np.arange(self.digits)
            written = rows[part, len(self.centers) :].astype(np.int64) @ powers
            apart = (
                self.offset
                + self.step * written
                - half_norms(codes[part], self.centers)
            )
            # As fine as the float32 that they were rounded from, and a bit.
            if (abs(apart) > 1e-4 * self.step * self.base**self.digits).any():
                raise ValueError("the lengths of its codes are not theirs")

    def distances(self, similarities: np.ndarray, features: np.ndarray) -> np.ndarray:
        """faiss's similarities of queries [q, D], as distances: smaller is nearer."""
        if not self.euclidean:
            return -similarities
        lengths = np.square(features).sum(axis=1).reshape(-1, 1)
        return lengths - 2 * (similarities - np.float32(self.offset))

    def least_similarity(self, radius: float, features: np.ndarray) -> np.ndarray:
        """The similarity of each query [q, D] at a distance, float64 [q]."""
        if not self.euclidean:
            return np.full(len(features), -radius, np.float64)
        lengths = np.square(features).sum(axis=1, dtype=np.float64)
        return (lengths - radius) / 2 + self.offset


def half_norms(codes: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Half the squared norms of the sums of centres, float64 [n].

    By the products of each two centres: the dimensions of a reconstruction would take
    a hundred times as long.
    """
    centers = centers.astype(np.float64)
    norms = np.zeros(len(codes))
    for m in range(len(centers)):
        norms += 0.5 * np.square(centers[m]).sum(axis=1)[codes[:, m]]
        for other in range(m):
            products = centers[m] @ centers[other].T
            norms += products[codes[:, m], codes[:, other]]
    return norms


def half_norm_bounds(centers: np.ndarray) -> tuple[float, float]:
    """Bounds of half the squared norm of any sum of centres."""
    centers = centers.astype(np.float64)
    low = high = 0.0
    for m in range(len(centers)):
        for other in range(m, len(centers)):
            if m == other:
                terms = 0.5 * np.square(centers[m]).sum(axis=1)
            else:
                terms = centers[m] @ centers[other].T
            low, high = low + terms.min(), high + terms.max()
    return low, high
