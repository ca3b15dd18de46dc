"""Central Similarity Quantization."""

import keras
from keras import ops

from keras_deephash.checks import check_number
from keras_deephash.losses import CentralSimilarityLoss, SquaredQuantizationLoss
from keras_deephash.models.class_hashing import ClassHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class CSQ(ClassHashing):
    """Central Similarity Quantization: each bit is pulled to its class's centre.

    For many classes, and for images with one or several labels. The loss is
    `center_loss + quantization_weight * quantization_loss`, where `quantization_loss`
    is `mean (|tanh u| - 1)^2`.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `1e-4`.
        classes: int. Number of classes. Defaults to `None`: the first `fit` counts
            them.
        seed: int. Seed of the centres. Defaults to `0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = CSQ(AlexNetBackbone.small(), bits=64)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Yuan et al., Central Similarity Quantization for Efficient Image and Video
          Retrieval, CVPR 2020](https://arxiv.org/abs/1908.00347)
    """

    # The outputs u are taken before the tanh: after it, the gradient of bits that are
    # clearly wrong would be 0. They rank equally well: the probability of a code b of
    # +1 and -1 grows with the inner product u.b.
    output_form = "linear"

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        quantization_weight: float = 1e-4,
        classes: int | None = None,
        seed: int = 0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, classes, seed, preprocessor, **kwargs)
        self.center_loss = CentralSimilarityLoss(self.seed)
        self.quantization_loss = SquaredQuantizationLoss()
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )

    def loss_terms(self, outputs, labels) -> dict:
        vectors = self.vectors_for(outputs)
        return {
            "center_loss": (1.0, self.center_loss(outputs, labels, vectors=vectors)),
            "quantization_loss": (
                self.quantization_weight,
                self.quantization_loss(ops.tanh(outputs)),
            ),
        }

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.RMSprop(1e-5, rho=0.99, weight_decay=1e-5)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "quantization_weight": self.quantization_weight,
        }
