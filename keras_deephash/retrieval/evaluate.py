"""Evaluation of retrieval: MAP, precision and recall with exact treatment of ties."""

from collections.abc import Iterable

import numpy as np

from keras_deephash.checks import check_integer, check_option
from keras_deephash.retrieval.features import blocks_of_scores
from keras_deephash.retrieval.metrics import RetrievalMetrics
from keras_deephash.retrieval.per_query import rank_hamming, rank_scores
from keras_deephash.retrieval.query_mean import bootstrap_intervals, query_means
from keras_deephash.retrieval.relevance import Relevance
from keras_deephash.retrieval.validation import (
    check_lengths,
    check_scores,
    check_vectors,
)


def evaluate_retrieval(
    query_codes: np.ndarray | None,
    query_labels: np.ndarray,
    database_codes: np.ndarray | None,
    database_labels: np.ndarray,
    *,
    top_k: int | None = None,
    radius: int = 2,
    ties: str = "expected",
    distance: str = "hamming",
    query_features: np.ndarray | None = None,
    database_features: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    precision_at: Iterable[int] = (100, 1000),
    unanswered: str = "zero",
    bootstrap: int = 0,
    seed: int = 0,
) -> RetrievalMetrics:
    """Evaluates how well queries retrieve the relevant items of a database.

    Every query ranks the whole database by distance. An item is relevant if it
    shares at least one label with the query; an item without labels is relevant to
    nothing. All figures are means over all queries (but see `unanswered`):

    - `map`: the average precision (AP) of a query is the sum of the precisions at the
      relevant items among its first `top_k`, divided by the number of relevant items
      among these `top_k` (not by all those in the database). A query without any
      relevant item there, or in the whole database, has an AP of 0.
    - `precision_at[N]`: the relevant items among the first `N`, divided by `N`.
      Where `N` exceeds the database, the whole database is meant.
    - `precision_at_radius`, `recall_at_radius`: the relevant items within the Hamming
      `radius` (the ball), divided by all items in the ball and by all relevant
      items in the database. Both are 0 for an empty ball, and recall is 0 for a
      query without any relevant item in the database.
    - `map_at_radius`: the AP of the items in the ball, ranked by Hamming distance, or
      by the inner product of the features where these are given. Divided by the
      relevant items in the ball. 0 for an empty ball or one without relevant items
      (but see `unanswered`).
    - `precision_recall_curve`: precision and recall within the Hamming radii 0 to
      `bits`, defined as those at `radius`. For features, within the first items at
      up to 100 ranks from 1 to the size of the database, spaced geometrically.

    Hamming distances have few values, so most items are tied and the order within
    ties moves `map` by points. `ties` decides on it:

    - `"expected"`: the exact expectation of every figure over all orders of the tied
      items. For AP cut at `top_k` it averages AP over the number of relevant
      items that the cut leaves, with the denominator that goes with each.
    - `"random"`: one random order of the database, drawn with `seed`.
    - `"stable"`: the order of the database.

    Args:
        query_codes: Packed codes, `uint8` of shape `[queries, bits / 8]`, as
            `np.packbits` makes them. Not looked at for a `distance` between features
            if `query_features` are given; otherwise these may be passed here.
        query_labels: Class indices, integers of shape `[queries]`, or multi-hot labels
            of 0 and 1, shape `[queries, labels]` and any numeric or boolean dtype.
        database_codes: Packed codes, `uint8` of shape `[database, bits / 8]`.
        database_labels: Labels of the database, in the form of `query_labels`.
        top_k: Length at which rankings are cut for `map`. More than the database
            holds means all of it. Defaults to `None`, the whole database.
        radius: Hamming radius of the ball. Defaults to `2`.
        ties: `"expected"`, `"random"` or `"stable"`. Defaults to `"expected"`.
        distance: `"hamming"` between codes; `"inner_product"` (higher is closer) or
            `"euclidean"` between features, without figures at a radius.
            Defaults to `"hamming"`.
        query_features: Continuous codes, floats of shape `[queries, dim]`. With
            `distance="hamming"` they re-rank the ball by inner product.
            Defaults to `None`.
        database_features: Continuous codes, floats of shape `[database, dim]`.
            Defaults to `None`.
        scores: Floats of shape `[queries, database]`, higher is closer, such as the
            AQD of `asymmetric_scores`. They rank in place of codes and features,
            without figures at a radius. Defaults to `None`.
        precision_at: Lengths `N` of `precision_at`. Defaults to `(100, 1000)`.
        unanswered: What a query without a relevant item among its first `top_k` does
            to `map`: `"zero"` counts it as 0; `"skip"` leaves it out of the mean, as
            the DeepHash toolkit does, which flatters models that find nothing. Under
            expected ties the mean is then divided by the expected number of
            answered queries; it is 0 if that is 0. `"skip"` also leaves out of
            `map_at_radius` a query whose ball holds items, but no relevant one; an
            empty ball still counts as 0. Defaults to `"zero"`.
        bootstrap: Samples of the queries, drawn with replacement, for the intervals of
            95 % of `map` and `map_at_radius`; 1000 are enough. Figures of fewer
            queries vary more: the intervals say how much other queries of the same
            kind would change them, not another training or database.
            Defaults to `0`, no intervals.
        seed: Seed of `ties="random"` and of `bootstrap`. Defaults to `0`.

    Returns:
        A `RetrievalMetrics`.

    Raises:
        ValueError: If arrays do not fit each other or an option is not valid.

    Example:

    >>> query_codes = np.array([[0b00000000]], np.uint8)
    >>> database_codes = np.array([[0b00000001], [0b00000010], [0b11110000]], np.uint8)
    >>> metrics = evaluate_retrieval(query_codes, [0], database_codes, [0, 1, 1])
    >>> metrics.map, metrics.precision_at_radius
    (0.75, 0.5)
    """
    check_option("ties", ties, ("expected", "random", "stable"))
    check_option("distance", distance, ("hamming", "inner_product", "euclidean"))
    check_option("unanswered", unanswered, ("zero", "skip"))
    radius = check_integer("radius", radius, minimum=0)
    bootstrap = check_integer("bootstrap", bootstrap, minimum=0)
    relevance = Relevance(query_labels, database_labels)
    queries, database = relevance.shape
    top_k = check_integer("top_k", database if top_k is None else top_k, minimum=1)
    top_k = min(top_k, database)
    lengths = check_lengths("precision_at", precision_at)
    reached = np.minimum(np.array(lengths, np.int64), database)
    order = None
    treatment = ties
    if ties == "random":
        # A random order of the whole database is a random order inside every tie.
        order = np.random.default_rng(seed).permutation(database)
        relevance.permute_database(order)
        treatment = "stable"
    ranking = relevance, top_k, reached
    if scores is not None:
        if distance != "hamming":
            raise ValueError(
                "`scores` rank in place of a distance: leave `distance` out. "
                f"Received: scores and distance={distance!r}."
            )
        distance = "scores"
        scores = check_scores(scores, relevance.shape)
        blocks = [(0, scores if order is None else scores[:, order])]
        found = rank_scores(blocks, *ranking, treatment)
    else:
        vectors, rerank = check_vectors(
            (query_codes, database_codes),
            (query_features, database_features),
            distance,
            relevance.shape,
        )
        if order is not None:
            vectors = vectors[0], vectors[1][order]
            rerank = rerank and (rerank[0], rerank[1][order])
        if distance == "hamming":
            found = rank_hamming(*vectors, *ranking, radius, treatment, rerank)
        else:
            blocks = blocks_of_scores(*vectors, distance)
            found = rank_scores(blocks, *ranking, treatment)

    means = query_means(found, radius, unanswered)
    intervals = {}
    if bootstrap:
        drawn = bootstrap_intervals(list(means.values()), bootstrap, seed)
        names = (f"{name}_interval" for name in means)
        intervals = dict(zip(names, drawn, strict=True))
    recall, precision = found.recall.mean(axis=0), found.precision.mean(axis=0)
    within = (found.relevant_within / reached).mean(axis=0)
    ball = {}
    if distance == "hamming":
        point = min(radius, len(recall) - 1)
        ball = {
            "precision_at_radius": float(precision[point]),
            "recall_at_radius": float(recall[point]),
            "radius": radius,
            "empty_balls": float((found.curve_items[:, point] == 0).mean()),
            "answered_at_radius": float((found.curve_relevant[:, point] > 0).mean()),
        }
    return RetrievalMetrics(
        **{name: mean.of() for name, mean in means.items()},
        **intervals,
        top_k=top_k,
        precision_at=dict(zip(lengths, within.tolist(), strict=True)),
        precision_recall_curve=(recall, precision),
        answered=float(found.answered.mean()),
        queries=queries,
        database=database,
        distance=distance,
        ties=ties,
        unanswered=unanswered,
        **ball,
    )
