"""The expected duration of a training."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from keras_deephash.datasets.pipeline import keeps_canvases
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.training.data import TrainingData
from keras_deephash.training.frozen_features import FrozenFeatures
from keras_deephash.training.options import TrainingOptions

# Number of images whose encoding is measured.
_IMAGES = 64
# A step runs the trained part and computes its gradients, which take twice as long.
_PASSES = 3
# Number of steps that are measured, after a first one for tracing.
_STEPS = 4


@dataclass(frozen=True)
class Duration:
    """The expected duration of a training that is not stopped early.

    Attributes:
        reading: float, seconds of reading the images, if nothing is frozen.
        frozen: float, seconds of computing the frozen features, once.
        steps: int, number of steps; 1 for a method that passes once over the images.
        step: float, seconds of one step.
        held_out: float, seconds of all evaluations of held-out images.
        saving: float, seconds of the backups after the epochs.
        evaluation: float, seconds of the evaluation at the end.
    """

    reading: float
    frozen: float
    steps: int
    step: float
    held_out: float
    saving: float
    evaluation: float

    @property
    def seconds(self) -> float:
        """The seconds of all parts together."""
        epochs = self.steps * self.step + self.held_out + self.saving
        return self.reading + self.frozen + epochs + self.evaluation

    def __str__(self) -> str:
        steps = "one pass" if self.steps == 1 else f"{self.steps:,} steps"
        parts = {
            "reading": self.reading,
            "frozen part": self.frozen,
            steps: self.steps * self.step,
            "held-out images": self.held_out,
            "backups": self.saving,
            "evaluation": self.evaluation,
        }
        told = [f"{name} {in_words(s)}" for name, s in parts.items() if s]
        return f"Expected: about {in_words(self.seconds)} ({', '.join(told)})"


def estimate(
    model: RetrievalModel,
    options: TrainingOptions,
    data: TrainingData,
    measure_step: bool = False,
) -> Duration:
    """Estimates the duration from the time that a few images take.

    Args:
        model: `RetrievalModel`.
        options: `TrainingOptions`, with a value for each option.
        data: `TrainingData` with at least one batch.
        measure_step: bool. Whether to train some steps of the compiled model, which
            changes its weights. Defaults to `False`: a step takes as long as three
            passes over its images.
    """
    few = data.train.subset(np.arange(min(_IMAGES, len(data.train))))
    count, evaluated = len(data.train), sum(map(len, data.evaluation or ()))
    held_out = sum(map(len, data.held_out or ()))
    if model.is_closed_form:
        whole = _seconds(lambda: model.features(few.images, verbose=0)) / len(few)
        times = whole * count, whole * held_out, 0.0, whole * evaluated
        return Duration(0.0, 0.0, 1, *times)

    def codes(of):
        return lambda: model.continuous_codes(of, verbose=0)

    reading = frozen = 0.0
    if options.freeze_until is None:
        inputs = np.stack([model.preprocessor.center_crop(i) for i in few.images])
        whole = _seconds(codes(few.images)) / len(few)
        trained = _seconds(codes(inputs)) / len(few)
        kept = keeps_canvases(count, model.preprocessor.canvas_size)
        reading = max(whole - trained, 0.0) * count * (1 if kept else options.epochs)
        again = whole  # For each image in each evaluation.
    else:
        inputs = model.frozen_features(few, verbose=0).images
        each = _seconds(lambda: model.frozen_features(few, verbose=0)) / len(few)
        trained = again = _seconds(codes(inputs)) / len(few)
        frozen = each * (held_out + count * _views_to_make(model, options, data))
        whole = each + trained
    times = options.epochs // options.evaluate_every if held_out else 0
    step = _PASSES * trained * options.batch_size
    if measure_step:
        step = _measured_step(model, inputs, few.labels, options.batch_size)
    return Duration(
        reading,
        frozen,
        options.epochs * (count // options.batch_size),
        step,
        again * held_out * times,
        _seconds_to_save(model, options, times),
        whole * evaluated,
    )


def in_words(seconds: float) -> str:
    """Formats a duration in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _views_to_make(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData
) -> int:
    """Returns the number of views of each training image that are not yet in files."""
    made = FrozenFeatures(options.feature_cache).has_views(
        model, data.train, options.views, options.seed, options.augment
    )
    return 0 if made else options.views


def _seconds_to_save(
    model: RetrievalModel, options: TrainingOptions, evaluations: int
) -> float:
    """Estimates the seconds of the backups of each epoch and of each best epoch."""
    if options.output is None:
        return 0.0
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        model.save_weights(os.path.join(folder, "model.weights.h5"))
        each = time.perf_counter() - started
    return each * (options.epochs + (evaluations if options.patience else 0))


def _seconds(work: Callable) -> float:
    """Measures the seconds of a second run; the first one traces the functions."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class _Times(keras.callbacks.Callback):
    """Records the time at the end of each step."""

    def __init__(self):
        super().__init__()
        self.done = []

    def on_train_batch_end(self, batch, logs=None):
        self.done.append(time.perf_counter())


def _measured_step(
    model: RetrievalModel, inputs: np.ndarray, labels: np.ndarray, batch_size: int
) -> float:
    """Measures the seconds of one step of the compiled model, and trains it."""
    arrays = inputs, labels.astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(arrays).repeat()
    dataset = dataset.batch(batch_size, drop_remainder=True).take(1 + _STEPS)
    times = _Times()
    model.fit(dataset, verbose=0, callbacks=[times])
    return float(np.median(np.diff(times.done)))
