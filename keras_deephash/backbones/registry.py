"""The registry of backbones: of this package, of others, and of the user."""

from keras_deephash.backbones.backbone import Backbone
from keras_deephash.class_registry import ClassRegistry
from keras_deephash.extensions import BACKBONES as GROUP

# The only list of the backbones of this package: class and module.
MODULES = {
    "AlexNetBackbone": "alexnet",
    "ApplicationBackbone": "application",
    "EfficientNetLiteBackbone": "efficientnet_lite",
}


BACKBONES = ClassRegistry(
    "backbone",
    GROUP,
    {name: f"keras_deephash.backbones.{module}" for name, module in MODULES.items()},
    lambda cls: issubclass(cls, Backbone),
)
