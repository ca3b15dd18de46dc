"""Compares how mini-batches are composed: DCH's held-out MAP above a frozen part.

  python zoo/compose_batches.py data/cifar10 alexnet_tiny_imagenet --freeze-until pool5

DIR holds train.txt and the images. A fifth of them are held out; the query and database
images are not read. "random" draws each batch at random; a number is that of the
classes in a batch, each with as many images.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_deephash as kdh
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.datasets.augment import augmentation
from keras_deephash.retrieval.evaluate_model import evaluate_model
from keras_deephash.training.frozen_features import FrozenFeatures
from keras_deephash.training.optimizer import new_optimizer

VIEWS = 6
AUGMENTATIONS = ["color", "cutout"]
FIGURES = ("map", "map_at_radius")


def batches_of_classes(
    classes: np.ndarray, batch_size: int, per_batch: int, generator
) -> np.ndarray:
    """Indices [steps, batch_size] of an epoch, `per_batch` classes in each batch."""
    share = batch_size // per_batch
    left = []  # Of each class, what is left of the epoch: rows of `share` images.
    for label in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == label))
        rows = len(members) // share
        left.append(list(members[: rows * share].reshape(rows, share)))
    batches = []
    while sum(map(bool, left)) >= per_batch:
        # Those with the most left, by lot among equals: no class runs out early.
        order = sorted(generator.permutation(len(left)), key=lambda k: -len(left[k]))
        batches.append(np.concatenate([left[k].pop() for k in order[:per_batch]]))
    if not batches:
        raise ValueError(
            f"A batch of {batch_size} must hold {share} images of each of {per_batch} "
            f"classes. Received: {len(classes)} images of {len(left)} classes. Ask for "
            "other classes in a batch, or for smaller batches."
        )
    return np.stack(batches)


def random_batches(count: int, batch_size: int, generator) -> np.ndarray:
    """Indices [steps, batch_size] of an epoch, drawn at random."""
    steps = count // batch_size
    return generator.permutation(count)[: steps * batch_size].reshape(steps, -1)


def train(model, features, labels, composition: str, options, seed: int) -> None:
    """Trains with batches of views of features, one view an epoch."""
    generator = np.random.default_rng(seed)
    epochs = []
    for epoch in range(options.epochs):
        classes = labels[epoch % VIEWS].argmax(axis=1)
        if composition == "random":
            chosen = random_batches(len(classes), options.batch_size, generator)
        else:
            chosen = batches_of_classes(
                classes, options.batch_size, int(composition), generator
            )
        epochs.append(chosen)
    steps = min(map(len, epochs))

    def batches():
        for epoch, chosen in enumerate(epochs):
            for rows in chosen[:steps]:
                view = epoch % VIEWS
                yield features[view, rows], labels[view, rows].astype(np.float32)

    signature = tuple(
        tf.TensorSpec((options.batch_size, *array.shape[2:]), dtype)
        for array, dtype in ((features, features.dtype), (labels, np.float32))
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    model.compile(new_optimizer("adamw", 3e-4, 0.05, options.epochs * steps))
    model.fit(dataset, epochs=options.epochs, steps_per_epoch=steps, verbose=0)


def check_composition(composition: str, batch_size: int) -> None:
    """Says what is wrong before anything is computed."""
    if composition == "random":
        return
    if not composition.isdecimal() or int(composition) < 1:
        raise ValueError(
            '`--compositions` must be "random" or numbers of classes. '
            f"Received: {composition!r}."
        )
    if batch_size % int(composition):
        raise ValueError(
            "`--batch-size` must be a multiple of the classes in a batch. "
            f"Received: --batch-size {batch_size}, {composition} classes."
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("data", metavar="DIR")
    add("backbone", metavar="PRESET")
    add("--freeze-until", required=True, metavar="LAYER")
    add("--feature-cache", metavar="DIR")
    add("--compositions", nargs="+", default=["random", "10", "5", "2"])
    add("--bits", type=int, default=48)
    add("--batch-size", type=int, default=60)
    add("--epochs", type=int, default=12)
    add("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args(arguments)
    for composition in options.compositions:
        check_composition(composition, options.batch_size)

    (images,) = kdh.datasets.read_lists(options.data, ["train"])
    images, held_out = images.hold_out(0.2)
    frozen = FrozenFeatures(options.feature_cache)
    for composition in options.compositions:
        found = []
        for seed in options.seeds:
            keras.utils.set_random_seed(seed)
            model = kdh.DCH(load_backbone(options.backbone), options.bits, gamma=20)
            model.freeze_backbone(options.freeze_until)
            features, labels = frozen.of_views(
                model, images, VIEWS, 0, augmentation(AUGMENTATIONS), AUGMENTATIONS
            )
            query, database = frozen.of_images(model, held_out).hold_out(0.8)
            train(model, features, labels, composition, options, seed)
            metrics = evaluate_model(model, query, database, verbose=0)
            found.append([metrics[name] for name in FIGURES])
        for name, values in zip(FIGURES, np.transpose(found), strict=True):
            each = ", ".join(f"{value:.4f}" for value in values)
            print(f"{composition}: held-out {name} {values.mean():.4f} ({each})")


if __name__ == "__main__":
    main()
