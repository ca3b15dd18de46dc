"""Pretrains the small AlexNet as a classifier of Tiny ImageNet's 200 classes.

  python zoo/pretrain_alexnet.py data/tiny_imagenet alexnet_tiny_imagenet

DIR holds train.npz and val.npz: `images`, uint8 [n, 64, 64, 3], and `labels` [n].
One cycle of Nesterov SGD with label smoothing, first on small crops, then on crops of
the final size. --teacher FILE adds the soft labels that `soft_labels.py` wrote. Every
epoch is saved in OUTPUT.backup, and the same command goes on from there. The backbone,
without the classifier, becomes a preset.
"""

import argparse
import json
import os
import shlex
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import keras_deephash as kdh
from keras_deephash.files import write_atomically

CLASSES = 200
FINAL_SIZE, FINAL_CANVAS = 56, 64
SMALL_SIZE, SMALL_CANVAS = 48, 55
LABEL_SMOOTHING = 0.1


def build_backbone(image_size: int) -> kdh.AlexNetBackbone:
    """The small form with a stem of step 2: 2 x 2 pixels are left after pool5."""
    return kdh.AlexNetBackbone.small(
        image_size,
        filters=(96, 256, 384, 384, 256),
        stem_kernel_size=5,
        stem_strides=2,
        dropout=0.2,
    )


def build_classifier(image_size: int, canvas: int) -> keras.Model:
    backbone = build_backbone(image_size)
    preprocessor = kdh.Preprocessor(image_size, resize_size=canvas)
    inputs = keras.Input((image_size, image_size, 3))
    features = backbone(preprocessor.normalize(inputs))
    outputs = keras.layers.Dense(CLASSES, name="classes")(features)
    model = keras.Model(inputs, outputs)
    model.backbone, model.preprocessor = backbone, preprocessor
    return model


def load(path: str, canvas: int, limit: int | None):
    """Images as canvases of `canvas` pixels, and their labels."""
    with np.load(path) as file:
        images, labels = file["images"][:limit], file["labels"][:limit]
    if images.shape[1] != canvas:
        images = np.stack(
            [
                np.asarray(Image.fromarray(image).resize((canvas, canvas)))
                for image in images
            ]
        )
    return images, labels.astype(np.int32)


def batches(images, targets, size: int, batch_size: int, seed) -> tf.data.Dataset:
    """One epoch of random crops and flips; `seed` decides all of it."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(images))
    steps = len(images) // batch_size
    span = images.shape[1] - size + 1
    corners = generator.integers(0, span, (2, len(images)))
    mirrors = generator.random(len(images)) < 0.5

    def load(step):
        places = slice(step * batch_size, (step + 1) * batch_size)
        crops = np.empty((batch_size, size, size, 3), np.uint8)
        for crop, row, top, left, mirror in zip(
            crops, order[places], *corners[:, places], mirrors[places], strict=True
        ):
            view = images[row, top : top + size, left : left + size]
            crop[:] = view[:, ::-1] if mirror else view
        return crops, targets[order[places]].astype(np.float32)

    # Not `from_generator`: it makes the process give freed memory back at once, which
    # the training steps pay for in processor time.
    def load_in_graph(step):
        kinds = (tf.uint8, tf.float32)
        crops, rows = tf.numpy_function(load, [step], kinds, stateful=False)
        crops = tf.ensure_shape(crops, (batch_size, size, size, 3))
        return crops, tf.ensure_shape(rows, (batch_size, CLASSES))

    return tf.data.Dataset.range(steps).map(load_in_graph).prefetch(2)


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise to the peak over 30 % of the steps, cosine fall to zero."""

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        done = tf.cast(step, tf.float32) / self.steps
        rise = self.peak * done / 0.3
        fall = self.peak * 0.5 * (1 + tf.cos(np.pi * (done - 0.3) / 0.7))
        return tf.where(done < 0.3, rise, fall)


