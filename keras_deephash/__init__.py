"""Deep hashing and deep quantization for image retrieval, in Keras 3."""

import sys
from typing import TYPE_CHECKING

from keras_deephash.keras_classes import register_unloaded
from keras_deephash.lazy_imports import lazy_names
from keras_deephash.models.methods import MODULES as _METHODS
from keras_deephash.version import __version__

# Nothing else is imported before it is asked for: neither Keras and TensorFlow, which
# take seconds, nor other large packages. Where each name lies:
_HOMES = {
    **dict.fromkeys(_METHODS, "models"),
    "AlexNetBackbone": "backbones",
    "ApplicationBackbone": "backbones",
    "Backbone": "backbones",
    "ClassHashing": "models",
    "ClosedFormHashing": "models",
    "CodeSpec": "index",
    "DeepHashing": "models",
    "DeepQuantization": "models",
    "EfficientNetLiteBackbone": "backbones",
    "Encoder": "runtime",
    "FunctionalBackbone": "backbones",
    "HubError": "presets",
    "Index": "index",
    "IndexFileError": "index",
    "KerasHubBackbone": "backbones",
    "MilvusError": "index",
    "PairwiseHashing": "models",
    "PresetError": "presets",
    "Preprocessor": "preprocessing",
    "TrainingOptions": "training",
    "RadiusTable": "retrieval",
    "calibrate": "retrieval",
    "evaluate_retrieval": "retrieval",
    "find_duplicates": "duplicates",
    "find_leaks": "duplicates",
    "from_preset": "presets",
    "list_presets": "presets",
    "train": "training",
    "upload_preset": "presets",
}

if TYPE_CHECKING:
    from keras_deephash import (
        callbacks,
        codebooks,
        datasets,
        duplicates,
        losses,
        plots,
    )
    from keras_deephash.backbones import (
        AlexNetBackbone,
        ApplicationBackbone,
        Backbone,
        EfficientNetLiteBackbone,
        FunctionalBackbone,
        KerasHubBackbone,
    )
    from keras_deephash.duplicates import find_duplicates, find_leaks
    from keras_deephash.index import CodeSpec, Index, IndexFileError, MilvusError
    from keras_deephash.models.bi_half import BiHalf as BiHalf
    from keras_deephash.models.class_hashing import ClassHashing
    from keras_deephash.models.closed_form_hashing import ClosedFormHashing
    from keras_deephash.models.csq import CSQ as CSQ
    from keras_deephash.models.dch import DCH as DCH
    from keras_deephash.models.deep_hashing import DeepHashing
    from keras_deephash.models.deep_quantization import DeepQuantization
    from keras_deephash.models.dhn import DHN as DHN
    from keras_deephash.models.dpn import DPN as DPN
    from keras_deephash.models.dpsh import DPSH as DPSH
    from keras_deephash.models.dqn import DQN as DQN
    from keras_deephash.models.dtq import DTQ as DTQ
    from keras_deephash.models.dtsh import DTSH as DTSH
    from keras_deephash.models.dvsq import DVSQ as DVSQ
    from keras_deephash.models.greedy_hash import GreedyHash as GreedyHash
    from keras_deephash.models.hash_net import HashNet as HashNet
    from keras_deephash.models.hyp2 import HyP2 as HyP2
    from keras_deephash.models.itq import ITQ as ITQ
    from keras_deephash.models.lsh import LSH as LSH
    from keras_deephash.models.ortho_hash import OrthoHash as OrthoHash
    from keras_deephash.models.pairwise_hashing import PairwiseHashing
    from keras_deephash.models.pca_hash import PCAHash as PCAHash
    from keras_deephash.models.rq import RQ as RQ
    from keras_deephash.models.sdc import SDC as SDC
    from keras_deephash.preprocessing import Preprocessor
    from keras_deephash.presets import (
        HubError,
        PresetError,
        from_preset,
        list_presets,
        upload_preset,
    )
    from keras_deephash.retrieval import RadiusTable, calibrate, evaluate_retrieval
    from keras_deephash.runtime import Encoder
    from keras_deephash.training import TrainingOptions, train
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)

__all__ = [
    *_METHODS,
    "AlexNetBackbone",
    "ApplicationBackbone",
    "Backbone",
    "ClassHashing",
    "ClosedFormHashing",
    "CodeSpec",
    "DeepHashing",
    "DeepQuantization",
    "EfficientNetLiteBackbone",
    "Encoder",
    "FunctionalBackbone",
    "HubError",
    "Index",
    "IndexFileError",
    "KerasHubBackbone",
    "MilvusError",
    "PairwiseHashing",
    "PresetError",
    "Preprocessor",
    "RadiusTable",
    "TrainingOptions",
    "__version__",
    "calibrate",
    "callbacks",
    "codebooks",
    "datasets",
    "duplicates",
    "evaluate_retrieval",
    "find_duplicates",
    "find_leaks",
    "from_preset",
    "list_presets",
    "losses",
    "plots",
    "train",
    "upload_preset",
]

# Files of Keras that hold classes of this package load from here on.
register_unloaded({name: f"models.{module}" for name, module in _METHODS.items()})
if "keras" in sys.modules:
    import keras_deephash.keras_backend  # noqa: F401 - it raises if it is another
