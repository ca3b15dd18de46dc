"""Keras callbacks."""

from keras_deephash.callbacks.epoch_seeds import EpochSeeds
from keras_deephash.callbacks.retrieval_evaluation import RetrievalEvaluation
from keras_deephash.callbacks.training_backup import TrainingBackup

__all__ = ["EpochSeeds", "RetrievalEvaluation", "TrainingBackup"]
