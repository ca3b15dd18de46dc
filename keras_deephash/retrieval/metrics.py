"""The result of a retrieval evaluation."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class RetrievalMetrics:
    """Retrieval metrics, averaged over the queries.

    `evaluate_retrieval` defines every figure exactly. The seven figures of the
    Hamming radius are `None` where continuous features were ranked.

    Args:
        map: Mean average precision within the first `top_k` items.
        map_interval: The ends of its bootstrap interval of 95 % over the queries;
            `None` without `bootstrap`.
        top_k: Length at which rankings were cut; at most the database's size.
        map_at_radius: Mean average precision within the Hamming radius.
        map_at_radius_interval: As `map_interval`, of `map_at_radius`.
        precision_at_radius: Mean precision within the Hamming radius.
        recall_at_radius: Mean recall within the Hamming radius.
        radius: The Hamming radius.
        empty_balls: Share of queries without any item within the radius.
        answered_at_radius: Share of queries with a relevant item within the radius.
        precision_at: Mean precision within the first `N` items, `{N: value}`.
        precision_recall_curve: Mean recall and mean precision, two arrays of equal
            length: within the Hamming radii 0, 1, ..., bits; for continuous
            features, within the first items at growing ranks.
        answered: Share of queries with a relevant item among the first `top_k`.
        queries: Number of queries.
        database: Number of database items.
        distance: What was ranked by: `"hamming"`, `"inner_product"`, `"euclidean"` or
            `"scores"`.
        ties: How ties were treated: `"expected"`, `"random"` or `"stable"`.
        unanswered: What a query that is not answered did to `map` and
            `map_at_radius`: `"zero"` or `"skip"`.
    """

    map: float
    map_interval: tuple[float, float] | None = None
    top_k: int
    map_at_radius: float | None = None
    map_at_radius_interval: tuple[float, float] | None = None
    precision_at_radius: float | None = None
    recall_at_radius: float | None = None
    radius: int | None = None
    empty_balls: float | None = None
    answered_at_radius: float | None = None
    precision_at: dict[int, float]
    precision_recall_curve: tuple[np.ndarray, np.ndarray]
    answered: float
    queries: int
    database: int
    distance: str
    ties: str
    unanswered: str

    def as_dict(self, curve: bool = False) -> dict[str, float | int | list[float]]:
        """Returns the figures as a flat dictionary that JSON can hold.

        Args:
            curve: Whether to add the precision-recall curve, as the lists
                `curve_recall` and `curve_precision`. Defaults to `False`.

        Returns:
            A dictionary of Python floats and integers, an interval being a list of
            two. `precision_at` becomes one entry for each length, such as
            `precision_at_100`. Figures that are `None` are left out, and so are the
            settings that are strings.

        Example:

        >>> metrics.as_dict()["map"]
        0.81
        """
        figures = {
            "map": self.map,
            "map_interval": self.map_interval,
            "top_k": self.top_k,
            "map_at_radius": self.map_at_radius,
            "map_at_radius_interval": self.map_at_radius_interval,
            "precision_at_radius": self.precision_at_radius,
            "recall_at_radius": self.recall_at_radius,
            "radius": self.radius,
            "empty_balls": self.empty_balls,
            "answered_at_radius": self.answered_at_radius,
        }
        figures = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in figures.items()
            if value is not None
        }
        for length, value in self.precision_at.items():
            figures[f"precision_at_{length}"] = value
        figures["answered"] = self.answered
        figures["queries"] = self.queries
        figures["database"] = self.database
        if curve:
            recall, precision = self.precision_recall_curve
            figures["curve_recall"] = recall.tolist()
            figures["curve_precision"] = precision.tolist()
        return figures
