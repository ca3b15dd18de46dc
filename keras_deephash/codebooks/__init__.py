"""Codebooks: feature vectors to a few bytes and back."""

from typing import TYPE_CHECKING

from keras_deephash.codebooks.scores import asymmetric_scores, symmetric_scores
from keras_deephash.lazy_imports import lazy_names

# Scores are NumPy's alone; the layer comes when it is asked for.
if TYPE_CHECKING:
    from keras_deephash.codebooks.codebook import Codebook
else:
    __getattr__, __dir__ = lazy_names(
        __name__, {"Codebook": "codebook"}, need_keras=True
    )

__all__ = ["Codebook", "asymmetric_scores", "symmetric_scores"]
