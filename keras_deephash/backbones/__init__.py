"""Networks that turn images into feature vectors."""

import keras_deephash.keras_backend  # noqa: F401 - checked first
from keras_deephash.backbones.alexnet import AlexNetBackbone
from keras_deephash.backbones.application import ApplicationBackbone
from keras_deephash.backbones.backbone import Backbone
from keras_deephash.backbones.efficientnet_lite import EfficientNetLiteBackbone
from keras_deephash.backbones.functional import FunctionalBackbone
from keras_deephash.backbones.keras_hub import KerasHubBackbone
from keras_deephash.backbones.layers import GroupedConv2D, LocalResponseNormalization

__all__ = [
    "AlexNetBackbone",
    "ApplicationBackbone",
    "Backbone",
    "EfficientNetLiteBackbone",
    "FunctionalBackbone",
    "GroupedConv2D",
    "KerasHubBackbone",
    "LocalResponseNormalization",
]
