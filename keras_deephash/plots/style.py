"""The figures and colours of all plots."""

from typing import TYPE_CHECKING

from keras_deephash.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The palette of Okabe and Ito, which colour-blind readers tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, SKY, PURPLE, YELLOW = "#D55E00", "#56B4E9", "#CC79A7", "#F0E442"
COLORS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, YELLOW)
GREY, LIGHT_GREY = "#666666", "#BBBBBB"


def plain_text(text: str, longest: int = 40) -> str:
    """A name for a legend, shown as it is.

    matplotlib reads text between dollars as mathematics, leaves out names that begin
    with an underscore and fails at lone surrogates.
    """
    text = printable(text)
    if len(text) > longest:
        text = f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def check_matplotlib() -> None:
    """Raises ImportError, with what to do, where matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError(
            "Plots need matplotlib, which is not installed. Run "
            '`pip install "keras-deephash[plots]"`.'
        ) from None


def new_figure(
    width: float, height: float, title: str, note: str = ""
) -> tuple["Figure", "Axes"]:
    """A figure with one pair of axes, a title and a note below the title.

    Args:
        width: float, inches.
        height: float, inches.
        title: str. What the figure shows.
        note: str. What it was made from, in smaller letters. Defaults to `""`.
    """
    check_matplotlib()
    from keras_deephash.plots.notebook_figure import NotebookFigure

    figure = NotebookFigure(figsize=(width, height), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    # The note stands between the title and the axes.
    axes.set_title(title, loc="left", fontsize=12, pad=22 if note else 8)
    if note:
        axes.annotate(
            note,
            (0, 1),
            (0, 8),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=9,
            color=GREY,
        )
    return figure, axes
