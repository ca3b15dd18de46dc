"""Retrieval metrics of a model on image sets."""

import inspect

import numpy as np

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.retrieval.evaluate import evaluate_retrieval

# What the model gives, and the image sets.
_ARRAYS = {
    "query_codes",
    "query_labels",
    "database_codes",
    "database_labels",
    "query_features",
    "database_features",
    "scores",
    "distance",
}


def evaluate_model(
    model,
    query: ImageSet,
    database: ImageSet,
    *,
    batch_size: int = 128,
    crops: int = 1,
    verbose="auto",
    **arguments,
) -> dict:
    """The retrieval metrics of a model, flat and plain for JSON.

    Args:
        model: a method.
        query: `ImageSet`.
        database: `ImageSet`.
        batch_size, crops, verbose: as for `encode`.
        **arguments: of `evaluate_retrieval`.

    Returns:
        dict, as `retrieval_metrics` of the model, and `crops`.
    """
    query_codes, database_codes = encode_sets(
        model, query, database, batch_size=batch_size, crops=crops, verbose=verbose
    )
    return evaluate_codes(
        model, query_codes, query, database_codes, database, crops=crops, **arguments
    )


def check_arguments(arguments: dict) -> None:
    """Raises ValueError for what `evaluate_model` does not take besides image sets."""
    taken = inspect.signature(evaluate_retrieval).parameters.keys() - _ARRAYS
    unknown = sorted(arguments.keys() - taken - {"crops"})
    if unknown:
        raise ValueError(
            f"There is no argument `{unknown[0]}`. It must be one of "
            f"{', '.join(sorted(taken | {'crops'}))}."
        )


def encode_sets(
    model,
    query: ImageSet,
    database: ImageSet,
    *,
    batch_size: int = 128,
    crops: int = 1,
    verbose="auto",
) -> tuple[np.ndarray, np.ndarray]:
    """The continuous codes of queries and database, arguments as `evaluate_model`."""
    return (
        model.continuous_codes(query.images, batch_size, verbose, crops),
        model.continuous_codes(database.images, batch_size, verbose, crops),
    )


def evaluate_codes(
    model,
    query_codes: np.ndarray,
    query: ImageSet,
    database_codes: np.ndarray,
    database: ImageSet,
    *,
    crops: int = 1,
    **arguments,
) -> dict:
    """As `evaluate_model`, from continuous codes that are there already."""
    metrics = model.retrieval_metrics(
        query_codes, query.labels, database_codes, database.labels, **arguments
    )
    return {**metrics, "crops": crops}
