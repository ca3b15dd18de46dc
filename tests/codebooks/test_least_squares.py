"""Centres from sums over samples, against plain least squares."""

import numpy as np
import pytest

from keras_deephash.codebooks.least_squares import (
    RIDGE,
    code_sums,
    reseed_unused,
    solve_centers,
)
from keras_deephash.codebooks.orthogonality import solve_with_penalty
from keras_deephash.losses import OrthogonalityPenalty


@pytest.fixture
def problem():
    """Features [60, 6], codes [60, 2] of 4 centres, and centres [2, 4, 6]."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 6))
    codes = generator.integers(4, size=(60, 2)).astype(np.uint8)
    return features, codes, generator.normal(size=(2, 4, 6))


def one_hot(codes, subcenters):
    matrix = np.zeros((len(codes), codes.shape[1] * subcenters))
    for row, code in enumerate(codes):
        for m, k in enumerate(code):
            matrix[row, m * subcenters + k] = 1
    return matrix


def error(features, codes, centers):
    sums = sum(centers[m][codes[:, m]] for m in range(len(centers)))
    return np.mean(np.sum((features - sums) ** 2, axis=1))


def test_sums(problem):
    features, codes, _ = problem
    matrix = one_hot(codes, 4)
    gram, products = code_sums(codes, features, 4)
    np.testing.assert_allclose(gram, matrix.T @ matrix)
    np.testing.assert_allclose(products, matrix.T @ features)


def test_additive_centres_are_the_least_squares(problem):
    features, codes, centers = problem
    solved = solve_centers(centers, *code_sums(codes, features, 4), "additive")
    # With the centres as they were for a sample each.
    matrix = np.concatenate([one_hot(codes, 4), RIDGE**0.5 * np.eye(8)])
    targets = np.concatenate([features, RIDGE**0.5 * centers.reshape(8, 6)])
    best = np.linalg.lstsq(matrix, targets, rcond=None)[0].reshape(2, 4, 6)
    np.testing.assert_allclose(solved, best, rtol=1e-4, atol=1e-5)


def test_repeated_solving_reaches_the_least_squares(problem):
    features, codes, solved = problem
    for _ in range(50):
        solved = solve_centers(solved, *code_sums(codes, features, 4), "additive")
    best = np.linalg.lstsq(one_hot(codes, 4), features, rcond=None)[0].reshape(2, 4, 6)
    assert error(features, codes, solved) == pytest.approx(
        error(features, codes, best), rel=1e-5
    )


def test_product_centres_are_the_means_of_their_block(problem):
    features, codes, centers = problem
    centers[0, :, 3:] = centers[1, :, :3] = 0
    solved = solve_centers(centers, *code_sums(codes, features, 4), "product")
    for k in range(4):
        mean = features[codes[:, 0] == k][:, :3].mean(axis=0)
        np.testing.assert_allclose(solved[0, k, :3], mean, rtol=1e-4)
        mean = features[codes[:, 1] == k][:, 3:].mean(axis=0)
        np.testing.assert_allclose(solved[1, k, 3:], mean, rtol=1e-4)
    assert not solved[0, :, 3:].any() and not solved[1, :, :3].any()


@pytest.mark.parametrize("structure", ["product", "additive"])
def test_an_unused_centre_keeps_its_value(problem, structure):
    features, codes, centers = problem
    codes[codes == 3] = 0
    solved = solve_centers(centers, *code_sums(codes, features, 4), structure)
    block = [slice(0, 3), slice(3, 6)]
    for m in range(2):
        own = block[m] if structure == "product" else slice(None)
        np.testing.assert_allclose(solved[m, 3, own], centers[m, 3, own], rtol=1e-5)


def test_sums_of_parts_are_those_of_the_whole(problem):
    features, codes, _ = problem
    whole = code_sums(codes, features, 4)
    first, second = (
        code_sums(codes[s], features[s], 4) for s in np.split(np.arange(60), [25])
    )
    for total, one, two in zip(whole, first, second, strict=True):
        np.testing.assert_allclose(total, one + two)


@pytest.mark.parametrize("structure", ["product", "additive"])
def test_reseeding_changes_unused_centres_only(problem, structure):
    features, codes, centers = problem
    features = features.astype("float32")
    codes[codes == 3] = 0
    counts = np.stack([np.bincount(column, minlength=4) for column in codes.T])
    again = reseed_unused(centers, counts, features, codes, structure, seed=0)
    np.testing.assert_array_equal(again[:, :3], centers[:, :3])
    assert (again[:, 3] != centers[:, 3]).any(axis=1).all()
    if structure == "product":
        assert not again[0, 3, 3:].any() and not again[1, 3, :3].any()
    else:
        # With it, some sample is reconstructed without any error.
        errors = [
            np.min(np.sum((features - again[0, 3] - c[codes[:, 1]]) ** 2, axis=1))
            for c in [again[1]]
        ]
        assert min(errors) == pytest.approx(0, abs=1e-8)


def test_the_penalty_trades_error_for_orthogonality(problem):
    features, codes, centers = problem
    sums = code_sums(codes, features, 4)
    solved = solve_centers(centers, *sums, "additive")
    penalty = OrthogonalityPenalty()

    def objective(c, weight):
        return error(features, codes, c) + weight * float(penalty(c))

    results = [solve_with_penalty(solved, *sums, weight) for weight in (1e-3, 0.1)]
    for result, weight in zip(results, (1e-3, 0.1), strict=True):
        assert objective(result, weight) < objective(solved, weight)
        for seed in range(5):  # No small step leads further down.
            step = 1e-2 * np.random.default_rng(seed).normal(size=result.shape)
            assert objective(result + step, weight) > objective(result, weight)
    assert float(penalty(results[1])) < float(penalty(results[0]))
    assert error(features, codes, results[1]) > error(features, codes, results[0])
