"""Metrics of continuous features against plain loops."""

import numpy as np
import pytest

from keras_deephash.retrieval import evaluate_retrieval


def make(seed=0, queries=6, database=50, dim=5):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(queries + database, dim)).astype(np.float32)
    labels = rng.integers(0, 3, queries + database)
    return features[:queries], labels[:queries], features[queries:], labels[queries:]


def naive(data, distance, top_k, length):
    aps, precisions = [], []
    for query, label in zip(*data[:2], strict=True):
        if distance == "inner_product":
            far = [-np.sum(query.astype(float) * row) for row in data[2]]
        else:
            far = [np.sum((query.astype(float) - row) ** 2) for row in data[2]]
        ranked = [data[3][i] == label for i in np.argsort(far, kind="stable")]
        hits = [sum(ranked[:k]) / k for k in range(1, top_k + 1) if ranked[k - 1]]
        aps.append(np.mean(hits) if hits else 0.0)
        precisions.append(np.mean(ranked[:length]))
    return np.mean(aps), np.mean(precisions)


@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
@pytest.mark.parametrize("distance", ["inner_product", "euclidean"])
@pytest.mark.parametrize("top_k", [1, 13, 50])
def test_equal_a_plain_loop(ties, distance, top_k):
    data = make()
    metrics = evaluate_retrieval(
        *data, distance=distance, top_k=top_k, ties=ties, precision_at=(9,)
    )
    expected = naive(data, distance, top_k, 9)
    assert metrics.map == pytest.approx(expected[0], rel=0, abs=1e-12)
    assert metrics.precision_at[9] == pytest.approx(expected[1], rel=0, abs=1e-12)


@pytest.mark.parametrize("distance", ["inner_product", "euclidean"])
def test_an_item_far_away_hides_no_difference_of_the_others(distance):
    query = np.array([[0.1, 0.1]], np.float32)
    database = np.array([[0.11, 0.1], [0.5, 0.1], [-1e7, 0]], np.float32)
    relevant = [1, 0, 0] if distance == "euclidean" else [0, 1, 0]
    metrics = evaluate_retrieval(query, [1], database, relevant, distance=distance)
    assert metrics.map == 1.0


@pytest.mark.parametrize("offset", [0, 10, 1000])
def test_an_offset_of_all_features_changes_no_euclidean_figure(offset):
    rng = np.random.default_rng(0)
    # In double precision: float32 rounds these features themselves.
    features = rng.normal(size=(70, 8)) * 1e-3 + offset
    labels = rng.integers(0, 3, 70)
    data = features[:10], labels[:10], features[10:], labels[10:]
    metrics = evaluate_retrieval(*data, distance="euclidean", top_k=60)
    assert metrics.map == pytest.approx(naive(data, "euclidean", 60, 1)[0], abs=1e-12)


def test_distances_differ():
    data = make()
    inner, euclidean = (
        evaluate_retrieval(*data, distance=name).map
        for name in ("inner_product", "euclidean")
    )
    assert inner != euclidean


def test_radius_figures_are_left_out():
    metrics = evaluate_retrieval(*make(), distance="euclidean")
    assert metrics.map_at_radius is None
    assert metrics.precision_at_radius is None
    assert metrics.recall_at_radius is None
    assert metrics.radius is None
    assert metrics.empty_balls is None
    assert not any("radius" in name or "balls" in name for name in metrics.as_dict())


def test_feature_arguments_take_precedence_over_codes():
    queries, query_labels, database, database_labels = make()
    direct = evaluate_retrieval(
        queries, query_labels, database, database_labels, distance="inner_product"
    )
    named = evaluate_retrieval(
        None,
        query_labels,
        None,
        database_labels,
        distance="inner_product",
        query_features=queries,
        database_features=database,
    )
    assert direct.as_dict(curve=True) == named.as_dict(curve=True)


@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
@pytest.mark.parametrize("top_k", [None, 17])
def test_signs_as_features_equal_packed_codes(ties, top_k):
    """The inner product of signs orders, and ties, as the Hamming distance does."""
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2, (80, 16))
    labels = (rng.random((80, 4)) < 0.3).astype(int)
    packed, signs = np.packbits(bits, axis=1), 2.0 * bits - 1
    arguments = {"ties": ties, "top_k": top_k, "precision_at": (3, 20)}
    hamming = evaluate_retrieval(
        packed[:9], labels[:9], packed[9:], labels[9:], **arguments
    ).as_dict()
    for distance in ("inner_product", "euclidean"):
        figures = evaluate_retrieval(
            signs[:9], labels[:9], signs[9:], labels[9:], distance=distance, **arguments
        ).as_dict()
        for name, value in figures.items():
            assert value == pytest.approx(hamming[name], rel=0, abs=1e-12), name


@pytest.mark.parametrize("distance", ["inner_product", "euclidean"])
@pytest.mark.parametrize("database", [7, 13, 1001])
def test_equal_rows_are_tied_in_spite_of_rounding(distance, database):
    """Matrix products round the last rows of a block differently."""
    rng = np.random.default_rng(3)
    row = rng.normal(size=(1, 129))
    labels = np.zeros(database, int)
    labels[-1] = 1
    queries = np.concatenate([row, rng.normal(size=(4, 129))])
    metrics = evaluate_retrieval(
        queries, [1] * 5, np.repeat(row, database, axis=0), labels, distance=distance
    )
    assert metrics.map == pytest.approx(np.mean(1 / np.arange(1, database + 1)))


def test_curve_ends_with_everything():
    data = make()
    recall, precision = evaluate_retrieval(
        *data, distance="inner_product"
    ).precision_recall_curve
    share = np.mean([[a == b for b in data[3]] for a in data[1]])
    assert len(recall) == len(precision) <= 100
    assert recall[-1] == 1.0
    assert precision[-1] == pytest.approx(share)
    assert np.all(np.diff(recall) >= 0)
    first = evaluate_retrieval(*data, distance="inner_product", precision_at=(1,))
    assert precision[0] == pytest.approx(first.precision_at[1])


def test_blocks_do_not_change_the_result(monkeypatch):
    data = make()
    whole = evaluate_retrieval(*data, distance="euclidean").as_dict()
    monkeypatch.setattr("keras_deephash.retrieval.features._BLOCK_BYTES", 1)
    blocked = evaluate_retrieval(*data, distance="euclidean").as_dict()
    for name, value in whole.items():
        assert blocked[name] == pytest.approx(value, rel=0, abs=1e-12), name


@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
def test_scores_rank_as_the_features_that_gave_them(ties):
    data = make()
    scores = data[0] @ data[2].T
    expected = evaluate_retrieval(*data, distance="inner_product", ties=ties)
    found = evaluate_retrieval(None, data[1], None, data[3], scores=scores, ties=ties)
    assert found.map == pytest.approx(expected.map, abs=1e-12)
    assert found.precision_at == expected.precision_at
    assert found.distance == "scores" and found.map_at_radius is None


def test_equal_scores_are_ties():
    scores = np.float32([[1, 1, 1, 0]])
    found = evaluate_retrieval(None, [0], None, [0, 1, 1, 1], scores=scores)
    assert found.map == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


@pytest.mark.parametrize(
    "scores, message",
    [
        (np.ones((6, 49), "float32"), r"\(6, 50\) by the labels"),
        (np.ones((6, 50), int), "must be floats"),
        (np.full((6, 50), np.nan), "must be finite"),
    ],
)
def test_bad_scores(scores, message):
    data = make()
    with pytest.raises(ValueError, match=message):
        evaluate_retrieval(None, data[1], None, data[3], scores=scores)
