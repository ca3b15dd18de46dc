"""Codebooks: feature vectors to a few bytes and back."""

from keras_deephash.codebooks.codebook import Codebook
from keras_deephash.codebooks.scores import asymmetric_scores, symmetric_scores

__all__ = ["Codebook", "asymmetric_scores", "symmetric_scores"]
