"""Retrieval with binary codes and its evaluation."""

from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.metrics import RetrievalMetrics

__all__ = ["RetrievalMetrics", "evaluate_retrieval"]
