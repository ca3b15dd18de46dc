"""Rankings with ties, as the groups that `average_precision` takes."""

import numpy as np


def ranked_groups(
    distances: np.ndarray, relevant: np.ndarray, ties: str
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks items by distance and gathers those that are tied.

    Args:
        distances: Distances from one query, of shape `[items]`; smaller is closer.
        relevant: Booleans of shape `[items]`.
        ties: `"expected"` puts items of equal distance into one group;
            `"stable"` keeps their order, as groups of one item.

    Returns:
        Two integer arrays of shape `[groups]`, in order of distance: the items of
        every group, the relevant items of every group.

    Example:

    >>> ranked_groups(np.array([2, 0, 2]), np.array([True, False, False]), "expected")
    (array([1, 2]), array([0, 1]))
    """
    if ties == "stable":
        ranking = np.argsort(distances, kind="stable")
        return np.ones(len(ranking), np.int64), relevant[ranking].astype(np.int64)
    if len(distances) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # The order inside a group is of no account, so the faster unstable sort will do.
    ranking = np.argsort(distances)
    ordered = distances[ranking]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    items = np.diff(starts, append=len(ordered))
    return items, np.add.reduceat(relevant[ranking].astype(np.int64), starts)
