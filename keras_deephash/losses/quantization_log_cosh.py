"""The quantization loss of the Deep Hashing Network."""

import math

import keras
from keras import ops

from keras_deephash.losses.quantization import QuantizationLoss


@keras.saving.register_keras_serializable(package="keras_deephash")
class LogCoshQuantizationLoss(QuantizationLoss):
    """Log-cosh quantization loss, `mean_i sum_k log cosh(|z_ik| - 1)` (DHN, paper).

    A smooth form of the absolute deviation from +-1.

    Example:

    >>> LogCoshQuantizationLoss()(np.float32([[0.9, -0.2]]))

    References:
        - [Zhu et al., Deep Hashing Network for Efficient Similarity Retrieval, AAAI
          2016](https://ojs.aaai.org/index.php/AAAI/article/view/10235)
    """

    def image_losses(self, codes):
        away = ops.abs(ops.abs(codes) - 1)
        # log cosh(x) = |x| + log(1 + exp(-2 |x|)) - log 2 does not overflow.
        losses = away + ops.softplus(-2 * away) - math.log(2)
        return ops.sum(losses, axis=-1)
