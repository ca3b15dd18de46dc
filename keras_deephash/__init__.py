"""Deep hashing and deep quantization for image retrieval, in Keras 3."""

import sys
from typing import TYPE_CHECKING

from keras_deephash.keras_classes import register_unloaded
from keras_deephash.lazy_imports import lazy_names
from keras_deephash.version import __version__

# Nothing else is imported before it is asked for: neither Keras and TensorFlow, which
# take seconds, nor other large packages. Where each name lies:
_HOMES = {
    "DCH": "models",
    "DHN": "models",
    "DQN": "models",
    "DTQ": "models",
    "DVSQ": "models",
    "AlexNetBackbone": "backbones",
    "ApplicationBackbone": "backbones",
    "Backbone": "backbones",
    "CodeSpec": "index",
    "DeepHashing": "models",
    "DeepQuantization": "models",
    "EfficientNetLiteBackbone": "backbones",
    "FunctionalBackbone": "backbones",
    "HubError": "presets",
    "Index": "index",
    "IndexFileError": "index",
    "KerasHubBackbone": "backbones",
    "MilvusError": "index",
    "PresetError": "presets",
    "Preprocessor": "preprocessing",
    "evaluate_retrieval": "retrieval",
    "from_preset": "presets",
    "list_presets": "presets",
    "upload_preset": "presets",
}

if TYPE_CHECKING:
    from keras_deephash import callbacks, codebooks, datasets, losses, plots
    from keras_deephash.backbones import (
        AlexNetBackbone,
        ApplicationBackbone,
        Backbone,
        EfficientNetLiteBackbone,
        FunctionalBackbone,
        KerasHubBackbone,
    )
    from keras_deephash.index import CodeSpec, Index, IndexFileError, MilvusError
    from keras_deephash.models import (
        DCH,
        DHN,
        DQN,
        DTQ,
        DVSQ,
        DeepHashing,
        DeepQuantization,
    )
    from keras_deephash.preprocessing import Preprocessor
    from keras_deephash.presets import (
        HubError,
        PresetError,
        from_preset,
        list_presets,
        upload_preset,
    )
    from keras_deephash.retrieval import evaluate_retrieval
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)

__all__ = [
    "DCH",
    "DHN",
    "DQN",
    "DTQ",
    "DVSQ",
    "AlexNetBackbone",
    "ApplicationBackbone",
    "Backbone",
    "CodeSpec",
    "DeepHashing",
    "DeepQuantization",
    "EfficientNetLiteBackbone",
    "FunctionalBackbone",
    "HubError",
    "Index",
    "IndexFileError",
    "KerasHubBackbone",
    "MilvusError",
    "PresetError",
    "Preprocessor",
    "__version__",
    "callbacks",
    "codebooks",
    "datasets",
    "evaluate_retrieval",
    "from_preset",
    "list_presets",
    "losses",
    "plots",
    "upload_preset",
]

# Files of Keras that hold classes of this package load from here on.
register_unloaded()
if "keras" in sys.modules:
    import keras_deephash.keras_backend  # noqa: F401 - it raises if it is another
