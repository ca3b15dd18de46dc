"""A curve of precision; later calls may add curves to its figure."""

from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.plots.style import COLORS, GREY, new_figure, plain_text
from keras_deephash.retrieval.metrics import RetrievalMetrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_curve(
    kind: str,
    metrics: RetrievalMetrics,
    title: str,
    xlabel: str,
    x: np.ndarray,
    precision: np.ndarray,
    label: str | None,
    figure: "Figure | None",
    points: str = "",
) -> "Figure":
    """Draws a curve of precision into a new figure or into one of the same `kind`.

    Args:
        kind: str. The function that draws, kept as the label of the axes.
        metrics: `RetrievalMetrics`, what the curve is of.
        title: str.
        xlabel: str.
        x: float array [n].
        precision: float array [n].
        label: str or None. Name of the curve in the legend.
        figure: `Figure` or None. A figure of an earlier call.
        points: str. What the points are, before the note of what was measured.
            Defaults to `""`.
    """
    if figure is None:
        note = f"{metrics.queries:,} queries, {metrics.database:,} database items"
        # The last point retrieves everything: the precision of a random order.
        chance = float(metrics.precision_recall_curve[1][-1])
        figure, axes = new_figure(5.6, 4.2, title, points + note)
        axes.set_label(kind)
        axes.axhline(chance, color=GREY, linestyle="--", label="random order")
        axes.set(xlabel=xlabel, ylabel="precision", ylim=(0, 1.02))
        axes.grid(alpha=0.3)
        number = 0
    else:
        axes = figure.axes[0] if getattr(figure, "axes", None) else None
        if axes is None or axes.get_label() != kind:
            raise ValueError(
                f"`figure` must be one that `{kind}` returned. Received: {figure!r}."
            )
        number = len(axes.lines) - 1
    name = "this ranking" if number == 0 else f"ranking {number + 1}"
    axes.plot(
        x,
        precision,
        color=COLORS[number % len(COLORS)],
        marker="osD^v"[number % 5],
        markersize=3.5,
        linewidth=1.6,
        label=plain_text(label) if label else name,
    )
    axes.legend(frameon=False)
    return figure
