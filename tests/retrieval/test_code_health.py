"""Statistics of codes, counted one by one."""

import math

import numpy as np
import pytest

from keras_deephash.retrieval import code_health
from keras_deephash.retrieval.code_health import (
    bit_statistics,
    center_counts,
    distinct_codes,
    entropy,
)


def test_blocks_do_not_matter(monkeypatch):
    codes = np.random.default_rng(0).integers(0, 256, (50, 3), dtype=np.uint8)
    whole = bit_statistics(codes)
    monkeypatch.setattr(code_health, "_BLOCK", 7)
    blocks = bit_statistics(codes)
    for name in ("means", "entropies", "correlations"):
        np.testing.assert_allclose(getattr(blocks, name), getattr(whole, name))
    expected = np.corrcoef(np.unpackbits(codes, axis=1).T)
    np.testing.assert_allclose(whole.correlations, expected, atol=1e-12)


def test_entropies():
    assert entropy(np.array([5, 5])) == 1
    assert entropy(np.array([7, 0])) == 0
    expected = -sum(p * math.log2(p) for p in (0.1, 0.2, 0.7))
    assert entropy(np.array([1, 2, 7])) == pytest.approx(expected)
    codes = np.array([[0b10000000], [0b10000001]], np.uint8)
    assert bit_statistics(codes).entropies.tolist() == [0] * 7 + [1]


def test_used_centers():
    codes = np.array([[0, 3], [0, 2], [1, 3]], np.uint8)
    assert center_counts(codes, 4).tolist() == [[2, 1, 0, 0], [0, 0, 1, 2]]
    with pytest.raises(ValueError, match="Received: centre 3"):
        center_counts(codes, 3)


def test_distinct_codes():
    codes = np.random.default_rng(0).integers(0, 3, (60, 3), dtype=np.uint8)
    assert distinct_codes(codes) == len({tuple(code) for code in codes})
    assert distinct_codes(codes[:, ::-1]) == distinct_codes(codes)
    with pytest.raises(ValueError, match="at least one code"):
        distinct_codes(codes[:0])
