"""The quantization losses against naive loops."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.losses import (
    CauchyQuantizationLoss,
    CosineQuantizationLoss,
    CubicQuantizationLoss,
    LogCoshQuantizationLoss,
    SquaredQuantizationLoss,
)


@pytest.fixture
def codes():
    return np.tanh(np.random.default_rng(2).normal(size=(6, 8))).astype("float32")


def naive_distance_to_ones(code, distance):
    magnitudes = [abs(x) for x in code]
    if distance == "squared_euclidean":
        return sum((x - 1) ** 2 for x in magnitudes)
    norm = math.sqrt(sum(x * x for x in magnitudes)) * math.sqrt(len(code))
    return len(code) / 2 * (1 - sum(magnitudes) / norm)


@pytest.mark.parametrize("distance", ["hamming", "squared_euclidean"])
def test_cauchy_equals_the_naive_loop(codes, distance):
    expected = [
        math.log(1 + naive_distance_to_ones(code, distance) / 5.0)
        for code in np.float64(codes).tolist()
    ]
    value = CauchyQuantizationLoss(5.0, distance)(codes)
    np.testing.assert_allclose(float(value), np.mean(expected), rtol=1e-5)


def test_squared_equals_the_naive_loop(codes):
    expected = [(abs(x) - 1) ** 2 for code in codes.tolist() for x in code]
    value = SquaredQuantizationLoss()(codes)
    np.testing.assert_allclose(float(value), np.mean(expected), rtol=1e-5)


def test_cubic_equals_the_naive_loop(codes):
    expected = [abs(abs(x) - 1) ** 3 for code in codes.tolist() for x in code]
    value = CubicQuantizationLoss()(codes)
    np.testing.assert_allclose(float(value), np.mean(expected), rtol=1e-5)


def test_cosine_equals_the_naive_loop(codes):
    expected = []
    for code in codes.tolist():
        norm = math.sqrt(sum(x * x for x in code)) * math.sqrt(len(code))
        expected.append(1 - sum(abs(x) for x in code) / norm)
    value = CosineQuantizationLoss()(codes)
    np.testing.assert_allclose(float(value), np.mean(expected), rtol=1e-5)


def test_log_cosh_equals_the_naive_loop(codes):
    expected = [
        sum(math.log(math.cosh(abs(x) - 1)) for x in code) for code in codes.tolist()
    ]
    value = LogCoshQuantizationLoss()(codes)
    np.testing.assert_allclose(float(value), np.mean(expected), rtol=1e-5)


def test_log_cosh_does_not_overflow():
    value = LogCoshQuantizationLoss()(np.full((1, 2), 1000.0))
    assert float(value) == pytest.approx(2 * (999 - math.log(2)))


@pytest.mark.parametrize(
    "loss",
    [
        CauchyQuantizationLoss(20.0),
        LogCoshQuantizationLoss(),
        CauchyQuantizationLoss(20.0, "squared_euclidean"),
        SquaredQuantizationLoss(),
        CosineQuantizationLoss(),
        CubicQuantizationLoss(),
    ],
)
@pytest.mark.parametrize(
    "codes", [np.ones((3, 8)), np.zeros((3, 8)), -np.ones((1, 8)), np.ones((0, 8))]
)
def test_degenerate_codes_stay_finite(loss, codes):
    variable = tf.Variable(np.float32(codes))
    with tf.GradientTape() as tape:
        value = loss(variable)
    gradient = tape.gradient(value, variable).numpy()
    assert np.isfinite(float(value)) and np.isfinite(gradient).all()
    if len(codes) and np.abs(codes).min() == 1:
        assert float(value) == pytest.approx(0, abs=1e-6)
