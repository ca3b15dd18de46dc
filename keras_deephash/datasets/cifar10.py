"""CIFAR-10 in the usual protocol: 500 / 100 / 5,400 images per class."""

import os

import numpy as np

from keras_deephash.datasets.protocol import Splits, read_splits, split_by_class
from keras_deephash.progress import plain_lines

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
_TRAIN, _QUERY = 500, 100  # Images per class; the rest is the database.


def cifar10(
    root: str | os.PathLike | None = None, seed: int = 0, verify_images: bool = True
) -> Splits:
    """Loads CIFAR-10: 5,000 training, 1,000 query and 54,000 database images.

    Args:
        root: str. A directory in the list layout: `train.txt`, `test.txt` (the
            queries), `database.txt` and the images that they list. Defaults to
            `None`: the data set is loaded by `keras.datasets.cifar10`, which
            downloads it once, and its 60,000 images are split by `seed`.
        seed: int. Seed of the split if `root` is None. Defaults to `0`.
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
    import keras  # Imported here, because only the download needs it.

    try:
        with plain_lines():
            parts = keras.datasets.cifar10.load_data()
    except Exception as error:  # The downloader raises a plain Exception.
        raise ValueError(
            "CIFAR-10 could not be downloaded. Give `root`, a directory with "
            f"train.txt, test.txt, database.txt and the images. Reason: {error}."
        ) from None
    images = np.concatenate([part[0] for part in parts])
    classes = np.concatenate([part[1] for part in parts]).ravel()
    return split_by_class(images, classes, LABEL_NAMES, _TRAIN, _QUERY, seed)
