"""Hashing by hybrid proxies and pairs."""

import keras

from keras_deephash.losses import HybridProxyLoss
from keras_deephash.models.centers import scaled_centers
from keras_deephash.models.class_hashing import ClassHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class HyP2(ClassHashing):
    """Hybrid proxies and pairs: codes near to learned proxies of all their labels.

    For images with several labels. Two images with several labels each, none of them in
    common, are pushed apart too.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        pair_weight: float, >= 0. Weight of the loss over pairs of images.
            Defaults to `0.5`.
        classes: int. Number of classes. Defaults to `None`: the first `fit` counts
            them.
        seed: int. Seed of the initial proxies. Defaults to `0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = HyP2(AlexNetBackbone.small(), bits=64)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=100, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Xu et al., HyP2 Loss: Beyond Hypersphere Metric Space for Multi-label Image
          Retrieval, ACM Multimedia 2022](https://arxiv.org/abs/2208.06866)
    """

    output_form = "linear"
    learns_vectors = True
    default_multipliers = None  # One rate for all layers.

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        pair_weight: float = 0.5,
        classes: int | None = None,
        seed: int = 0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, classes, seed, preprocessor, **kwargs)
        self.proxy_loss = HybridProxyLoss(pair_weight)
        self.pair_weight = self.proxy_loss.pair_weight

    def new_vectors(self, classes, bits, generator, others=None):
        if others is None:
            return generator.normal(0, (2 / classes) ** 0.5, (classes, bits))
        return scaled_centers(classes, bits, generator, others)

    def loss_terms(self, outputs, labels) -> dict:
        vectors = self.vectors_for(outputs)
        return {"proxy_loss": (1.0, self.proxy_loss(outputs, labels, vectors=vectors))}

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=5e-4)

    def get_config(self) -> dict:
        return {**super().get_config(), "pair_weight": self.pair_weight}
