"""A dry run of a training: its sizes, and its duration from a few steps."""

import os
from dataclasses import dataclass

import keras

from keras_deephash.disk_room import weights_size
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.presets.format.parameter_count import count_kept_parameters
from keras_deephash.presets.saving import check_replaceable
from keras_deephash.training.duration import Duration, estimate
from keras_deephash.training.option_checks import check_options
from keras_deephash.training.options import TrainingOptions
from keras_deephash.training.preparation import (
    as_options,
    compile_model,
    new_model,
    prepare,
)


@dataclass(frozen=True)
class DryRun:
    """The findings of a dry run.

    Attributes:
        parameters: int. Number of the model's parameters.
        weights_bytes: int. Size of the preset's weights, at most.
        duration: `Duration`, with the measured time of a step.
    """

    parameters: int
    weights_bytes: int
    duration: Duration

    def __str__(self) -> str:
        lines = [
            f"Model: {self.parameters:,} parameters, a preset of at most "
            f"{self.weights_bytes / 1e6:.1f} MB",
        ]
        if self.duration.steps > 1:
            lines.append(f"One step: {self.duration.step:.3f} s")
        return "\n".join([*lines, str(self.duration)])


def dry_run(data, **options) -> DryRun:
    """Reads the data and builds the model of a training, and times a few steps.

    Nothing is written. Other work on the machine changes the times.

    Args:
        data, **options: as for `train`.

    Returns:
        `DryRun`, which is also printed.

    Raises:
        ValueError: as for `train`.
    """
    told = as_options(data, options)
    check_options(told)
    if told.output is not None:
        check_replaceable(os.path.abspath(told.output))
    keras.utils.set_random_seed(told.seed)
    options, data = prepare(told)
    model = new_model(options, data)
    if not model.is_closed_form:
        with model.distribute_strategy.scope():
            compile_model(model, options, steps=1)
    found = DryRun(
        parameters=count_kept_parameters(model),
        weights_bytes=_weights_bytes(model, options),
        duration=estimate(model, options, data, measure_step=True),
    )
    print(found)
    return found


def _weights_bytes(model: RetrievalModel, options: TrainingOptions) -> int:
    # Without the variables that only a training needs.
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    size = weights_size(variables)
    return size if options.weights_dtype == "float32" else size // 2
