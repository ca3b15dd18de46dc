"""The backbones by name: those of this package, of others, and of the user."""

from keras_deephash.class_registry import ClassRegistry
from keras_deephash.extensions import BACKBONES as GROUP
from keras_deephash.presets.mixin import PresetMixin

# The only list of the backbones of this package: class and module.
MODULES = {
    "AlexNetBackbone": "alexnet",
    "ApplicationBackbone": "application",
    "EfficientNetLiteBackbone": "efficientnet_lite",
}


def _is_backbone(cls: type) -> bool:
    # A method has presets too.
    return issubclass(cls, PresetMixin) and not hasattr(cls, "encode")


BACKBONES = ClassRegistry(
    "backbone",
    GROUP,
    {name: f"keras_deephash.backbones.{module}" for name, module in MODULES.items()},
    _is_backbone,
)
