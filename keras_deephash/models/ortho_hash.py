"""Orthogonal Hashing."""

import keras

from keras_deephash.losses import CosineCenterLoss
from keras_deephash.models.class_hashing import ClassHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class OrthoHash(ClassHashing):
    """Orthogonal Hashing: codes near to fixed centres by their cosine.

    For many classes. It has a single loss, without a quantization loss: the outputs are
    normalized over the batch, so that each bit is 1 for about half of the images.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        scale: float, > 0. Scale of the cosines in the softmax. Defaults to `8.0`.
        margin: float, >= 0. By how much an image should be nearer to its own centre
            than to others, in units of the cosine. Defaults to `0.2`; the authors'
            command for CIFAR-10 uses 0.3.
        classes: int. Number of classes. Defaults to `None`: the first `fit` counts
            them.
        seed: int. Seed of the centres. Defaults to `0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = OrthoHash(AlexNetBackbone.small(), bits=64)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Hoe et al., One Loss for All: Deep Hashing with a Single Cosine Similarity
          based Learning Objective, NeurIPS 2021](https://arxiv.org/abs/2109.14449)
    """

    output_form = "normalized"

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        scale: float = 8.0,
        margin: float = 0.2,
        classes: int | None = None,
        seed: int = 0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, classes, seed, preprocessor, **kwargs)
        self.center_loss = CosineCenterLoss(scale, margin)
        self.scale = self.center_loss.scale
        self.margin = self.center_loss.margin

    def loss_terms(self, outputs, labels) -> dict:
        vectors = self.vectors_for(outputs)
        return {
            "center_loss": (1.0, self.center_loss(outputs, labels, vectors=vectors))
        }

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.Adam(1e-4, weight_decay=5e-4)

    def get_config(self) -> dict:
        return {**super().get_config(), "scale": self.scale, "margin": self.margin}
