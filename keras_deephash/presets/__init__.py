"""Presets: models with their weights, loaded by name."""

from typing import TYPE_CHECKING

from keras_deephash.extensions import ExtensionError, trust_module
from keras_deephash.lazy_imports import lazy_names
from keras_deephash.presets.errors import HubError, PresetError
from keras_deephash.presets.location import read_preset_metadata
from keras_deephash.presets.registry import PresetInfo, list_presets

# Metadata need no Keras; what builds models comes when it is asked for.
if TYPE_CHECKING:
    from keras_deephash.presets.loading import from_preset
    from keras_deephash.presets.publishing import upload_preset
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {"from_preset": "loading", "upload_preset": "publishing"},
        need_keras=True,
    )

__all__ = [
    "ExtensionError",
    "HubError",
    "PresetError",
    "PresetInfo",
    "from_preset",
    "list_presets",
    "read_preset_metadata",
    "trust_module",
    "upload_preset",
]
