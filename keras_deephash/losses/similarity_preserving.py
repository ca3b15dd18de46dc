"""The loss of codes that should keep the similarities of other vectors."""

import keras
from keras import ops

from keras_deephash.losses.distances import normalize
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import self_pairs
from keras_deephash.losses.replicas import gather_rows


@keras.saving.register_keras_serializable(package="keras_deephash")
class SimilarityPreservingLoss(LossLayer):
    """Mean squared difference between the cosines of codes and those of targets.

    `mean_ij (cos(z_i, z_j) - cos(f_i, f_j))^2` over the pairs of two different images
    of the global batch, where the targets `f` are features or longer codes, which the
    loss does not change.

    Args:
        center_targets: bool. Whether to subtract the mean of the targets over the
            global batch: without it, features after a ReLU have no negative cosines.
            Defaults to `False`.

    Call arguments:
        codes: float tensor [batch, bits].
        targets: float tensor [batch, d]; no gradient flows to it.

    Returns:
        float32 scalar; 0 for a batch of one image. In a replica of a `tf.distribute`
        strategy, the replica's share: the shares add up to the loss of the global
        batch.

    Example:

    >>> loss = SimilarityPreservingLoss()
    >>> loss(np.float32([[1, 1], [-1, 1]]), np.float32([[3, 4, 0], [3, 4, 0]]))

    References:
        - [Su et al., Greedy Hash, NeurIPS 2018](
          https://papers.nips.cc/paper/7360-greedy-hash-towards-fast-optimization-for-accurate-hash-coding-in-cnn)
    """

    def __init__(self, center_targets: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.center_targets = bool(center_targets)

    def call(self, codes, targets):
        codes = normalize(ops.cast(codes, "float32"))
        targets = ops.stop_gradient(ops.cast(targets, "float32"))
        all_codes, first = gather_rows(codes)
        all_targets, _ = gather_rows(targets)
        if self.center_targets:
            mean = ops.mean(all_targets, axis=0)
            targets, all_targets = targets - mean, all_targets - mean
        targets, all_targets = normalize(targets), normalize(all_targets)
        cosines = ops.matmul(codes, ops.transpose(all_codes))
        wanted = ops.matmul(targets, ops.transpose(all_targets))
        is_pair = 1 - self_pairs(codes, all_codes, first)
        batch = ops.cast(ops.shape(all_codes)[0], "float32")
        pairs = ops.maximum(batch * (batch - 1), 1.0)
        return ops.sum(is_pair * ops.square(cosines - wanted)) / pairs

    def get_config(self):
        return {**super().get_config(), "center_targets": self.center_targets}
