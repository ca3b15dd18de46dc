"""Grouping records: candidates by codes, verified by features and hashes."""

import hashlib

import numpy as np

from keras_deephash.duplicates.calibration import Calibration
from keras_deephash.duplicates.candidates import candidate_pairs
from keras_deephash.duplicates.groups import Groups


def group_records(
    records: np.ndarray, calibration: Calibration, lowest: float
) -> np.ndarray:
    """Returns the group of each record, int [n]; pairs of copies link records.

    Args:
        records: array [n] of `record_type`.
        calibration: `Calibration`.
        lowest: float. The lowest score of a pair of copies.
    """
    first, number = _distinct(records)
    if len(first) < len(records):
        records = records[first]
    groups = Groups(len(records))
    for left, right in candidate_pairs(records, calibration.semantic_radius, groups):
        apart = groups.current[left] != groups.current[right]
        left, right = left[apart], right[apart]
        copies = calibration.pair_scores(records, left, right, lowest) >= lowest
        groups.join(left[copies], right[copies])
    return groups.labels()[number]


def _distinct(records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first of equal records, int [d], and which one each equals, [n]."""
    numbers: dict[bytes, int] = {}
    first, number = [], np.empty(len(records), np.int64)
    for row, record in enumerate(records):
        digest = hashlib.blake2b(record["features"].tobytes(), digest_size=16)
        digest.update(record["phash"].tobytes() + record["dhash"].tobytes())
        number[row] = numbers.setdefault(digest.digest(), len(first))
        if number[row] == len(first):
            first.append(row)
    return np.array(first, np.int64), number
