"""AQD and SQD by look-up tables against reconstructions."""

import numpy as np
import pytest

from keras_deephash.codebooks import asymmetric_scores, symmetric_scores


@pytest.fixture
def problem():
    generator = np.random.default_rng(0)
    centers = generator.normal(size=(3, 8, 5)).astype("float32")
    queries = generator.normal(size=(4, 5)).astype("float32")
    codes = generator.integers(8, size=(30, 3)).astype(np.uint8)
    return queries, codes, centers


def naive_scores(queries, codes, centers, metric):
    scores = np.empty((len(queries), len(codes)))
    for q, query in enumerate(np.float64(queries)):
        for i, code in enumerate(codes):
            item = sum(np.float64(centers[m][k]) for m, k in enumerate(code))
            scores[q, i] = query @ item
            if metric == "euclidean":
                scores[q, i] = -np.sum((query - item) ** 2)
    return scores


@pytest.mark.parametrize("metric", ["inner_product", "euclidean"])
def test_asymmetric(problem, metric):
    queries, codes, centers = problem
    scores = asymmetric_scores(queries, codes, centers, metric)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(
        scores, naive_scores(queries, codes, centers, metric), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("metric", ["inner_product", "euclidean"])
def test_symmetric(problem, metric):
    _, codes, centers = problem
    decoded = [sum(centers[m][k] for m, k in enumerate(code)) for code in codes[:4]]
    np.testing.assert_allclose(
        symmetric_scores(codes[:4], codes, centers, metric),
        naive_scores(decoded, codes, centers, metric),
        rtol=1e-4,
        atol=1e-4,
    )


def test_equal_codes_have_equal_scores(problem):
    queries, codes, centers = problem
    scores = asymmetric_scores(queries, np.repeat(codes, 2, axis=0), centers)
    np.testing.assert_array_equal(scores[:, ::2], scores[:, 1::2])


def test_bad_arguments(problem):
    queries, codes, centers = problem
    with pytest.raises(ValueError, match="`metric` must be one of"):
        asymmetric_scores(queries, codes, centers, "hamming")
    with pytest.raises(ValueError, match=r"must have shape \[queries, 5\]"):
        asymmetric_scores(queries[:, :4], codes, centers)
