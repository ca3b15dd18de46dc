"""Loss layers: pure functions of codes and labels."""

from keras_deephash.losses.pairwise import PairwiseLoss
from keras_deephash.losses.pairwise_cauchy import PairwiseCauchyLoss
from keras_deephash.losses.quantization import (
    CauchyQuantizationLoss,
    QuantizationLoss,
    SquaredQuantizationLoss,
)

__all__ = [
    "CauchyQuantizationLoss",
    "PairwiseCauchyLoss",
    "PairwiseLoss",
    "QuantizationLoss",
    "SquaredQuantizationLoss",
]
