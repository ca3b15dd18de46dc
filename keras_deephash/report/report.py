"""The page about a preset, section by section."""

import os

import numpy as np

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.plots.precision_at import default_lengths, draw_precision_at
from keras_deephash.plots.precision_recall import draw_precision_recall
from keras_deephash.plots.radii import radii
from keras_deephash.presets.format.readme import metric_title, metric_value
from keras_deephash.report import page
from keras_deephash.report.health import code_health
from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.evaluate_model import encode_sets, evaluate_codes
from keras_deephash.retrieval.neighbors import (
    nearest_neighbors,
    nearness,
    spread_over_classes,
)
from keras_deephash.retrieval.radius_table import RadiusTable


def make_report(
    name: str,
    model,
    metadata: dict,
    query: ImageSet,
    database: ImageSet,
    *,
    queries: int = 8,
    neighbors: int = 10,
    command: str = "",
    batch_size: int = 128,
    crops: int = 1,
    verbose="auto",
    **arguments,
) -> str:
    """A page about a preset, HTML that needs no other file.

    Args:
        name: str. The preset, as the title.
        model: a method.
        metadata: dict, the preset's.
        query: `ImageSet`.
        database: `ImageSet`.
        queries: int. Queries to show with their neighbours. Defaults to `8`.
        neighbors: int. Neighbours of each. Defaults to `10`.
        command: str. What made the report, to be shown. Defaults to `""`.
        batch_size, crops, verbose: as for `encode`.
        **arguments: of `evaluate_retrieval`.

    Returns:
        str. The metrics are those of `evaluate_model`.

    Example:

    >>> page = make_report("my_dch", model, metadata, query, database)
    """
    codes = encode_sets(
        model, query, database, batch_size=batch_size, crops=crops, verbose=verbose
    )
    metrics = evaluate_codes(
        model, codes[0], query, codes[1], database, crops=crops, **arguments
    )
    ranking = model.ranking(*codes)
    bits = f", {metadata['bits']} bits" if metadata["bits"] else ""
    source = f", trained on {metadata['dataset']}" if metadata["dataset"] else ""
    parts = [
        page.paragraph(
            f"{metadata['method']}{bits}{source}; {len(query):,} queries, "
            f"{len(database):,} database images."
        ),
        page.heading("Metrics"),
        _metrics(metrics, metadata["metrics"]),
        page.heading("Curves"),
        _curves(name, ranking, query, database, arguments),
        *_radii(model.radius_table),
        page.heading("Neighbours"),
        page.paragraph(
            "Queries spread over the classes, and their nearest database images. "
            "Relevant ones, which share a label, are framed green and ticked; others "
            f"are framed red and crossed. Beside the mark: {nearness(ranking)}."
        ),
        *_neighbors(ranking, query, database, queries, neighbors),
        page.heading("Codes"),
        *code_health(model, ranking, codes[1], query, database),
        page.heading("Preset"),
        _description(metadata, command),
    ]
    return page.document(name, parts)


def _metrics(metrics: dict, stated: dict) -> str:
    rows = [
        (metric_title(key), metric_value(value), metric_value(stated.get(key, "-")))
        for key, value in metrics.items()
    ]
    return page.table(rows, ("", "measured", "in the metadata"))


def _curves(
    name: str, ranking: dict, query: ImageSet, database: ImageSet, arguments: dict
) -> str:
    metrics = evaluate_retrieval(
        **ranking,
        query_labels=query.labels,
        database_labels=database.labels,
        **{**arguments, "precision_at": default_lengths(len(database))},
    )
    return page.pictures(
        [
            (draw_precision_recall(metrics, name), "Curve of precision over recall"),
            (draw_precision_at(metrics, name), "Curve of precision at the first N"),
        ]
    )


def _radii(table: RadiusTable | None) -> list[str]:
    """The section about radii, for a calibrated model."""
    if table is None:
        return []
    source = f", {table.dataset}" if table.dataset else ""
    return [
        page.heading("Radii"),
        page.paragraph(
            f"Of pairs of {table.images:,} images{source}: the share within a radius "
            "that share a label (precision), the share of all such pairs that are "
            "within (recall), and that of the other pairs (false-positive rate)."
        ),
        page.pictures([(radii(table), "Curves of precision, recall, false positives")]),
    ]


def _neighbors(
    ranking: dict, query: ImageSet, database: ImageSet, queries: int, neighbors: int
) -> list[str]:
    chosen = spread_over_classes(query.labels, queries)
    indices, nearness_of = nearest_neighbors(ranking, chosen, neighbors)
    rows = []
    for i, found, distances in zip(chosen, indices, nearness_of, strict=True):
        tiles = [("query", query.images[i], ["", _labels(query, i)], _file(query, i))]
        for j, far in zip(found, distances, strict=True):
            hit = np.any((query.labels[i] != 0) & (database.labels[j] != 0))
            tiles.append(
                (
                    "hit" if hit else "miss",
                    database.images[j],
                    [f"{far:.4g}", _labels(database, j)],
                    _file(database, j),
                )
            )
        rows.append(page.neighbor_row(tiles))
    return rows


def _file(images: ImageSet, index: int) -> str:
    """The name of the image's file, without its folder: a report does not show it."""
    return os.path.basename(images.name_of(index))


def _labels(images: ImageSet, index: int) -> str:
    labels = np.flatnonzero(images.labels[index])
    names = images.label_names
    return ", ".join(names[k] if names else str(k) for k in labels) or "no label"


def _description(metadata: dict, command: str) -> str:
    rows = [("command of this report", command)] if command else []
    for key, value in metadata.items():
        if key == "metrics":  # The page shows those measured now.
            continue
        title = key.replace("_", " ")
        if isinstance(value, dict):
            rows += [
                (f"{title}: {name}", _text(entry)) for name, entry in value.items()
            ]
        elif value is not None:
            rows.append((title, _text(value)))
    return page.table(rows)


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {entry}" for name, entry in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value
