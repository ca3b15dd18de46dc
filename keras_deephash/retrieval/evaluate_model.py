"""From a model and image sets to retrieval metrics."""

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.models.encoding import pack_bits
from keras_deephash.retrieval.evaluate import evaluate_retrieval


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
        model: a hashing method.
        query: `ImageSet`.
        database: `ImageSet`.
        batch_size, crops, verbose: as for `encode`.
        **arguments: of `evaluate_retrieval`.

    Returns:
        dict. `map_at_radius` ranks the ball by the codes alone,
        `map_at_radius_reranked` by the continuous codes (the published protocol).
    """
    query_features, database_features = (
        model.continuous_codes(images.images, batch_size, verbose, crops)
        for images in (query, database)
    )
    codes = (
        pack_bits(query_features),
        query.labels,
        pack_bits(database_features),
        database.labels,
    )
    metrics = evaluate_retrieval(*codes, **arguments).as_dict()
    reranked = evaluate_retrieval(
        *codes,
        query_features=query_features,
        database_features=database_features,
        **arguments,
    )
    return {**metrics, "map_at_radius_reranked": reranked.map_at_radius, "crops": crops}
