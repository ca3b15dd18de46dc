"""The quantization loss of the released code."""

import keras
from keras import ops

from keras_deephash.losses.quantization import QuantizationLoss


@keras.saving.register_keras_serializable(package="keras_deephash")
class SquaredQuantizationLoss(QuantizationLoss):
    """Squared quantization loss, `mean_ik (|z_ik| - 1)^2` (the released code's).

    Example:

    >>> SquaredQuantizationLoss()(np.float32([[0.9, -0.2]]))
    """

    def image_losses(self, codes):
        return ops.mean(ops.square(ops.abs(codes) - 1), axis=-1)
