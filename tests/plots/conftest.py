"""Fixtures for the tests of the plots."""

import numpy as np
import pytest


@pytest.fixture
def retrieval():
    """Codes of 16 bits and labels: 7 queries, 30 database items, 3 labels."""
    generator = np.random.default_rng(0)
    query_labels = (generator.random((7, 3)) < 0.5).astype(np.uint8)
    labels = (generator.random((30, 3)) < 0.5).astype(np.uint8)
    query_codes = generator.integers(0, 256, (7, 2), dtype=np.uint8)
    codes = generator.integers(0, 256, (30, 2), dtype=np.uint8)
    return query_codes, query_labels, codes, labels


@pytest.fixture
def distances(retrieval):
    """Hamming distances [7, 30], bit by bit."""
    queries, codes = (np.unpackbits(retrieval[i], axis=1) for i in (0, 2))
    return np.array([[np.sum(a != b) for b in codes] for a in queries])


@pytest.fixture
def similar(retrieval):
    """Whether a query and an item share a label, booleans [7, 30]."""
    queries, labels = retrieval[1], retrieval[3]
    return np.array([[bool(np.any(a & b)) for b in labels] for a in queries])
