"""The score of two pictures: how alike they are, calibrated on other pictures."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from keras_deephash.checks import check_number

_FILE = "calibrations.json"
# Pairs whose features are compared at once, which bounds the memory.
_BLOCK = 4096
_HASH_BITS = 64


@dataclass(frozen=True)
class Calibration:
    """The weights of the features and hashes of two pictures in their score.

    The score of two pictures is `s` if one of `10 ** s` pairs of different pictures
    looks as alike. `calibrate` measures it.

    Attributes:
        network: str. The digest of the network whose features were measured.
        weights: list of 3 floats, the weights of 1 - cosine of the features, and of the
            distances of the two hashes, as shares of 64 bits. The logit of a pair is
            the weighted sum.
        bias: float, added to the logit.
        logits: list of floats, increasing.
        scores: list of floats, increasing: for each logit, minus the decimal logarithm
            of the share of random pairs with this logit or more.
        hash_limit: int. The most bits in which both hashes of copies differ together:
            the features of drawings and documents are alike, whatever they show.
        semantic_radius: int. The most bits in which the semantic codes of copies
            differ.
        source: str. Description of the pictures that it was measured on.
    """

    network: str
    weights: list[float]
    bias: float
    logits: list[float]
    scores: list[float]
    hash_limit: int
    semantic_radius: int
    source: str = ""

    def score(self, logits: np.ndarray) -> np.ndarray:
        """Returns the scores of logits; extrapolates beyond the measured ones."""
        scores = np.interp(logits, self.logits, self.scores)
        # The slope of the last two powers of ten, for which there are many pairs.
        behind = max(0, len(self.logits) - 3)
        slope = (self.scores[-1] - self.scores[behind]) / (
            self.logits[-1] - self.logits[behind]
        )
        beyond = np.maximum(0, np.asarray(logits) - self.logits[-1])
        return scores + slope * beyond

    def pair_scores(
        self,
        records: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        lowest: float = 0.0,
    ) -> np.ndarray:
        """Computes the scores of pairs of records, float [k].

        Args:
            records: array [n] of `record_type`.
            left, right: int arrays [k].
            lowest: float. Pairs that cannot reach it with their hashes score 0, and so
                do those whose hashes are too far apart. Defaults to `0.0`.
        """
        logits, near = self._by_hashes(records, left, right)
        scores = np.zeros(len(left))
        # This is the score with equal features, the highest possible.
        chosen = np.flatnonzero(near & (self.score(logits) >= lowest))
        features = records["features"]
        for start in range(0, len(chosen), _BLOCK):
            part = chosen[start : start + _BLOCK]
            one = features[left[part]].astype(np.float32)
            other = features[right[part]].astype(np.float32)
            far = 1 - np.einsum("nd,nd->n", one, other)
            scores[part] = self.score(logits[part] + self.weights[0] * far)
        return scores

    def _by_hashes(self, records, left, right) -> tuple[np.ndarray, np.ndarray]:
        """Logits of pairs with equal features, and whether the hashes are near."""
        logits, bits = np.full(len(left), self.bias), np.zeros(len(left), np.uint8)
        for weight, name in zip(self.weights[1:], ("phash", "dhash"), strict=True):
            column = records[name]
            apart = np.bitwise_count(column[left] ^ column[right])
            logits += weight / _HASH_BITS * apart
            bits += apart
        return logits, bits <= self.hash_limit

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, config: dict) -> "Calibration":
        """Creates a calibration from the dict of `to_json`."""
        return cls(**config)


@cache
def known_calibrations() -> dict[str, Calibration]:
    """Returns the calibrations of the package, by the digest of the network."""
    text = files("keras_deephash.duplicates").joinpath(_FILE).read_text("utf-8")
    calibrations = map(Calibration.from_json, json.loads(text))
    return {calibration.network: calibration for calibration in calibrations}


def calibration_for(
    network_digest: str, given: Calibration | None = None
) -> Calibration:
    """Returns the calibration of a network: the given one, or one of the package."""
    calibration = given or known_calibrations().get(network_digest)
    if calibration is None:
        raise ValueError(
            "There is no calibration for this model. Measure how alike copies are with "
            "a thousand of your own pictures: calibration="
            "keras_deephash.duplicates.calibrate(images, model)."
        )
    if calibration.network != network_digest:
        raise ValueError(
            "`calibration` was measured with another model, or with other weights: "
            "measure it again with `keras_deephash.duplicates.calibrate`."
        )
    return calibration


def lowest_score(count: int, false_positive_rate: float | None) -> float:
    """Returns the lowest score of a duplicate.

    Args:
        count: int. Number of pictures that are compared with each other.
        false_positive_rate: float. Share of pairs of different pictures that may be
            taken for duplicates; `None` for one such pair per thousand pictures.
    """
    if false_positive_rate is None:
        false_positive_rate = min(1e-4, 2e-3 / max(1, count - 1))
    rate = check_number("false_positive_rate", false_positive_rate, positive=True)
    if rate >= 1:
        raise ValueError(
            "`false_positive_rate` must be less than 1. "
            f"Received: false_positive_rate={false_positive_rate!r}."
        )
    return -float(np.log10(rate))
