"""Retrieval with binary codes and its evaluation."""

from typing import TYPE_CHECKING

from keras_deephash.lazy_imports import lazy_names

# A search needs little of it.
if TYPE_CHECKING:
    from keras_deephash.retrieval.calibration import calibrate
    from keras_deephash.retrieval.evaluate import evaluate_retrieval
    from keras_deephash.retrieval.metrics import RetrievalMetrics
    from keras_deephash.retrieval.radius_table import RadiusTable
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "RadiusTable": "radius_table",
            "RetrievalMetrics": "metrics",
            "calibrate": "calibration",
            "evaluate_retrieval": "evaluate",
        },
    )

__all__ = ["RadiusTable", "RetrievalMetrics", "calibrate", "evaluate_retrieval"]
