"""Queries and their nearest neighbours."""

from typing import TYPE_CHECKING

from keras_deephash.plots.neighbor_grid import TITLES, draw_neighbors
from keras_deephash.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def neighbors(
    queries: list,
    neighbors: list[list],
    hits: list[list[bool]] | None = None,
    captions: list[list[str]] | None = None,
    tile: int = 72,
    titles: tuple[str, str] | None = TITLES,
) -> "Figure":
    """Draws one row for each query: the query, then its neighbours, nearest first.

    Args:
        queries: list of images: paths, PIL images or arrays [h, w, 3]; or an array
            [queries, h, w, 3].
        neighbors: list of lists of images, one list for each query; or an array
            [queries, k, h, w, 3].
        hits: list of lists of bool, as long as `neighbors`: relevant neighbours are
            framed green with a tick, others red with a cross. Defaults to `None`, all
            frames grey.
        captions: list of lists of str below the neighbours, such as distances.
            Defaults to `None`.
        tile: int. Height and width of an image in pixels. Defaults to `72`.
        titles: tuple of two str above the queries and above their neighbours, or
            `None` for none. Defaults to `("query", "neighbours, nearest first")`.

    Returns:
        `matplotlib.figure.Figure`, as large as its images.

    Raises:
        ValueError: if there is no query, the lists differ in length or `titles` are
            not two, and for what is not an image.
        ImportError: if matplotlib is not installed.

    Example:

    >>> plots.neighbors(["cat.jpg"], [["dog.jpg", "cat2.jpg"]], [[False, True]])
    """
    picture = draw_neighbors(queries, neighbors, hits, captions, tile, titles)
    figure, axes = new_figure(1, 1, "")
    # Pixel by pixel: nothing is scaled.
    figure.set_layout_engine("none")
    figure.set_size_inches(picture.width / figure.dpi, picture.height / figure.dpi)
    axes.set_position((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    return figure
