"""The base class of losses that are computed for each image alone."""

from keras import ops

from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import check_codes_and_labels
from keras_deephash.losses.replicas import mean_over_replicas


class PointwiseLoss(LossLayer):
    """Base class of the losses of each image's code and labels.

    A subclass implements `image_losses`. The loss is their mean over the global batch;
    inside a replica of a `tf.distribute` strategy, this replica's share: the shares add
    up to the loss of the global batch.

    Example:

    >>> class CornerLoss(PointwiseLoss):
    ...     def image_losses(self, codes, labels):
    ...         return ops.mean(ops.square(codes - 1), axis=-1)
    """

    takes_labels = True

    def image_losses(self, codes, labels):
        """Returns the losses [n] of codes [n, bits] and multi-hot labels [n, L].

        Both are float32; an image may have several labels, or none.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `image_losses`.")

    def call(self, codes, labels):
        codes = ops.cast(codes, "float32")
        labels = ops.cast(labels, "float32")
        check_codes_and_labels(codes, labels)
        return mean_over_replicas(self.image_losses(codes, labels))
