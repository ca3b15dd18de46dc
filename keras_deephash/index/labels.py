"""Labels of items, checked before any is kept."""

import numpy as np


def check_labels(
    labels, count: int, form: tuple | None, empty: bool
) -> np.ndarray | None:
    """Labels as int64 [count] or uint8 [count, L], or a ValueError.

    Args:
        labels: array, or `None`.
        count: int. Codes that they belong to.
        form: tuple. `()` where classes are there already, `(L,)` where multi-hot
            labels are, `None` where none are.
        empty: bool. Whether no codes are there yet.
    """
    if labels is None:
        if form is not None and count:
            raise ValueError("This index has labels: give `labels` with every `add`.")
        return None
    labels = np.asarray(labels)
    if labels.ndim not in (1, 2) or len(labels) != count:
        raise ValueError(
            f"`labels` must have shape [{count}] or [{count}, L]. "
            f"Received: shape {labels.shape}."
        )
    if labels.dtype.kind not in "biuf" or not np.array_equal(
        labels, labels.astype(np.int64)
    ):
        raise ValueError(
            "`labels` must be classes, ints [n], or multi-hot of 0 and 1, [n, L]. "
            f"Received: {labels.dtype}."
        )
    if form is None and not empty:
        raise ValueError(
            "The codes that are there have no labels, so these can have none. Build a "
            "new index to have labels."
        )
    if labels.ndim == 2 and count and not 0 <= labels.min() <= labels.max() <= 1:
        raise ValueError(
            "Multi-hot `labels` must be 0 or 1. "
            f"Received: {labels.min()} to {labels.max()}."
        )
    if form is not None and form != labels.shape[1:]:
        raise ValueError(
            f"`labels` must have the form of those that are there, {('n', *form)}. "
            f"Received: shape {labels.shape}."
        )
    return labels.astype(np.uint8 if labels.ndim == 2 else np.int64)
