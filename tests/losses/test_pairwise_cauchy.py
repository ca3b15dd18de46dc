"""The pairwise Cauchy loss against a naive loop over pairs."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.losses import PairwiseCauchyLoss


def naive_distance(a, b, distance):
    if distance == "squared_euclidean":
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    product = sum(x * y for x, y in zip(a, b, strict=True))
    cosine = product / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return len(a) / 2 * (1 - cosine)


def naive_loss(codes, labels, gamma, distance, pair_weighting):
    codes = np.float64(codes).tolist()
    labels = np.asarray(labels).tolist()
    everyone = range(len(codes))

    def similar(i, j):
        return any(x and y for x, y in zip(labels[i], labels[j], strict=True))

    pairs = [(i, j) for i, j in itertools.product(everyone, everyone) if i != j]
    similars = sum(similar(i, j) for i, j in pairs)
    if pair_weighting == "balanced":
        weights = {
            True: len(pairs) / max(similars, 1),
            False: len(pairs) / max(len(pairs) - similars, 1),
        }
    elif pair_weighting == "one_sided":
        all_pairs = list(itertools.product(everyone, everyone))
        weights = {
            True: len(all_pairs) / max(sum(similar(i, j) for i, j in all_pairs), 1),
            False: 1,
        }
    else:
        weights = {True: 1, False: 1}
    total = 0.0
    for i, j in pairs:
        d = max(naive_distance(codes[i], codes[j], distance), 1e-6)
        probability = gamma / (gamma + d)
        if similar(i, j):
            total -= weights[True] * math.log(probability)
        else:
            total -= weights[False] * math.log(1 - probability)
    return total / max(len(pairs), 1)


@pytest.mark.parametrize("gamma", [0.5, 20.0])
@pytest.mark.parametrize("distance", ["hamming", "squared_euclidean"])
@pytest.mark.parametrize("pair_weighting", ["balanced", "one_sided", None])
def test_equals_the_naive_loop(codes, labels, gamma, distance, pair_weighting):
    loss = PairwiseCauchyLoss(gamma, distance, pair_weighting)
    expected = naive_loss(codes, labels, gamma, distance, pair_weighting)
    assert expected > 0.05
    np.testing.assert_allclose(float(loss(codes, labels)), expected, rtol=1e-5)


@pytest.mark.parametrize("distance", ["hamming", "squared_euclidean"])
@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_short_codes_and_close_ones_count_as_they_are(codes, labels, distance, scale):
    """A bound that is there for zero must not reach codes like these."""
    codes = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    codes = scale * np.concatenate([codes, codes[:1], codes[1:2]])
    codes[-2:, 0] += 0.1 * scale
    labels = np.concatenate([labels, 1 - labels[:1], labels[1:2]])
    loss = PairwiseCauchyLoss(1e-3, distance)
    expected = naive_loss(codes, labels, 1e-3, distance, "balanced")
    np.testing.assert_allclose(
        float(loss(np.float32(codes), labels)), expected, rtol=1e-3
    )


@pytest.mark.parametrize("distance", ["hamming", "squared_euclidean"])
@pytest.mark.parametrize("pair_weighting", ["balanced", "one_sided"])
def test_gradient_equals_differences_of_the_naive_loop(
    codes, labels, distance, pair_weighting
):
    loss = PairwiseCauchyLoss(5.0, distance, pair_weighting)
    variable = tf.Variable(codes)
    with tf.GradientTape() as tape:
        value = loss(variable, labels)
    gradient = tape.gradient(value, variable).numpy()
    step = 1e-5
    for i, k in [(0, 0), (3, 7), (4, 2), (9, 15)]:
        moved = []
        for sign in (1, -1):
            shifted = np.float64(codes)
            shifted[i, k] += sign * step
            moved.append(naive_loss(shifted, labels, 5.0, distance, pair_weighting))
        expected = (moved[0] - moved[1]) / (2 * step)
        assert gradient[i, k] == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_distances_on_binary_codes():
    # On +-1 codes the continuous Hamming distance counts bits and the squared
    # Euclidean distance is 4 times that: the same loss at 4 times the gamma.
    codes = np.where(np.random.default_rng(0).random((8, 16)) < 0.5, -1.0, 1.0)
    labels = np.eye(3)[np.arange(8) % 3]
    hamming = PairwiseCauchyLoss(5.0, "hamming")(codes, labels)
    euclidean = PairwiseCauchyLoss(20.0, "squared_euclidean")(codes, labels)
    np.testing.assert_allclose(float(hamming), float(euclidean), rtol=1e-5)


DEGENERATE = {
    "one class": (np.tanh(np.arange(12.0).reshape(3, 4)), np.ones((3, 1))),
    "no similar pair": (np.tanh(np.arange(12.0).reshape(3, 4)), np.eye(3)),
    "no label": (np.tanh(np.arange(12.0).reshape(3, 4)), np.zeros((3, 2))),
    "one image": (np.ones((1, 4)), np.ones((1, 2))),
    "no image": (np.ones((0, 4)), np.ones((0, 2))),
    "saturated codes": (np.float64([[1, 1], [-1, 1], [1, 1]]), np.eye(3)),
    "identical codes": (np.full((4, 8), 0.3), np.eye(2)[[0, 1, 0, 1]]),
    "zero codes": (np.zeros((4, 8)), np.eye(2)[[0, 1, 0, 1]]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("distance", ["hamming", "squared_euclidean"])
@pytest.mark.parametrize("pair_weighting", ["balanced", "one_sided", None])
def test_degenerate_batches_stay_finite(case, distance, pair_weighting):
    codes, labels = (np.float32(array) for array in DEGENERATE[case])
    loss = PairwiseCauchyLoss(20.0, distance, pair_weighting)
    variable = tf.Variable(codes)
    with tf.GradientTape() as tape:
        value = loss(variable, labels)
    gradient = tape.gradient(value, variable).numpy()
    assert np.isfinite(float(value)) and np.isfinite(gradient).all()
    if len(codes) < 2:
        assert float(value) == 0


def test_runs_in_float32_under_mixed_precision(codes, labels):
    expected = PairwiseCauchyLoss()(codes, labels)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        value = PairwiseCauchyLoss()(codes, labels)
    finally:
        keras.config.set_dtype_policy("float32")
    assert value.dtype == tf.float32
    assert float(value) == float(expected)


def test_config_round_trip():
    loss = PairwiseCauchyLoss(7.0, "squared_euclidean", None)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, PairwiseCauchyLoss)
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"gamma": 0}, "`gamma` must be finite and > 0. Received: gamma=0"),
        ({"gamma": float("nan")}, "`gamma` must be finite and > 0"),
        ({"distance": "cosine"}, "`distance` must be one of"),
        ({"pair_weighting": "both"}, "`pair_weighting` must be one of"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        PairwiseCauchyLoss(**arguments)


def test_class_indices_are_refused(codes):
    with pytest.raises(ValueError, match="multi-hot.*to_categorical"):
        PairwiseCauchyLoss()(codes, np.arange(10))


def test_unequal_rows_are_refused(codes, labels):
    with pytest.raises(ValueError, match="10 rows of codes, 9 rows of labels"):
        PairwiseCauchyLoss()(codes, labels[:9])
