"""The negatives that violate the margin of a triplet, one drawn for each pair.

A negative n violates the margin of the anchor a and the positive p where
`distance(a, n) < distance(a, p) + margin`. In the order of their distances these
negatives come first, so a binary search counts them: the work grows with
batch^2 log batch, and the memory with batch^2.
"""

import tensorflow as tf
from keras import ops


def negatives_first(distances, negative):
    """The order of each row: its negatives by their distances, then the others.

    Args:
        distances: float32 tensor [n, N], of each anchor to all images, >= 0.
        negative: float32 tensor [n, N], 1.0 where an image is a negative of an anchor.

    Returns:
        int32 tensor [n, N].
    """
    # The others by their distances too: `draw_violating` searches for rising numbers,
    # several times faster than for random ones.
    behind = 2 * ops.max(distances, axis=1, keepdims=True, initial=0.0) + 1
    keys = ops.where(negative > 0, distances, distances + behind)
    return tf.argsort(keys, axis=1, stable=True)


def draw_violating(distances, negatives, margin: float, draws):
    """One negative for each anchor and positive, of those that violate the margin.

    Args:
        distances: float32 tensor [n, N], in the order of `negatives_first`.
        negatives: float32 tensor [n, 1], the number of negatives of each anchor.
        margin: float.
        draws: float32 tensor [n, N], uniform in [0, 1), one for each pair.

    Returns:
        Tuple of the places of the drawn negatives in their rows, int32 [n, N], and of
        the numbers of negatives to draw from, int32 [n, N]. Where that is 0, the place
        means nothing.
    """
    columns = ops.arange(ops.shape(distances)[1], dtype="float32")
    ascending = ops.where(columns < negatives, distances, float("inf"))
    count = tf.searchsorted(ascending, margin + distances)
    place = ops.cast(draws * ops.cast(count, "float32"), "int32")
    return ops.maximum(ops.minimum(place, count - 1), 0), count
