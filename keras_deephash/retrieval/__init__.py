"""Retrieval with binary codes and its evaluation."""

from keras_deephash.retrieval.calibration import calibrate
from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.metrics import RetrievalMetrics
from keras_deephash.retrieval.radius_table import RadiusTable

__all__ = ["RadiusTable", "RetrievalMetrics", "calibrate", "evaluate_retrieval"]
