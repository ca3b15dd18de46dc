"""What a training would take: its sizes and its time, from a few steps."""

import os
import time
from dataclasses import dataclass

import keras
import numpy as np

from keras_deephash.callbacks import EpochSeeds
from keras_deephash.datasets import ImageSet, feature_dataset
from keras_deephash.files import weights_size
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.presets.format.parameter_count import count_kept_parameters
from keras_deephash.presets.saving import check_replaceable
from keras_deephash.training.data import TrainingData
from keras_deephash.training.duration import duration, seconds_to_encode
from keras_deephash.training.frozen_features import FrozenFeatures
from keras_deephash.training.option_checks import check_options, find_method
from keras_deephash.training.options import TrainingOptions
from keras_deephash.training.training import (
    EVALUATE_EVERY,
    VIEWS,
    as_options,
    compile_model,
    new_model,
    prepare,
    training_dataset,
)

# Steps that are measured, after one that TensorFlow needs to trace them.
_STEPS = 4
# Images whose encoding is measured.
_IMAGES = 64


@dataclass(frozen=True)
class DryRun:
    """What was found out about a training.

    Attributes:
        parameters: int, of the model.
        weights_bytes: int, of the preset's weights, at most.
        steps: int, of the whole training.
        step_seconds: float, of one step.
        frozen_seconds: float, of computing the frozen features once.
        evaluation_seconds: float, of all evaluations.
    """

    parameters: int
    weights_bytes: int
    steps: int
    step_seconds: float
    frozen_seconds: float
    evaluation_seconds: float

    @property
    def seconds(self) -> float:
        """Of the whole training."""
        training = self.steps * self.step_seconds
        return training + self.frozen_seconds + self.evaluation_seconds

    def __str__(self) -> str:
        lines = [
            f"Model: {self.parameters:,} parameters, a preset of at most "
            f"{self.weights_bytes / 1e6:.1f} MB",
            f"One step: {self.step_seconds:.3f} s, {self.steps:,} steps: "
            f"{duration(self.steps * self.step_seconds)}",
        ]
        if self.frozen_seconds:
            lines.append(f"Frozen features: {duration(self.frozen_seconds)}")
        if self.evaluation_seconds:
            lines.append(f"Evaluation: {duration(self.evaluation_seconds)}")
        return "\n".join([*lines, f"Expected in all: {duration(self.seconds)}"])


def dry_run(data, **options) -> DryRun:
    """Reads the data and builds the model of a training, and times a few steps.

    Nothing is written. What else the machine does changes the figures.

    Args:
        data, **options: as for `train`.

    Returns:
        `DryRun`, which is also printed.

    Raises:
        ValueError: as `train`, for what cannot be used.
    """
    told = as_options(data, options)
    check_options(told)
    if told.output is not None:
        check_replaceable(os.path.abspath(told.output))
    keras.utils.set_random_seed(told.seed)
    options, data = prepare(told)
    one_pass = find_method(options).is_closed_form
    steps = 0
    if not one_pass:
        steps = options.epochs * (len(data.train) // options.batch_size)
    if not steps and not one_pass:
        raise ValueError(
            "Training needs at least one full batch. Received: "
            f"{len(data.train)} images, {options.given('batch_size')}. Lower it."
        )
    model = new_model(options, data)
    # First: the steps change the weights.
    evaluation = _time_evaluation(model, options, data)
    if one_pass:
        steps, step = 1, seconds_to_encode(model, data.train) * len(data.train)
        frozen = 0.0
    else:
        frozen, step = _time_steps(model, options, data, steps)
    found = DryRun(
        parameters=count_kept_parameters(model),
        weights_bytes=_weights_bytes(model, options),
        steps=steps,
        step_seconds=step,
        frozen_seconds=frozen,
        evaluation_seconds=evaluation,
    )
    print(found)
    return found


class _Times(keras.callbacks.Callback):
    """Notes when each step was done."""

    def __init__(self):
        super().__init__()
        self.done = []

    def on_train_batch_end(self, batch, logs=None):
        self.done.append(time.perf_counter())


def _time_steps(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData, steps: int
) -> tuple[float, float]:
    """Seconds of computing the frozen features, and of one step."""
    frozen = 0.0
    if options.freeze_until is None:
        dataset = training_dataset(model, options, data, EpochSeeds(options.seed))
    else:
        few = data.train.subset(np.arange(min(_IMAGES, len(data.train))))
        features = FrozenFeatures(None)
        features.of_images(model, few)  # Traces what follows.
        started = time.perf_counter()
        of_few = features.of_images(model, few)
        each = (time.perf_counter() - started) / len(few)
        frozen = each * len(data.train) * (options.views or VIEWS)
        rows = np.arange(options.batch_size) % len(few)
        arrays = np.asarray(of_few.images)[None, rows], few.labels[None, rows]
        dataset = feature_dataset(*arrays, options.batch_size)
    with model.distribute_strategy.scope():
        compile_model(model, options, max(steps, 1))
    times = _Times()
    model.fit(dataset.repeat().take(1 + _STEPS), verbose=0, callbacks=[times])
    return frozen, float(np.median(np.diff(times.done)))


def _time_evaluation(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData
) -> float:
    """Seconds of encoding what is evaluated at the end and on the way."""
    counted: list[tuple[ImageSet, int]] = []
    counted += [(part, 1) for part in data.evaluation or ()]
    times = 1
    if not model.is_closed_form:
        times = options.epochs // (options.evaluate_every or EVALUATE_EVERY)
    counted += [(part, times) for part in data.held_out or ()]
    if not counted:
        return 0.0
    each = seconds_to_encode(model, counted[0][0])
    return each * sum(len(part) * times for part, times in counted)


def _weights_bytes(model: RetrievalModel, options: TrainingOptions) -> int:
    # Without what only a training needs.
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    size = weights_size(variables)
    return size if options.weights_dtype == "float32" else size // 2
