"""The share of ones of every bit."""

from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.plots.style import BLUE, GREY, VERMILION, new_figure
from keras_deephash.retrieval.code_health import bit_statistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bit_balance(codes: np.ndarray) -> "Figure":
    """Draws the share of ones of every bit; a balanced bit is 1 in half of the codes.

    A bit that is the same in all codes tells nothing, and is marked as constant.

    Args:
        codes: uint8 array [n, bits / 8], packed as `encode` returns.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: for codes of another form, or none.
        ImportError: if matplotlib is not installed.

    Example:

    >>> plots.bit_balance(model.encode(images)).savefig("balance.png")
    """
    statistics = bit_statistics(codes)
    means = statistics.means
    figure, axes = new_figure(
        6.4,
        3.2,
        "Balance of the bits",
        f"{len(codes):,} codes of {len(means)} bits; "
        f"entropies sum to {statistics.entropies.sum():.1f} bits",
    )
    constant = (means == 0) | (means == 1)
    colors = np.where(constant, VERMILION, BLUE)
    # Bars start at one half, so that a bit of only zeros shows too.
    axes.bar(np.arange(len(means)), means - 0.5, width=0.8, bottom=0.5, color=colors)
    axes.axhline(0.5, color=GREY, linewidth=1)
    if constant.any():
        text = f"{np.count_nonzero(constant)} constant"
        axes.bar(0, 0, bottom=0.5, color=VERMILION, label=text)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    axes.set(
        xlabel="bit",
        ylabel="share of ones",
        xlim=(-1, len(means)),
        ylim=(0, 1),
    )
    axes.grid(axis="y", alpha=0.3)
    return figure
