"""Trains a backbone as a classifier of an image list, for all methods to begin from.

  python zoo/finetune_backbone.py data/cifar10 efficientnet_lite0_imagenet OUTPUT

Only train.txt of the data is used, and with --hold-out a part of it to look at. One
class an image gives a softmax with label smoothing, several labels give sigmoids.
The classifier alone learns first, on the backbone's features as they are: gradients of
random weights would spoil the backbone (https://arxiv.org/abs/2202.10054). Every epoch
is saved in OUTPUT.backup, and the same command goes on from there. The backbone,
without the classifier, becomes a preset.
"""

import argparse
import datetime
import os
import shlex
import shutil
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from keras_deephash.backbones.loading import load_backbone
from keras_deephash.backbones.statistics import freeze_statistics
from keras_deephash.callbacks import EpochSeeds, TrainingBackup
from keras_deephash.datasets import image_dataset, read_lists
from keras_deephash.datasets.augment import AUGMENTATIONS, augmentation
from keras_deephash.presets.saving import check_replaceable
from keras_deephash.training_optimizer import new_optimizer

LABEL_SMOOTHING = 0.1


def new_classifier(backbone: keras.Model, preprocessor, labels: int) -> keras.Model:
    inputs = keras.Input(backbone.input_shape[1:])
    features = backbone(preprocessor.normalize(inputs))
    outputs = keras.layers.Dense(labels, dtype="float32", name="classes")(features)
    return keras.Model(inputs, outputs)


def probe(model: keras.Model, dataset, loss, epochs: int) -> None:
    """Trains the last layer alone, on what the others make of the images."""
    classes = model.layers[-1]
    trunk = keras.Model(model.input, classes.input)
    features = trunk.predict(dataset, verbose=2)
    labels = np.concatenate([labels for _, labels in dataset])
    inputs = keras.Input(features.shape[1:])
    classifier = keras.Model(inputs, classes(inputs))
    classifier.compile("adam", loss)
    classifier.fit(features, labels, batch_size=64, epochs=epochs, verbose=0)


def loss_and_metric(one_class: bool):
    """For classes, or for labels of which an image may have several or none."""
    if one_class:
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=LABEL_SMOOTHING
        )
        return loss, keras.metrics.CategoricalAccuracy(name="accuracy")
    return (
        keras.losses.BinaryCrossentropy(from_logits=True),
        keras.metrics.AUC(
            curve="PR", multi_label=True, from_logits=True, name="average_precision"
        ),
    )


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("data", help="directory of the image lists")
    add("backbone", help="preset of a backbone or of a method, or keras:NAME")
    add("output", help="preset directory to write")
    add("--image-size", type=int, help="network input; None is the backbone's own")
    add("--resize-size", type=int, help="of the crops; None is the backbone's share")
    add("--augment", nargs="*", default=[], choices=sorted(AUGMENTATIONS))
    add("--epochs", type=int, default=10)
    add(
        "--freeze-statistics",
        action="store_true",
        help="keep the batch normalizations as they are",
    )
    add("--probe-epochs", type=int, default=30, help="of the classifier alone")
    add("--batch-size", type=int, default=64)
    add("--optimizer", choices=("sgd", "adamw"), default="adamw")
    add("--learning-rate", type=float, default=5e-4, help="peak")
    add("--weight-decay", type=float, default=0.05)
    add("--hold-out", type=float, default=0.0, metavar="SHARE")
    add("--seed", type=int, default=0)
    add("--dataset-name", help="name in the metadata")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = read_options(arguments)
    output = os.path.abspath(options.output)
    check_replaceable(output)  # Before the hours of training.
    keras.utils.set_random_seed(options.seed)
    (images,) = read_lists(options.data, ["train"])
    one_class = bool((images.labels.sum(axis=1) == 1).all())
    held_out = None
    if options.hold_out:
        images, held_out = images.hold_out(options.hold_out, options.seed)
    backbone = load_backbone(options.backbone, options.image_size)
    if options.freeze_statistics:
        freeze_statistics(backbone)
    preprocessor = backbone.preprocessor
    if options.resize_size:
        preprocessor = preprocessor.resized(
            preprocessor.image_size, options.resize_size
        )
    seeds = EpochSeeds(options.seed)
    dataset = image_dataset(
        images,
        preprocessor,
        options.batch_size,
        training=True,
        seed=seeds,
        augment=augmentation(options.augment),
    )
    model = new_classifier(backbone, preprocessor, images.labels.shape[1])
    loss, metric = loss_and_metric(one_class)
    steps = options.epochs * int(dataset.cardinality())
    model.compile(
        new_optimizer(
            options.optimizer, options.learning_rate, options.weight_decay, steps
        ),
        loss,
        metrics=[metric],
    )
    backup_directory = f"{output}.backup"
    backup = TrainingBackup(backup_directory)
    first = backup.restore(model)
    started = time.time()
    if options.probe_epochs and not first:
        fixed = image_dataset(images, preprocessor, options.batch_size)
        probe(model, fixed, loss, options.probe_epochs)
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
    training = {
        "split": f"{len(images)} images of train.txt, {images.labels.shape[1]} labels",
        "start": os.path.basename(os.path.normpath(options.backbone)),
        "seed": options.seed,
        "epochs": options.epochs,
        "command": shlex.join(["python", "zoo/finetune_backbone.py", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
    }
    if not first:  # Else the time of the other part is not known.
        training["minutes"] = round((time.time() - started) / 60, 1)
    training.update({k: round(v[-1], 4) for k, v in history.items()})
    backbone.preprocessor = preprocessor
    backbone.save_to_preset(
        output, weights_dtype="float16", dataset=options.dataset_name, training=training
    )
    shutil.rmtree(backup_directory)


if __name__ == "__main__":
    main()
