"""The base of the losses that pull continuous codes towards +-1."""

from keras import ops

from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.replicas import mean_over_replicas


class QuantizationLoss(LossLayer):
    """Base class of the quantization losses of binary codes.

    A subclass implements `image_losses`. The loss is their mean over the global
    batch; inside a replica of a `tf.distribute` strategy, this replica's share.
    """

    def image_losses(self, codes):
        """Returns the losses [n] of codes [n, bits]."""
        raise NotImplementedError(f"{type(self).__name__} must define `image_losses`.")

    def call(self, codes):
        return mean_over_replicas(self.image_losses(ops.cast(codes, "float32")))
