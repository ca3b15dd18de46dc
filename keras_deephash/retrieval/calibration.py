"""The measurement of what a radius means for the codes of a model."""

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.images import image_paths
from keras_deephash.retrieval.radius_table import RadiusTable

# Images of which pairs are made: 4.5 million of them, enough for a rate of 1e-5.
MAX_IMAGES = 3000
_ROWS = 256  # Queries whose distances are in memory at once.
# With fewer pairs within a radius, their precision says little.
_FEWEST_PAIRS = 100
# Where the distances are not whole numbers, the rates whose radii are in the table.
_RATES = np.geomspace(1e-6, 0.5, 58)


def calibrate(
    model,
    images,
    labels=None,
    dataset: str | None = None,
    batch_size: int = 32,
    seed: int = 0,
    verbose="auto",
) -> RadiusTable:
    """Measures what radii mean for a model: precision, recall, false positives.

    All pairs of the images are compared, of 3,000 drawn ones where there are more. The
    model keeps the table as `model.radius_table`, `save_to_preset` writes it into the
    preset, and an `Index` of the model takes it.

    Args:
        model: a method.
        images: images as for `encode`, or an `ImageSet`, whose labels are taken. Ones
            that the model was not trained on: else the table is too good.
        labels: int array, classes [n] (-1: none) or multi-hot [n, L]. Two images that
            share a label are relevant to each other; those without any are left out.
            Defaults to `None`: the false-positive rate alone, of all pairs.
        dataset: str. What the images are, to be kept. Defaults to `None`.
        batch_size: int. Images per step. Defaults to `32`.
        seed: int. Of the drawing. Defaults to `0`.
        verbose: as for `encode`.

    Returns:
        `RadiusTable`.

    Raises:
        ValueError: for fewer than 2 images, labels that do not fit, or labels that no
            two images share.

    Example:

    >>> keras_deephash.calibrate(model, images, labels)
    >>> radius = model.radius(precision=0.95)
    >>> distances, ids = index.search(queries, radius=radius)
    """
    seed = check_integer("seed", seed, minimum=0)
    if isinstance(images, ImageSet):
        labels = images.labels if labels is None else labels
        images = images.images
    images = image_paths(images)
    labels = None if labels is None else np.asarray(labels)
    if isinstance(images, (list, tuple, np.ndarray)):  # Drawn before the work.
        rows = _draw(labels, len(images), seed)
        labels = None if labels is None else labels[rows]
        if isinstance(images, np.ndarray):
            images = images[rows]
        else:
            images = [images[row] for row in rows]
    codes = model.continuous_codes(images, batch_size, verbose)
    rows = _draw(labels, len(codes), seed)
    codes = codes[rows]
    shared = None if labels is None else _multi_hot(labels[rows])
    if len(codes) < 2:
        raise ValueError(
            "`images` must be at least 2, with labels where there are labels. "
            f"Received: {len(codes)}."
        )
    relevant, other = _distances_of_pairs(model, codes, shared)
    table = _measure(model.code_distance, relevant, other, len(codes), dataset)
    model.radius_table = table
    return table


def _draw(labels: np.ndarray | None, count: int, seed: int) -> np.ndarray:
    """The numbers of the images that are measured: labelled ones, 3,000 at most."""
    rows = np.arange(count)
    if labels is not None:
        if len(labels) != count or labels.ndim not in (1, 2):
            raise ValueError(
                f"`labels` must be classes [{count}] or multi-hot [{count}, L], one "
                f"row for each image. Received: shape {labels.shape}."
            )
        if labels.ndim == 2:
            rows = rows[labels.any(axis=1)]
        elif labels.dtype.kind in "if":
            rows = rows[labels >= 0]  # -1 means no label.
    if len(rows) > MAX_IMAGES:
        generator = np.random.default_rng(seed)
        rows = np.sort(generator.permutation(rows)[:MAX_IMAGES])
    return rows


def _multi_hot(labels: np.ndarray) -> np.ndarray:
    """Labels as float32 [n, L]."""
    if labels.ndim == 1:
        return (labels[:, None] == np.unique(labels)).astype(np.float32)
    return (labels != 0).astype(np.float32)


def _distances_of_pairs(model, codes, shared) -> tuple[np.ndarray | None, np.ndarray]:
    """The distances of relevant pairs, None without labels, and of the others."""
    packed = model.to_codes(codes)
    relevant, other = [], []
    for start in range(0, len(codes), _ROWS):
        rows = slice(start, start + _ROWS)
        distances = model.distances(codes[rows], packed)
        pairs = np.ones(distances.shape, bool)
        pairs[np.arange(len(distances)), start + np.arange(len(distances))] = False
        if shared is None:
            other.append(distances[pairs])
            continue
        same = shared[rows] @ shared.T > 0
        relevant.append(distances[pairs & same])
        other.append(distances[pairs & ~same])
    if shared is None:
        return None, np.concatenate(other)
    relevant, other = np.concatenate(relevant), np.concatenate(other)
    for what, distances in (("share a label", relevant), ("share none", other)):
        if not len(distances):
            raise ValueError(
                f"`labels` must be such that some images {what}. Received: labels of "
                f"{len(codes)} images, no two of which do."
            )
    return relevant, other


def _measure(distance: str, relevant, other, images: int, dataset) -> RadiusTable:
    everything = other if relevant is None else np.concatenate([relevant, other])
    if distance == "hamming":
        # No search goes beyond half of the others.
        radii = np.arange(int(np.median(other)) + 1, dtype=np.float64)
    else:
        radii = np.quantile(other, _RATES, method="inverted_cdf").astype(np.float64)
        radii = np.unique([everything.min(), *radii]).astype(np.float64)
    false = np.searchsorted(np.sort(other), radii, side="right")
    columns = {"precision": None, "recall": None, "relevant_share": None}
    if relevant is not None:
        found = np.searchsorted(np.sort(relevant), radii, side="right")
        columns = {
            "precision": tuple(
                float(right / (right + wrong))
                if right + wrong >= _FEWEST_PAIRS
                else None
                for right, wrong in zip(found, false, strict=True)
            ),
            "recall": tuple((found / len(relevant)).tolist()),
            "relevant_share": len(relevant) / len(everything),
        }
    return RadiusTable(
        distance=distance,
        radii=tuple(radii.tolist()),
        false_positive_rate=tuple((false / len(other)).tolist()),
        images=images,
        dataset=dataset,
        **columns,
    )
