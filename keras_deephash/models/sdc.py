"""Similarity Distribution Calibration."""

import keras

from keras_deephash.checks import check_number
from keras_deephash.losses import CosineQuantizationLoss, SimilarityDistributionLoss
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class SDC(DeepHashing):
    """Similarity Distribution Calibration: unsupervised codes with spread cosines.

    The cosines of codes learn to follow a beta distribution, in the order of the
    cosines of the backbone's features: see `losses.SimilarityDistributionLoss`. By
    default the negative half of the targets is set to 0. The loss also includes
    `quantization_weight * mean (1 - cos(v, sign v))`. The outputs v are normalized over
    the batch, and the backbone is not trained. The published network has one more
    layer in between, with the dimension of the features.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `1.0`.
        concentration: int, 1 to 20. Both parameters of the beta distribution.
            Defaults to `5`.
        orthogonal: bool. Whether the target cosine of the less similar half of the
            pairs is 0, as published. Defaults to `True`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = SDC(AlexNetBackbone.small(), bits=48)
    >>> model.compile()
    >>> model.fit(images, batch_size=64, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Ng et al., Unsupervised Hashing with Similarity Distribution Calibration,
          BMVC 2023](https://arxiv.org/abs/2302.07669)
    """

    output_form = "normalized"
    needs_labels = False
    needs_features = True
    trains_backbone = False

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        quantization_weight: float = 1.0,
        concentration: int = 5,
        orthogonal: bool = True,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, preprocessor, **kwargs)
        self.similarity_loss = SimilarityDistributionLoss(concentration, orthogonal)
        self.concentration = self.similarity_loss.concentration
        self.orthogonal = self.similarity_loss.orthogonal
        self.quantization_loss = CosineQuantizationLoss()
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )

    def loss_terms(self, outputs, labels, features) -> dict:
        return {
            "similarity_loss": (1.0, self.similarity_loss(outputs, features)),
            "quantization_loss": (
                self.quantization_weight,
                self.quantization_loss(outputs),
            ),
        }

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.Adam(1e-4)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "quantization_weight": self.quantization_weight,
            "concentration": self.concentration,
            "orthogonal": self.orthogonal,
        }
