"""The methods, and their base classes."""

from keras_deephash.lazy_imports import lazy_names
from keras_deephash.models.methods import MODULES

_BASES = {
    "ClassHashing": "class_hashing",
    "ClosedFormHashing": "closed_form_hashing",
    "DeepHashing": "deep_hashing",
    "DeepQuantization": "deep_quantization",
    "PairwiseHashing": "pairwise_hashing",
}
# The list of the methods is read without Keras.
__getattr__, __dir__ = lazy_names(__name__, MODULES | _BASES, need_keras=True)
__all__ = [*MODULES, *_BASES]
