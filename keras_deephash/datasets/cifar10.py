"""CIFAR-10 in the protocol of the field: 500 / 100 / 5,400 images a class."""

import os
from collections.abc import Sequence

import keras
import numpy as np

from keras_deephash.datasets.image_set import ImageSet, Splits
from keras_deephash.datasets.list_file import holds_class_indices, read_image_list
from keras_deephash.retrieval.validation import check_integer

LABEL_NAMES = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
]
_TRAIN, _QUERY = 500, 100  # Images a class; the rest is the database.


def cifar10(
    root: str | os.PathLike | None = None, seed: int = 0, verify_images: bool = True
) -> Splits:
    """CIFAR-10: 5,000 training, 1,000 query and 54,000 database images.

    Args:
        root: str. A directory in the list layout: `train.txt`, `test.txt` (the
            queries), `database.txt` and the images that they list. Defaults to
            `None`: the data set comes through `keras.datasets.cifar10`, which
            downloads it once, and its 60,000 images are split by `seed`.
        seed: int. Seed of the split where `root` is None. Defaults to `0`.
        verify_images: bool. Whether to decode every image file now.
            Defaults to `True`.

    Returns:
        `Splits` of `train`, `query` and `database`.

    Raises:
        ValueError: if a list is missing or faulty, or the download fails.

    Example:

    >>> train, query, database = cifar10("data/cifar10")
    """
    if root is not None:
        return read_splits(root, verify_images=verify_images)
    try:
        parts = keras.datasets.cifar10.load_data()
    except Exception as error:  # The downloader raises a plain Exception.
        raise ValueError(
            "CIFAR-10 could not be downloaded. Give `root`, a directory with "
            f"train.txt, test.txt, database.txt and the images. Reason: {error}."
        ) from None
    images = np.concatenate([part[0] for part in parts])
    classes = np.concatenate([part[1] for part in parts]).ravel()
    return split_by_class(images, classes, LABEL_NAMES, _TRAIN, _QUERY, seed)


def read_splits(root: str | os.PathLike, verify_images: bool = True) -> Splits:
    """Reads `train.txt`, `test.txt` and `database.txt` of a directory.

    Args:
        root: str. The directory; image paths are relative to it.
        verify_images: bool. As for `read_image_list`. Defaults to `True`.

    Returns:
        `Splits`, of which `query` is `test.txt`.
    """
    return Splits(*read_lists(root, ("train", "test", "database"), verify_images))


def read_lists(
    root: str | os.PathLike, names: Sequence[str], verify_images: bool = True
) -> list[ImageSet]:
    """Reads several lists of one data set, `NAME.txt` each, with the same labels.

    Lists of class indices without `labels.txt` may stop at different classes: they
    all get the columns of the longest.
    """
    if os.path.isfile(root):
        raise ValueError(
            "Name the directory in which the lists lie. "
            f"Received: {os.fspath(root)!r}, a file."
        )
    sets = [
        read_image_list(os.path.join(root, f"{name}.txt"), verify_images=verify_images)
        for name in names
    ]
    widths = [images.labels.shape[1] for images in sets]
    if len(set(widths)) == 1:
        return sets
    files = [os.path.join(root, f"{name}.txt") for name in names]
    if not all(map(holds_class_indices, files)):
        raise ValueError(
            "The lists must have the same number of labels. Received: "
            f"{', '.join(f'{n}.txt: {w}' for n, w in zip(names, widths, strict=True))}."
        )
    return [
        ImageSet(
            images.images,
            np.pad(images.labels, ((0, 0), (0, max(widths) - width))),
            images.label_names,
        )
        for images, width in zip(sets, widths, strict=True)
    ]


def split_by_class(
    images: np.ndarray,
    classes: np.ndarray,
    label_names: list[str],
    train: int,
    query: int,
    seed: int = 0,
) -> Splits:
    """Splits images of single classes into disjoint train, query and database sets.

    Args:
        images: uint8 array [n, h, w, 3].
        classes: int array [n] or [n, 1], class indices.
        label_names: list of str, one for each class.
        train: int. Training images a class.
        query: int. Query images a class; the rest of a class is the database.
        seed: int. Defaults to `0`.

    Returns:
        `Splits`.

    Raises:
        ValueError: for classes that have no name or too few images.
    """
    classes = np.asarray(classes)
    if classes.shape == (len(images), 1):  # As Keras's data sets have them.
        classes = classes[:, 0]
    if classes.shape != (len(images),) or classes.dtype.kind not in "iu":
        raise ValueError(
            f"`classes` must be ints, one for each of {len(images)} images. "
            f"Received: {classes.dtype} of shape {classes.shape}."
        )
    check_integer("train", train, minimum=0)
    check_integer("query", query, minimum=0)
    if classes.size and not 0 <= classes.min() <= classes.max() < len(label_names):
        raise ValueError(
            f"`classes` must be indices of the {len(label_names)} label names. "
            f"Received: classes from {classes.min()} to {classes.max()}."
        )
    generator = np.random.default_rng(seed)
    parts = [[], [], []]
    for label, name in enumerate(label_names):
        members = generator.permutation(np.flatnonzero(classes == label))
        if len(members) <= train + query:
            raise ValueError(
                f"The class {name!r} must have more than train + query = "
                f"{train + query} images. Received: {len(members)}."
            )
        pieces = np.split(members, [train, train + query])
        for part, piece in zip(parts, pieces, strict=True):
            part.append(piece)
    labels = (classes[:, None] == np.arange(len(label_names))).astype(np.uint8)
    everything = ImageSet(images, labels, list(label_names))
    return Splits(*(everything.subset(np.sort(np.concatenate(p))) for p in parts))
