"""From a model and image sets to retrieval metrics."""

from keras_deephash.datasets.image_set import ImageSet


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
    query_codes, database_codes = (
        model.continuous_codes(images.images, batch_size, verbose, crops)
        for images in (query, database)
    )
    metrics = model.retrieval_metrics(
        query_codes, query.labels, database_codes, database.labels, **arguments
    )
    return {**metrics, "crops": crops}
