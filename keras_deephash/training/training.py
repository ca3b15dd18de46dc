"""Training a model from options, and evaluating it."""

import os
import shutil
import time

import keras

from keras_deephash.callbacks import EpochSeeds, RetrievalEvaluation, TrainingBackup
from keras_deephash.callbacks.training_backup import claim_backup
from keras_deephash.datasets import write_lists
from keras_deephash.datasets.list_writing import write_indices
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.presets.format.readme import metric_text
from keras_deephash.presets.format.weights import round_weights
from keras_deephash.presets.saving import check_replaceable
from keras_deephash.retrieval.evaluate_model import evaluate_model
from keras_deephash.retrieval.query_mean import SAMPLES
from keras_deephash.training.best_epoch import BestEpoch
from keras_deephash.training.data import TrainingData
from keras_deephash.training.duration import estimate
from keras_deephash.training.frozen_features import FrozenFeatures
from keras_deephash.training.option_checks import check_options
from keras_deephash.training.options import TrainingOptions
from keras_deephash.training.preparation import (
    as_options,
    compile_model,
    new_model,
    prepare,
    training_dataset,
)
from keras_deephash.training.record import given, new_record, settings


def train(data, **options) -> RetrievalModel:
    """Trains a model like the command `keras-deephash train`, and evaluates it.

    Options that are left out are chosen from the number and the size of the images, and
    printed with the reason: docs/training.md has the table.

    Args:
        data: `ImageSet`, `datasets.Splits`, or a path, as for `TrainingOptions`; or a
            `TrainingOptions` that holds all options.
        **options: those of `TrainingOptions`, and arguments of the method, such as
            `bits`. With an `output`, the preset is written there, and an interrupted
            training is resumed from the backup beside it.

    Returns:
        The trained model. Its weights are rounded as `options.weights_dtype` stores
        them. Its `training_record` holds the chosen options and the figures;
        `save_to_preset` writes it into the preset's metadata.

    Raises:
        ValueError: before any work, if an option cannot be used; the error names it.

    Example:

    >>> data = keras_deephash.datasets.from_folder("birds")
    >>> model = keras_deephash.train(data, method="DCH", bits=48)
    >>> model.training_record["metrics"]["map"]
    >>> model.save_to_preset("birds_48")
    """
    told = as_options(data, options)
    check_options(told)
    # A path is never taken for the name of a preset that comes with the package.
    output = None if told.output is None else os.path.abspath(told.output)
    if output is not None:
        check_replaceable(output)  # Before the hours of training.
    keras.utils.set_random_seed(told.seed)
    options, data = prepare(told)
    if output is not None and data.lists is not None:
        write_lists(data.lists, lists_of(output))
    elif output is not None and data.split is not None:
        write_indices(data.split, lists_of(output))
    model = new_model(options, data)
    if output is not None and options.freeze_until is not None:
        # Kept for the evaluation, and for a training that is resumed.
        options.feature_cache = options.feature_cache or f"{output}.features"
    print(estimate(model, options, data))
    found = _fit(model, options, data, told, output and f"{output}.backup")
    model.label_names = data.train.label_names
    closed_form = model.is_closed_form
    model.training_record = new_record(options, data, closed_form, found, told)
    # The figures must be those of the weights as they are stored.
    round_weights(model, options.weights_dtype)
    if output is not None:
        model.save_to_preset(output)  # Before the evaluation, which takes a while.
    if data.evaluation is not None:
        metrics = _evaluate(model, options, data)
        model.training_record = {**model.training_record, "metrics": metrics}
        if output is not None:
            model.save_to_preset(output)
    if output is not None:
        shutil.rmtree(f"{output}.backup", ignore_errors=True)
        if told.feature_cache is None:
            shutil.rmtree(f"{output}.features", ignore_errors=True)
    return model


def lists_of(output: str | os.PathLike) -> str:
    """Returns the directory of the lists of a training's data, beside its output."""
    return f"{os.path.abspath(output)}.lists"


def _fit(
    model: RetrievalModel,
    options: TrainingOptions,
    data: TrainingData,
    told: TrainingOptions,
    backup: str | None,
) -> dict:
    """Trains the model; returns the minutes it took and the held-out figures."""
    if model.is_closed_form:
        return _fit_closed_form(model, options, data)
    seeds = EpochSeeds(options.seed)
    dataset = training_dataset(model, options, data, seeds)
    with model.distribute_strategy.scope():
        compile_model(model, options, steps=options.epochs * int(dataset.cardinality()))
    callbacks = [seeds, *_held_out_evaluation(model, options, data)]
    first, best = 0, None
    if backup is not None:
        claim_backup(backup, settings(options, data), given(told))
    if data.held_out is not None and options.patience:
        best = BestEpoch(options.patience, backup)
        callbacks.append(best)
    if backup is not None:
        callbacks.append(TrainingBackup(backup))  # After all others.
        first = callbacks[-1].restore(model)
    begin = first
    if best is not None:
        best.resume(first)
        begin = options.epochs if best.is_over else first
    started = time.time()
    history = model.fit(
        dataset, epochs=options.epochs, initial_epoch=begin, callbacks=callbacks
    )
    # Empty if only the saving was left to be done.
    found = {k: v[-1] for k, v in history.history.items() if k.startswith("val_")}
    if best is not None:
        found |= best.take_best(model)
    if not first:  # Otherwise the time of the first part is not known.
        found["minutes"] = round((time.time() - started) / 60, 1)
    return found


def _fit_closed_form(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData
) -> dict:
    """Trains a method that passes over the images once; returns as `_fit`."""
    started = time.time()
    model.fit(data.train, seed=options.seed, verbose=1)
    found = {"minutes": round((time.time() - started) / 60, 1)}
    if data.held_out is not None:
        metrics = evaluate_model(model, *data.held_out, verbose=1)
        found |= {f"val_{k}": v for k, v in metrics.items() if k.startswith("map")}
    return found


def _held_out_evaluation(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData
) -> list[keras.callbacks.Callback]:
    if data.held_out is None:
        return []
    if options.freeze_until is not None:
        print("Frozen features, held-out queries and their database")
    parts = _as_features(model, options, data.held_out)
    return [RetrievalEvaluation(*parts, options.evaluate_every)]


def _evaluate(
    model: RetrievalModel, options: TrainingOptions, data: TrainingData
) -> dict:
    print("Encoding the queries and the database")
    query, database = _as_features(model, options, data.evaluation)
    metrics = evaluate_model(
        model, query, database, top_k=options.top_k, bootstrap=SAMPLES, verbose=1
    )
    for name, value in metrics.items():
        if name.startswith("map"):
            print(f"{name}: {metric_text(value)}")
    return metrics


def _as_features(model: RetrievalModel, options: TrainingOptions, parts) -> list:
    """Returns image sets, or their frozen features if layers are frozen."""
    if options.freeze_until is None:
        return list(parts)
    features = FrozenFeatures(options.feature_cache)
    return [features.of_images(model, part) for part in parts]
