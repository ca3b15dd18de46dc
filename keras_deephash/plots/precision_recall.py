"""The precision-recall curve."""

from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.plots.curve import draw_curve
from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.metrics import RetrievalMetrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def precision_recall(
    query_codes: np.ndarray | None,
    query_labels: np.ndarray,
    database_codes: np.ndarray | None,
    database_labels: np.ndarray,
    *,
    label: str | None = None,
    figure: "Figure | None" = None,
    **arguments,
) -> "Figure":
    """Draws precision over recall, the means over all queries.

    The points are those of `evaluate_retrieval`'s `precision_recall_curve`: within
    every Hamming radius for codes, at growing ranks for features or scores.

    Args:
        query_codes: as for `evaluate_retrieval`; so are the next three.
        query_labels: labels of the queries.
        database_codes: codes of the database.
        database_labels: labels of the database.
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

    >>> figure = plots.precision_recall(
    ...     query_codes, query_labels, codes, labels, label="DCH"
    ... )
    >>> plots.precision_recall(
    ...     None, query_labels, None, labels, scores=scores, label="DTQ", figure=figure
    ... )
    """
    metrics = evaluate_retrieval(
        query_codes, query_labels, database_codes, database_labels, **arguments
    )
    return draw_precision_recall(metrics, label, figure)


def draw_precision_recall(
    metrics: RetrievalMetrics,
    label: str | None = None,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draws the curve of metrics that are there already."""
    recall, precision = metrics.precision_recall_curve
    if metrics.distance == "hamming":
        points = f"within Hamming radii 0 to {len(recall) - 1}; "
    else:
        points = "at growing ranks; "
    figure = draw_curve(
        "precision_recall",
        metrics,
        "Precision and recall",
        "recall",
        recall,
        precision,
        label,
        figure,
        points,
    )
    figure.axes[0].set_xlim(-0.01, 1.02)
    return figure
