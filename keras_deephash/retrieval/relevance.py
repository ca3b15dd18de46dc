"""The relevance of database items to queries, from their labels."""

import numpy as np


class Relevance:
    """Relevance of database items to queries: at least one shared label.

    An item without any label is relevant to nothing.

    Args:
        query_labels: Class indices, integers of shape `[n]`, or multi-hot labels
            of 0 and 1 of shape `[n, labels]` and any numeric or boolean dtype.
        database_labels: Labels of the database, in the same form.

    Raises:
        ValueError: If the labels are malformed or of two different forms.

    Example:

    >>> relevance = Relevance([0, 1], [1, 1, 0])
    >>> relevance.rows(0, 2)
    array([[False, False,  True],
           [ True,  True, False]])
    """

    def __init__(self, query_labels: np.ndarray, database_labels: np.ndarray):
        queries = check_labels("query_labels", query_labels)
        database = check_labels("database_labels", database_labels)
        if queries.ndim != database.ndim or queries.shape[1:] != database.shape[1:]:
            raise ValueError(
                "`query_labels` and `database_labels` must both be class indices of "
                "shape [n], or both multi-hot with the same number of columns. "
                f"Received: query_labels.shape={queries.shape}, "
                f"database_labels.shape={database.shape}."
            )
        self.shape = (len(queries), len(database))
        if queries.ndim == 2 and _at_most_one(queries) and _at_most_one(database):
            # Comparing one index per item is many times cheaper than comparing
            # rows. Unlabelled items get indices that match nothing.
            queries = first_labels(queries, unlabelled=-1)
            database = first_labels(database, unlabelled=-2)
        self._indices = queries.ndim == 1
        if self._indices:
            # The narrowest integers compare fastest; the -2 is for unlabelled items.
            largest = max(int(queries.max()), int(database.max()))
            dtype = np.min_scalar_type(-largest - 2)
            self._queries = queries.astype(dtype)
            self._database = database.astype(dtype)
        else:
            # Eight labels per byte; the database one contiguous plane per byte.
            self._queries = np.packbits(queries, axis=1)
            self._database = np.ascontiguousarray(np.packbits(database, axis=1).T)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Relevance of the whole database to queries `start` to `stop`.

        Args:
            start: First query.
            stop: One past the last query.

        Returns:
            A boolean array of shape `[stop - start, database]`.
        """
        queries = self._queries[start:stop]
        if self._indices:
            return queries[:, None] == self._database
        shared = np.zeros((len(queries), self.shape[1]), np.uint8)
        for byte, plane in zip(queries.T, self._database, strict=True):
            shared |= byte[:, None] & plane
        return shared != 0

    def permute_database(self, order: np.ndarray) -> None:
        """Puts the database into another order, integers of shape `[database]`."""
        self._database = self._database[..., order]


def check_labels(name: str, labels: np.ndarray) -> np.ndarray:
    """Returns class indices `[n]`, or multi-hot labels as booleans `[n, labels]`."""
    labels = np.asarray(labels)
    if labels.shape[:1] == (0,):
        raise ValueError(
            f"`{name}` must not be empty. Received: shape={labels.shape}. "
            "Pass at least one query and one database item."
        )
    if labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer):
        if labels.min() < 0:
            raise ValueError(
                f"`{name}` as class indices must be >= 0. Received: an index of "
                f"{labels.min()}. Pass multi-hot labels of shape [n, labels], with a "
                "row of zeros for an unlabelled item."
            )
        return labels
    numeric = np.issubdtype(labels.dtype, np.number) or labels.dtype == np.bool_
    if labels.ndim != 2 or not numeric:
        raise ValueError(
            f"`{name}` must be integer class indices of shape [n] or numeric "
            "multi-hot labels of shape [n, labels]. "
            f"Received: dtype={labels.dtype}, shape={labels.shape}."
        )
    multi_hot = labels == 1
    if not np.all(multi_hot | (labels == 0)):
        raise ValueError(
            f"`{name}` as multi-hot labels must hold only 0 and 1. Received: other "
            f"values, shape={labels.shape}. Pass class indices as integers of shape "
            "[n], for example `labels[:, 0]`."
        )
    return multi_hot


def _at_most_one(multi_hot: np.ndarray) -> bool:
    return bool(np.all(np.count_nonzero(multi_hot, axis=1) <= 1))


def first_labels(multi_hot: np.ndarray, unlabelled: int = -1) -> np.ndarray:
    """The first label of every item, ints [n], and `unlabelled` where it has none."""
    if multi_hot.shape[1] == 0:
        return np.full(len(multi_hot), unlabelled)
    return np.where(multi_hot.any(axis=1), multi_hot.argmax(axis=1), unlabelled)
