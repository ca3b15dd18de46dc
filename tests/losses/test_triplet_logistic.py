"""The logistic triplet loss against a naive loop over triplets."""

import itertools
import math

import numpy as np
import pytest

from keras_deephash.losses import LogisticTripletLoss


def naive_loss(codes, labels, margin):
    codes, losses = np.float64(codes), []

    def similar(i, j):
        return any(x and y for x, y in zip(labels[i], labels[j], strict=True))

    for a, p, n in itertools.permutations(range(len(codes)), 3):
        if similar(a, p) and not similar(a, n):
            slack = margin - float(codes[a] @ codes[p] - codes[a] @ codes[n]) / 2
            losses.append(math.log1p(math.exp(slack)))
    return np.mean(losses) if losses else 0.0


@pytest.mark.parametrize("margin", [0.0, 5.0])
def test_equals_the_naive_loop(codes, labels, margin):
    value = LogisticTripletLoss(margin)(codes, labels)
    assert float(value) == pytest.approx(naive_loss(codes, labels, margin), rel=1e-5)


def test_the_margin_is_half_of_the_bits(codes, labels):
    for bits in (8, 16):
        value = float(LogisticTripletLoss()(codes[:, :bits], labels))
        assert value == float(LogisticTripletLoss(bits / 2)(codes[:, :bits], labels))


def test_gradient(codes, labels, check_gradient):
    def naive(codes, labels):
        return naive_loss(codes, labels, 2.0)

    check_gradient(LogisticTripletLoss(2.0), naive, codes, labels)


def test_large_products_do_not_overflow():
    codes = np.float32([[1000, 0], [-1000, 0], [1000, 1]])
    labels = np.float32([[1, 0], [1, 0], [0, 1]])
    # Anchor 0 with positive 1 is off by 1e6; to anchor 1 both are as far.
    value = LogisticTripletLoss(5.0)(codes, labels)
    assert float(value) == pytest.approx((1e6 + 5 + 5 + math.log1p(math.exp(-5))) / 2)


@pytest.mark.parametrize("margin", [-1, "5", float("nan")])
def test_bad_margin(margin):
    with pytest.raises(ValueError, match="`margin` must be finite and >= 0"):
        LogisticTripletLoss(margin)
