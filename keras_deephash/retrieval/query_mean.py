"""The mean of a figure over the queries, and how much it depends on which they are."""

from dataclasses import dataclass

import numpy as np

from keras_deephash.retrieval.per_query import PerQuery

# Samples that the commands draw: the ends of an interval then deviate by about a
# fiftieth of its length.
SAMPLES = 1000
_ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class QueryMean:
    """A mean over queries, some of which may be left out.

    Args:
        values: float array [queries], the figure of each query, 0 where it is left out.
        weights: float array [queries], how much each query counts: 1, or 0 where it is
            left out, or the probability that it counts.
    """

    values: np.ndarray
    weights: np.ndarray

    def of(self, rows=slice(None)) -> float:
        """The mean of some queries; 0 if none of them counts."""
        weight = self.weights[rows].sum()
        return float(self.values[rows].sum() / weight) if weight > 0 else 0.0


def query_means(found: PerQuery, radius: int, unanswered: str) -> dict[str, QueryMean]:
    """The mean average precisions of a ranking, by their names.

    Args:
        found: `PerQuery`.
        radius: int. Hamming radius of the ball.
        unanswered: str, as for `evaluate_retrieval`.
    """
    everyone = np.ones(len(found.answered))
    skips = unanswered == "skip"
    # Under expected ties a query may be answered with a probability.
    weights = found.answered if skips else everyone
    means = {"map": QueryMean(found.average_precision, weights)}
    if found.ball_average_precision is not None:
        # The radius alone decides what is in the ball, so no tie makes this random.
        point = min(radius, found.curve_items.shape[1] - 1)
        empty = found.curve_items[:, point] == 0
        relevant = found.curve_relevant[:, point] > 0
        weights = (empty | relevant).astype(float) if skips else everyone
        means["map_at_radius"] = QueryMean(found.ball_average_precision, weights)
    return means


def bootstrap_intervals(
    means: list[QueryMean], samples: int, seed: int
) -> list[tuple[float, float]]:
    """Percentile intervals of 95 % of means over the same queries.

    Each sample has as many queries as there are, drawn with replacement, and the same
    ones for all means. A mean of some of the queries is a ratio, and drawn as one.

    Args:
        means: list of `QueryMean`, of the same queries.
        samples: int. Samples to draw.
        seed: int.

    Returns:
        List of the lower and the upper end, one pair for each mean.
    """
    generator = np.random.default_rng(seed)
    queries = len(means[0].values)
    drawn = np.empty((samples, len(means)))
    for sample in drawn:
        rows = generator.integers(0, queries, queries)
        sample[:] = [mean.of(rows) for mean in means]
    ends = np.quantile(drawn, _ENDS, axis=0)
    return [(float(low), float(high)) for low, high in ends.T]
