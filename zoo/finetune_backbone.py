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
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import backbone_training
import keras
import numpy as np

from keras_deephash.datasets import image_dataset, read_lists
from keras_deephash.presets.saving import check_replaceable

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
    add("--probe-epochs", type=int, default=30, help="of the classifier alone")
    add("--hold-out", type=float, default=0.0, metavar="SHARE")
    add("--mixup", type=float, default=0.0, metavar="ALPHA", help="0 mixes nothing")
    backbone_training.add_arguments(parser, epochs=10)
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
    backbone = backbone_training.load_start(options.backbone, options)
    preprocessor = backbone.preprocessor
    model = new_classifier(backbone, preprocessor, images.labels.shape[1])
    loss, metric = loss_and_metric(one_class)

    def probe_first():
        fixed = image_dataset(images, preprocessor, options.batch_size)
        probe(model, fixed, loss, options.probe_epochs)

    folder = f"{output}.backup"
    figures = backbone_training.train(
        model,
        images,
        held_out,
        preprocessor,
        options,
        backbone_training.new_backup(folder, options),
        loss,
        [metric],
        probe_first if options.probe_epochs else None,
        options.mixup,
    )
    labels = images.labels.shape[1]
    training = {"split": f"{len(images)} images of train.txt, {labels} labels"}
    backbone_training.save(
        backbone, options.backbone, output, options, folder, {**training, **figures}
    )


if __name__ == "__main__":
    main()
