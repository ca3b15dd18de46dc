"""Checks of the arguments of an evaluation."""

from collections.abc import Iterable

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.retrieval.features import check_features
from keras_deephash.retrieval.hamming import check_codes

# The arrays of queries and database, as the caller knows them.
Pair = tuple[np.ndarray, np.ndarray]
_CODES = ("query_codes", "database_codes")
_FEATURES = ("query_features", "database_features")


def check_lengths(name: str, lengths: Iterable[int]) -> tuple[int, ...]:
    """Returns the lengths as Python integers, each at least 1."""
    if isinstance(lengths, (int, np.integer, str)) or not isinstance(lengths, Iterable):
        raise ValueError(
            f"`{name}` must be a sequence of integers, such as (100, 1000). "
            f"Received: {name}={lengths!r}."
        )
    return tuple(check_integer(name, length, minimum=1) for length in lengths)


def check_vectors(
    codes: Pair, features: Pair, distance: str, rows: tuple[int, int]
) -> tuple[Pair, Pair | None]:
    """Checks codes and features, and decides which of them are ranked.

    Args:
        codes: Codes of queries and database, or `None` for each.
        features: Features of queries and database, or `None` for each.
        distance: `"hamming"` ranks the codes; else the features are ranked, or the
            codes where there are no features.
        rows: Number of label rows of queries and database.

    Returns:
        The pair to rank, and the pair of features that re-ranks or `None`.
    """
    given = [
        name
        for name, array in zip(_FEATURES, features, strict=True)
        if array is not None
    ]
    if len(given) == 1:
        raise ValueError(
            "`query_features` and `database_features` must be given together. "
            f"Received: only `{given[0]}`. Pass both or none."
        )
    if given:
        features = check_features(*features)
        check_rows(_FEATURES, features, rows)
        if distance != "hamming":
            return features, None
    codes = (
        check_codes(*codes) if distance == "hamming" else check_features(*codes, _CODES)
    )
    check_rows(_CODES, codes, rows)
    return codes, features if given else None


def check_rows(names: tuple[str, str], arrays: Pair, rows: tuple[int, int]) -> None:
    """Raises unless two arrays have as many rows as their labels."""
    for name, array, expected in zip(names, arrays, rows, strict=True):
        if len(array) != expected:
            labels = name.split("_")[0] + "_labels"
            raise ValueError(
                f"`{name}` and `{labels}` must have the same number of rows. "
                f"Received: {len(array)} and {expected}. "
                "Pass one label row for each item."
            )


def check_scores(scores: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Checks scores: finite floats, one for each query and database item."""
    scores = np.asarray(scores)
    if not np.issubdtype(scores.dtype, np.floating) or scores.shape != shape:
        raise ValueError(
            f"`scores` must be floats of shape [queries, database], {shape} by the "
            f"labels. Received: dtype={scores.dtype}, shape={scores.shape}."
        )
    if not np.isfinite(scores).all():
        raise ValueError("`scores` must be finite. Received: NaN or infinite values.")
    return scores
