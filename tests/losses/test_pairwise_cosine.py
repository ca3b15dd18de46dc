"""The pairwise cosine loss against a naive loop over pairs."""

import itertools
import math

import numpy as np
import pytest

from keras_deephash.losses import PairwiseCosineLoss


def naive_loss(features, labels, balanced=False):
    features, labels = np.float64(features), np.asarray(labels)
    errors = {True: [], False: []}
    for i, j in itertools.product(range(len(features)), repeat=2):
        a, b = features[i], features[j]
        cosine = float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))
        similar = any(x and y for x, y in zip(labels[i], labels[j], strict=True))
        errors[similar].append(((1 if similar else -1) - cosine) ** 2)
    if balanced:  # Each kind weighs as much as all pairs together.
        return np.mean(errors[True]) + np.mean(errors[False])
    return np.mean(errors[True] + errors[False])


@pytest.mark.parametrize("pair_weighting", [None, "balanced"])
def test_equals_the_naive_loop(codes, labels, pair_weighting):
    expected = naive_loss(codes, labels, pair_weighting == "balanced")
    value = PairwiseCosineLoss(pair_weighting)(codes, labels)
    np.testing.assert_allclose(float(value), expected, rtol=1e-5)


def test_gradient(codes, labels, check_gradient):
    check_gradient(PairwiseCosineLoss(), naive_loss, codes, labels)


def test_is_zero_where_all_is_right():
    features = np.float32([[1, 2], [2, 4], [-1, -2]])
    labels = np.float32([[1, 0], [1, 0], [0, 1]])
    value = float(PairwiseCosineLoss()(features, labels))
    assert value == pytest.approx(0, abs=1e-6)
