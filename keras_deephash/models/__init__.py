"""The methods."""

from keras_deephash.models.dch import DCH
from keras_deephash.models.deep_hashing import DeepHashing

__all__ = ["DCH", "DeepHashing"]
