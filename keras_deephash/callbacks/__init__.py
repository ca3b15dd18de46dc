"""Keras callbacks."""

import keras_deephash.keras_backend  # noqa: F401 - checked first
from keras_deephash.callbacks.retrieval_evaluation import RetrievalEvaluation
from keras_deephash.callbacks.training_backup import TrainingBackup
from keras_deephash.datasets.epoch_seeds import EpochSeeds

__all__ = ["EpochSeeds", "RetrievalEvaluation", "TrainingBackup"]
