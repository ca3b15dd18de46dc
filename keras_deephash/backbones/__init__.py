"""Networks that turn images into feature vectors."""

import keras_deephash.keras_backend  # noqa: F401 - checked first
from keras_deephash.backbones.alexnet import AlexNetBackbone
from keras_deephash.backbones.application import ApplicationBackbone
from keras_deephash.backbones.efficientnet_lite import EfficientNetLiteBackbone
from keras_deephash.backbones.layers import GroupedConv2D, LocalResponseNormalization

__all__ = [
    "AlexNetBackbone",
    "ApplicationBackbone",
    "EfficientNetLiteBackbone",
    "GroupedConv2D",
    "LocalResponseNormalization",
]
