"""How long a training will take, before it begins."""

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

# Images whose encoding is measured.
_IMAGES = 64
# A step computes what is trained, and its gradients, which take twice as long.
_PASSES = 3
# Steps that are measured, after one that TensorFlow needs to trace them.
_STEPS = 4


@dataclass(frozen=True)
class Duration:
    """The expected duration of a training that goes to its end.

    Attributes:
        reading: float, seconds of reading the images, where nothing is frozen.
        frozen: float, seconds of what the frozen part makes of the images, once.
        steps: int, of the whole training; 1 for a method that passes over the images.
        step: float, seconds of one step.
        held_out: float, seconds of all evaluations of what is held out.
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
        """Of all together."""
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
    """The expected duration, from the time that a few images take.

    Args:
        model: `RetrievalModel`.
        options: `TrainingOptions`, with a value for each.
        data: `TrainingData`, of a batch at least.
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
        again = whole  # Of an image, each time that it is evaluated.
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
    """Seconds, minutes or hours, in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _views_to_make(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData
) -> int:
    """Views of each training image that no earlier training has left in files."""
    made = FrozenFeatures(options.feature_cache).has_views(
        model, data.train, options.views, options.seed, options.augment
    )
    return 0 if made else options.views


def _seconds_to_save(
    model: RetrievalModel, options: TrainingOptions, evaluations: int
) -> float:
    """Of the backups: the last epoch's, and that of an epoch that may be the best."""
    if options.output is None:
        return 0.0
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        model.save_weights(os.path.join(folder, "model.weights.h5"))
        each = time.perf_counter() - started
    return each * (options.epochs + (evaluations if options.patience else 0))


def _seconds(work: Callable) -> float:
    """Seconds of what was done once before, which has traced it."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class _Times(keras.callbacks.Callback):
    """Notes when each step was done."""

    def __init__(self):
        super().__init__()
        self.done = []

    def on_train_batch_end(self, batch, logs=None):
        self.done.append(time.perf_counter())


def _measured_step(
    model: RetrievalModel, inputs: np.ndarray, labels: np.ndarray, batch_size: int
) -> float:
    """Seconds of one step of the compiled model, which trains it."""
    arrays = inputs, labels.astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(arrays).repeat()
    dataset = dataset.batch(batch_size, drop_remainder=True).take(1 + _STEPS)
    times = _Times()
    model.fit(dataset, verbose=0, callbacks=[times])
    return float(np.median(np.diff(times.done)))
