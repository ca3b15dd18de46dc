"""How long a training above a frozen part will take, before it begins."""

import time

import numpy as np

from keras_deephash.datasets import ImageSet
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.training.data import TrainingData
from keras_deephash.training.options import TrainingOptions

# Images whose encoding is measured.
_IMAGES = 64
# A step computes what comes after the frozen part, and its gradients, which take twice
# as long.
_PASSES = 3


def estimate(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData
) -> str:
    """The expected duration, in words.

    Args:
        model: `RetrievalModel` with a frozen part. Its weights stay as they are.
        options: `TrainingOptions`, with a value for each.
        data: `TrainingData`.
    """
    few = data.train.subset(np.arange(min(_IMAGES, len(data.train))))
    whole = seconds_to_encode(model, few)
    features = model.frozen_features(few, verbose=0).images
    model.continuous_codes(features, verbose=0)  # Traces what follows.
    started = time.perf_counter()
    model.continuous_codes(features, verbose=0)
    rest = (time.perf_counter() - started) / len(few)
    evaluated = sum(map(len, data.held_out or ()))
    frozen = whole * (len(data.train) * (options.views or 1) + evaluated)
    epoch = rest * (_PASSES * len(data.train) + evaluated)
    parts = [
        f"frozen part {duration(frozen)}",
        f"{options.epochs} epochs {duration(options.epochs * epoch)}",
    ]
    seconds = frozen + options.epochs * epoch
    if data.evaluation is not None:
        last = whole * sum(map(len, data.evaluation))
        parts.append(f"evaluation {duration(last)}")
        seconds += last
    return f"Expected: about {duration(seconds)} ({', '.join(parts)})"


def seconds_to_encode(model: RetrievalModel, images: ImageSet) -> float:
    """Seconds of encoding one of the images."""
    few = images.subset(np.arange(min(_IMAGES, len(images)))).images
    model.features(few, verbose=0)  # Traces what follows.
    started = time.perf_counter()
    model.features(few, verbose=0)
    return (time.perf_counter() - started) / len(few)


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
