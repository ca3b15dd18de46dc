"""The figures of each query, before the means are taken."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_deephash.retrieval.average_precision import (
    average_precision,
    ranked_groups,
    ranking_figures,
    relevant_within,
)
from keras_deephash.retrieval.features import feature_scores
from keras_deephash.retrieval.hamming import distance_histograms, for_each_block
from keras_deephash.retrieval.relevance import Relevance

# Points of the precision-recall curve of continuous features, at most.
_CURVE_POINTS = 100


@dataclass(frozen=True)
class PerQuery:
    """Arrays with one row for each query; without codes, the ball is `None`."""

    average_precision: np.ndarray  # [queries]
    answered: np.ndarray  # [queries], a probability
    relevant_within: np.ndarray  # [queries, lengths]
    curve_items: np.ndarray  # [queries, points], items retrieved
    curve_relevant: np.ndarray  # [queries, points], relevant items retrieved
    ball_average_precision: np.ndarray | None = None  # [queries]

    @property
    def precision(self) -> np.ndarray:
        """Precision at every point of the curve, `[queries, points]`."""
        return self.curve_relevant / np.maximum(self.curve_items, 1)

    @property
    def recall(self) -> np.ndarray:
        """Recall at every point of the curve, whose last retrieves everything."""
        return self.curve_relevant / np.maximum(self.curve_relevant[:, -1:], 1)


def rank_hamming(
    query_codes: np.ndarray,
    database_codes: np.ndarray,
    relevance: Relevance,
    top_k: int,
    lengths: np.ndarray,
    radius: int,
    ties: str,
    features: tuple[np.ndarray, np.ndarray] | None,
) -> PerQuery:
    """Ranks the database by Hamming distance; `features` re-rank the ball."""
    queries, bits = len(query_codes), 8 * query_codes.shape[1]
    items = np.zeros((queries, bits + 1), np.int64)
    relevant = np.zeros_like(items)
    precisions, answered, ball = np.zeros((3, queries))
    within = np.zeros((queries, len(lengths)))

    def handle(start: int, distances: np.ndarray, relevances: np.ndarray) -> None:
        rows = slice(start, start + len(distances))
        items[rows], relevant[rows] = distance_histograms(distances, relevances, bits)
        for row, (near, good) in enumerate(
            zip(distances, relevances, strict=True), start
        ):
            if ties == "stable":
                ranked = good[np.argsort(near, kind="stable")]
                precisions[row], answered[row], within[row] = ranking_figures(
                    ranked, top_k, lengths
                )
                inside = np.count_nonzero(near <= radius)
                ball[row], *_ = ranking_figures(ranked, inside, lengths)
            if features is not None:
                inside = np.flatnonzero(near <= radius)
                order = near[inside]
                if len(inside):
                    query, database = features[0][[row]], features[1][inside]
                    order = -feature_scores(query, database, "inner_product")[0]
                groups = ranked_groups(order, good[inside], ties)
                ball[row], _ = _one_query(*groups)

    for_each_block(handle, query_codes, database_codes, relevance)
    if ties == "expected":
        # The counts at every distance are all that the expectations need.
        precisions, answered = average_precision(items, relevant, top_k)
        for row in range(queries):
            within[row] = relevant_within(items[row], relevant[row], lengths)
        if features is None:
            inner = slice(0, radius + 1)
            ball, _ = average_precision(items[:, inner], relevant[:, inner])
    return PerQuery(
        average_precision=precisions,
        answered=answered,
        relevant_within=within,
        curve_items=np.cumsum(items, axis=1),
        curve_relevant=np.cumsum(relevant, axis=1),
        ball_average_precision=ball,
    )


def rank_scores(
    blocks: Iterable[tuple[int, np.ndarray]],
    relevance: Relevance,
    top_k: int,
    lengths: np.ndarray,
    ties: str,
) -> PerQuery:
    """Ranks the database by scores, `(first query, scores)` for block after block."""
    queries, database = relevance.shape
    ranks = np.unique(np.rint(np.geomspace(1, database, _CURVE_POINTS)).astype(int))
    looked_at = np.concatenate([lengths, ranks])
    precisions, answered = np.zeros((2, queries))
    within = np.zeros((queries, len(looked_at)))
    for start, scores in blocks:
        relevances = relevance.rows(start, start + len(scores))
        for row, (score, good) in enumerate(
            zip(scores, relevances, strict=True), start
        ):
            if ties == "stable":
                ranked = good[np.argsort(-score, kind="stable")]
                precisions[row], answered[row], within[row] = ranking_figures(
                    ranked, top_k, looked_at
                )
                continue
            groups = ranked_groups(-score, good, ties)
            precisions[row], answered[row] = _one_query(*groups, top_k)
            within[row] = relevant_within(*groups, looked_at)
    return PerQuery(
        average_precision=precisions,
        answered=answered,
        relevant_within=within[:, : len(lengths)],
        curve_items=np.broadcast_to(ranks, (queries, len(ranks))),
        curve_relevant=within[:, len(lengths) :],
    )


def _one_query(items: np.ndarray, relevant: np.ndarray, top_k: int | None = None):
    precisions, answered = average_precision(items[None], relevant[None], top_k)
    return precisions[0], answered[0]
