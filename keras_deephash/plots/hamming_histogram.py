"""Hamming distances of similar and of dissimilar pairs."""

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.plots.style import BLUE, ORANGE, new_figure
from keras_deephash.retrieval.hamming import (
    check_codes,
    distance_histograms,
    for_each_block,
)
from keras_deephash.retrieval.relevance import Relevance
from keras_deephash.retrieval.validation import check_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def hamming_histogram(
    query_codes: np.ndarray,
    query_labels: np.ndarray,
    database_codes: np.ndarray,
    database_labels: np.ndarray,
) -> "Figure":
    """Draws how far apart similar and dissimilar pairs lie, in bits.

    A pair is a query and a database item; it is similar if they share a label. The
    bars of each kind sum to 1, however many pairs there are of it. All pairs are
    counted, block by block, in memory that does not grow with their number.

    Args:
        query_codes: uint8 array [queries, bits / 8], packed as `encode` returns.
        query_labels: class indices, ints [queries], or multi-hot labels [queries, L].
        database_codes: uint8 array [n, bits / 8].
        database_labels: labels of the database, in the form of `query_labels`.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if arrays do not fit each other.
        ImportError: if matplotlib is not installed.

    Example:

    >>> plots.hamming_histogram(query_codes, query_labels, codes, labels)
    """
    relevance = Relevance(query_labels, database_labels)
    codes = check_codes(query_codes, database_codes)
    check_rows(("query_codes", "database_codes"), codes, relevance.shape)
    similar, dissimilar = _count_pairs(*codes, relevance)
    figure, axes = new_figure(
        6.4,
        3.6,
        "Hamming distances of pairs",
        f"{relevance.shape[0]:,} queries x {relevance.shape[1]:,} database items",
    )
    distances = np.arange(len(similar))
    for name, counts, color, hatch in (
        ("similar", similar, BLUE, ""),
        ("dissimilar", dissimilar, ORANGE, "//"),
    ):
        pairs = int(counts.sum())
        label = f"{name}: no pair"
        if pairs:
            mean = distances @ counts / pairs
            label = f"{name}: {pairs:,} pairs, mean {mean:.1f}"
        axes.bar(
            distances,
            counts / max(pairs, 1),
            width=1.0,
            color=color,
            alpha=0.6,
            edgecolor="white",
            linewidth=0.5,
            hatch=hatch,
            label=label,
        )
    axes.set(
        xlabel="Hamming distance, bits",
        ylabel="share of the pairs",
        xlim=(-0.5, len(similar) - 0.5),
    )
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)
    return figure


def _count_pairs(query_codes, database_codes, relevance) -> tuple:
    """Similar and dissimilar pairs at every distance, int64 [bits + 1] each."""
    bits = 8 * query_codes.shape[1]
    totals, lock = np.zeros((2, bits + 1), np.int64), Lock()

    def handle(start: int, distances: np.ndarray, relevant: np.ndarray) -> None:
        items, similar = distance_histograms(distances, relevant, bits)
        with lock:  # Blocks are handled by several threads.
            totals[0] += similar.sum(axis=0)
            totals[1] += (items - similar).sum(axis=0)

    for_each_block(handle, query_codes, database_codes, relevance)
    return totals[0], totals[1]
