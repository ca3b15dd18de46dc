"""Deep hashing and deep quantization for image retrieval, in Keras 3."""

from keras_deephash import callbacks, codebooks, datasets, losses, plots
from keras_deephash.backbones import (
    AlexNetBackbone,
    ApplicationBackbone,
    EfficientNetLiteBackbone,
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
from keras_deephash.version import __version__

__all__ = [
    "DCH",
    "DHN",
    "DQN",
    "DTQ",
    "DVSQ",
    "AlexNetBackbone",
    "ApplicationBackbone",
    "CodeSpec",
    "DeepHashing",
    "DeepQuantization",
    "EfficientNetLiteBackbone",
    "HubError",
    "Index",
    "IndexFileError",
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
