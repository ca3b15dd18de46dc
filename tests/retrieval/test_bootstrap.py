"""Intervals of the mean average precision over other draws of the queries."""

import numpy as np
import pytest

from keras_deephash.retrieval import evaluate_retrieval


def make(queries=9, database=30):
    rng = np.random.default_rng(4)
    codes = np.packbits(rng.random((queries + database, 8)) < 0.4, axis=1)
    labels = rng.integers(0, 6, queries + database)
    return codes[:queries], labels[:queries], codes[queries:], labels[queries:]


def each_query(data, **arguments):
    """The metrics of every query alone."""
    queries, labels, *database = data
    return [
        evaluate_retrieval(queries[[i]], labels[[i]], *database, **arguments)
        for i in range(len(queries))
    ]


def naive(values, weights, samples, seed):
    """Percentiles of means over queries drawn with replacement, one by one."""
    generator = np.random.default_rng(seed)
    means = []
    for _ in range(samples):
        rows = generator.integers(0, len(values), len(values))
        weight = sum(weights[i] for i in rows)
        means.append(sum(values[i] for i in rows) / weight if weight else 0.0)
    means.sort()

    def quantile(share):
        place = share * (samples - 1)
        low = int(place)
        rest = place - low
        return means[low] * (1 - rest) + means[min(low + 1, samples - 1)] * rest

    return quantile(0.025), quantile(0.975)


@pytest.mark.parametrize("unanswered", ["zero", "skip"])
@pytest.mark.parametrize("ties", ["expected", "stable"])
@pytest.mark.parametrize("top_k", [3, None])
def test_intervals_equal_a_plain_bootstrap(top_k, ties, unanswered):
    data = make()
    arguments = dict(top_k=top_k, ties=ties, radius=1)
    metrics = evaluate_retrieval(
        *data, **arguments, unanswered=unanswered, bootstrap=40, seed=3
    )
    alone = each_query(data, **arguments)
    # Of queries that count in part the figure is a ratio, and drawn as one.
    skip = unanswered == "skip"
    weights = [one.answered if skip else 1.0 for one in alone]
    expected = naive([one.map for one in alone], weights, 40, 3)
    assert metrics.map_interval == pytest.approx(expected, rel=0, abs=1e-12)
    assert metrics.map_interval[0] < metrics.map < metrics.map_interval[1]

    balls = [one.map_at_radius for one in alone]
    weights = [
        one.empty_balls + one.answered_at_radius if skip else 1.0 for one in alone
    ]
    expected = naive(balls, weights, 40, 3)
    assert metrics.map_at_radius_interval == pytest.approx(expected, rel=0, abs=1e-12)
    # Left-out queries are among them, also in part.
    assert 0 in [one.empty_balls + one.answered_at_radius for one in alone]
    partly = [0 < one.answered < 1 for one in alone]
    assert any(partly) == (top_k is not None and ties == "expected")


def test_the_figures_are_those_without_intervals():
    data = make()
    plain = evaluate_retrieval(*data)
    drawn = evaluate_retrieval(*data, bootstrap=10)
    assert plain.map_interval is plain.map_at_radius_interval is None
    figures = drawn.as_dict()
    intervals = {
        name: figures.pop(name) for name in ("map_interval", "map_at_radius_interval")
    }
    assert figures == plain.as_dict()
    assert intervals["map_interval"] == list(drawn.map_interval)
    assert all(type(end) is float for pair in intervals.values() for end in pair)


def test_the_seed_draws_the_queries():
    first, again, other = (
        evaluate_retrieval(*make(), bootstrap=20, seed=seed).map_interval
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_features_have_no_interval_of_a_ball():
    features = np.random.default_rng(0).normal(size=(20, 4))
    labels = np.arange(20) % 3
    metrics = evaluate_retrieval(
        features, labels, features, labels, distance="euclidean", bootstrap=10
    )
    assert metrics.map_interval[0] < metrics.map_interval[1]
    assert metrics.map_at_radius_interval is None


@pytest.mark.parametrize("unanswered", ["zero", "skip"])
@pytest.mark.parametrize("relevant", [True, False])
def test_one_query_is_always_drawn(relevant, unanswered):
    codes = np.array([[0], [1], [3]], np.uint8)
    labels = np.array([0, 1, 0 if relevant else 1])
    metrics = evaluate_retrieval(
        codes[:1], [0], codes[1:], labels[1:], unanswered=unanswered, bootstrap=7
    )
    assert metrics.map == (0.5 if relevant else 0.0)
    assert metrics.map_interval == (metrics.map, metrics.map)
    assert metrics.map_at_radius_interval == (metrics.map_at_radius,) * 2


def test_all_queries_alike_have_no_spread():
    codes = np.zeros((6, 1), np.uint8)
    metrics = evaluate_retrieval(
        codes, np.zeros(6, int), codes, np.zeros(6, int), bootstrap=5
    )
    assert metrics.map_interval == (1.0, 1.0)


@pytest.mark.parametrize("bootstrap", [-1, 2.5, "many"])
def test_a_wrong_number_of_samples(bootstrap):
    with pytest.raises(ValueError, match="`bootstrap` must be an integer >= 0"):
        evaluate_retrieval(*make(), bootstrap=bootstrap)
