"""Soft labels of Tiny ImageNet by a pretrained network, for a smaller one to learn.

  python zoo/soft_labels.py data/tiny_imagenet efficientnet_lite0_imagenet soft.npy

DIR holds train.npz and val.npz, as `pretrain_alexnet.py` takes them. The training
images are parted into folds. A linear classifier learns the classes from the network's
features of all folds but one and says what it makes of that one, so that no label is
one learned by heart. OUTPUT has the probabilities of every training image in order,
float16 [n, classes]: `pretrain_alexnet.py --teacher OUTPUT` learns from them.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from backbone_features import backbone_features

from keras_deephash.backbones.loading import load_backbone
from keras_deephash.files import write_atomically


def new_classifier(rows, labels, epochs: int, batch_size: int) -> keras.Model:
    """A linear classifier of features, trained by AdamW with a falling rate."""
    scaling = keras.layers.Normalization()
    scaling.adapt(rows)
    classes = keras.layers.Dense(int(labels.max()) + 1)
    model = keras.Sequential([keras.Input(rows.shape[1:]), scaling, classes])
    steps = epochs * -(-len(rows) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.01)
    model.compile(optimizer, loss, metrics=["accuracy"])
    model.fit(rows, labels, batch_size, epochs, verbose=2)
    return model


def soft_labels(
    rows, labels, epochs: int, batch_size: int, seed: int, folds: int = 2
) -> np.ndarray:
    """Probabilities of images by a classifier that did not see them, [n, classes]."""
    order = np.random.default_rng(seed).permutation(len(rows))
    probabilities = np.empty((len(rows), int(labels.max()) + 1), np.float16)
    for fold in range(folds):
        held_out = np.arange(len(rows)) % folds == fold
        seen, unseen = order[~held_out], order[held_out]
        classifier = new_classifier(rows[seen], labels[seen], epochs, batch_size)
        logits = classifier.predict(rows[unseen], batch_size=1024, verbose=0)
        probabilities[unseen] = keras.ops.softmax(logits)
    return probabilities


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("data", help="directory of train.npz and val.npz")
    add("backbone", help="preset of a backbone or of a method, or keras:NAME")
    add("output", help="file to write, such as soft.npy")
    add("--image-size", type=int, default=128, help="network input")
    add("--epochs", type=int, default=10, help="of the linear classifiers")
    add("--batch-size", type=int, default=256, help="of the linear classifiers")
    add("--folds", type=int, default=2, help="parts, each labelled by the others")
    add("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.folds < 2:
        parser.error(f"--folds must be at least 2. Received: {options.folds}.")
    return options


def main(arguments: list[str] | None = None) -> None:
    options = read_options(arguments)
    keras.utils.set_random_seed(options.seed)
    backbone = load_backbone(options.backbone, options.image_size)
    sets = {}
    for name in ("val", "train"):
        with np.load(os.path.join(options.data, f"{name}.npz")) as file:
            images, labels = file["images"], file["labels"].astype(np.int32)
        rows = backbone_features(backbone, backbone.preprocessor, images)
        sets[name] = rows, labels
    how = options.epochs, options.batch_size
    probabilities = soft_labels(*sets["train"], *how, options.seed, options.folds)
    with write_atomically(options.output) as file:
        np.save(file, probabilities)
    found = (probabilities.argmax(axis=1) == sets["train"][1]).mean()
    print(f"The soft labels name the class of {found:.3f} of the training images.")
    classifier = new_classifier(*sets["train"], *how)
    _, accuracy = classifier.evaluate(*sets["val"], batch_size=1024, verbose=0)
    print(f"Top-1 accuracy of a classifier on the validation images: {accuracy:.3f}")


if __name__ == "__main__":
    main()
