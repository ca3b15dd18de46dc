"""Mean, covariance and a sample of a stream of feature vectors."""

import numpy as np


class FeatureMoments:
    """Mean, covariance and a sample of a stream of features, in constant memory.

    Rows are scaled to length 1 first, so that the mean and the covariance are those of
    directions; a row of zeros is kept.

    Args:
        dim: int, d. Dimension of the features.
        sample_size: int. Rows of the sample, drawn so that each row of the stream is
            as likely to be in it as any other.
        seed: int. Seed of the sample. Defaults to `0`.

    Example:

    >>> moments = FeatureMoments(dim=1280, sample_size=20_000)
    >>> for rows in model.feature_batches("photos"):
    ...     moments.add(rows)
    >>> moments.mean.shape, moments.covariance.shape
    ((1280,), (1280, 1280))
    """

    def __init__(self, dim: int, sample_size: int, seed: int = 0):
        self.count = 0
        self._sum = np.zeros(dim)
        self._products = np.zeros((dim, dim))
        self._sample = np.empty((sample_size, dim), np.float32)
        self._generator = np.random.default_rng(seed)

    def add(self, rows: np.ndarray) -> None:
        """Adds the next rows of the stream, float [n, d]."""
        rows = unit_rows(rows)
        exact = rows.astype(np.float64)
        self._sum += exact.sum(axis=0)
        self._products += exact.T @ exact
        for row in rows:
            place = self.count
            if place >= len(self._sample):  # Reservoir sampling.
                place = self._generator.integers(self.count + 1)
            if place < len(self._sample):
                self._sample[place] = row
            self.count += 1

    @property
    def mean(self) -> np.ndarray:
        """The mean of the rows, float64 [d]."""
        return self._sum / max(self.count, 1)

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the rows, float64 [d, d]."""
        mean = self.mean
        return self._products / max(self.count, 1) - np.outer(mean, mean)

    @property
    def sample(self) -> np.ndarray:
        """A sample of the rows, of length 1, float32 [up to sample_size, d]."""
        return self._sample[: self.count]


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Scales rows to length 1, float32 [n, d]; a row of zeros is kept."""
    rows = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
