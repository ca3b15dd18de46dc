"""Bi-half hashing."""

import keras
from keras import ops

from keras_deephash.checks import check_number
from keras_deephash.losses import (
    SimilarityPreservingLoss,
    halves,
    mean_over_replicas,
    straight_through,
)
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class BiHalf(DeepHashing):
    """Bi-half hashing: unsupervised codes, each bit 1 for half of the images.

    In training, a bit is 1 for the images in the upper half of the global batch, and -1
    for the others. The loss is the squared difference between the cosines of these
    codes and those of the backbone's features, after the features' mean is subtracted,
    plus `gamma / 2 * mean (u - b)^2`, which pulls the outputs to the codes. The
    backbone is not trained.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        gamma: float, >= 0. How strongly outputs are pulled to the codes. Defaults to
            `6.0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = BiHalf(AlexNetBackbone.small(), bits=48)
    >>> model.compile()
    >>> model.fit(images, batch_size=64, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Li and van Gemert, Deep Unsupervised Image Hashing by Maximizing Bit Entropy,
          AAAI 2021](https://arxiv.org/abs/2012.12334)
    """

    output_form = "halved"
    needs_labels = False
    needs_features = True
    trains_backbone = False
    default_multipliers = None

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        gamma: float = 6.0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, preprocessor, **kwargs)
        self.similarity_loss = SimilarityPreservingLoss(center_targets=True)
        self.gamma = check_number("gamma", gamma)

    def loss_terms(self, outputs, labels, features) -> dict:
        binary = halves(outputs)
        codes = straight_through(outputs, binary)
        away = mean_over_replicas(ops.mean(ops.square(outputs - binary), axis=-1))
        return {
            "similarity_loss": (1.0, self.similarity_loss(codes, features)),
            "quantization_loss": (self.gamma / 2, away),
        }

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.SGD(1e-4, momentum=0.9, weight_decay=5e-4)

    def get_config(self) -> dict:
        return {**super().get_config(), "gamma": self.gamma}
