"""Neighbours by what a model ranks by."""

import numpy as np
import pytest

from keras_deephash.retrieval.neighbors import (
    nearest_neighbors,
    nearness,
    spread_over_classes,
)


def test_neighbors_by_hamming_distance():
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 256, (20, 2), dtype=np.uint8)
    ranking = {"query_codes": codes[:5], "database_codes": codes}
    indices, distances = nearest_neighbors(ranking, np.array([3, 1]), k=50)
    assert indices.shape == (2, 20) and indices[:, 0].tolist() == [3, 1]
    for query, found, far in zip((3, 1), indices, distances, strict=True):
        naive = np.unpackbits(codes[found] ^ codes[query], axis=1).sum(axis=1)
        np.testing.assert_array_equal(far, naive)
        assert (np.diff(far) >= 0).all()
    assert nearness(ranking) == "Hamming distance in bits"


@pytest.mark.parametrize("metric", ["euclidean", "inner_product"])
def test_neighbors_by_features(metric):
    generator = np.random.default_rng(0)
    queries, database = (generator.normal(size=(n, 4)) for n in (6, 30))
    ranking = {
        "query_codes": None,
        "database_codes": None,
        "query_features": queries,
        "database_features": database,
        "distance": metric,
    }
    indices, near = nearest_neighbors(ranking, np.array([5, 0]), k=7)
    for query, found, values in zip((5, 0), indices, near, strict=True):
        if metric == "euclidean":
            naive = [np.sqrt(np.sum((queries[query] - item) ** 2)) for item in database]
            order = np.argsort(naive)
        else:
            naive = [queries[query] @ item for item in database]
            order = np.argsort(naive)[::-1]
        assert found.tolist() == order[:7].tolist()
        np.testing.assert_allclose(values, np.array(naive)[order[:7]])
    assert metric.split("_")[0] in nearness(ranking).lower()


def test_queries_from_all_classes():
    labels = np.eye(4, dtype=np.uint8)[[0, 1, 2, 3] * 5]
    chosen = spread_over_classes(labels, 4)
    assert labels[chosen].argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert sorted(spread_over_classes(labels[:3], 9)) == [0, 1, 2]
    assert spread_over_classes(labels[:1], 1).tolist() == [0]
