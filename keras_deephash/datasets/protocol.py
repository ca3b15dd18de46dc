"""Train, query and database: the three sets of a retrieval protocol."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.list_file import holds_class_indices, read_image_list


@dataclass(frozen=True)
class Splits:
    """The three image sets of a retrieval protocol.

    Attributes:
        train: `ImageSet` to learn from.
        query: `ImageSet` to search with.
        database: `ImageSet` to search in.
    """

    train: ImageSet
    query: ImageSet
    database: ImageSet

    def __iter__(self):
        return iter((self.train, self.query, self.database))


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
            "Give the directory that holds the lists. "
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
        train: int. Training images per class.
        query: int. Query images per class; the rest of a class is the database.
        seed: int. Seed of the split. Defaults to `0`.

    Returns:
        `Splits`.

    Raises:
        ValueError: if a class has no name or too few images.
    """
    classes = np.asarray(classes)
    if classes.shape == (len(images), 1):  # As in Keras's data sets.
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
