"""The quantization loss that ignores the length of a code vector."""

import keras
from keras import ops

from keras_deephash.losses.binarization import signs
from keras_deephash.losses.distances import normalize
from keras_deephash.losses.quantization import QuantizationLoss


@keras.saving.register_keras_serializable(package="keras_deephash")
class CosineQuantizationLoss(QuantizationLoss):
    """Cosine quantization loss, `mean_i (1 - cos(z_i, sign z_i))`.

    Example:

    >>> CosineQuantizationLoss()(np.float32([[0.9, -0.2]]))

    References:
        - [Ng et al., Unsupervised Hashing with Similarity Distribution Calibration,
          BMVC 2023](https://arxiv.org/abs/2302.07669)
    """

    def image_losses(self, codes):
        cosines = ops.sum(normalize(codes) * normalize(signs(codes)), axis=-1)
        return 1 - cosines
