"""Deep Cauchy Hashing."""

from typing import Literal

import keras

from keras_deephash.checks import check_option
from keras_deephash.losses import (
    CauchyQuantizationLoss,
    PairwiseCauchyLoss,
    SquaredQuantizationLoss,
)
from keras_deephash.models.pairwise_hashing import PairwiseHashing
from keras_deephash.preprocessing import Preprocessor

QUANTIZATIONS = ("cauchy", "squared")


@keras.saving.register_keras_serializable(package="keras_deephash")
class DCH(PairwiseHashing):
    """Deep Cauchy Hashing: binary codes for look-up within a small Hamming radius.

    By default the pair loss is the paper's, and the quantization loss has weight 0, as
    in the released training. The form of the released code is
    `DCH(backbone, bits, gamma=20, distance="squared_euclidean",
    pair_weighting="one_sided", quantization="squared")`.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        gamma: float. Scale of the Cauchy distribution, in units of the distance.
            Defaults to `30.0`.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `0.0`, the released recipe.
        distance: `"hamming"` or `"squared_euclidean"`. Defaults to `"hamming"`.
        pair_weighting: `"balanced"`, `"one_sided"` or `None`.
            Defaults to `"balanced"`.
        quantization: `"cauchy"` (paper) or `"squared"` (released code), the form of
            the quantization loss. Defaults to `"cauchy"`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = DCH(AlexNetBackbone.small(), bits=48)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Cao et al., Deep Cauchy Hashing for Hamming Space Retrieval, CVPR 2018](
          https://openaccess.thecvf.com/content_cvpr_2018/html/Cao_Deep_Cauchy_Hashing_CVPR_2018_paper.html)
    """

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        gamma: float = 30.0,
        quantization_weight: float = 0.0,
        distance: Literal["hamming", "squared_euclidean"] = "hamming",
        pair_weighting: Literal["balanced", "one_sided"] | None = "balanced",
        quantization: Literal["cauchy", "squared"] = "cauchy",
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        check_option("quantization", quantization, QUANTIZATIONS)
        if quantization == "cauchy":
            quantization_loss = CauchyQuantizationLoss(gamma, distance)
        else:
            quantization_loss = SquaredQuantizationLoss()
        super().__init__(
            backbone,
            bits,
            pair_loss=PairwiseCauchyLoss(gamma, distance, pair_weighting),
            quantization_loss=quantization_loss,
            quantization_weight=quantization_weight,
            preprocessor=preprocessor,
            **kwargs,
        )
        self.gamma = float(gamma)
        self.distance = distance
        self.pair_weighting = pair_weighting
        self.quantization = quantization

    @classmethod
    def default_learning_rate(cls) -> float:
        return 5e-3

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "distance": self.distance,
            "pair_weighting": self.pair_weighting,
            "quantization": self.quantization,
        }
