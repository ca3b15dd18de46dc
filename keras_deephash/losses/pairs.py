"""Masks of pairs of images: similar pairs, and images paired with themselves."""

from keras import ops


def similar_pairs(labels, others):
    """Returns 1.0 where rows of multi-hot labels share a label, else 0.0: [n, m]."""
    shared = ops.matmul(labels, ops.transpose(others))
    return ops.cast(shared > 0, "float32")


def self_pairs(rows, all_rows, first):
    """Returns 1.0 where a row is paired with itself, else 0.0: [n, N].

    `rows` [n, ...] are those of `all_rows` [N, ...] from index `first` on.
    """
    own = first + ops.arange(ops.shape(rows)[0])
    columns = ops.arange(ops.shape(all_rows)[0])
    return ops.cast(own[:, None] == columns[None, :], "float32")


def check_codes_and_labels(codes, labels) -> None:
    """Raises ValueError unless codes are [n, bits] and labels multi-hot [n, L]."""
    if len(codes.shape) != 2 or len(labels.shape) != 2:
        raise ValueError(
            "`codes` must have shape [batch, bits] and `labels` [batch, labels], "
            "multi-hot (for class indices use `keras.utils.to_categorical`). "
            f"Received: codes of shape {tuple(codes.shape)}, labels of shape "
            f"{tuple(labels.shape)}."
        )
    n, m = codes.shape[0], labels.shape[0]
    if n is not None and m is not None and n != m:
        raise ValueError(
            "`codes` and `labels` must have one row per image. "
            f"Received: {n} rows of codes, {m} rows of labels."
        )
