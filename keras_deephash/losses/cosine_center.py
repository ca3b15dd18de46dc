"""The loss of Orthogonal Hashing."""

import keras
from keras import ops

from keras_deephash.checks import check_number
from keras_deephash.losses.class_loss import ClassLoss
from keras_deephash.losses.distances import normalize


@keras.saving.register_keras_serializable(package="keras_deephash")
class CosineCenterLoss(ClassLoss):
    """Cross-entropy of the cosines to the centres of the classes, with a margin.

    The logits are `scale * (cos(z_i, o_c) - margin * y_ic)`, and the loss of an image
    is the mean of `-log softmax(logits)_c` over its labels c. The other labels of an
    image enter the sum of the softmax with the margin too.

    Args:
        scale: float, > 0. Scale of the cosines. Defaults to `8.0`.
        margin: float, >= 0, in units of the cosine, so at most 2 is useful. Defaults to
            `0.2`.

    Call arguments:
        codes: float tensor [batch, bits].
        labels: tensor [batch, labels], multi-hot.
        vectors: float tensor [labels, bits], the centres, given by name.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = CosineCenterLoss()
    >>> loss(codes, labels, vectors=centers)

    References:
        - [Hoe et al., One Loss for All: Deep Hashing with a Single Cosine Similarity
          based Learning Objective, NeurIPS 2021](https://arxiv.org/abs/2109.14449)
    """

    def __init__(self, scale: float = 8.0, margin: float = 0.2, **kwargs):
        super().__init__(**kwargs)
        self.scale = check_number("scale", scale, positive=True)
        self.margin = check_number("margin", margin)

    def image_losses(self, codes, labels, vectors):
        cosines = ops.matmul(normalize(codes), ops.transpose(normalize(vectors)))
        logits = self.scale * (cosines - self.margin * labels)
        losses = -ops.sum(labels * ops.log_softmax(logits, axis=-1), axis=-1)
        return losses / ops.maximum(ops.sum(labels, axis=-1), 1.0)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale, "margin": self.margin}
