"""The losses of codebooks against naive loops."""

import numpy as np
import tensorflow as tf

from keras_deephash.losses import (
    EuclideanCodebookLoss,
    InnerProductCodebookLoss,
    OrthogonalityPenalty,
)


def test_euclidean(codes):
    reconstructions = np.roll(codes, 1, axis=0)
    expected = np.mean(
        [
            sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
            for a, b in zip(np.float64(codes), np.float64(reconstructions), strict=True)
        ]
    )
    value = EuclideanCodebookLoss()(codes, reconstructions)
    np.testing.assert_allclose(float(value), expected, rtol=1e-5)


def test_inner_product(codes):
    vectors = np.random.default_rng(0).normal(size=(3, 16)).astype("float32")
    reconstructions = np.roll(codes, 1, axis=0)
    expected = np.mean(
        [
            sum(float(v @ (a - b)) ** 2 for v in np.float64(vectors))
            for a, b in zip(np.float64(codes), np.float64(reconstructions), strict=True)
        ]
    )
    value = InnerProductCodebookLoss(vectors)(codes, reconstructions)
    np.testing.assert_allclose(float(value), expected, rtol=1e-5)


def test_no_gradient_flows_to_reconstructions(codes):
    reconstructions = tf.Variable(0 * codes)
    with tf.GradientTape() as tape:
        value = EuclideanCodebookLoss()(codes, reconstructions)
    assert float(value) > 0
    assert tape.gradient(value, reconstructions) is None


def test_orthogonality():
    centers = np.random.default_rng(0).normal(size=(3, 4, 6)).astype("float32")
    expected = 0.0
    for one in np.float64(centers):
        for other in np.float64(centers):
            for k in range(4):
                for n in range(4):
                    expected += (float(one[k] @ other[n]) - (k == n)) ** 2
    value = OrthogonalityPenalty()(centers)
    np.testing.assert_allclose(float(value), expected, rtol=1e-5)


def test_an_orthonormal_codebook_has_no_redundancy_within():
    centers = np.eye(4, dtype="float32")[None]
    assert float(OrthogonalityPenalty()(centers)) == 0
