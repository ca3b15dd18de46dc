"""A backbone in two parts: one that stays as it is, and one that learns."""

import keras


class SplitBackbone:
    """The two parts of a backbone, which share its layers.

    Args:
        backbone: functional `keras.Model`, such as `EfficientNetLiteBackbone`.
        until: str. Name of the last layer of the first part.

    Attributes:
        trunk: `keras.Model`, images to the output of that layer.
        head: `keras.Model`, from there to the features.
        until: str.

    Raises:
        ValueError: if there is no such layer, or if the backbone has a way around it.

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
                "`until` must be a layer that everything behind it depends on alone, "
                f"such as the end of a block. Received: until={until!r}."
            ) from None
        self.until = until
        self._held = []

    def freeze(self) -> None:
        """Makes the layers of the trunk untrainable."""
        self._held = [layer for layer in self.trunk.layers if layer.trainable]
        for layer in self._held:
            layer.trainable = False

    def release(self) -> None:
        """Takes `freeze` back; what was untrainable before stays so."""
        for layer in self._held:
            layer.trainable = True
        self._held = []
