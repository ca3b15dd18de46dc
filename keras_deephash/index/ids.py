"""Checks of the ids of items."""

import numpy as np

MAX_ID = 2**63 - 2


def check_ids(ids, count: int) -> np.ndarray:
    """Ids as int64 [count], each once, or a ValueError."""
    ids = np.asarray(ids)
    if ids.shape != (count,) or (count and ids.dtype.kind not in "iu"):
        raise ValueError(
            f"`ids` must be integers of shape [{count}], one for each code. "
            f"Received: {ids.dtype} of shape {ids.shape}."
        )
    if count and not 0 <= int(ids.min()) <= int(ids.max()) <= MAX_ID:
        raise ValueError(
            f"`ids` must lie between 0 and 2**63 - 2. Received: {ids.min()} to "
            f"{ids.max()}."
        )
    ids = ids.astype(np.int64)
    unique, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise ids_are_there(unique[counts > 1])
    return ids


def ids_are_there(ids: np.ndarray) -> ValueError:
    """The error for ids that cannot be added."""
    return ValueError(
        f"`ids` must be new: {len(ids)} are there already or given twice. "
        f"Received: {ids[0]}, for one. `remove` the old ones first."
    )


def ids_are_missing(ids: np.ndarray) -> ValueError:
    """The error for ids that are not in the index."""
    return ValueError(
        f"`ids` must be in the index: {ids.size} are not. "
        f"Received: {ids.flat[0]}, for one."
    )
