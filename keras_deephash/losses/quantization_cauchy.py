"""The quantization loss of Deep Cauchy Hashing."""

import keras
from keras import ops

from keras_deephash.losses.distances import distances_to_ones
from keras_deephash.losses.pairwise_cauchy import check_cauchy_arguments
from keras_deephash.losses.quantization import QuantizationLoss


@keras.saving.register_keras_serializable(package="keras_deephash")
class CauchyQuantizationLoss(QuantizationLoss):
    """Cauchy quantization loss, `mean_i log(1 + d(|z_i|, 1) / gamma)` (DCH, paper).

    Args:
        gamma: float. Scale of the Cauchy distribution. Defaults to `30.0`.
        distance: `"hamming"` or `"squared_euclidean"`. Defaults to `"hamming"`.

    Example:

    >>> CauchyQuantizationLoss(gamma=20)(np.float32([[0.9, -0.2]]))
    """

    def __init__(self, gamma: float = 30.0, distance: str = "hamming", **kwargs):
        check_cauchy_arguments(gamma, distance)
        super().__init__(**kwargs)
        self.gamma = float(gamma)
        self.distance = distance

    def image_losses(self, codes):
        d = distances_to_ones(ops.abs(codes), self.distance)
        # Rounding can take a distance of zero just below zero.
        return ops.log1p(ops.maximum(d, 0.0) / self.gamma)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma, "distance": self.distance}
