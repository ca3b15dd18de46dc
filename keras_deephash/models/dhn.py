"""The Deep Hashing Network."""

from typing import Literal

import keras

from keras_deephash.checks import check_option
from keras_deephash.losses import (
    LogCoshQuantizationLoss,
    PairwiseLogisticLoss,
    SquaredQuantizationLoss,
)
from keras_deephash.models.pairwise_hashing import PairwiseHashing
from keras_deephash.preprocessing import Preprocessor

QUANTIZATIONS = ("log_cosh", "squared")


@keras.saving.register_keras_serializable(package="keras_deephash")
class DHN(PairwiseHashing):
    """Deep Hashing Network: binary codes for ranking by Hamming distance.

    By default the pair loss is the paper's, and the quantization loss has weight 0, as
    in the released training. The form of the released code is
    `DHN(backbone, bits, alpha=10, similarity="cosine", pair_weighting="one_sided",
    quantization="squared")`.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        alpha: float. Slope of the sigmoid. Defaults to `1.0`.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `0.0`, the released recipe.
        similarity: `"inner_product"` or `"cosine"`. Defaults to `"inner_product"`.
        pair_weighting: `"balanced"`, `"one_sided"` or `None`.
            Defaults to `"balanced"`.
        clip: float or None. Inner products are clipped to +-`clip`; the released code
            uses 15. Defaults to `None`, no clipping.
        quantization: `"log_cosh"` (paper) or `"squared"` (released code), the form of
            the quantization loss. Defaults to `"log_cosh"`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = DHN(AlexNetBackbone.small(), bits=48)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Zhu et al., Deep Hashing Network for Efficient Similarity Retrieval, AAAI
          2016](https://ojs.aaai.org/index.php/AAAI/article/view/10235)
    """

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        alpha: float = 1.0,
        quantization_weight: float = 0.0,
        similarity: Literal["inner_product", "cosine"] = "inner_product",
        pair_weighting: Literal["balanced", "one_sided"] | None = "balanced",
        clip: float | None = None,
        quantization: Literal["log_cosh", "squared"] = "log_cosh",
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        check_option("quantization", quantization, QUANTIZATIONS)
        log_cosh = quantization == "log_cosh"
        super().__init__(
            backbone,
            bits,
            pair_loss=PairwiseLogisticLoss(alpha, similarity, pair_weighting, clip),
            quantization_loss=(
                LogCoshQuantizationLoss() if log_cosh else SquaredQuantizationLoss()
            ),
            quantization_weight=quantization_weight,
            preprocessor=preprocessor,
            **kwargs,
        )
        self.alpha = float(alpha)
        self.similarity = similarity
        self.pair_weighting = pair_weighting
        self.clip = None if clip is None else float(clip)
        self.quantization = quantization

    @classmethod
    def default_learning_rate(cls):
        return keras.optimizers.schedules.ExponentialDecay(
            5e-5, decay_steps=5000, decay_rate=0.5, staircase=True
        )

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "similarity": self.similarity,
            "pair_weighting": self.pair_weighting,
            "clip": self.clip,
            "quantization": self.quantization,
        }
