"""Loading backbones by name, and wrapping networks of other libraries."""

import os

import keras

from keras_deephash.backbones.application import ApplicationBackbone
from keras_deephash.backbones.functional import FunctionalBackbone, is_plain
from keras_deephash.backbones.keras_hub import KerasHubBackbone, is_keras_hub
from keras_deephash.backbones.registry import BACKBONES
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.constructor import constructor_parameters
from keras_deephash.presets.loading import from_preset

KERAS_PREFIX = "keras:"


def load_backbone(
    name: str, image_size: int | None = None, dtype: str | None = None
) -> keras.Model:
    """Loads a backbone with its weights and its `preprocessor`.

    Args:
        name: str. `"keras:NAME"` for a network of Keras Applications with ImageNet
            weights; the name or directory of a preset of a backbone, or of a method,
            whose backbone is used; or the class name of a registered backbone, which is
            created with random weights.
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
    cls = BACKBONES.get(name)
    if cls is not None:
        return _new_backbone(cls, image_size, dtype)
    model = from_preset(name, image_size=image_size, **overrides)
    backbone = getattr(model, "backbone", model)
    backbone.preprocessor = model.preprocessor
    return backbone


def _new_backbone(cls: type, image_size: int | None, dtype: str | None) -> keras.Model:
    """Creates a backbone of a class with random weights."""
    given = {"image_size": image_size, "dtype": dtype}
    arguments = {key: value for key, value in given.items() if value is not None}
    known = constructor_parameters(cls)
    if "image_size" in arguments and "image_size" not in known:
        size = arguments.pop("image_size")
        arguments["image_shape"] = (size, size, 3)
    unknown = sorted(arguments.keys() - known.keys())
    if unknown:
        raise ValueError(
            f"`{cls.__name__}` has no argument `{unknown[0]}`: leave it out. "
            f"Received: {unknown[0]}={arguments[unknown[0]]!r}."
        )
    try:
        return cls(**arguments)
    except TypeError as error:
        raise ValueError(
            f"A backbone that is named by its class must have defaults for all its "
            f"arguments, but `{cls.__name__}` does not: {error}."
        ) from None


def as_backbone(
    backbone: keras.Model | str | os.PathLike, preprocessor: Preprocessor | None
) -> keras.Model:
    """Returns a method's backbone in a form that a preset can keep, if possible.

    Args:
        backbone: a backbone, its name, a network of KerasHub or a functional model.
        preprocessor: `Preprocessor` of the method, or `None`.

    Returns:
        A `Backbone` if the network can be wrapped in one, else the network itself.
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
            return backbone  # It has no presets, like models of other classes.
    return backbone


def _is_image_network(network: keras.Model) -> bool:
    inputs, outputs = (getattr(network, name, ()) for name in ("inputs", "outputs"))
    return bool(inputs and outputs) and len(inputs) == len(outputs) == 1
