"""The base class of the losses over codes, labels and the vectors of classes."""

from keras import ops

from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import check_codes_and_labels
from keras_deephash.losses.replicas import sum_over_replicas


class ClassLoss(LossLayer):
    """Base class of losses over each image's code and the vectors of the classes.

    A subclass implements `image_losses`. The loss is their mean over the images of the
    global batch that have a label; inside a replica of a `tf.distribute` strategy, this
    replica's share: the shares add up to the loss of the global batch.

    Call arguments:
        codes: float tensor [batch, bits].
        labels: tensor [batch, labels], multi-hot.
        vectors: float tensor [labels, bits], given by name.

    Example:

    >>> class NearestCenterLoss(ClassLoss):
    ...     def image_losses(self, codes, labels, vectors):
    ...         wanted = ops.matmul(labels, vectors)
    ...         return ops.mean(ops.square(codes - wanted), axis=-1)
    >>> loss = NearestCenterLoss()
    >>> loss(codes, labels, vectors=centers)
    """

    def image_losses(self, codes, labels, vectors):
        """Returns the losses [n] of codes [n, bits], labels [n, L], vectors [L, bits].

        All are float32. An image may have several labels. The loss of an image without
        labels is ignored, but must be finite.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `image_losses`.")

    def call(self, codes, labels, vectors):
        codes = ops.cast(codes, "float32")
        labels = ops.cast(labels, "float32")
        vectors = ops.cast(vectors, "float32")
        check_codes_and_labels(codes, labels)
        labelled = ops.cast(ops.any(labels > 0, axis=-1), "float32")
        losses = self.image_losses(codes, labels, vectors)
        count = sum_over_replicas(ops.sum(labelled))
        return ops.sum(labelled * losses) / ops.maximum(count, 1.0)
