"""Moments, principal components and rotations, against plain NumPy."""

import numpy as np
import pytest

from keras_deephash.projections import (
    FeatureMoments,
    principal_components,
    random_rotation,
    sign_rotation,
)


@pytest.fixture
def rows():
    """float32 [300, 6] of very different variances, far from the origin."""
    generator = np.random.default_rng(0)
    spread = np.array([3.0, 2.0, 1.0, 0.5, 0.1, 0.05])
    return (5 + spread * generator.normal(size=(300, 6))).astype("float32")


def test_moments_are_those_of_rows_of_length_one(rows):
    moments = FeatureMoments(6, sample_size=1000)
    for start in range(0, 300, 37):
        moments.add(rows[start : start + 37])
    unit = np.float64(rows)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    assert moments.count == 300
    np.testing.assert_allclose(moments.mean, unit.mean(axis=0), rtol=1e-6)
    expected = np.cov(unit.T, bias=True)
    np.testing.assert_allclose(moments.covariance, expected, rtol=1e-3, atol=1e-8)
    np.testing.assert_allclose(moments.sample, unit, rtol=1e-5)


def test_each_row_is_as_likely_to_be_in_the_sample():
    rows = np.eye(20, dtype="float32")
    counts = np.zeros(20)
    for seed in range(400):
        moments = FeatureMoments(20, sample_size=5, seed=seed)
        for start in range(0, 20, 3):
            moments.add(rows[start : start + 3])
        assert moments.sample.shape == (5, 20)
        counts += moments.sample.sum(axis=0)
    # 400 draws of 5 in 20: 100 each, with a deviation of 8.7.
    assert np.abs(counts - 100).max() < 40


def test_a_row_of_zeros_stays():
    moments = FeatureMoments(2, sample_size=4)
    moments.add(np.array([[0.0, 0.0], [3.0, 4.0]], "float32"))
    np.testing.assert_allclose(moments.sample, [[0, 0], [0.6, 0.8]], rtol=1e-6)


def test_components_are_the_directions_of_variance(rows):
    covariance = np.cov(np.float64(rows).T, bias=True)
    components = principal_components(covariance)
    variances = np.diagonal(components.T @ covariance @ components)
    assert (np.diff(variances) < 0).all()
    np.testing.assert_allclose(components.T @ components, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(
        components.T @ covariance @ components, np.diag(variances), atol=1e-10
    )
    largest = np.abs(components).argmax(axis=0)
    assert (components[largest, np.arange(6)] > 0).all()


def test_directions_without_variance_are_left_out():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(50, 3)) @ generator.normal(size=(3, 8))
    assert principal_components(np.cov(rows.T)).shape == (8, 3)
    assert principal_components(np.zeros((8, 8))).shape == (8, 0)


def test_a_random_rotation_is_orthogonal():
    rotation = random_rotation(7, np.random.default_rng(0))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(7), atol=1e-12)
    assert not np.allclose(rotation, random_rotation(7, np.random.default_rng(1)))


def test_the_objective_of_itq_falls_at_every_step(rows):
    projected = np.float64(rows) - rows.mean(axis=0)
    first = random_rotation(6, np.random.default_rng(0))
    rotation, history = sign_rotation(projected, first, rounds=30)
    assert len(history) == 30 and history[-1] < 0.99 * history[0]
    assert (np.diff(history) <= 1e-9).all()
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(6), atol=1e-10)
    # Naively: the signs before the last rotation, and that rotation.
    before, _ = sign_rotation(projected, first, rounds=29)
    signs = np.where(projected @ before >= 0, 1, -1)
    error = np.mean(np.sum((signs - projected @ rotation) ** 2, axis=1))
    assert history[-1] == pytest.approx(error)
