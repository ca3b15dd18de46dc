"""Freezing a part of a model's backbone."""

import numpy as np
import tensorflow as tf

from keras_deephash.backbones.splitting import SplitBackbone
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.pipeline import image_dataset


class FreezingMixin:
    """Freezing a part of the backbone, and computing its features only once.

    The model has a `backbone` and a `preprocessor`. Its `SplitBackbone` knows which
    layers are frozen, and what shape and dtype their features have.
    """

    # `SplitBackbone`, once a part of the backbone is frozen.
    _split: SplitBackbone | None = None

    def freeze_backbone(self, until: str) -> None:
        """Freezes the first layers of the backbone.

        The outputs of frozen layers need to be computed only once: `fit`, `predict`,
        `encode` and `continuous_codes` accept `frozen_features` in place of images. A
        second call replaces the first. A preset does not record which layers were
        frozen; a `.keras` file of a compiled model does.

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
        self.forget_functions()  # They train the weights of when they were traced.

    def frozen_features(
        self, images: ImageSet, batch_size: int = 128, verbose="auto"
    ) -> ImageSet:
        """Computes the outputs of the frozen part of the backbone.

        Args:
            images: `ImageSet`, of whose images the centre crops are used.
            batch_size: int. Defaults to `128`.
            verbose: `"auto"`, 0 or 1. Defaults to `"auto"`.

        Returns:
            `ImageSet` with the same labels, and feature maps, float16 [n, h, w, c], in
            place of the images.
        """
        dataset = image_dataset(images, self.preprocessor, batch_size, cache=False)
        features, _ = self.run_frozen(dataset, len(images), verbose)
        return ImageSet(features, images.labels, images.label_names)

    def run_frozen(
        self, dataset: tf.data.Dataset, count: int, verbose="auto"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the frozen part's feature maps for batches of pixels and labels.

        Args:
            dataset: `tf.data.Dataset`, as `datasets.image_dataset` makes.
            count: int. Number of its images.
            verbose: `"auto"`, 0 or 1. Defaults to `"auto"`.

        Returns:
            Tuple of the feature maps, float16 [count, h, w, c], and the labels,
            uint8 [count, L].

        Raises:
            ValueError: if no part is frozen, if float16 cannot hold the features, or
                if the dataset does not have `count` images.
        """
        if self._split is None:
            raise ValueError("No part is frozen yet: call `freeze_backbone` first.")
        return self._split.frozen_features(
            dataset, count, self.preprocessor.normalize, verbose
        )

    def takes_as_features(self, batch) -> bool:
        """Returns whether a batch holds frozen features rather than images."""
        return self._split is not None and self._split.is_frozen(batch)

    @property
    def frozen_weights(self) -> list[np.ndarray]:
        """The weights of the frozen part."""
        return [] if self._split is None else self._split.weights

    @property
    def frozen_layers(self) -> list[tuple]:
        """Name, class, dtype and output shape of each layer of the frozen part."""
        return [] if self._split is None else self._split.layers


def freezing_config(model) -> dict:
    """Returns the entries of a `.keras` file that say which layers are trainable."""
    config = {"trainable": [layer.trainable for layer in _switched_layers(model)]}
    if model._split is not None:
        config["freeze_until"] = model._split.until
    return config


def restore_freezing(model, config: dict) -> None:
    """Freezes the layers as in `freezing_config`, and removes it from the config."""
    until = config.pop("freeze_until", None)
    if until is not None:
        model.freeze_backbone(until)
    trainable = config.pop("trainable", None)  # Not in older files.
    if trainable is not None:
        for layer, value in zip(_switched_layers(model), trainable, strict=True):
            layer.trainable = value


def _switched_layers(model) -> list:
    """The layers whose `trainable` is saved, outer layers first."""
    return [model.output_layer, *model.backbone._flatten_layers()]
