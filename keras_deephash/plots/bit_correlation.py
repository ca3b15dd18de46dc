"""The correlation of every pair of bits."""

from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.plots.style import GREY, LIGHT_GREY, new_figure
from keras_deephash.retrieval.code_health import bit_statistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bit_correlation(codes: np.ndarray) -> "Figure":
    """Draws the Pearson correlation of every pair of bits.

    Bits that are strongly correlated, or anti-correlated, say the same twice. A bit
    that is the same in all codes has no correlation; its row and column are grey.

    Args:
        codes: uint8 array [n, bits / 8], packed as `encode` returns.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: for codes of another form, or none.
        ImportError: if matplotlib is not installed.

    Example:

    >>> plots.bit_correlation(model.encode(images)).savefig("correlation.png")
    """
    correlations = bit_statistics(codes).correlations
    bits = len(correlations)
    others = np.abs(correlations[~np.eye(bits, dtype=bool)])
    others = others[~np.isnan(others)]
    mean = f"mean of |r| between bits {others.mean():.2f}" if len(others) else "no pair"
    figure, axes = new_figure(
        4.8, 4.4, "Correlation of the bits", f"{len(codes):,} codes; {mean}"
    )
    image = axes.imshow(
        np.ma.masked_invalid(correlations),
        cmap="RdBu_r",
        vmin=-1,
        vmax=1,
        interpolation="nearest",
    )
    axes.set_facecolor(LIGHT_GREY)
    axes.set(xlabel="bit", ylabel="bit")
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.85)
    bar.set_label("Pearson's r")
    constant = int(np.isnan(np.diag(correlations)).sum())
    if constant:
        axes.annotate(
            f"grey: {constant} constant {'bit' if constant == 1 else 'bits'}",
            (1, 0),
            (0, -22),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9,
            color=GREY,
        )
    return figure
