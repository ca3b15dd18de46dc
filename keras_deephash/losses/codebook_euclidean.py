"""The Euclidean codebook loss of DQN and DTQ."""

import keras
from keras import ops

from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.replicas import mean_over_replicas


@keras.saving.register_keras_serializable(package="keras_deephash")
class EuclideanCodebookLoss(LossLayer):
    """Squared distance of features to their reconstructions, `mean_i |z_i - x_i|^2`.

    Call arguments:
        features: float tensor [batch, dim].
        reconstructions: float tensor [batch, dim], the sums of the features'
            centres. No gradient flows to them.

    Returns:
        float32 scalar; in a replica, the replica's share.

    Example:

    >>> codes = codebook.encode(features)
    >>> EuclideanCodebookLoss()(features, codebook.decode(codes))
    """

    def call(self, features, reconstructions):
        error = ops.cast(features, "float32") - ops.stop_gradient(reconstructions)
        return mean_over_replicas(ops.sum(ops.square(error), axis=-1))
