"""A backbone by its name, or of a network of another library."""

import os

import keras

from keras_deephash.backbones.application import ApplicationBackbone
from keras_deephash.backbones.functional import FunctionalBackbone, is_plain
from keras_deephash.backbones.keras_hub import KerasHubBackbone, is_keras_hub
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.errors import PresetError
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


def as_backbone(
    backbone: keras.Model | str | os.PathLike, preprocessor: Preprocessor | None
) -> keras.Model:
    """The backbone that a user gives a method, in a form that a preset can keep.

    Args:
        backbone: a backbone, its name, a network of KerasHub or a functional model.
        preprocessor: `Preprocessor` of the method, or `None`.

    Returns:
        A `Backbone` where the network can be one, else the network itself.
    """
    if isinstance(backbone, (str, os.PathLike)):
        return load_backbone(os.fspath(backbone))
    if is_keras_hub(backbone):
        shape = None
        if preprocessor is not None:
            size = preprocessor.image_size
            shape = (size, size, 3)
        return KerasHubBackbone(backbone, shape)
    if is_plain(backbone) and _is_image_network(backbone):
        try:
            return FunctionalBackbone(backbone)
        except PresetError:
            return backbone  # Without presets, as a model of any other class.
    return backbone


def _is_image_network(network: keras.Model) -> bool:
    inputs, outputs = (getattr(network, name, ()) for name in ("inputs", "outputs"))
    return bool(inputs and outputs) and len(inputs) == len(outputs) == 1
