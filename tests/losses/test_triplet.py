"""The triplet loss against a naive loop over triplets."""

import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.losses import TripletLoss


def naive_triplets(features, labels, margin):
    """{(a, p): {n: loss}} over all triplets."""
    features = np.float64(features)

    def similar(i, j):
        return any(x and y for x, y in zip(labels[i], labels[j], strict=True))

    def distance(i, j):
        return sum((x - y) ** 2 for x, y in zip(features[i], features[j], strict=True))

    everyone, triplets = range(len(features)), {}
    for a, p in itertools.permutations(everyone, 2):
        if similar(a, p):
            triplets[a, p] = {
                n: max(0.0, margin + distance(a, p) - distance(a, n))
                for n in everyone
                if n != a and not similar(a, n)
            }
    return triplets


@pytest.mark.parametrize("margin", [1.0, 30.0])
def test_all_triplets(codes, labels, margin):
    triplets = naive_triplets(codes, labels, margin)
    losses = [loss for group in triplets.values() for loss in group.values()]
    value = TripletLoss(margin, "all")(codes, labels)
    np.testing.assert_allclose(float(value), np.mean(losses), rtol=1e-5)


def test_hard_triplets(codes, labels):
    triplets = naive_triplets(codes, labels, 1.0)
    losses = [max(group.values()) for group in triplets.values() if group]
    value = TripletLoss(1.0, "hard")(codes, labels)
    np.testing.assert_allclose(float(value), np.mean(losses), rtol=1e-5)


def test_margin_mining_averages_over_the_violating_negatives(codes, labels):
    # Over many seeds, the mean of the draws is the mean over the violating ones.
    triplets = naive_triplets(codes, labels, 1.0)
    violating = [
        [loss for loss in group.values() if loss > 0] for group in triplets.values()
    ]
    violating = [group for group in violating if group]
    assert len(violating) < len(triplets)  # Some pairs keep the margin.
    expected = np.mean([np.mean(group) for group in violating])
    lowest = np.mean([min(group) for group in violating])
    highest = np.mean([max(group) for group in violating])
    values = [
        float(TripletLoss(1.0, "margin", seed)(codes, labels)) for seed in range(200)
    ]
    assert lowest - 1e-5 <= min(values) < max(values) <= highest + 1e-5
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - expected) < 4 * error


def test_margin_mining_of_one_candidate():
    # Anchor 0 with positive 1 has the negatives 2 and 3, of which only 2 violates.
    features = np.float32([[0], [1], [1.5], [9]])
    labels = np.float32([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    expected = [2 + 1 - 1.5**2, 2 + 1 - 0.5**2]
    value = float(TripletLoss(2.0)(features, labels))
    assert value == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.parametrize("mining", ["hard", "all"])
def test_gradient(codes, labels, check_gradient, mining):
    def naive(codes, labels):
        groups = naive_triplets(codes, labels, 30.0).values()
        if mining == "hard":
            return np.mean([max(group.values()) for group in groups if group])
        return np.mean([loss for group in groups for loss in group.values()])

    check_gradient(TripletLoss(30.0, mining), naive, codes, labels)


def test_same_seed_same_loss(codes, labels):
    one, two = TripletLoss(1.0, seed=3), TripletLoss(1.0, seed=3)
    assert float(one(codes, labels)) == float(two(codes, labels))


@pytest.mark.parametrize("mining", ["margin", "hard", "all"])
def test_no_violation_is_no_loss(mining):
    features = np.float32([[0], [0.1], [50], [50.1]])
    labels = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
    variable = tf.Variable(features)
    with tf.GradientTape() as tape:
        value = TripletLoss(1.0, mining)(variable, labels)
    assert float(value) == 0
    np.testing.assert_array_equal(tape.gradient(value, variable), 0 * features)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"margin": 0}, "`margin` must be finite and > 0. Received: margin=0"),
        ({"mining": "soft"}, "`mining` must be one of"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TripletLoss(**arguments)


def test_margin_of_any_number_type_is_kept_in_the_config():
    for margin in (3, np.float32(3), np.int64(3)):
        config = TripletLoss(margin).get_config()
        assert json.loads(json.dumps(config)) == config
        assert TripletLoss.from_config(config).margin == 3.0
