"""The triplet loss of Deep Triplet Quantization."""

import keras
import tensorflow as tf
from keras import ops

from keras_deephash.checks import check_integer, check_number, check_option
from keras_deephash.losses.distances import pairwise_distances
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import (
    check_codes_and_labels,
    self_pairs,
    similar_pairs,
)
from keras_deephash.losses.replicas import gather_rows, sum_over_replicas
from keras_deephash.losses.violating_negatives import draw_violating, negatives_first

MININGS = ("margin", "hard", "all")


@keras.saving.register_keras_serializable(package="keras_deephash")
class TripletLoss(LossLayer):
    """Triplet loss on squared Euclidean distances within the global batch.

    The mean of `max(0, margin + |z_a - z_p|^2 - |z_a - z_n|^2)` over triplets of an
    anchor, another image that shares a label with it and one that shares none. A
    batch without a triplet has a loss of 0. `mining` selects the triplets:

    - `"margin"` (Group-Hard, the paper's): for every anchor and positive, one
      negative drawn at random among those that violate the margin. Pairs without such
      a negative do not count in the mean.
    - `"hard"`: for every anchor and positive, the negative nearest to the anchor.
    - `"all"`: all triplets, with memory for batch^3 numbers: the others take batch^2.

    Args:
        margin: float, in squared units of the features. Defaults to `30.0`.
        mining: `"margin"`, `"hard"` or `"all"`. Defaults to `"margin"`.
        seed: int. Seed of the draws of `"margin"`: the same batch always gives the same
            loss, and shuffling the data gives other triplets. Defaults to `0`.

    Call arguments:
        features: float tensor [batch, dim].
        labels: tensor [batch, labels], multi-hot.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = TripletLoss(margin=1.0, mining="all")
    >>> loss(np.float32([[0], [1], [2]]), np.array([[1, 0], [1, 0], [0, 1]]))

    References:
        - [Liu et al., Deep Triplet Quantization, ACM Multimedia 2018](
          https://arxiv.org/abs/1902.00153)
    """

    takes_labels = True

    def __init__(
        self, margin: float = 30.0, mining: str = "margin", seed: int = 0, **kwargs
    ):
        margin = check_number("margin", margin, positive=True)
        check_option("mining", mining, MININGS)
        super().__init__(**kwargs)
        self.margin = margin
        self.mining = mining
        self.seed = check_integer("seed", seed, minimum=0)

    def call(self, features, labels):
        features = ops.cast(features, "float32")
        labels = ops.cast(labels, "float32")
        check_codes_and_labels(features, labels)
        everyone, first = gather_rows(features)
        all_labels, _ = gather_rows(labels)

        # Rows are this replica's anchors.
        distances = pairwise_distances(features, everyone, "squared_euclidean")
        similar = similar_pairs(labels, all_labels)
        others = 1 - self_pairs(features, everyone, first)
        positive, negative = similar * others, (1 - similar) * others
        if self.mining == "hard":
            losses, selected = self._nearest(distances, positive, negative)
        elif self.mining == "margin":
            losses, selected = self._drawn(distances, positive, negative, first)
        else:
            losses = ops.relu(
                self.margin + distances[:, :, None] - distances[:, None, :]
            )
            selected = positive[:, :, None] * negative[:, None, :]
        triplets = sum_over_replicas(ops.sum(selected))
        return ops.sum(losses * selected) / ops.maximum(triplets, 1.0)

    def _drawn(self, distances, positive, negative, first):
        """Losses [n, N] of all pairs of an anchor, and which of them are triplets."""
        # A pair draws the same number however the batch is split over replicas.
        batch = ops.shape(distances)[1]
        draws = keras.random.uniform((batch, batch), seed=self.seed)
        draws = draws[first : first + ops.shape(distances)[0]]
        order = negatives_first(distances, negative)
        distances, positive, draws = (
            tf.gather(values, order, batch_dims=1)
            for values in (distances, positive, draws)
        )
        negatives = ops.sum(negative, axis=1, keepdims=True)
        place, count = draw_violating(distances, negatives, self.margin, draws)
        to_drawn = tf.gather(distances, place, batch_dims=1)
        losses = ops.relu(self.margin + distances - to_drawn)
        return losses, positive * ops.cast(count > 0, "float32")

    def _nearest(self, distances, positive, negative):
        """Losses [n, N] of anchors and positives, and a mask of the triplets."""
        has_negative = ops.max(negative, axis=1, keepdims=True, initial=0.0)
        farthest = ops.max(distances, axis=1, keepdims=True, initial=0.0)
        # Images that are not negatives count as the farthest.
        masked = ops.where(negative > 0, distances, farthest)
        nearest = ops.min(masked, axis=1, keepdims=True, initial=float("inf"))
        nearest = ops.where(has_negative > 0, nearest, ops.zeros_like(nearest))
        return ops.relu(self.margin + distances - nearest), positive * has_negative

    def get_config(self):
        return {
            **super().get_config(),
            "margin": self.margin,
            "mining": self.mining,
            "seed": self.seed,
        }
