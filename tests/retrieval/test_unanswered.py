"""Queries that find nothing relevant: counted as zero, or left out of the means."""

from itertools import permutations

import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.retrieval import evaluate_retrieval


def make(queries=12, database=5):
    """Codes of 8 bits with empty balls, balls of others alone, and ties."""
    rng = np.random.default_rng(2)
    codes = np.packbits(rng.random((queries + database, 8)) < 0.3, axis=1)
    labels = rng.integers(0, 3, queries + database)
    features = rng.normal(size=(queries + database, 4))
    return codes, labels, features, queries


def average_precision(ranked):
    hits = [sum(ranked[:k]) / k for k in range(1, len(ranked) + 1) if ranked[k - 1]]
    return np.mean(hits) if hits else 0.0


def balls(codes, labels, features, queries, radius, order):
    """The relevances in the ball of each query, ranked; `order` decides on ties."""
    found = []
    for i in range(queries):
        inside = []
        for j in order:
            bits = np.unpackbits(codes[i] ^ codes[queries + j]).sum()
            if bits <= radius:
                product = 0 if features is None else features[i] @ features[queries + j]
                nearness = bits if features is None else -product
                inside.append((nearness, bool(labels[i] == labels[queries + j])))
        found.append([good for _, good in sorted(inside, key=lambda pair: pair[0])])
    return found


def naive(found, unanswered):
    if unanswered == "skip":
        found = [ball for ball in found if any(ball) or not ball]
    return sum(map(average_precision, found)) / len(found) if found else 0.0


@pytest.mark.parametrize("unanswered", ["zero", "skip"])
@pytest.mark.parametrize("rerank", [False, True])
@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
def test_the_ball_equals_a_plain_loop(ties, rerank, unanswered):
    codes, labels, features, queries = make()
    database = len(codes) - queries
    given = {}
    if rerank:
        given = {
            "query_features": features[:queries],
            "database_features": features[queries:],
        }
    metrics = evaluate_retrieval(
        codes[:queries],
        labels[:queries],
        codes[queries:],
        labels[queries:],
        ties=ties,
        unanswered=unanswered,
        seed=7,
        **given,
    )
    orders = {
        "expected": permutations(range(database)),
        "random": [np.random.default_rng(7).permutation(database)],
        "stable": [range(database)],
    }[ties]
    ranking = codes, labels, features if rerank else None, queries, 2
    found = [balls(*ranking, order) for order in orders]
    expected = np.mean([naive(each, unanswered) for each in found])
    assert metrics.map_at_radius == pytest.approx(expected, rel=0, abs=1e-12)
    empty = [not ball for ball in found[0]]
    answered = [any(ball) for ball in found[0]]
    assert metrics.empty_balls == np.mean(empty)
    assert metrics.answered_at_radius == np.mean(answered)
    # The case has all three kinds.
    assert sum(empty) > 0 and 0 < sum(answered) < queries - sum(empty)


@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
def test_no_query_is_left(ties):
    code = np.array([[5]], np.uint8)
    metrics = evaluate_retrieval(code, [3], code, [4], ties=ties, unanswered="skip")
    assert metrics.map_at_radius == metrics.map == 0.0
    assert metrics.answered_at_radius == metrics.empty_balls == 0.0


@pytest.mark.parametrize("unanswered", ["zero", "skip"])
def test_a_hashing_model_states_the_released_rule_too(unanswered):
    codes, labels, _, queries = make()
    continuous = np.unpackbits(codes, axis=1) - np.float32(0.5)
    continuous *= np.random.default_rng(0).random(continuous.shape) + 0.5
    multi_hot = np.eye(3)[labels]
    metrics = kdh.DCH(TinyBackbone(), bits=8).retrieval_metrics(
        continuous[:queries],
        multi_hot[:queries],
        continuous[queries:],
        multi_hot[queries:],
        unanswered=unanswered,
    )
    found = balls(codes, labels, continuous, queries, 2, range(len(codes) - queries))
    expected = {
        "map_at_radius_reranked": naive(found, unanswered),
        "map_at_radius_released": naive(found, "skip"),
    }
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=0, abs=1e-12), name
    assert expected["map_at_radius_released"] > naive(found, "zero")
