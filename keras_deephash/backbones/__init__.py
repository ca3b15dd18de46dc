"""Networks that turn images into feature vectors."""

from keras_deephash.backbones.alexnet import AlexNetBackbone
from keras_deephash.backbones.layers import GroupedConv2D, LocalResponseNormalization

__all__ = ["AlexNetBackbone", "GroupedConv2D", "LocalResponseNormalization"]
