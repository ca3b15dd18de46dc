"""Rows, sums and means over the global batch, with one replica or several."""

import keras
from keras import ops


def _replica_context():
    """Returns the `tf.distribute` replica context, or None if there is one replica."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return None
    # None in the cross-replica context, where the batch is not split.
    return tf.distribute.get_replica_context()


def gather_rows(x):
    """Gathers the rows of all replicas.

    Gradients flow back to every replica.

    Args:
        x: tensor [n, ...], the rows of this replica.

    Returns:
        Tuple of the gathered tensor [N, ...] and the index of this replica's first
        row. With one replica: `x` itself and 0.
    """
    context = _replica_context()
    if context is None:
        return x, 0
    counts = context.all_gather(ops.reshape(ops.shape(x)[0], (1,)), axis=0)
    first = ops.sum(counts[: context.replica_id_in_sync_group])
    return context.all_gather(x, axis=0), first


def sum_over_replicas(x):
    """Sums a float32 scalar over all replicas; no gradient flows through it.

    Args:
        x: float32 scalar, of this replica.

    Returns:
        float32 scalar, the same on all replicas. With one replica: `x` itself.
    """
    context = _replica_context()
    if context is None:
        return x
    import tensorflow as tf

    return context.all_reduce(tf.distribute.ReduceOp.SUM, x)


def count_rows(x):
    """Returns the number of rows of `x` over all replicas, as a float32 scalar."""
    return sum_over_replicas(ops.cast(ops.shape(x)[0], "float32"))


def mean_over_replicas(losses):
    """Computes this replica's share of the mean of losses over the global batch.

    End a loss with it that is a mean over images: the shares of all replicas add up to
    the mean, so that training is the same with 1 and N replicas. The mean of an empty
    batch is 0.

    Args:
        losses: float32 tensor [n], one for each image of this replica.

    Returns:
        float32 scalar.

    Example:

    >>> mean_over_replicas(ops.mean(ops.square(codes), axis=-1))
    """
    return ops.sum(losses) / ops.maximum(count_rows(losses), 1.0)
