"""Training by a record of options: data, model, optimizer, evaluation."""

import keras_deephash.keras_backend  # noqa: F401 - checked first
from keras_deephash.training.options import TrainingOptions
from keras_deephash.training.training import train

__all__ = ["TrainingOptions", "train"]
