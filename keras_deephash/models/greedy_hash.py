"""Greedy Hash."""

import keras
import numpy as np

from keras_deephash.checks import check_number, check_option
from keras_deephash.losses import (
    ClassCrossEntropyLoss,
    CubicQuantizationLoss,
    SimilarityPreservingLoss,
    signs,
    straight_through,
)
from keras_deephash.models.centers import scaled_centers
from keras_deephash.models.class_hashing import ClassHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class GreedyHash(ClassHashing):
    """Greedy Hash: the loss is of binary codes, and its gradient skips their sign.

    With labels the loss is the cross-entropy of a linear classifier of the codes; the
    classifier's rows are the vectors of the classes. Without labels it is the squared
    difference between the cosines of the codes and those of the backbone's features,
    after the features' mean is subtracted; the backbone is then not trained.
    `quantization_weight * mean ||u| - 1|^3` is added in both cases.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        supervised: bool. Whether to learn from labels; otherwise `fit` takes only
            images. Defaults to `True`.
        quantization_weight: float, >= 0. Weight of the quantization loss. Defaults to
            `0.1`; the published value for ImageNet is 1.
        classes: int. Number of classes. Defaults to `None`: the first `fit` counts
            them.
        seed: int. Seed of the classifier. Defaults to `0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = GreedyHash(AlexNetBackbone.small(), bits=48, supervised=False)
    >>> model.compile()
    >>> model.fit(images, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Su et al., Greedy Hash, NeurIPS 2018](
          https://papers.nips.cc/paper/7360-greedy-hash-towards-fast-optimization-for-accurate-hash-coding-in-cnn)
    """

    output_form = "linear"
    learns_vectors = True
    default_multipliers = None

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        supervised: bool = True,
        quantization_weight: float = 0.1,
        classes: int | None = None,
        seed: int = 0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        check_option("supervised", supervised, (True, False))
        if not supervised and classes is not None:
            raise ValueError(
                "`classes` has no meaning with `supervised=False`: leave it out. The "
                "preset of a model that learned from labels cannot be loaded as an "
                "unsupervised one: create a new model with its backbone. "
                f"Received: classes={classes!r}."
            )
        super().__init__(backbone, bits, classes, seed, preprocessor, **kwargs)
        self.supervised = self.needs_labels = bool(supervised)
        self.needs_features = not self.supervised
        self.trains_backbone = self.supervised
        if self.supervised:
            self.class_loss = ClassCrossEntropyLoss()
        else:
            self.similarity_loss = SimilarityPreservingLoss(center_targets=True)
        self.quantization_loss = CubicQuantizationLoss()
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )

    def new_vectors(self, classes, bits, generator, others=None):
        if others is None:
            return generator.uniform(-1, 1, (classes, bits)) / np.sqrt(bits)
        return scaled_centers(classes, bits, generator, others)

    @classmethod
    def learns_from_labels(cls, arguments):
        return bool(arguments.get("supervised", True))

    def loss_terms(self, outputs, labels, features=None) -> dict:
        codes = straight_through(outputs, signs(outputs))
        if self.supervised:
            vectors = self.vectors_for(outputs)
            loss = self.class_loss(codes, labels, vectors=vectors)
            terms = {"class_loss": (1.0, loss)}
        else:
            loss = self.similarity_loss(codes, features)
            terms = {"similarity_loss": (1.0, loss)}
        quantization = self.quantization_loss(outputs)
        return {**terms, "quantization_loss": (self.quantization_weight, quantization)}

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.SGD(1e-3, momentum=0.9, weight_decay=5e-4)

    def compile(self, optimizer="auto", *args, **kwargs):
        """As for other methods; without labels the published learning rate is 1e-4."""
        published = isinstance(optimizer, str) and optimizer == "auto"
        if published and not self.supervised:
            optimizer = self.default_optimizer()
            optimizer.learning_rate = 1e-4
        super().compile(optimizer, *args, **kwargs)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "supervised": self.supervised,
            "quantization_weight": self.quantization_weight,
        }
