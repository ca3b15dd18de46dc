"""The loss of hybrid proxies and pairs."""

import keras
from keras import ops

from keras_deephash.checks import check_number
from keras_deephash.losses.distances import normalize
from keras_deephash.losses.linear_codes import largest_distance
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import check_codes_and_labels, similar_pairs
from keras_deephash.losses.replicas import gather_rows, sum_over_replicas


@keras.saving.register_keras_serializable(package="keras_deephash")
class HybridProxyLoss(LossLayer):
    """Losses of the cosines between images and proxies, and between images.

    The loss is the sum of three means over the global batch:

    - of `1 - cos(u_i, p_c)`, over the images i and each of their labels c;
    - of `max(0, cos(u_i, p_c) - margin)`, over the images and all other labels;
    - of `pair_weight * max(0, cos(u_i, u_j) - margin)`, over the pairs of images that
      have two labels or more each, and none in common.

    The margin is `max(0, 1 - 2 d / bits)`, where d is the largest distance that the
    codes of all classes can keep from each other. Images without a label are left out.

    Args:
        pair_weight: float, >= 0. Defaults to `0.5`.

    Call arguments:
        codes: float tensor [batch, bits].
        labels: tensor [batch, labels], multi-hot.
        vectors: float tensor [labels, bits], the proxies, given by name.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = HybridProxyLoss()
    >>> loss(codes, labels, vectors=proxies)

    References:
        - [Xu et al., HyP2 Loss: Beyond Hypersphere Metric Space for Multi-label Image
          Retrieval, ACM Multimedia 2022](https://arxiv.org/abs/2208.06866)
    """

    def __init__(self, pair_weight: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.pair_weight = check_number("pair_weight", pair_weight)

    def call(self, codes, labels, vectors):
        codes = ops.cast(codes, "float32")
        labels = ops.cast(labels, "float32")
        check_codes_and_labels(codes, labels)
        classes, bits = vectors.shape
        margin = max(0.0, 1 - 2 * largest_distance(classes, bits) / bits)
        codes = normalize(codes)
        proxies = normalize(ops.cast(vectors, "float32"))
        cosines = ops.matmul(codes, ops.transpose(proxies))
        count = ops.sum(labels, axis=-1, keepdims=True)
        others = (1 - labels) * ops.cast(count > 0, "float32")
        return (
            _mean_where(labels, 1 - cosines)
            + _mean_where(others, ops.relu(cosines - margin))
            + self.pair_weight * self._pairs(codes, labels, count, margin)
        )

    def _pairs(self, codes, labels, count, margin: float):
        all_codes, _ = gather_rows(codes)
        all_labels, _ = gather_rows(labels)
        several = ops.cast(count > 1, "float32")
        all_several, _ = gather_rows(several)
        pairs = ops.matmul(several, ops.transpose(all_several))
        pairs *= 1 - similar_pairs(labels, all_labels)
        cosines = ops.matmul(codes, ops.transpose(all_codes))
        return _mean_where(pairs, ops.relu(cosines - margin))

    def get_config(self):
        return {**super().get_config(), "pair_weight": self.pair_weight}


def _mean_where(chosen, values):
    """This replica's share of the mean of the values where `chosen` is 1."""
    count = sum_over_replicas(ops.sum(chosen))
    return ops.sum(chosen * values) / ops.maximum(count, 1.0)
