"""Retrieval metrics against plain loops."""

import json

import numpy as np
import pytest

from keras_deephash.retrieval import RetrievalMetrics, evaluate_retrieval


def make(seed=0, queries=7, database=60, bits=16, labels=4, multi=True):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, (queries + database, bits))
    # Few set bits: many ties, and balls that are neither empty nor everything.
    codes &= rng.integers(0, 2, codes.shape)
    codes &= rng.integers(0, 2, codes.shape)
    multi_hot = (rng.random((queries + database, labels)) < 0.2).astype(np.float32)
    if not multi:
        multi_hot = np.eye(labels, dtype=np.float32)[
            rng.integers(0, labels, queries + database)
        ]
    packed = np.packbits(codes, axis=1)
    return packed[:queries], multi_hot[:queries], packed[queries:], multi_hot[queries:]


def naive_distances(query, database):
    query_bits = np.unpackbits(query)
    return np.array([np.sum(query_bits != np.unpackbits(row)) for row in database])


def naive_relevance(query, database):
    return np.array(
        [
            bool(set(np.flatnonzero(query)) & set(np.flatnonzero(row)))
            for row in database
        ]
    )


def naive_ap(ranked):
    hits, summed = 0, 0.0
    for rank, good in enumerate(ranked, start=1):
        if good:
            hits += 1
            summed += hits / rank
    return summed / hits if hits else 0.0


def naive_metrics(data, top_k, radius, lengths=(5, 30), features=None):
    """Stable ties; features re-rank the ball."""
    query_codes, query_labels, database_codes, database_labels = data
    rows = []
    for i, (code, label) in enumerate(zip(query_codes, query_labels, strict=True)):
        distances = naive_distances(code, database_codes)
        relevant = naive_relevance(label, database_labels)
        ranked = relevant[np.argsort(distances, kind="stable")]
        inside = np.flatnonzero(distances <= radius)
        order = distances[inside]
        if features is not None:
            order = -np.array([features[0][i] @ features[1][j] for j in inside])
        ball = relevant[inside][np.argsort(order, kind="stable")]
        rows.append(
            {
                "map": naive_ap(ranked[:top_k]),
                "map_at_radius": naive_ap(ball),
                "precision_at_radius": np.mean(ball) if len(ball) else 0.0,
                "recall_at_radius": sum(ball) / max(sum(relevant), 1),
                "empty_balls": float(len(ball) == 0),
                "answered": float(any(ranked[:top_k])),
                **{f"precision_at_{n}": np.mean(ranked[:n]) for n in lengths},
            }
        )
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def assert_figures(metrics, expected, atol=1e-12):
    figures = metrics.as_dict()
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, rel=0, abs=atol), name


@pytest.mark.parametrize("multi", [True, False])
@pytest.mark.parametrize("top_k", [1, 7, 60, 1000])
@pytest.mark.parametrize("radius", [0, 2, 16])
def test_stable_ties_equal_a_plain_loop(multi, top_k, radius):
    data = make(multi=multi)
    metrics = evaluate_retrieval(
        *data, top_k=top_k, radius=radius, ties="stable", precision_at=(5, 30)
    )
    assert_figures(metrics, naive_metrics(data, top_k, radius))
    assert metrics.top_k == min(top_k, 60)


def test_one_query_and_one_item():
    code = np.array([[5]], np.uint8)
    hit = evaluate_retrieval(code, [3], code, [3])
    assert (hit.map, hit.map_at_radius, hit.recall_at_radius) == (1.0, 1.0, 1.0)
    assert hit.precision_at == {100: 1.0, 1000: 1.0}
    miss = evaluate_retrieval(code, [3], code, [4])
    assert (miss.map, miss.map_at_radius, miss.recall_at_radius) == (0.0, 0.0, 0.0)
    assert (miss.empty_balls, miss.answered) == (0.0, 0.0)


