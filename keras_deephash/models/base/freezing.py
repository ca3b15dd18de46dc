"""Freezing a part of a model's backbone."""

import numpy as np
import tensorflow as tf

from keras_deephash.backbones.splitting import SplitBackbone
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.pipeline import image_dataset


class FreezingMixin:
    """The verbs of freezing, for a model of a `backbone` and a `preprocessor`.

    What is frozen, and what frozen features look like, is known by the split backbone
    that the model holds.
    """

    # `SplitBackbone`, once a part of the backbone is frozen.
    _split: SplitBackbone | None = None

    def freeze_backbone(self, until: str) -> None:
        """Freezes the first layers of the backbone.

        What does not change needs computing only once: `frozen_features` are taken by
        `fit`, `predict`, `encode` and `continuous_codes` in place of the images. A
        second call takes the place of the first. A preset does not keep which layers
        were frozen; a `.keras` file of a compiled model does.

        Args:
            until: str. Name of the last layer that is frozen, such as
                `"block5c_out"` of `EfficientNetLiteBackbone`.

        Example:

        >>> model.freeze_backbone("block5c_out")
        >>> features = model.frozen_features(images)
        >>> model.fit(features.images, features.labels, epochs=10)
        """
        parts = SplitBackbone(self.backbone, until)
        if self._split is not None:
            self._split.release()
        self._split = parts
        self._split.freeze()
        self.forget_functions()  # They train what was trainable when they were made.

    def frozen_features(
        self, images: ImageSet, batch_size: int = 128, verbose="auto"
    ) -> ImageSet:
        """The outputs of the frozen part of the backbone for images.

        Args:
            images: `ImageSet`; of each image the centre crop is taken.
            batch_size: int. Defaults to `128`.
            verbose: `"auto"`, 0 or 1. Defaults to `"auto"`.

        Returns:
            `ImageSet` of the same labels, with feature maps, float16 [n, h, w, c], in
            place of the images.
        """
        dataset = image_dataset(images, self.preprocessor, batch_size, cache=False)
        features, _ = self.run_frozen(dataset, len(images), verbose)
        return ImageSet(features, images.labels, images.label_names)

    def run_frozen(
        self, dataset: tf.data.Dataset, count: int, verbose="auto"
    ) -> tuple[np.ndarray, np.ndarray]:
        """The frozen part's feature maps of batches of pixels and labels.

        Args:
            dataset: `tf.data.Dataset`, as `datasets.image_dataset` makes.
            count: int. Number of its images.
            verbose: `"auto"`, 0 or 1. Defaults to `"auto"`.

        Returns:
            Tuple of the feature maps, float16 [count, h, w, c], and the labels,
            uint8 [count, L].

        Raises:
            ValueError: if no part is frozen, if float16 cannot hold the features, or
                if the dataset has another number of images.
        """
        if self._split is None:
            raise ValueError("No part is frozen yet: call `freeze_backbone` first.")
        return self._split.frozen_features(
            dataset, count, self.preprocessor.normalize, verbose
        )

    def takes_as_features(self, batch) -> bool:
        """Whether a batch is of frozen features, and not of images."""
        return self._split is not None and self._split.is_frozen(batch)

    @property
    def frozen_weights(self) -> list[np.ndarray]:
        """The weights of the frozen part."""
        return [] if self._split is None else self._split.weights

    @property
    def frozen_layers(self) -> list[tuple]:
        """Name, class, dtype and output shape of the layers of the frozen part."""
        return [] if self._split is None else self._split.layers


def freezing_config(model) -> dict:
    """The part of a `.keras` file that tells which layers do not learn."""
    config = {"trainable": [layer.trainable for layer in _switched_layers(model)]}
    if model._split is not None:
        config["freeze_until"] = model._split.until
    return config


def restore_freezing(model, config: dict) -> None:
    """Freezes what `freezing_config` describes, and removes it from the config."""
    until = config.pop("freeze_until", None)
    if until is not None:
        model.freeze_backbone(until)
    trainable = config.pop("trainable", None)  # Older files have none.
    if trainable is not None:
        for layer, value in zip(_switched_layers(model), trainable, strict=True):
            layer.trainable = value


def _switched_layers(model) -> list:
    """The layers that may be trainable or not, the outer ones first."""
    return [model.output_layer, *model.backbone._flatten_layers()]
