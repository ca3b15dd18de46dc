"""The quantization loss of Greedy Hash."""

import keras
from keras import ops

from keras_deephash.losses.quantization import QuantizationLoss


@keras.saving.register_keras_serializable(package="keras_deephash")
class CubicQuantizationLoss(QuantizationLoss):
    """Cubic quantization loss, `mean_ik ||z_ik| - 1|^3`.

    Example:

    >>> CubicQuantizationLoss()(np.float32([[0.9, -0.2]]))

    References:
        - [Su et al., Greedy Hash, NeurIPS 2018](
          https://papers.nips.cc/paper/7360-greedy-hash-towards-fast-optimization-for-accurate-hash-coding-in-cnn)
    """

    def image_losses(self, codes):
        away = ops.abs(ops.abs(codes) - 1)
        return ops.mean(away * away * away, axis=-1)