def test_queries_without_relevant_items_count_as_zero_or_are_skipped():
    codes = np.zeros((2, 1), np.uint8)
    database = np.array([[0], [1]], np.uint8)
    labels = np.array([[1, 0], [0, 0]])
    zero = evaluate_retrieval(codes, labels, database, [[1, 0], [1, 0]])
    assert zero.map == 0.5
    skip = evaluate_retrieval(
        codes, labels, database, [[1, 0], [1, 0]], unanswered="skip"
    )
    assert skip.map == 1.0
    assert skip.answered == zero.answered == 0.5
    none = evaluate_retrieval(
        codes, labels, database, [[0, 1], [0, 1]], unanswered="skip"
    )
    assert none.map == 0.0


@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
def test_empty_balls_count_as_zero(ties):
    queries = np.array([[0], [255]], np.uint8)
    database = np.array([[0], [0], [1]], np.uint8)
    metrics = evaluate_retrieval(
        queries, [1, 1], database, [1, 1, 0], radius=0, ties=ties
    )
    assert metrics.empty_balls == 0.5
    assert metrics.precision_at_radius == 0.5
    assert metrics.recall_at_radius == 0.5
    assert metrics.map_at_radius == 0.5
    assert metrics.radius == 0


@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
def test_features_rerank_the_ball(ties):
    data = make(seed=5)
    rng = np.random.default_rng(6)
    features = (
        rng.normal(size=(7, 8)).astype(np.float32),
        rng.normal(size=(60, 8)).astype(np.float32),
    )
    metrics = evaluate_retrieval(
        *data,
        ties=ties,
        radius=3,
        query_features=features[0],
        database_features=features[1],
    )
    expected = naive_metrics(data, None, 3, features=features)
    assert metrics.map_at_radius == pytest.approx(expected["map_at_radius"], abs=1e-12)
    plain = evaluate_retrieval(*data, ties=ties, radius=3)
    assert plain.map_at_radius != metrics.map_at_radius
    assert plain.map == metrics.map


@pytest.mark.parametrize("database", [60, 61, 3000])
def test_blocks_do_not_change_the_result(database, monkeypatch):
    data = make(database=database)
    whole = evaluate_retrieval(*data).as_dict(curve=True)
    monkeypatch.setattr("keras_deephash.retrieval.hamming._BLOCK_BYTES", 2 * database)
    assert evaluate_retrieval(*data).as_dict(curve=True) == whole


@pytest.mark.parametrize("bits", [8, 48, 64, 128, 264])
def test_code_lengths(bits):
    data = make(bits=bits, database=40)
    # Far codes too: distances over 127 and over 255 must not wrap around.
    far = np.arange(40)[:, None] % 3 == 0
    queries, database = np.zeros_like(data[0]), np.where(far, np.uint8(255), data[2])
    data = (queries, data[1], database, data[3])
    metrics = evaluate_retrieval(*data, ties="stable", top_k=30, precision_at=(5, 30))
    assert_figures(metrics, naive_metrics(data, 30, 2))
    assert len(metrics.precision_recall_curve[0]) == bits + 1


def test_curve_holds_precision_and_recall_of_every_radius():
    data = make()
    recall, precision = evaluate_retrieval(*data).precision_recall_curve
    for radius in range(17):
        metrics = evaluate_retrieval(*data, radius=radius)
        assert metrics.recall_at_radius == recall[radius]
        assert metrics.precision_at_radius == precision[radius]
    beyond = evaluate_retrieval(*data, radius=100)
    assert beyond.recall_at_radius == recall[-1]
    assert beyond.map_at_radius == pytest.approx(beyond.map)


def test_as_dict_is_flat_json():
    metrics = evaluate_retrieval(*make(), precision_at=(3,))
    assert isinstance(metrics, RetrievalMetrics)
    figures = metrics.as_dict()
    assert all(type(value) in (float, int) for value in figures.values())
    assert figures["precision_at_3"] == metrics.precision_at[3]
    assert "curve_recall" not in figures
    with_curve = json.loads(json.dumps(metrics.as_dict(curve=True)))
    assert with_curve["curve_recall"] == metrics.precision_recall_curve[0].tolist()
    with pytest.raises(AttributeError):
        metrics.map = 1.0
