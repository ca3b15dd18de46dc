"""The three treatments of ties, and what they must have in common."""

import itertools

import numpy as np
import pytest

from keras_deephash.retrieval import evaluate_retrieval


def make(seed, queries, database, bits):
    """Codes of few set bits, so that many are tied, with several labels per item."""
    rng = np.random.default_rng(seed)
    codes = np.packbits(rng.random((queries + database, bits)) < 0.125, axis=1)
    labels = (rng.random((queries + database, 4)) < 0.3).astype(np.float32)
    return codes[:queries], labels[:queries], codes[queries:], labels[queries:]


@pytest.mark.parametrize("rerank", [False, True])
@pytest.mark.parametrize("top_k", [1, 3, 4, None])
def test_expected_ties_are_the_mean_over_all_orders_of_the_database(top_k, rerank):
    data = make(seed=3, queries=3, database=5, bits=8)
    # Features with ties of their own.
    values = np.random.default_rng(0).integers(0, 2, (8, 2)).astype(float)

    def evaluate(order, ties):
        order = list(order)
        return evaluate_retrieval(
            *data[:2],
            data[2][order],
            data[3][order],
            top_k=top_k,
            ties=ties,
            precision_at=(2,),
            query_features=values[:3] if rerank else None,
            database_features=values[3:][order] if rerank else None,
        ).as_dict(curve=True)

    expected = evaluate(range(5), "expected")
    draws = [evaluate(order, "stable") for order in itertools.permutations(range(5))]
    for name, value in expected.items():
        mean = np.mean([draw[name] for draw in draws], axis=0)
        np.testing.assert_allclose(value, mean, rtol=0, atol=1e-12, err_msg=name)
    # The case is not trivial: the order matters.
    for name in ("map", "map_at_radius", "precision_at_2"):
        assert np.std([draw[name] for draw in draws]) > 0, name


def test_all_treatments_agree_without_ties():
    # Nested codes: the database item i differs from the query in i bits.
    database_codes = np.packbits(np.tri(17, 16, -1, dtype=np.uint8), axis=1)
    order = np.random.default_rng(0).permutation(17)
    labels = np.arange(17) % 3
    arguments = (np.zeros((1, 2), np.uint8), [1], database_codes[order], labels[order])
    expected, random, stable = (
        evaluate_retrieval(*arguments, top_k=11, ties=ties, precision_at=(4,)).as_dict()
        for ties in ("expected", "random", "stable")
    )
    for name in expected:
        assert expected[name] == pytest.approx(stable[name], abs=1e-12), name
        assert random[name] == pytest.approx(stable[name], abs=1e-12), name
    assert stable["map"] == pytest.approx((1 / 2 + 2 / 5 + 3 / 8 + 4 / 11) / 4)


def test_random_ties_follow_the_seed():
    data = make(seed=0, queries=7, database=60, bits=16)
    first, again, other = (
        evaluate_retrieval(*data, ties="random", seed=seed).map for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_identical_codes_and_one_relevant_item():
    """All items tied: AP is the mean of 1 / rank over the possible ranks."""
    codes = np.full((8, 4), 7, np.uint8)
    labels = np.array([1] + [0] * 7)
    metrics = evaluate_retrieval(codes[:1], [1], codes, labels, precision_at=(2,))
    assert metrics.map == pytest.approx(np.mean(1 / np.arange(1, 9)))
    assert metrics.map_at_radius == pytest.approx(metrics.map)
    assert metrics.precision_at == {2: pytest.approx(1 / 8)}
    cut = evaluate_retrieval(codes[:1], [1], codes, labels, top_k=2)
    assert cut.map == pytest.approx((1 + 1 / 2) / 8)
    assert cut.answered == pytest.approx(2 / 8)
    skipping = evaluate_retrieval(
        codes[:1], [1], codes, labels, top_k=2, unanswered="skip"
    )
    assert skipping.map == pytest.approx((1 + 1 / 2) / 2)
