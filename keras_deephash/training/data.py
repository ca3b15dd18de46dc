"""The image sets of a training."""

import hashlib
import os
from dataclasses import dataclass

import numpy as np

from keras_deephash.datasets import ImageSet, read_lists
from keras_deephash.training.options import TrainingOptions


@dataclass(frozen=True)
class TrainingData:
    """The image sets of a training.

    Attributes:
        train: `ImageSet` to learn from.
        held_out: pair of `ImageSet`s, queries and database, that were kept out of the
            training images; or `None`.
        evaluation: pair of `ImageSet`s, the queries and the database of the final
            evaluation; or `None`.
        digest: str. Tells the data of trainings apart, wherever they lie.
    """

    train: ImageSet
    held_out: tuple[ImageSet, ImageSet] | None
    evaluation: tuple[ImageSet, ImageSet] | None
    digest: str

    @property
    def held_out_count(self) -> int:
        return sum(map(len, self.held_out or ()))


def read_data(options: TrainingOptions) -> TrainingData:
    """Reads all image lists: what is wrong with one must not show after the training.

    Raises:
        ValueError: for lists that cannot be used, and for a share of held-out images
            that is too small.
    """
    names = ["train"] if options.no_evaluation else ["train", "test", "database"]
    train, *evaluation = read_lists(options.data, names)
    digest = _digest(train, options.data)
    held_out = None
    if options.hold_out:
        train, images = train.hold_out(options.hold_out, options.seed)
        held_out = _split_held_out(images, options)
    return TrainingData(train, held_out, tuple(evaluation) or None, digest)


def _split_held_out(
    images: ImageSet, options: TrainingOptions
) -> tuple[ImageSet, ImageSet]:
    """A fifth of the held-out images, the queries, and the others, the database."""
    try:
        return images.hold_out(0.8, options.seed)
    except ValueError:
        raise ValueError(
            f"`{options.named('hold_out')}` must hold out enough for queries and a "
            "database, a few images of each class. "
            f"Received: {options.given('hold_out')}, {len(images)} images."
        ) from None


def _digest(images: ImageSet, directory: str | os.PathLike) -> str:
    """Tells image lists apart: paths below the directory, and labels."""
    names = [os.path.relpath(path, directory) for path in images.images]
    digest = hashlib.sha256("\n".join(names).encode())
    digest.update(np.ascontiguousarray(images.labels).tobytes())
    return digest.hexdigest()
