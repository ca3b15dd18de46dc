"""A backbone by its name."""

import keras

from keras_deephash.backbones.application import ApplicationBackbone
from keras_deephash.presets.loading import from_preset

KERAS_PREFIX = "keras:"


def load_backbone(
    name: str, image_size: int | None = None, dtype: str | None = None
) -> keras.Model:
    """A backbone with its weights and its `preprocessor`.

    Args:
        name: str. `"keras:NAME"` for a network of Keras Applications with ImageNet
            weights, or the name or directory of a preset: a backbone's, or that of a
            method, whose backbone it is then.
        image_size: int. Height and width of the images in pixels. Defaults to the
            preset's, or 224.
        dtype: dtype policy of the layers. Defaults to the preset's, or Keras's.

    Returns:
        A `keras.Model` from images to features.

    Example:

    >>> load_backbone("efficientnet_lite0_imagenet", image_size=128)
    >>> load_backbone("keras:MobileNetV2")
    """
    overrides = {} if dtype is None else {"dtype": dtype}
    if name.startswith(KERAS_PREFIX):
        if image_size is not None:
            overrides["image_shape"] = (image_size, image_size, 3)
        return ApplicationBackbone(name.removeprefix(KERAS_PREFIX), **overrides)
    model = from_preset(name, image_size=image_size, **overrides)
    backbone = getattr(model, "backbone", model)
    backbone.preprocessor = model.preprocessor
    return backbone
