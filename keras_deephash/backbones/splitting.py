"""A backbone in two parts: one that is frozen, and one that is trained."""

import keras
import numpy as np
import tensorflow as tf

from keras_deephash.progress import Progress


class SplitBackbone:
    """The two parts of a backbone, which share its layers.

    The outputs of the first part are the frozen features, which the second part takes
    in place of images.

    Args:
        backbone: functional `keras.Model`, such as `EfficientNetLiteBackbone`.
        until: str. Name of the last layer of the first part.

    Attributes:
        trunk: `keras.Model`, from images to the output of that layer.
        head: `keras.Model`, from that output to the features.
        until: str.

    Raises:
        ValueError: if there is no such layer, or if connections bypass it.

    Example:

    >>> parts = SplitBackbone(backbone, "block5c_out")
    >>> features = parts.head(parts.trunk(images))
    """

    def __init__(self, backbone: keras.Model, until: str):
        layers = getattr(backbone, "layers", ())
        names = [layer.name for layer in layers]
        if until not in names:
            raise ValueError(
                f"`until` must be a layer of the backbone: {', '.join(names)}. "
                f"Received: until={until!r}."
            )
        middle = backbone.get_layer(until).output
        try:
            self.head = keras.Model(middle, backbone.output, name="head")
            self.trunk = keras.Model(backbone.input, middle, name="trunk")
        except ValueError:
            raise ValueError(
                "`until` must be a layer that no connection bypasses, "
                f"such as the end of a block. Received: until={until!r}."
            ) from None
        self.until = until
        self._held = []
        # The graph of the trunk, and the objects that it was traced with.
        self._run, self._made_of = None, None

    # === Learning ===

    def freeze(self) -> None:
        """Makes the layers of the trunk untrainable."""
        self._held = [layer for layer in self.trunk.layers if layer.trainable]
        for layer in self._held:
            layer.trainable = False

    def release(self) -> None:
        """Undoes `freeze`; layers that were untrainable before stay so."""
        for layer in self._held:
            layer.trainable = True
        self._held = []

    # === Frozen features ===

    def is_frozen(self, batch) -> bool:
        """Returns whether a batch has the shape of frozen features."""
        return tuple(batch.shape[1:]) == self.trunk.output_shape[1:]

    def frozen_features(
        self, dataset: tf.data.Dataset, count: int, normalize, verbose="auto"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the outputs of the trunk for batches of images and labels.

        Args:
            dataset: `tf.data.Dataset` of pixels and multi-hot labels.
            count: int. Number of its images.
            normalize: function that maps pixels to the network's inputs.
            verbose: `"auto"`, 0 or 1. Defaults to `"auto"`.

        Returns:
            Tuple of the features, float16 [count, ...], and the labels,
            uint8 [count, L].

        Raises:
            ValueError: if float16 cannot hold the features, or if the dataset does not
                have `count` images.
        """
        run = self._graph(normalize)
        features = np.empty((count, *self.trunk.output_shape[1:]), np.float16)
        labels = []
        progress = Progress(count, "image", verbose in (1, "auto"))
        done = 0
        for pixels, batch_labels in dataset:
            batch = run(pixels).numpy()
            end = done + len(batch)
            if end > count:
                raise _wrong_count(f"{end} or more", count)
            with np.errstate(over="ignore"):
                features[done:end] = batch
            if not np.isfinite(features[done:end]).all():
                raise ValueError(
                    f"Frozen features must be finite in float16. Received: values up "
                    f"to {np.abs(batch).max()}. Freeze up to a layer after a "
                    "normalization, or train without `freeze_backbone`."
                )
            labels.append(batch_labels.numpy().astype(np.uint8))
            done = end
            progress.update(done)
        if done < count:
            raise _wrong_count(str(done), count)
        return features, np.concatenate(labels)

    def _graph(self, normalize) -> tf.types.experimental.PolymorphicFunction:
        """Returns the trunk as a graph; tracing it once saves much time."""
        # LoRA and quantization give a layer other variables.
        made_of = [normalize, *map(id, self.trunk.variables)]
        if made_of != self._made_of:
            self._made_of = made_of
            self._run = tf.function(
                lambda pixels: self.trunk(normalize(pixels), training=False),
                reduce_retracing=True,
            )
        return self._run

    # === What the frozen features depend on ===

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights of the trunk."""
        return self.trunk.get_weights()

    @property
    def layers(self) -> list[tuple]:
        """Name, class, dtype and output shape of each layer of the trunk."""
        return [
            (
                layer.name,
                type(layer).__name__,
                layer.dtype_policy.name,
                layer.output.shape,
            )
            for layer in self.trunk.layers
        ]


def _wrong_count(found: str, count: int) -> ValueError:
    return ValueError(
        f"`count` must be the number of images in `dataset`. Received: count={count}, "
        f"a dataset of {found}."
    )
