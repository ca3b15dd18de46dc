"""Preparing a training: its options, data, model and optimizer."""

import tensorflow as tf

from keras_deephash.backbones.statistics import freeze_statistics
from keras_deephash.callbacks import EpochSeeds
from keras_deephash.datasets import feature_dataset, image_dataset
from keras_deephash.datasets.augment import augmentation
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.training.data import TrainingData, hold_queries_out, read_data
from keras_deephash.training.defaults import described, resolve
from keras_deephash.training.frozen_features import FrozenFeatures
from keras_deephash.training.method_checks import find_method
from keras_deephash.training.model import build_model
from keras_deephash.training.optimizer import chosen_rates, new_optimizer
from keras_deephash.training.option_checks import check_for_data
from keras_deephash.training.options import TrainingOptions


def as_options(data, options: dict) -> TrainingOptions:
    """Returns the options of a training from the arguments of `train`."""
    if not isinstance(data, TrainingOptions):
        return TrainingOptions(data, **options)
    if options:
        raise ValueError(
            "A `TrainingOptions` holds all options: set them there. "
            f"Received: a `TrainingOptions`, and {', '.join(options)}."
        )
    return data


def prepare(told: TrainingOptions) -> tuple[TrainingOptions, TrainingData]:
    """Returns the options of a training, filled in, and its data; prints both.

    Args:
        told: `TrainingOptions` as the user gave them, checked.
    """
    data = read_data(told)
    images, validation = len(data.train), data.held_out is not None
    if told.hold_out:
        images, validation = images + data.held_out_count, False
    closed_form = find_method(told).is_closed_form
    options, whys = resolve(told, data.train, images, closed_form, validation)
    if options.hold_out and data.held_out is None:
        data = hold_queries_out(data, options.hold_out, options.seed)
    held_out = data.held_out is not None
    check_for_data(told, options, len(data.train), held_out)
    print(data)
    if whys:
        print(described(options, whys))
    return options, data


def new_model(options: TrainingOptions, data: TrainingData) -> RetrievalModel:
    """Builds the model to train, and freezes its layers as the options say."""
    with _strategy().scope():
        model = build_model(options, data.train.label_names)
        if options.freeze_statistics:
            freeze_statistics(model.backbone)
    if model.needs_labels:
        # Before a backup is restored, whose weights include those of the classes.
        model.know_classes(data.train.labels.shape[1])
    model.check_savable()
    if options.freeze_until is not None:
        model.freeze_backbone(options.freeze_until)
    return model


def _strategy() -> tf.distribute.Strategy:
    """Returns a strategy for all GPUs if there are several, else the default one."""
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def training_dataset(
    model: RetrievalModel,
    options: TrainingOptions,
    data: TrainingData,
    seeds: EpochSeeds,
) -> tf.data.Dataset:
    """Returns batches of training images, or of their frozen features."""
    augment = augmentation(options.augment)
    if options.freeze_until is None:
        return image_dataset(
            data.train,
            model.preprocessor,
            options.batch_size,
            training=True,
            seed=seeds,
            augment=augment,
        )
    features, labels = FrozenFeatures(options.feature_cache).of_views(
        model,
        data.train,
        options.views,
        options.seed,
        augment,
        options.augment,
    )
    return feature_dataset(features, labels, options.batch_size, seeds)


def compile_model(model: RetrievalModel, options: TrainingOptions, steps: int) -> None:
    if options.optimizer == "recipe":
        model.compile()
        return
    rates = chosen_rates(options.learning_rate, options.weight_decay)
    model.compile(new_optimizer(options.optimizer, *rates, steps))
