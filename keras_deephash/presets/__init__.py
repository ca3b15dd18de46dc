"""Presets: models with their weights, loaded by name."""

from keras_deephash.presets.errors import HubError, PresetError
from keras_deephash.presets.loading import from_preset
from keras_deephash.presets.location import read_preset_metadata
from keras_deephash.presets.publishing import upload_preset
from keras_deephash.presets.registry import PresetInfo, list_presets

__all__ = [
    "HubError",
    "PresetError",
    "PresetInfo",
    "from_preset",
    "list_presets",
    "read_preset_metadata",
    "upload_preset",
]
