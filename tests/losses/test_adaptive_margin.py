"""The adaptive-margin loss against a naive loop over pairs of labels."""

import math

import numpy as np
import pytest

from keras_deephash.losses import AdaptiveMarginLoss


def cosine(a, b):
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def naive_loss(features, labels, vectors, margin=None):
    features, vectors = np.float64(features), np.float64(vectors)
    total, pairs = 0.0, 0
    for feature, row in zip(features, labels, strict=True):
        for j, own in enumerate(row):
            for k, other in enumerate(row):
                if not own or other:
                    continue
                delta = 1 - cosine(vectors[j], vectors[k])
                delta = delta if margin is None else margin
                hinge = (
                    delta - cosine(vectors[j], feature) + cosine(vectors[k], feature)
                )
                total += max(0.0, hinge)
                pairs += 1
    return total / max(pairs, 1)


@pytest.fixture
def vectors():
    return np.random.default_rng(5).normal(size=(5, 16)).astype("float32")


@pytest.mark.parametrize("margin", [None, 0.0, 0.7])
def test_equals_the_naive_loop(codes, labels, vectors, margin):
    assert labels.sum(axis=1).max() >= 2  # Other positives are never negatives.
    loss = AdaptiveMarginLoss(vectors, margin)
    expected = naive_loss(codes, labels, vectors, margin)
    np.testing.assert_allclose(float(loss(codes, labels)), expected, rtol=1e-5)


def test_gradient(codes, labels, vectors, check_gradient):
    def naive(codes, labels):
        return naive_loss(codes, labels, vectors)

    check_gradient(AdaptiveMarginLoss(vectors), naive, codes, labels)


def test_the_length_of_word_vectors_does_not_matter(codes, labels, vectors):
    lengths = np.float32([[1], [2], [3], [0.1], [9]])
    one, two = AdaptiveMarginLoss(vectors), AdaptiveMarginLoss(vectors * lengths)
    np.testing.assert_allclose(one(codes, labels), two(codes, labels), rtol=1e-5)


def test_an_image_with_every_label_adds_nothing(codes, vectors):
    assert float(AdaptiveMarginLoss(vectors)(codes, np.ones((10, 5)))) == 0


def test_config_holds_the_very_vectors(vectors):
    loss = AdaptiveMarginLoss(vectors)
    again = AdaptiveMarginLoss.from_config(loss.get_config())
    np.testing.assert_array_equal(again.word_vectors, vectors)


@pytest.mark.parametrize(
    "bad, message",
    [
        (np.ones(3), "must be a finite array"),
        (np.full((2, 3), np.nan), "must be a finite array"),
        (np.float32([[1, 0], [0, 0]]), "zeros at label 1"),
    ],
)
def test_bad_word_vectors(bad, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveMarginLoss(bad)


def test_bad_margin(vectors):
    with pytest.raises(ValueError, match="`margin` must be finite and >= 0"):
        AdaptiveMarginLoss(vectors, margin=-0.1)


def test_features_of_another_dimension_are_refused(codes, labels):
    with pytest.raises(ValueError, match="dimension of the word vectors"):
        AdaptiveMarginLoss(np.ones((5, 7)))(codes, labels)
