"""The triplet loss of Deep Triplet Supervised Hashing."""

import keras
from keras import ops

from keras_deephash.checks import check_number
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import (
    check_codes_and_labels,
    self_pairs,
    similar_pairs,
)
from keras_deephash.losses.replicas import gather_rows, sum_over_replicas


@keras.saving.register_keras_serializable(package="keras_deephash")
class LogisticTripletLoss(LossLayer):
    """Logistic loss of the inner products of triplets within the global batch.

    The mean of `log(1 + exp(margin - (z_a . z_p - z_a . z_n) / 2))` over all triplets
    of an anchor, another image that shares a label with it and one that shares none. A
    batch without a triplet has a loss of 0. It needs memory for batch^3 numbers.

    Args:
        margin: float, >= 0. Defaults to `None`: half of the code length, as in the
            released code.

    Call arguments:
        codes: float tensor [batch, bits].
        labels: tensor [batch, labels], multi-hot.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = LogisticTripletLoss()
    >>> loss(np.float32([[0], [1], [2]]), np.array([[1, 0], [1, 0], [0, 1]]))

    References:
        - [Wang et al., Deep Supervised Hashing with Triplet Labels, ACCV 2016](
          https://arxiv.org/abs/1612.03900)
    """

    takes_labels = True

    def __init__(self, margin: float | None = None, **kwargs):
        super().__init__(**kwargs)
        self.margin = None if margin is None else check_number("margin", margin)

    def call(self, codes, labels):
        codes = ops.cast(codes, "float32")
        labels = ops.cast(labels, "float32")
        check_codes_and_labels(codes, labels)
        everyone, first = gather_rows(codes)
        all_labels, _ = gather_rows(labels)

        # Rows are this replica's anchors.
        products = ops.matmul(codes, ops.transpose(everyone)) / 2
        similar = similar_pairs(labels, all_labels)
        others = 1 - self_pairs(codes, everyone, first)
        positive, negative = similar * others, (1 - similar) * others
        margin = codes.shape[1] / 2 if self.margin is None else self.margin
        slack = margin - products[:, :, None] + products[:, None, :]
        selected = positive[:, :, None] * negative[:, None, :]
        triplets = sum_over_replicas(ops.sum(selected))
        losses = ops.softplus(slack)
        return ops.sum(losses * selected) / ops.maximum(triplets, 1.0)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
