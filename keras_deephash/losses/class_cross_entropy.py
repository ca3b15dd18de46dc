"""The loss of a linear classifier of codes."""

import keras
from keras import ops

from keras_deephash.losses.class_loss import ClassLoss


@keras.saving.register_keras_serializable(package="keras_deephash")
class ClassCrossEntropyLoss(ClassLoss):
    """Cross-entropy of a linear classifier of codes, whose rows are the vectors.

    `-sum_c y_ic / |y_i| log softmax(V z_i)_c`: several labels of an image have equal
    weights.

    Call arguments:
        codes: float tensor [batch, bits].
        labels: tensor [batch, labels], multi-hot.
        vectors: float tensor [labels, bits], V, given by name.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = ClassCrossEntropyLoss()
    >>> loss(codes, labels, vectors=vectors)
    """

    def image_losses(self, codes, labels, vectors):
        logits = ops.matmul(codes, ops.transpose(vectors))
        losses = -ops.sum(labels * ops.log_softmax(logits, axis=-1), axis=-1)
        return losses / ops.maximum(ops.sum(labels, axis=-1), 1.0)
