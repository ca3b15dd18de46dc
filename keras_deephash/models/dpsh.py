"""Deep Pairwise-Supervised Hashing."""

from typing import Literal

import keras

from keras_deephash.losses import PairwiseLogisticLoss, SquaredQuantizationLoss
from keras_deephash.models.pairwise_hashing import PairwiseHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class DPSH(PairwiseHashing):
    """Deep Pairwise-Supervised Hashing: the logistic loss of linear outputs.

    The probability that two images are similar is `sigmoid(u_i . u_j / 2)`, and the
    quantization loss is `mean (u - sign u)^2`.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `0.1`.
        pair_weighting: `"balanced"`, `"one_sided"` or `None`. Defaults to `None`, as
            published.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = DPSH(AlexNetBackbone.small(), bits=48)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Li et al., Feature Learning based Deep Supervised Hashing with Pairwise
          Labels, IJCAI 2016](https://arxiv.org/abs/1511.03855)
    """

    output_form = "linear"

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        quantization_weight: float = 0.1,
        pair_weighting: Literal["balanced", "one_sided"] | None = None,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(
            backbone,
            bits,
            pair_loss=PairwiseLogisticLoss(0.5, pair_weighting=pair_weighting),
            quantization_loss=SquaredQuantizationLoss(),
            quantization_weight=quantization_weight,
            preprocessor=preprocessor,
            **kwargs,
        )
        self.pair_weighting = pair_weighting

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.RMSprop(1e-5, rho=0.99, weight_decay=1e-5)

    def get_config(self) -> dict:
        return {**super().get_config(), "pair_weighting": self.pair_weighting}
