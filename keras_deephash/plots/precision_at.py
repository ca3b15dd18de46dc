"""The curve of precision at the first N."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.plots.curve import draw_curve
from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.metrics import RetrievalMetrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LONGEST, _POINTS = 1000, 40


def precision_at(
    query_codes: np.ndarray | None,
    query_labels: np.ndarray,
    database_codes: np.ndarray | None,
    database_labels: np.ndarray,
    *,
    lengths: Iterable[int] | None = None,
    label: str | None = None,
    figure: "Figure | None" = None,
    **arguments,
) -> "Figure":
    """Draws the precision among the first N items (P@N), the mean over all queries.

    Args:
        query_codes: as for `evaluate_retrieval`; so are the next three.
        query_labels: labels of the queries.
        database_codes: codes of the database.
        database_labels: labels of the database.
        lengths: ints, the values of N. Defaults to `None`: some from 1 to 1,000, or to
            the size of the database, evenly spaced on a logarithmic scale.
        label: str. Name of the curve in the legend. Defaults to `None`.
        figure: a figure that this function returned, to add the curve to. The dashed
            line stays that of its first curve. Defaults to `None`, a new figure.
        **arguments: of `evaluate_retrieval`, such as `scores` for quantizers.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if arrays do not fit each other, or for a foreign figure.
        ImportError: if matplotlib is not installed.

    Example:

    >>> plots.precision_at(query_codes, query_labels, codes, labels, label="DCH")
    """
    lengths = default_lengths(len(database_labels)) if lengths is None else lengths
    metrics = evaluate_retrieval(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        precision_at=lengths,
        **arguments,
    )
    return draw_precision_at(metrics, label, figure)


def default_lengths(database: int) -> list[int]:
    """Values of N for a database of so many items."""
    longest = max(1, min(_LONGEST, database))
    return np.unique(np.rint(np.geomspace(1, longest, _POINTS)).astype(int)).tolist()


def draw_precision_at(
    metrics: RetrievalMetrics,
    label: str | None = None,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draws the curve of metrics that are there already."""
    if not metrics.precision_at:
        raise ValueError("`lengths` must hold at least one integer. Received: none.")
    lengths = sorted(metrics.precision_at)
    figure = draw_curve(
        "precision_at",
        metrics,
        "Precision at the first N",
        "N, items retrieved",
        np.array(lengths),
        np.array([metrics.precision_at[length] for length in lengths]),
        label,
        figure,
    )
    axes = figure.axes[0]
    if axes.get_xscale() != "log":
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
    return figure
