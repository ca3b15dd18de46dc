"""The triplet loss against a naive loop over triplets."""

import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.losses import TripletLoss
from keras_deephash.losses.violating_negatives import draw_violating, negatives_first


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


def test_every_violating_negative_is_drawn_equally_often(codes, labels):
    features = np.concatenate([codes, codes[:2]])  # Some distances are equal.
    labels = np.concatenate([labels, labels[[4, 5]]])
    distances = ((features[:, None] - features[None, :]) ** 2).sum(axis=2)
    negative = (labels @ labels.T == 0) & ~np.eye(12, dtype=bool)
    # The cube: which negatives violate the margin of which pair.
    slack = np.float32(1) + distances[:, :, None] - distances[:, None, :]
    violating = (slack > 0) & negative[:, None, :]
    counts = violating.sum(axis=2)
    assert counts.min() == 0 and len(np.unique(counts)) > 5

    # Draws in equal steps, of a number that all counts divide.
    steps = np.lcm.reduce(counts[counts > 0])
    draws = np.float32((np.arange(steps) + 0.5) / steps).repeat(12)[:, None]
    order = negatives_first(distances, np.float32(negative)).numpy()
    ordered = np.take_along_axis(distances, order, axis=1)
    places, count = draw_violating(
        np.tile(ordered, (steps, 1)),
        np.tile(negative.sum(axis=1, keepdims=True), (steps, 1)).astype("float32"),
        1.0,
        np.tile(draws, (1, 12)),
    )
    places = np.reshape(places, (steps, 12, 12))
    for anchor, column in np.ndindex(12, 12):
        pair = anchor, order[anchor, column]
        assert (count[anchor::12, column] == counts[pair]).numpy().all()
        if counts[pair]:
            drawn = order[anchor, places[:, anchor, column]]
            times = np.bincount(drawn, minlength=12)
            expected = violating[pair] * (steps // counts[pair])
            np.testing.assert_array_equal(times, expected)


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


@pytest.mark.parametrize("mining", ["margin", "hard", "all"])
def test_compiled_by_xla(codes, labels, mining):
    loss = TripletLoss(1.0, mining)
    compiled = tf.function(loss, jit_compile=True)
    # XLA may draw other numbers.
    tolerance = 0.3 if mining == "margin" else 1e-5
    assert float(compiled(codes, labels)) == pytest.approx(
        float(loss(codes, labels)), rel=tolerance
    )


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
