"""Deep Triplet Supervised Hashing."""

import keras

from keras_deephash.checks import check_number
from keras_deephash.losses import LogisticTripletLoss, SquaredQuantizationLoss
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class DTSH(DeepHashing):
    """Deep Triplet Supervised Hashing: the logistic loss of triplets.

    The loss is the mean of `log(1 + exp(margin - (u_a . u_p - u_a . u_n) / 2))` over
    the triplets of a batch, plus `quantization_weight * mean (u - sign u)^2`. It needs
    memory for batch^3 numbers.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        margin: float, >= 0. Margin of the triplets. Defaults to `None`: half of the
            code length, as in the released code.
        quantization_weight: float, >= 0. Weight of the quantization loss. Defaults to
            `0.1`, which corresponds to the released code's weights at 24 bits.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = DTSH(AlexNetBackbone.small(), bits=48)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Wang et al., Deep Supervised Hashing with Triplet Labels, ACCV 2016](
          https://arxiv.org/abs/1612.03900)
    """

    output_form = "linear"

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        margin: float | None = None,
        quantization_weight: float = 0.1,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, preprocessor, **kwargs)
        self.triplet_loss = LogisticTripletLoss(margin)
        self.margin = self.triplet_loss.margin
        self.quantization_loss = SquaredQuantizationLoss()
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )

    def loss_terms(self, outputs, labels) -> dict:
        return {
            "triplet_loss": (1.0, self.triplet_loss(outputs, labels)),
            "quantization_loss": (
                self.quantization_weight,
                self.quantization_loss(outputs),
            ),
        }

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.RMSprop(1e-5, rho=0.99, weight_decay=1e-5)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "margin": self.margin,
            "quantization_weight": self.quantization_weight,
        }
