"""The loss of Central Similarity Quantization."""

import keras
from keras import ops

from keras_deephash.checks import check_integer
from keras_deephash.losses.class_loss import ClassLoss
from keras_deephash.losses.target_codes import target_codes


@keras.saving.register_keras_serializable(package="keras_deephash")
class CentralSimilarityLoss(ClassLoss):
    """Binary cross-entropy of each bit to the centre of an image's labels.

    With `p = (1 + tanh(u)) / 2`, the probability of a bit, the loss of an image is the
    mean over the bits of `-log p` where its target is +1, and of `-log (1 - p)` where
    it is -1. It is computed as `softplus(-2 u t)`, which does not overflow. The target
    for several labels is the sign of the sum of their centres; where that is 0, a fixed
    vector decides.

    Args:
        seed: int. Seed of that vector. Defaults to `0`.

    Call arguments:
        codes: float tensor [batch, bits], before any tanh.
        labels: tensor [batch, labels], multi-hot.
        vectors: float tensor [labels, bits], centres of +1 and -1, given by name.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = CentralSimilarityLoss()
    >>> loss(codes, labels, vectors=centers)

    References:
        - [Yuan et al., Central Similarity Quantization for Efficient Image and Video
          Retrieval, CVPR 2020](https://arxiv.org/abs/1908.00347)
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = check_integer("seed", seed, minimum=0)

    def image_losses(self, codes, labels, vectors):
        targets = target_codes(labels, vectors, self.seed)
        return ops.mean(ops.softplus(-2 * codes * targets), axis=-1)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
