"""Freezing a part of a backbone, and what that part makes of images."""

import keras
import numpy as np
import tensorflow as tf

from keras_deephash.backbones.splitting import SplitBackbone
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.pipeline import image_dataset
from keras_deephash.progress import Progress


class FreezingMixin:
    """Gives a model of a `backbone` and a `preprocessor` the verbs of freezing."""

    # `SplitBackbone`, once a part of the backbone is frozen.
    _frozen: SplitBackbone | None = None

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
        if self._frozen is not None:
            self._frozen.release()
        self._frozen = parts
        self._frozen.freeze()
        self.forget_functions()  # They train what was trainable when they were made.

    def frozen_features(
        self, images: ImageSet, batch_size: int = 128, verbose="auto"
    ) -> ImageSet:
        """What the frozen part of the backbone makes of images.

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

    def run_frozen(self, dataset: tf.data.Dataset, count: int, verbose="auto"):
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
        if self._frozen is None:
            raise ValueError("No part is frozen yet: call `freeze_backbone` first.")
        trunk = self._frozen.trunk
        run = tf.function(
            lambda x: trunk(self.preprocessor.normalize(x), training=False),
            reduce_retracing=True,
        )
        features = np.empty((count, *trunk.output_shape[1:]), np.float16)
        labels = []
        progress = Progress(count, "image", verbose in (1, "auto"))
        done = 0
        for pixels, batch_labels in dataset:
            batch = run(pixels).numpy()
            if done + len(batch) > count:
                raise _wrong_count(f"{done + len(batch)} or more", count)
            with np.errstate(over="ignore"):
                features[done : done + len(batch)] = batch
            if not np.isfinite(features[done : done + len(batch)]).all():
                raise ValueError(
                    f"What the frozen part makes of the images must be finite in "
                    f"float16. Received: values up to {np.abs(batch).max()}. Freeze "
                    "up to a layer behind a normalization, or train without "
                    "`freeze_backbone`."
                )
            labels.append(batch_labels.numpy().astype(np.uint8))
            done += len(batch)
            progress.update(done)
        if done < count:
            raise _wrong_count(str(done), count)
        return features, np.concatenate(labels)

    @property
    def frozen_weights(self) -> list[np.ndarray]:
        """The weights of the frozen part."""
        return self._frozen.trunk.get_weights() if self._frozen else []

    @property
    def frozen_layers(self) -> list[tuple]:
        """Name, class, dtype and output shape of the layers of the frozen part."""
        layers = self._frozen.trunk.layers if self._frozen else []
        return [
            (
                layer.name,
                type(layer).__name__,
                layer.dtype_policy.name,
                layer.output.shape,
            )
            for layer in layers
        ]

    def get_compile_config(self):
        config = super().get_compile_config()
        if config and self._frozen is not None:
            config["freeze_until"] = self._frozen.until
        if config:
            config["trainable"] = [layer.trainable for layer in self._switched_layers()]
        return config

    def compile_from_config(self, config):
        config = dict(config)
        until = config.pop("freeze_until", None)
        # The optimizer knows the variables of trainable layers alone.
        if until is not None:
            self.freeze_backbone(until)
        trainable = config.pop("trainable", None)  # Older files have none.
        if trainable is not None:
            for layer, value in zip(self._switched_layers(), trainable, strict=True):
                layer.trainable = value
        super().compile_from_config(config)

    def _switched_layers(self) -> list[keras.layers.Layer]:
        """The layers that may be trainable or not, the outer ones first."""
        return [self.output_layer, *self.backbone._flatten_layers()]

    def _check_images(self, images: np.ndarray) -> None:
        if not self._are_frozen_features(images):
            super()._check_images(images)

    def _are_frozen_features(self, images) -> bool:
        if self._frozen is None:
            return False
        return tuple(images.shape[1:]) == self._frozen.trunk.output_shape[1:]


def _wrong_count(found: str, count: int) -> ValueError:
    return ValueError(
        f"`count` must be the number of images in `dataset`. Received: count={count}, "
        f"a dataset of {found}."
    )
