"""Shared parts of the scripts that train backbones."""

import argparse
import datetime
import os
import shlex
import shutil
import sys
import time

import keras
from mixup import mixed

from keras_deephash.backbones.loading import load_backbone
from keras_deephash.backbones.splitting import SplitBackbone
from keras_deephash.backbones.statistics import freeze_statistics
from keras_deephash.callbacks import EpochSeeds, TrainingBackup
from keras_deephash.callbacks.training_backup import claim_backup
from keras_deephash.datasets import ImageSet, image_dataset
from keras_deephash.datasets.augment import AUGMENTATIONS, augmentation
from keras_deephash.training.optimizer import new_optimizer


def add_arguments(parser: argparse.ArgumentParser, epochs: int) -> None:
    """The options of every training of a backbone."""
    add = parser.add_argument
    add("--image-size", type=int, help="network input; None is the backbone's own")
    add("--resize-size", type=int, help="of the crops; None is the backbone's share")
    add("--padding", type=int, help="reflected pixels; None is the backbone's share")
    add("--augment", nargs="*", default=[], choices=sorted(AUGMENTATIONS))
    add("--epochs", type=int, default=epochs)
    add("--freeze-until", metavar="LAYER", help="keep the layers up to it as they are")
    add(
        "--freeze-statistics",
        action="store_true",
        help="keep the batch normalizations as they are",
    )
    add(
        "--dtype",
        default="float32",
        choices=("float32", "mixed_bfloat16"),
        help="mixed_bfloat16 is faster on processors that multiply bfloat16",
    )
    add("--batch-size", type=int, default=64)
    add("--optimizer", choices=("sgd", "adamw"), default="adamw")
    add("--learning-rate", type=float, default=5e-4, help="peak")
    add("--weight-decay", type=float, default=0.05)
    add("--seed", type=int, default=0)
    add("--dataset-name", help="name in the metadata")


def new_backup(directory: str, options: argparse.Namespace) -> TrainingBackup:
    """The backup of the training of these options, and of no others."""
    names = vars(options).keys() - {"output", "dataset_name"}
    claim_backup(directory, {name: getattr(options, name) for name in names})
    return TrainingBackup(directory)


def load_start(name: str, options: argparse.Namespace) -> keras.Model:
    """The backbone to train, frozen and preprocessed as the options say."""
    backbone = load_backbone(name, options.image_size, options.dtype)
    if options.freeze_statistics:
        freeze_statistics(backbone)
    if options.freeze_until:
        for layer in SplitBackbone(backbone, options.freeze_until).trunk.layers:
            layer.trainable = False
    if options.resize_size is not None or options.padding is not None:
        old = backbone.preprocessor
        backbone.preprocessor = old.resized(
            old.image_size, options.resize_size, options.padding
        )
    return backbone


def train(
    model: keras.Model,
    images: ImageSet,
    held_out: ImageSet | None,
    preprocessor,
    options: argparse.Namespace,
    backup: TrainingBackup,
    loss,
    metrics=(),
    before_first_epoch=None,
    mixup: float = 0.0,
) -> dict:
    """Trains, or goes on with a training; gives what the metadata say of it."""
    seeds = EpochSeeds(options.seed)
    dataset = image_dataset(
        images,
        preprocessor,
        options.batch_size,
        training=True,
        seed=seeds,
        augment=augmentation(options.augment),
    )
    if mixup:
        dataset = mixed(dataset, mixup, options.batch_size, seeds)
    steps = options.epochs * int(dataset.cardinality())
    optimizer = new_optimizer(
        options.optimizer, options.learning_rate, options.weight_decay, steps
    )
    model.compile(optimizer, loss, metrics=list(metrics))
    first = backup.restore(model)
    if not model.optimizer.built:  # Else TensorFlow traces the first step twice.
        model.optimizer.build(model.trainable_variables)
    started = time.time()
    if before_first_epoch is not None and not first:
        before_first_epoch()
    validation = None
    if held_out is not None:
        validation = image_dataset(held_out, preprocessor, options.batch_size)
    history = model.fit(
        dataset,
        epochs=options.epochs,
        initial_epoch=first,
        validation_data=validation,
        callbacks=[seeds, backup],
        verbose=2,
    ).history
    training = {k: round(v[-1], 4) for k, v in history.items()}
    if not first:  # Else the time of the other part is not known.
        training["minutes"] = round((time.time() - started) / 60, 1)
    return training


def save(
    backbone: keras.Model,
    start: str,
    output: str,
    options: argparse.Namespace,
    backup_directory: str,
    training: dict,
) -> None:
    """Saves the backbone, in float32 whatever it was trained in, as a preset."""
    stored = load_backbone(start, options.image_size)
    stored.set_weights(backbone.get_weights())
    stored.preprocessor = backbone.preprocessor
    script = os.path.basename(sys.argv[0])
    training = {
        "start": os.path.basename(os.path.normpath(start)),
        "seed": options.seed,
        "epochs": options.epochs,
        "command": shlex.join(["python", f"zoo/{script}", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        **training,
    }
    stored.save_to_preset(
        output, weights_dtype="float16", dataset=options.dataset_name, training=training
    )
    shutil.rmtree(backup_directory)
