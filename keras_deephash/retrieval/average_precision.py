"""Average precision of a ranking in groups of equal distance.

The database in order of distance is a sequence of groups. A group has `items` items
of equal distance, `relevant` of them relevant. What follows is the exact expectation
over all orders inside the groups, each equally probable. A ranking without ties is
the special case of groups of one item.
"""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=4)
def _harmonic_numbers(count: int) -> np.ndarray:
    """Returns `H(0), ..., H(count)`, where `H(n)` sums `1 / k` for `k` of 1 to `n`."""
    numbers = np.zeros(count + 1)
    np.cumsum(1.0 / np.arange(1, count + 1), out=numbers[1:])
    numbers.flags.writeable = False
    return numbers


def _expected_precisions(harmonic, before, relevant_before, items, relevant):
    """Expected sum of the precisions at a group's relevant items.

    The `k`-th item of a group is relevant with probability `r / n`; then
    `(k - 1)(r - 1) / (n - 1)` of the `k - 1` items ahead of it are relevant too.
    The precision there is the relevant items so far over `before + k`.
    All arguments but `harmonic` are integers or arrays that broadcast.
    """
    # Sums over k = 1..n of 1 / (before + k) and of (k - 1) / (before + k).
    inverse = harmonic[before + items] - harmonic[before]
    ratio = items - (before + 1) * inverse
    one = relevant / np.maximum(items, 1)
    two = one * (relevant - 1) / np.maximum(items - 1, 1)
    return one * (relevant_before + 1) * inverse + two * ratio


def _hypergeometric(items: int, relevant: int, kept: int):
    """How many of `kept` random items of a group are relevant: values, probabilities.

    Built from ratios of neighbours and then scaled to sum 1, which stays accurate for
    groups of any size.
    """
    low, high = max(0, kept - (items - relevant)), min(relevant, kept)
    values = np.arange(low, high + 1)
    x = values[:-1]
    grows = (relevant - x) * (kept - x)
    shrinks = (x + 1) * (items - relevant - kept + x + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(grows) - np.log(shrinks))])
    weights = np.exp(logs - logs.max())
    return values, weights / weights.sum()


def average_precision(
    items: np.ndarray, relevant: np.ndarray, top_k: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Expected average precision within the first `top_k` items.

    The precisions at the relevant items among the first `top_k` are averaged: the
    denominator is the number of relevant items among these `top_k`. Where there is
    none the average precision is 0.

    Args:
        items: Integers of shape `[queries, groups]`, the items of every group in
            order of distance. A group may be empty.
        relevant: Integers of the same shape, the relevant items of every group.
        top_k: Length at which the rankings are cut. Defaults to `None`, no cut.

    Returns:
        Two arrays of shape `[queries]`: the expected average precision, and the
        probability that the first `top_k` items hold a relevant one.

    Example:

    >>> average_precision(np.array([[2]]), np.array([[1]]))
    (array([0.75]), array([1.]))
    """
    items = np.asarray(items, np.int64)
    relevant = np.asarray(relevant, np.int64)
    ends = np.cumsum(items, axis=1)
    starts = ends - items
    relevant_before = np.cumsum(relevant, axis=1) - relevant
    longest = int(ends.max(initial=0))
    top_k = longest if top_k is None else min(top_k, longest)
    harmonic = _harmonic_numbers(longest)

    whole = ends <= top_k
    precisions = _expected_precisions(
        harmonic, starts, relevant_before, items, relevant
    )
    summed = np.where(whole, precisions, 0.0).sum(axis=1)
    found = np.where(whole, relevant, 0).sum(axis=1)
    averaged = summed / np.maximum(found, 1)
    answered = (found > 0).astype(np.float64)

    cut = (starts < top_k) & ~whole
    for row, group in zip(*np.nonzero(cut), strict=True):
        # Here the number of relevant items, the denominator, is random too.
        kept = top_k - starts[row, group]
        values, probabilities = _hypergeometric(
            items[row, group], relevant[row, group], kept
        )
        precisions = summed[row] + _expected_precisions(
            harmonic, starts[row, group], found[row], kept, values
        )
        counts = found[row] + values
        averaged[row] = probabilities @ (precisions / np.maximum(counts, 1))
        answered[row] = probabilities[counts > 0].sum()
    return averaged, answered


def relevant_within(
    items: np.ndarray, relevant: np.ndarray, ranks: np.ndarray
) -> np.ndarray:
    """Expected number of relevant items among the first items of a ranking.

    Args:
        items: Integers of shape `[groups]`, the items of every group.
        relevant: Integers of shape `[groups]`, the relevant items of every group.
        ranks: Lengths of the beginnings to look at, integers of shape `[n]`.

    Returns:
        An array of shape `[n]`. A group that is cut counts in proportion.
    """
    ends = np.concatenate([[0], np.cumsum(items)])
    relevant_ends = np.concatenate([[0], np.cumsum(relevant)])
    return np.interp(ranks, ends, relevant_ends)


def ranking_figures(
    relevant: np.ndarray, top_k: int, lengths: np.ndarray
) -> tuple[float, float, np.ndarray]:
    """The figures of one ranking without ties, as those of groups of one item.

    Args:
        relevant: Booleans of shape `[items]`, in the order of the ranking.
        top_k: Length at which the average precision cuts it.
        lengths: Integers of shape `[n]`, the lengths of the beginnings to look at.

    Returns:
        The average precision within `top_k`, whether there is a relevant item, as 0.0
        or 1.0, and the relevant items within each length, an array of shape `[n]`.
    """
    places = np.flatnonzero(relevant)
    kept = places[: np.searchsorted(places, top_k)]
    within = np.searchsorted(places, lengths)
    if not len(kept):
        return 0.0, 0.0, within
    precisions = np.arange(1, len(kept) + 1) / (kept + 1)
    return float(precisions.mean()), 1.0, within


def ranked_groups(
    distances: np.ndarray, relevant: np.ndarray, ties: str
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks items by distance and gathers those that are tied.

    Args:
        distances: Distances from one query, of shape `[items]`; smaller is closer.
        relevant: Booleans of shape `[items]`.
        ties: `"expected"` puts items of equal distance into one group;
            `"stable"` keeps their order, as groups of one item.

    Returns:
        Two integer arrays of shape `[groups]`, in order of distance: the items of
        every group, the relevant items of every group.

    Example:

    >>> ranked_groups(np.array([2, 0, 2]), np.array([True, False, False]), "expected")
    (array([1, 2]), array([0, 1]))
    """
    if ties == "stable":
        ranking = np.argsort(distances, kind="stable")
        return np.ones(len(ranking), np.int64), relevant[ranking].astype(np.int64)
    if len(distances) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # The order inside a group does not matter, so the faster unstable sort will do.
    ranking = np.argsort(distances)
    ordered = distances[ranking]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    items = np.diff(starts, append=len(ordered))
    return items, np.add.reduceat(relevant[ranking].astype(np.int64), starts)
