"""The training behind `keras-deephash train`."""

import datetime
import hashlib
import os
import shutil
import time
from argparse import Namespace

import keras
import numpy as np
import tensorflow as tf

from keras_deephash.backbones.statistics import freeze_statistics
from keras_deephash.callbacks import EpochSeeds, RetrievalEvaluation, TrainingBackup
from keras_deephash.callbacks.training_backup import claim_backup
from keras_deephash.datasets import (
    ImageSet,
    feature_dataset,
    image_dataset,
    read_lists,
)
from keras_deephash.datasets.augment import augmentation
from keras_deephash.presets import from_preset
from keras_deephash.presets.saving import check_replaceable, check_savable
from keras_deephash.retrieval.evaluate_model import evaluate_model
from keras_deephash.training.frozen_features import FrozenFeatures
from keras_deephash.training.model import NEW_BACKBONES, build_model
from keras_deephash.training.optimizer import new_optimizer
from keras_deephash.training.options import check_options, chosen_rates

# Of each training image, where the frozen part makes them.
VIEWS = 4
# Options that do not change what is learned.
_NO_SETTINGS = {
    "arguments",
    "command",
    "data",
    "output",
    "parser",
    "recipe",
    "run",
    "no_evaluation",
    "top_k",
    "weights_dtype",
    "dataset_name",
    "feature_cache",
}


def train(options: Namespace, command: str) -> None:
    """Trains, saves, evaluates, and keeps the figures in the preset's metadata.

    Args:
        options: the options of `keras-deephash train`.
        command: str, for the metadata.
    """
    # A path is never taken for the name of a preset that comes with the package.
    output = os.path.abspath(options.output)
    check_replaceable(output)  # Before the hours of training.
    check_options(options)
    keras.utils.set_random_seed(options.seed)
    # All lists now: what is wrong with one must not show after the training.
    names = ["train"] if options.no_evaluation else ["train", "test", "database"]
    images, *evaluation = read_lists(options.data, names)
    listed = _digest(images, options.data)
    held_out = None
    if options.hold_out:
        images, held_out = images.hold_out(options.hold_out, options.seed)
    with _strategy().scope():
        model = build_model(options, images.label_names)
        if options.freeze_statistics:
            freeze_statistics(model.backbone)
    check_savable(model)
    seeds = EpochSeeds(options.seed)
    frozen = _freeze(model, options)
    dataset = _training_data(model, images, options, seeds, frozen)
    steps = options.epochs * int(dataset.cardinality())
    with model.distribute_strategy.scope():
        _compile(model, options, steps)
    backup = f"{output}.backup"
    held_out_parts = () if held_out is None else _split_held_out(held_out, options)
    names = vars(options).keys() - _NO_SETTINGS
    settings = {name: getattr(options, name) for name in names}
    # What the list says, not where it lies: a data set may have moved meanwhile.
    claim_backup(backup, {**settings, "data": listed})
    callbacks = [seeds]
    if held_out_parts:
        if frozen:
            held_out_parts = [frozen.of_images(model, part) for part in held_out_parts]
        callbacks.append(
            RetrievalEvaluation(*held_out_parts, options.evaluate_every or 5)
        )
    saver = TrainingBackup(backup)
    callbacks.append(saver)  # Last.
    first = saver.restore(model)
    started = time.time()
    history = model.fit(
        dataset, epochs=options.epochs, initial_epoch=first, callbacks=callbacks
    )
    description = {
        "dataset": options.dataset_name,
        "label_names": images.label_names,
        "weights_dtype": options.weights_dtype,
        "training": {
            "split": f"{len(images)} images of train.txt",
            "start": _start(options.backbone),
            "seed": options.seed,
            "epochs": options.epochs,
            "command": command,
            "date": datetime.date.today().isoformat(),
        },
    }
    if not first:  # Else the time of the other part is not known.
        description["training"]["minutes"] = round((time.time() - started) / 60, 1)
    if held_out is not None:
        # Empty where only the saving was left to be done.
        last = {k: v[-1] for k, v in history.history.items() if k.startswith("val_")}
        description["training"]["held_out"] = len(held_out)
        description["training"].update(last)
    model.save_to_preset(output, **description)
    if not options.no_evaluation:
        # What is published is what gets measured: the weights as stored.
        stored = from_preset(output)
        if frozen := _freeze(stored, options):
            evaluation = [frozen.of_images(stored, images) for images in evaluation]
        metrics = _evaluate(stored, *evaluation, options.top_k)
        stored.save_to_preset(output, metrics=metrics, **description)
    shutil.rmtree(backup, ignore_errors=True)
    print(f"Saved: {options.output}. Load it: from_preset({output!r})")


def _digest(images: ImageSet, directory: str) -> str:
    """Tells image lists apart: paths below the directory, and labels."""
    names = [os.path.relpath(path, directory) for path in images.images]
    digest = hashlib.sha256("\n".join(names).encode())
    digest.update(np.ascontiguousarray(images.labels).tobytes())
    return digest.hexdigest()


def _start(backbone: str) -> str:
    """What the training began from, for the metadata."""
    if backbone in NEW_BACKBONES:
        return "random weights"
    return os.path.basename(os.path.normpath(backbone))


def _freeze(model: keras.Model, options: Namespace) -> FrozenFeatures | None:
    """Freezes what `--freeze-until` says."""
    if options.freeze_until is None:
        return None
    model.freeze_backbone(options.freeze_until)
    return FrozenFeatures(options.feature_cache)


def _split_held_out(images: ImageSet, options: Namespace) -> tuple[ImageSet, ImageSet]:
    """A fifth of the held-out images, the queries, and the others, the database."""
    try:
        return images.hold_out(0.8, options.seed)
    except ValueError:
        raise ValueError(
            "`--hold-out` must hold out enough for queries and a database, a few "
            "images a class. "
            f"Received: --hold-out {options.hold_out}, {len(images)} images."
        ) from None


def _training_data(
    model: keras.Model,
    images: ImageSet,
    options: Namespace,
    seeds: EpochSeeds,
    frozen: FrozenFeatures | None,
) -> tf.data.Dataset:
    """Batches of images, or of what the frozen part of the backbone makes of them."""
    augment = augmentation(options.augment)
    if frozen is None:
        return image_dataset(
            images,
            model.preprocessor,
            options.batch_size,
            training=True,
            seed=seeds,
            augment=augment,
        )
    features, labels = frozen.of_views(
        model, images, options.views or VIEWS, options.seed, augment, options.augment
    )
    return feature_dataset(features, labels, options.batch_size, seeds)


def _strategy() -> tf.distribute.Strategy:
    """All GPUs where there are several, else the one device there is."""
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def _compile(model: keras.Model, options: Namespace, steps: int) -> None:
    if options.optimizer == "recipe":
        model.compile()
        return
    model.compile(new_optimizer(options.optimizer, *chosen_rates(options), steps))


def _evaluate(
    model: keras.Model, query: ImageSet, database: ImageSet, top_k: int | None
) -> dict:
    print("Encoding the queries and the database")
    metrics = evaluate_model(model, query, database, top_k=top_k, verbose=1)
    for name, value in metrics.items():
        if name.startswith("map"):
            print(f"{name}: {value:.4f}")
    return metrics