def new_targets(
    labels: np.ndarray, teacher: str | None = None, weight: float = 0.0
) -> np.ndarray:
    """What is learned of each image, float16 [n, 200]: a probability of every class.

    Classes with label smoothing, and for a part of it the soft labels of a file.
    """
    targets = np.eye(CLASSES, dtype=np.float16)[labels] * (1 - LABEL_SMOOTHING)
    targets += LABEL_SMOOTHING / CLASSES
    if teacher is None:
        return targets
    soft = np.load(teacher)
    if soft.ndim != 2 or len(soft) < len(labels) or soft.shape[1] != CLASSES:
        raise ValueError(
            f"`--teacher` must hold soft labels [{len(labels)}, {CLASSES}]. "
            f"Received: shape {soft.shape}."
        )
    return (1 - weight) * targets + weight * soft[: len(labels)]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="directory of train.npz and val.npz")
    parser.add_argument("output", help="preset directory to write")
    parser.add_argument("--small-epochs", type=int, default=4, help="at 48 pixels")
    parser.add_argument("--final-epochs", type=int, default=3, help="at 56 pixels")
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
    parser.add_argument("--limit", type=int, help="use the first N images only")
    options = parser.parse_args(arguments)

    keras.utils.set_random_seed(options.seed)
    backup = f"{options.output.rstrip(os.sep)}.backup"
    os.makedirs(backup, exist_ok=True)
    log_file = os.path.join(backup, "log.json")

    def weights_file(epoch: int) -> str:
        return os.path.join(backup, f"epoch_{epoch}.weights.h5")

    log = []
    if os.path.isfile(log_file):
        with open(log_file, encoding="utf-8") as file:
            log = json.load(file)

    train = os.path.join(options.data, "train.npz")
    val_images, val_labels = load(
        os.path.join(options.data, "val.npz"), FINAL_CANVAS, options.limit
    )
    epochs = options.small_epochs + options.final_epochs
    model, size = None, None
    for epoch in range(len(log), epochs):
        small = epoch < options.small_epochs
        wanted = (SMALL_SIZE, SMALL_CANVAS) if small else (FINAL_SIZE, FINAL_CANVAS)
        if size != wanted[0]:
            size, canvas = wanted
            images, labels = load(train, canvas, options.limit)
            targets = new_targets(labels, options.teacher, options.teacher_weight)
            model = build_classifier(size, canvas)
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
                start = kdh.from_preset(options.start)
                model.backbone.set_weights(start.get_weights())
        started = time.time()
        data = batches(images, targets, size, options.batch_size, (options.seed, epoch))
        steps = len(images) // options.batch_size
        history = model.fit(data, epochs=1, verbose=2).history
        seconds = time.time() - started
        # Validation images are scaled to the canvas of this size and centre-cropped.
        crops = np.stack([model.preprocessor.center_crop(i) for i in val_images])
        _, accuracy = model.evaluate(
            crops, np.eye(CLASSES)[val_labels], batch_size=256, verbose=0
        )
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

    if size != FINAL_SIZE:  # Everything was done already, or no final epochs.
        model = build_classifier(FINAL_SIZE, FINAL_CANVAS)
        model.compile("sgd")
        model.load_weights(weights_file(epochs))
    model.backbone.preprocessor = model.preprocessor
    model.backbone.save_to_preset(
        options.output,
        weights_dtype="float16",
        dataset="Tiny ImageNet",
        training={
            "split": "100,000 images of train.npz, 200 classes",
            "seed": options.seed,
            "start": options.start or "random weights",
            "teacher": options.teacher,
            "teacher_weight": options.teacher_weight if options.teacher else None,
            "epochs": epochs,
            "log": log,
            "command": shlex.join(["python", "zoo/pretrain_alexnet.py", *sys.argv[1:]]),
        },
        metrics={"top_1_accuracy": log[-1]["val_accuracy"]},
    )


if __name__ == "__main__":
    main()
