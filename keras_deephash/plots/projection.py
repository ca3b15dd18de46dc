"""Codes laid out in a plane."""

from typing import TYPE_CHECKING

import numpy as np

from keras_deephash.checks import check_integer, check_option
from keras_deephash.plots.layout import lay_out
from keras_deephash.plots.style import COLORS, LIGHT_GREY, new_figure, plain_text
from keras_deephash.retrieval.relevance import check_labels, first_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKERS = "osD"
# More labels than these cannot be told apart.
_LABELS = len(COLORS) * len(_MARKERS)


def projection(
    codes: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    label_names: list[str] | None = None,
    method: str = "tsne",
    most: int = 2000,
    seed: int = 0,
) -> "Figure":
    """Draws codes as points of a plane, by t-SNE or principal components (PCA).

    Args:
        codes: uint8 array [n, bits / 8], packed codes, whose bits are taken as -1 and
            1; or float array [n, D]: continuous codes, or for a quantizer the
            reconstructions, `model.decode(codes)`.
        labels: class indices, ints [n], or multi-hot labels [n, L]; a point has the
            colour of its first label. The 21 labels with the most points have a
            colour and a marker, other points are grey. Defaults to `None`.
        label_names: list of L str. Defaults to `None`, the indices.
        method: `"tsne"` or `"pca"`. Defaults to `"tsne"`.
        most: int. Of more codes a random sample of these many is drawn.
            Defaults to `2000`.
        seed: int. Seed of the sample and of t-SNE. Defaults to `0`.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: for less than 3 codes, codes that are not finite, or labels that
            do not fit.
        ImportError: if matplotlib is not installed.

    Example:

    >>> plots.projection(model.encode(images), labels, label_names=names)
    """
    check_option("method", method, ("tsne", "pca"))
    most = check_integer("most", most, minimum=3)
    codes = _check_vectors(codes)
    first = None if labels is None else _first_labels(labels, len(codes), label_names)
    total = len(codes)
    if total > most:
        sample = np.random.default_rng(seed).choice(total, most, replace=False)
        codes, first = codes[sample], None if first is None else first[sample]
    vectors = codes
    if codes.dtype == np.uint8:
        vectors = 2.0 * np.unpackbits(codes, axis=1) - 1.0
    title, points, names = lay_out(np.asarray(vectors, np.float64), method, seed)

    note = f"{len(codes):,} of {total:,}" if total > len(codes) else f"{total:,}"
    figure, axes = new_figure(
        6.4,
        4.8,
        title,
        f"{note} codes; the larger a point, the more items share it",
    )
    axes.set(xlabel=names[0], ylabel=names[1])
    if not any(names):  # The axes of t-SNE mean nothing.
        axes.set(xticks=[], yticks=[])
    if first is None:
        _scatter(axes, points, color=COLORS[0])
        return figure
    values, counts = np.unique(first[first >= 0], return_counts=True)
    shown = np.sort(values[np.argsort(-counts, kind="stable")][:_LABELS])
    rest = ~np.isin(first, shown)
    if rest.any():
        text = "other or none" if len(values) > len(shown) else "no label"
        _scatter(axes, points[rest], color=LIGHT_GREY, label=text)
    for i, label in enumerate(shown):
        _scatter(
            axes,
            points[first == label],
            color=COLORS[i % len(COLORS)],
            marker=_MARKERS[i // len(COLORS)],
            label=plain_text(str(label if label_names is None else label_names[label])),
        )
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9
    )
    for handle in legend.legend_handles:
        handle.set_sizes([36])
    return figure


def _scatter(axes, points: np.ndarray, **style) -> None:
    """Draws equal points as one, of an area that grows with their number."""
    places, counts = np.unique(points, axis=0, return_counts=True)
    axes.scatter(
        *places.T,
        s=18 * np.sqrt(counts),
        alpha=0.75,
        linewidths=0.4,
        edgecolors="white",
        **style,
    )


def _check_vectors(codes: np.ndarray) -> np.ndarray:
    codes = np.asarray(codes)
    is_float = np.issubdtype(codes.dtype, np.floating)
    wide = codes.ndim == 2 and codes.shape[1] >= (2 if is_float else 1)
    if not wide or len(codes) < 3 or not (is_float or codes.dtype == np.uint8):
        raise ValueError(
            "`codes` must be at least 3 packed codes, uint8 [n, bits / 8], or floats "
            f"[n, D] of D >= 2. Received: {codes.dtype} of shape {codes.shape}."
        )
    if is_float and not np.isfinite(codes).all():
        raise ValueError("`codes` must be finite. Received: NaN or infinite values.")
    return codes


def _first_labels(labels, count: int, label_names: list[str] | None) -> np.ndarray:
    """The first label of every item, ints [n], -1 where there is none."""
    labels = check_labels("labels", labels)
    if len(labels) != count:
        raise ValueError(
            "`codes` and `labels` must have the same number of rows. "
            f"Received: {count} and {len(labels)}."
        )
    if labels.ndim == 2:
        labels = first_labels(labels)
    if label_names is not None and labels.max(initial=-1) >= len(label_names):
        raise ValueError(
            "`label_names` must name every label. "
            f"Received: {len(label_names)} names, label {labels.max()}."
        )
    return labels
