"""The page about several models, measured on the same images."""

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.plots.precision_at import default_lengths, draw_precision_at
from keras_deephash.plots.precision_recall import draw_precision_recall
from keras_deephash.presets.format.readme import metric_title, metric_value
from keras_deephash.report import page
from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.evaluate_model import encode_sets, evaluate_codes
from keras_deephash.retrieval.metrics import RetrievalMetrics

# Figures of the table, where a method has them.
SHOWN = ("map", "map_interval", "map_at_radius", "map_features")


def measure(
    model,
    query: ImageSet,
    database: ImageSet,
    *,
    batch_size: int = 128,
    crops: int = 1,
    verbose="auto",
    **arguments,
) -> tuple[dict, RetrievalMetrics]:
    """The metrics of a model, as `evaluate_model` gives them, and those of its curves.

    Args:
        model: a method.
        query: `ImageSet`.
        database: `ImageSet`.
        batch_size, crops, verbose: as for `encode`.
        **arguments: of `evaluate_retrieval`.
    """
    codes = encode_sets(
        model, query, database, batch_size=batch_size, crops=crops, verbose=verbose
    )
    metrics = evaluate_codes(
        model, codes[0], query, codes[1], database, crops=crops, **arguments
    )
    curves = evaluate_retrieval(
        **model.ranking(*codes),
        query_labels=query.labels,
        database_labels=database.labels,
        **{**arguments, "precision_at": default_lengths(len(database))},
    )
    return metrics, curves


def comparison_page(
    title: str,
    paragraphs: list[str],
    header: tuple,
    cells: list[tuple],
    curves: list[tuple[str, RetrievalMetrics]],
) -> str:
    """A page with a table and the curves of all, HTML that needs no other file.

    Args:
        title: str.
        paragraphs: list of str, before the table.
        header: tuple of str, of the table.
        cells: list of tuples, a row for each model.
        curves: list of the names of the models and their metrics.
    """
    pictures = [None, None]
    for name, metrics in curves:
        pictures[0] = draw_precision_recall(metrics, name, pictures[0])
        pictures[1] = draw_precision_at(metrics, name, pictures[1])
    alternatives = "Curves of precision over recall", "Curves of precision at N"
    return page.document(
        title,
        [
            *map(page.paragraph, paragraphs),
            page.table(cells, header),
            page.pictures(list(zip(pictures, alternatives, strict=True))),
        ],
    )


def metric_cells(rows: list[tuple[str, dict]]) -> tuple[tuple, list[tuple]]:
    """The header and the cells of a table of metrics.

    Args:
        rows: list of names and metrics.

    Returns:
        Tuple of the header and the rows, with the metrics that any of them has.
    """
    shown = [name for name in SHOWN if any(name in metrics for _, metrics in rows)]
    header = ("", *map(metric_title, shown))
    return header, [
        (name, *(metric_value(metrics.get(each, "")) for each in shown))
        for name, metrics in rows
    ]
