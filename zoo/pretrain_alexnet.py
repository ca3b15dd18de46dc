"""Pretrains the small AlexNet as a classifier of Tiny ImageNet's 200 classes.

  python zoo/pretrain_alexnet.py data/tiny_imagenet alexnet_tiny_imagenet

DIR holds train.npz and val.npz: `images`, uint8 [n, 64, 64, 3], and `labels` [n].
One cycle of Nesterov SGD with label smoothing, first on small views, then on views of
the final size. --teacher FILE adds the soft labels that `soft_labels.py` wrote. Every
epoch is saved in OUTPUT.backup, and the same command goes on from there; what is done
goes away with the end. The backbone, without the classifier, becomes a preset.
"""

import argparse
import contextlib
import json
import os
import shlex
import shutil
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from pretraining_options import SMALL_SIZE, check_full_batch, read_options
from small_alexnet import begin_from, build_classifier
from tiny_imagenet import CLASSES, batches, load, new_targets
from weight_averaging import averaged_weights

import keras_deephash as kdh
from keras_deephash.callbacks import EpochSeeds
from keras_deephash.callbacks.training_backup import claim_backup
from keras_deephash.files import write_atomically
from keras_deephash.presets.saving import check_replaceable


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise to the peak over 30 % of the steps, cosine fall to a share of it."""

    def __init__(self, peak: float, steps: int, floor: float = 0.0):
        self.peak, self.steps, self.floor = peak, steps, floor

    def __call__(self, step):
        done = tf.cast(step, tf.float32) / self.steps
        rise = self.peak * done / 0.3
        fall = 0.5 * (1 + tf.cos(np.pi * (done - 0.3) / 0.7))
        fall = self.peak * (self.floor + (1 - self.floor) * fall)
        return tf.where(done < 0.3, rise, fall)


def top_1_accuracy(model: keras.Model, images, labels) -> float:
    """Share of the centre crops whose class comes first."""
    crops = np.stack([model.preprocessor.center_crop(image) for image in images])
    logits = model.predict(crops, batch_size=256, verbose=0)
    return float((logits.argmax(axis=1) == labels).mean())


def new_model(options: argparse.Namespace, size: int, steps: int) -> keras.Model:
    """The classifier of images of `size` pixels, ready for `steps` steps."""
    model = build_classifier(size, options.dtype, options.dropout)
    optimizer = keras.optimizers.SGD(
        OneCycle(options.peak, steps, options.floor),
        momentum=0.9,
        nesterov=True,
        weight_decay=options.weight_decay,
        use_ema=options.average is not None,
        ema_momentum=options.average or 0.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer, loss, metrics=[accuracy])
    optimizer.build(model.trainable_variables)
    return model


def main(arguments: list[str] | None = None) -> None:
    options = read_options(arguments)
    output = os.path.abspath(options.output)
    check_replaceable(output)  # Before the hours of training.
    keras.utils.set_random_seed(options.seed)
    images, labels = load(options.data, "train", options.limit)
    targets = new_targets(labels, options.teacher, options.teacher_weight)
    val_images, val_labels = load(options.data, "val", options.limit)
    check_full_batch(len(images), options.batch_size)
    backup = f"{output}.backup"
    claim_backup(backup, {k: v for k, v in vars(options).items() if k != "output"})
    log_file = os.path.join(backup, "log.json")

    def weights_file(epoch: int) -> str:
        return os.path.join(backup, f"epoch_{epoch}.weights.h5")

    log = []
    if os.path.isfile(log_file):
        with open(log_file, encoding="utf-8") as file:
            log = json.load(file)

    def views_of(epoch: int, size: int) -> tf.data.Dataset:
        return batches(
            images,
            targets,
            size,
            options.batch_size,
            (options.seed, epoch),
            options.mixup,
            options.least_area,
            options.color,
        )

    def kept_weights(model: keras.Model, data: tf.data.Dataset):
        """Gives the model the weights that are measured and published.

        Averages come with batch statistics of their own."""
        if options.average is None:
            return contextlib.nullcontext()
        return averaged_weights(model, data)

    epochs = options.small_epochs + options.final_epochs
    steps = len(images) // options.batch_size
    model, size = None, None
    for epoch in range(len(log), epochs):
        small = epoch < options.small_epochs
        wanted = SMALL_SIZE if small else options.image_size
        if size != wanted:
            size = wanted
            model = new_model(options, size, epochs * steps)
            if log:  # The weights fit both sizes.
                model.load_weights(weights_file(epoch))
            elif options.start:
                begin_from(model.backbone, kdh.from_preset(options.start))
        started = time.time()
        data = views_of(epoch, size)
        # Dropout too is drawn by the epoch's number, in a training that goes on.
        history = model.fit(
            data,
            initial_epoch=epoch,
            epochs=epoch + 1,
            callbacks=[EpochSeeds(options.seed)],
            verbose=2,
        ).history
        seconds = time.time() - started
        with kept_weights(model, data):
            accuracy = top_1_accuracy(model, val_images, val_labels)
        log.append(
            {
                "epoch": epoch + 1,
                "image_size": size,
                "loss": round(history["loss"][0], 4),
                "train_accuracy": round(history["accuracy"][0], 4),
                "val_accuracy": round(accuracy, 4),
                "images_per_second": round(steps * options.batch_size / seconds),
            }
        )
        print(log[-1], flush=True)
        # The log counts: weights without their line in it are written once more.
        model.save_weights(weights_file(epoch + 1))
        with write_atomically(log_file) as file:
            file.write(json.dumps(log, indent=1).encode())
        if epoch:
            os.remove(weights_file(epoch))

    # What is published is measured: in float32, whatever the training was in.
    model = new_model(options, options.image_size, epochs * steps)
    model.load_weights(weights_file(epochs))
    with kept_weights(model, views_of(epochs, options.image_size)):
        weights = model.get_weights()
    model = build_classifier(options.image_size)
    model.set_weights(weights)
    top_1 = top_1_accuracy(model, val_images, val_labels)
    print(f"Top-1 accuracy on the validation images: {top_1:.4f}")
    backbone = model.backbone
    backbone.preprocessor = model.preprocessor
    backbone.save_to_preset(
        output,
        weights_dtype="float16",
        dataset="Tiny ImageNet",
        training={
            "split": f"{len(images):,} images of train.npz, {CLASSES} classes",
            "seed": options.seed,
            "start": options.start or "random weights",
            "teacher": options.teacher,
            "teacher_weight": options.teacher_weight if options.teacher else None,
            "mixup": options.mixup or None,
            "average": options.average,
            "epochs": epochs,
            "log": log,
            "command": shlex.join(["python", "zoo/pretrain_alexnet.py", *sys.argv[1:]]),
        },
        metrics={"top_1_accuracy": round(top_1, 4)},
    )
    shutil.rmtree(backup)


if __name__ == "__main__":
    main()
