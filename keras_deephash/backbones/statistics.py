"""Freezing the batch normalizations of a backbone."""

import keras


def freeze_statistics(backbone: keras.Model) -> int:
    """Sets the batch normalizations of a backbone to inference mode permanently.

    Statistics of a few small batches are noisy. Those of images that differ from the
    pretraining's, such as enlarged small ones, can damage a pretrained network before
    it has learned anything, because batch normalization then amplifies noise of the new
    images. The scales and offsets are not trained either. Call it before `compile`. A
    preset does not record it; a `.keras` file of a compiled model does.

    Args:
        backbone: `keras.Model`, such as `EfficientNetLiteBackbone`.

    Returns:
        The number of layers that were frozen, 0 for a backbone without any.

    Example:

    >>> freeze_statistics(model.backbone)
    >>> model.fit(dataset, epochs=10)
    """
    frozen = 0
    for layer in _inner_layers(backbone):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
            frozen += 1
    return frozen


def _inner_layers(layer):
    for inner in getattr(layer, "layers", ()):
        yield inner
        yield from _inner_layers(inner)
