"""The image sets of the general presets, and the features of a backbone for them.

Fitted on: 12,000 training images of 160 classes of Tiny ImageNet, drawn with a seed,
and the training list of COCO mini; no label is looked at. Measured on: the queries and
the database of COCO mini; images of the other 40 classes of Tiny ImageNet; a part of
CIFAR-10.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_deephash.datasets import read_image_list
from keras_deephash.files import write_atomically

FITTED = ("tiny_imagenet", "coco_train")
QUERIES_OF_CLASS, OF_UNSEEN_CLASS, OF_SEEN_CLASS = 12, 60, 120
FITTED_IMAGES, CIFAR_QUERIES, CIFAR_DATABASE = 12_000, 300, 3000


def image_sets(data: Path) -> dict[str, Callable]:
    """Functions that read the sets by name: images, and labels or None.

    Args:
        data: path of the folder with `coco_mini`, `tiny_imagenet` and `cifar10`.
    """
    return {
        "tiny_imagenet": lambda: _tiny_imagenet(data)["fitted"],
        "coco_train": lambda: _list(data / "coco_mini", "train"),
        "coco_queries": lambda: _list(data / "coco_mini", "test"),
        "coco_database": lambda: _list(data / "coco_mini", "database"),
        "unseen_queries": lambda: _tiny_imagenet(data)["queries"],
        "unseen_database": lambda: _tiny_imagenet(data)["database"],
        "cifar10_queries": lambda: _list(data / "cifar10", "test", CIFAR_QUERIES),
        "cifar10_database": lambda: _list(data / "cifar10", "database", CIFAR_DATABASE),
    }


def features(model, data: Path, folder: Path, name: str) -> tuple:
    """The features of a set, float16 [n, d] from a file or computed, and its labels."""
    file = folder / f"{name}_{_digest(model)}.npy"
    images, labels = image_sets(data)[name]()
    if not file.exists():
        print(f"Features of {len(images):,} images: {name}")
        made = model.features(images, batch_size=64, verbose=1).astype(np.float16)
        os.makedirs(folder, exist_ok=True)
        with write_atomically(file) as stream:
            np.save(stream, made, allow_pickle=False)
    return np.load(file, allow_pickle=False), labels


def _digest(model) -> str:
    """Tells backbones and preprocessings apart."""
    digest = hashlib.sha256(repr(model.preprocessor.get_config()).encode())
    for weight in model.backbone.get_weights():
        digest.update(np.ascontiguousarray(weight))
    return digest.hexdigest()[:12]


def _list(folder: Path, name: str, count: int | None = None) -> tuple:
    listed = read_image_list(folder / f"{name}.txt")
    if count is not None:
        rows = np.random.default_rng(1).permutation(len(listed))[:count]
        listed = listed.subset(rows)
    return listed.images, listed.labels


def _tiny_imagenet(data: Path) -> dict[str, tuple]:
    with np.load(data / "tiny_imagenet" / "train.npz") as file:
        images, labels = file["images"], file["labels"]
    generator = np.random.default_rng(0)
    classes = generator.permutation(200)
    seen, unseen = np.sort(classes[:160]), np.sort(classes[160:])

    def first(classes, count):
        return np.stack([np.flatnonzero(labels == c)[:count] for c in classes])

    fitted = generator.permutation(first(seen, OF_SEEN_CLASS).ravel())
    others = first(unseen, OF_UNSEEN_CLASS)
    queries, database = np.split(others, [QUERIES_OF_CLASS], axis=1)
    rows = {
        "fitted": fitted[:FITTED_IMAGES],
        "queries": queries.ravel(),
        "database": database.ravel(),
    }
    return {name: (images[row], labels[row]) for name, row in rows.items()}
