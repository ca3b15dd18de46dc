"""The methods."""

import keras_deephash.keras_backend  # noqa: F401 - checked first
from keras_deephash.models.dch import DCH
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.models.deep_quantization import DeepQuantization
from keras_deephash.models.dhn import DHN
from keras_deephash.models.dqn import DQN
from keras_deephash.models.dtq import DTQ
from keras_deephash.models.dvsq import DVSQ

__all__ = ["DCH", "DHN", "DQN", "DTQ", "DVSQ", "DeepHashing", "DeepQuantization"]
