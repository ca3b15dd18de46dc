"""Expected average precision against the mean over all orders of tied items."""

import itertools
from math import lgamma

import numpy as np
import pytest

from keras_deephash.retrieval.average_precision import (
    average_precision,
    relevant_within,
)


def naive_average_precision(ranked, top_k):
    hits, summed = 0, 0.0
    for rank, relevant in enumerate(ranked[:top_k], start=1):
        if relevant:
            hits += 1
            summed += hits / rank
    return summed / hits if hits else 0.0


def all_rankings(items, relevant):
    """Every order inside every group, each as often as it is probable."""
    groups = [[1] * r + [0] * (n - r) for n, r in zip(items, relevant, strict=True)]
    orders = [list(itertools.permutations(group)) for group in groups]
    for choice in itertools.product(*orders):
        yield [item for group in choice for item in group]


CASES = [
    ([1], [1]),
    ([1], [0]),
    ([2], [1]),
    ([5], [2]),
    ([5], [5]),
    ([6], [1]),
    ([0, 3, 0, 4], [0, 2, 0, 1]),
    ([3, 1, 4], [0, 1, 3]),
    ([2, 2, 2], [1, 1, 1]),
    ([1, 1, 1, 1, 1], [0, 1, 0, 1, 1]),
    ([4, 3], [0, 0]),
    ([4, 3], [0, 1]),
]


@pytest.mark.parametrize("items, relevant", CASES)
def test_equals_the_mean_over_all_orders_at_every_cut(items, relevant):
    rankings = list(all_rankings(items, relevant))
    for top_k in range(1, sum(items) + 2):
        naive = np.mean([naive_average_precision(r, top_k) for r in rankings])
        answered = np.mean([any(r[:top_k]) for r in rankings])
        value, found = average_precision(np.array([items]), np.array([relevant]), top_k)
        np.testing.assert_allclose(value, [naive], rtol=0, atol=1e-12)
        np.testing.assert_allclose(found, [answered], rtol=0, atol=1e-12)
        within = relevant_within(np.array(items), np.array(relevant), [top_k])
        expected = np.mean([sum(r[:top_k]) for r in rankings])
        np.testing.assert_allclose(within, [expected], rtol=0, atol=1e-12)


def test_no_cut_is_the_default():
    items, relevant = np.array([[3, 4], [5, 2]]), np.array([[1, 2], [0, 2]])
    for whole, cut in zip(
        average_precision(items, relevant),
        average_precision(items, relevant, 7),
        strict=True,
    ):
        np.testing.assert_array_equal(whole, cut)


def test_rows_of_different_cuts_do_not_mix():
    items = np.array([[3, 4, 2], [5, 2, 2], [1, 0, 8], [4, 5, 0]])
    relevant = np.array([[1, 2, 1], [0, 2, 0], [0, 0, 3], [2, 5, 0]])
    together = average_precision(items, relevant, 4)[0]
    alone = [
        average_precision(items[[row]], relevant[[row]], 4)[0][0] for row in range(4)
    ]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("before, relevant_before", [(0, 0), (50_000, 3_000)])
def test_large_groups_keep_their_precision(before, relevant_before):
    """Term by term with the sum over the hypergeometric distribution in logarithms."""
    n, r, m = 4_000, 350, 1_500
    items = np.array([[before, n]])
    relevant = np.array([[relevant_before, r]])

    def log_choose(a, b):
        return lgamma(a + 1) - lgamma(b + 1) - lgamma(a - b + 1)

    def precisions(start, hits, size, good):
        k = np.arange(1, size + 1)
        others = (k - 1) * (good - 1) / max(size - 1, 1)
        return np.sum(good / size * (hits + 1 + others) / (start + k))

    first = precisions(0, 0, before, relevant_before) if before else 0.0
    expected = 0.0
    for x in range(0, min(r, m) + 1):
        log_p = log_choose(r, x) + log_choose(n - r, m - x) - log_choose(n, m)
        numerator = first + precisions(before, relevant_before, m, x)
        expected += np.exp(log_p) * numerator / max(relevant_before + x, 1)
    value, _ = average_precision(items, relevant, before + m)
    np.testing.assert_allclose(value, [expected], rtol=1e-9)
