"""Precision, recall and false-positive rate over the radius."""

from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.plots.style import COLORS, new_figure
from keras_deephash.retrieval.radius_table import RadiusTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def radii(table: RadiusTable) -> "Figure":
    """Draws precision, recall and false-positive rate within each radius.

    Args:
        table: `RadiusTable`, such as `model.radius_table`.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is not installed.

    Example:

    >>> plots.radii(keras_deephash.calibrate(model, images, labels))
    """
    note = f"all pairs of {table.images:,} images"
    figure, axes = new_figure(5.6, 4.2, "Within a radius", note)
    columns = ("precision", "recall", "false_positive_rate")
    for color, name in zip(COLORS, columns, strict=False):
        values = getattr(table, name)
        if values is None:  # Measured without labels.
            continue
        shares = np.array([np.nan if value is None else value for value in values])
        label = name.replace("_", " ")
        axes.plot(table.radii, shares, color=color, label=label)
    unit = "bits" if table.distance == "hamming" else table.distance.replace("_", " ")
    axes.set(xlabel=f"radius, {unit}", ylabel="share", ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
