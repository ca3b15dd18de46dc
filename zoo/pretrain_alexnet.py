"""Pretrains the small AlexNet as a classifier of Tiny ImageNet's 200 classes.

  python zoo/pretrain_alexnet.py data/tiny_imagenet alexnet_tiny_imagenet

DIR holds train.npz and val.npz: `images`, uint8 [n, 64, 64, 3], and `labels` [n].
One cycle of Nesterov SGD with label smoothing, first on small views, then on views of
the final size. --teacher FILE adds the soft labels that `soft_labels.py` wrote. Every
epoch is saved in OUTPUT.backup, and the same command goes on from there; what is done
goes away with the end. The backbone, without the classifier, becomes a preset.
"""

import argparse
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
from small_alexnet import begin_from, build_backbone, build_classifier
from tiny_imagenet import CLASSES, batches, load, new_targets

import keras_deephash as kdh
from keras_deephash.callbacks.training_backup import claim_backup
from keras_deephash.files import write_atomically
from keras_deephash.presets.saving import check_replaceable

SMALL_SIZE = 48


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise to the peak over 30 % of the steps, cosine fall to zero."""

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        done = tf.cast(step, tf.float32) / self.steps
        rise = self.peak * done / 0.3
        fall = self.peak * 0.5 * (1 + tf.cos(np.pi * (done - 0.3) / 0.7))
        return tf.where(done < 0.3, rise, fall)


def top_1_accuracy(model: keras.Model, images, labels) -> float:
    """Share of the centre crops whose class comes first."""
    crops = np.stack([model.preprocessor.center_crop(image) for image in images])
    logits = model.predict(crops, batch_size=256, verbose=0)
    return float((logits.argmax(axis=1) == labels).mean())


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="directory of train.npz and val.npz")
    parser.add_argument("output", help="preset directory to write")
    parser.add_argument(
        "--small-epochs", type=int, default=4, help="first, at 48 pixels"
    )
    parser.add_argument("--final-epochs", type=int, default=3, help="at --image-size")
    parser.add_argument(
        "--image-size",
        type=int,
        default=56,
        help="pixels; small epochs need one with as many pixels after pool5",
    )
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--peak", type=float, default=0.1, help="learning rate")
    parser.add_argument("--weight-decay", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--start",
        metavar="PRESET",
        help="begin one more cycle from a backbone of an earlier one",
    )
    parser.add_argument(
        "--teacher", metavar="FILE", help="soft labels, as soft_labels.py writes them"
    )
    parser.add_argument(
        "--teacher-weight", type=float, default=0.7, help="share of the soft labels"
    )
    parser.add_argument("--mixup", type=float, default=0.0, help="its alpha")
    parser.add_argument(
        "--dtype",
        default="float32",
        choices=("float32", "mixed_bfloat16"),
        help="mixed_bfloat16 is faster on processors that multiply bfloat16",
    )
    parser.add_argument("--limit", type=int, help="use the first N images only")
    options = parser.parse_args(arguments)
    small_shape = build_backbone(SMALL_SIZE).get_layer("pool5").output.shape
    final_shape = build_backbone(options.image_size).get_layer("pool5").output.shape
    if options.small_epochs and small_shape != final_shape:
        parser.error(
            f"--image-size {options.image_size} leaves {final_shape[1]} pixels after "
            f"pool5, {SMALL_SIZE} pixels leave {small_shape[1]}: fc6 cannot take both. "
            "Use --small-epochs 0, or 45 to 60 pixels."
        )

    output = os.path.abspath(options.output)
    check_replaceable(output)  # Before the hours of training.
    keras.utils.set_random_seed(options.seed)
    images, labels = load(options.data, "train", options.limit)
    targets = new_targets(labels, options.teacher, options.teacher_weight)
    val_images, val_labels = load(options.data, "val", options.limit)
    backup = f"{output}.backup"
    claim_backup(backup, {k: v for k, v in vars(options).items() if k != "output"})
    log_file = os.path.join(backup, "log.json")

    def weights_file(epoch: int) -> str:
        return os.path.join(backup, f"epoch_{epoch}.weights.h5")

    log = []
    if os.path.isfile(log_file):
        with open(log_file, encoding="utf-8") as file:
            log = json.load(file)

    epochs = options.small_epochs + options.final_epochs
    model, size = None, None
    for epoch in range(len(log), epochs):
        small = epoch < options.small_epochs
        wanted = SMALL_SIZE if small else options.image_size
        if size != wanted:
            size = wanted
            model = build_classifier(size, options.dtype)
            steps = epochs * (len(images) // options.batch_size)
            optimizer = keras.optimizers.SGD(
                OneCycle(options.peak, steps),
                momentum=0.9,
                nesterov=True,
                weight_decay=options.weight_decay,
            )
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
            accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
            model.compile(optimizer, loss, metrics=[accuracy])
            optimizer.build(model.trainable_variables)
            if log:  # The weights fit both sizes.
                model.load_weights(weights_file(epoch))
            elif options.start:
                begin_from(model.backbone, kdh.from_preset(options.start))
        started = time.time()
        seed = (options.seed, epoch)
        data = batches(images, targets, size, options.batch_size, seed, options.mixup)
        steps = len(images) // options.batch_size
        history = model.fit(data, epochs=1, verbose=2).history
        seconds = time.time() - started
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
    model = build_classifier(options.image_size)
    model.load_weights(weights_file(epochs))
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
            "epochs": epochs,
            "log": log,
            "command": shlex.join(["python", "zoo/pretrain_alexnet.py", *sys.argv[1:]]),
        },
        metrics={"top_1_accuracy": round(top_1, 4)},
    )
    shutil.rmtree(backup)


if __name__ == "__main__":
    main()
