"""The base class of the hashing methods whose loss is over pairs of images."""

import keras

from keras_deephash.checks import check_number
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.preprocessing import Preprocessor


class PairwiseHashing(DeepHashing):
    """Base class: `DeepHashing` with a loss over pairs and a quantization loss.

    The loss is `pair_loss(codes, labels) + quantization_weight *
    quantization_loss(codes)`.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        pair_loss: layer, called with codes [n, bits] and labels [n, L], such as a
            `losses.PairwiseLoss`.
        quantization_loss: layer, called with codes [n, bits], such as a
            `losses.QuantizationLoss`.
        quantization_weight: float, >= 0. Defaults to `0.0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.
    """

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        pair_loss: keras.layers.Layer,
        quantization_loss: keras.layers.Layer,
        quantization_weight: float = 0.0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, preprocessor, **kwargs)
        self.pair_loss = pair_loss
        self.quantization_loss = quantization_loss
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )

    def loss_terms(self, outputs, labels) -> dict:
        return {
            "pair_loss": (1.0, self.pair_loss(outputs, labels)),
            "quantization_loss": (
                self.quantization_weight,
                self.quantization_loss(outputs),
            ),
        }

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "quantization_weight": self.quantization_weight,
        }
