"""The image sets of a training."""

import hashlib
import os
from dataclasses import dataclass, replace

import numpy as np

from keras_deephash.datasets import ImageSet, Splits, split_images
from keras_deephash.datasets.parts import check_apart, parts_of
from keras_deephash.datasets.readable import check_readable
from keras_deephash.datasets.sources import (
    holds_lists,
    read_images,
    read_parts_of_lists,
)
from keras_deephash.text import count
from keras_deephash.training.method_checks import find_method
from keras_deephash.training.options import OF_TABLES, TrainingOptions


@dataclass(frozen=True)
class TrainingData:
    """The image sets of a training.

    Attributes:
        train: `ImageSet` to learn from.
        held_out: pair of `ImageSet`s, queries and database, that were kept out of the
            training images; or `None`.
        evaluation: pair of `ImageSet`s, the queries and the database of the final
            evaluation; or `None`.
        digest: str. Identifies the data, wherever their files are.
        lists: dict of the parts of the data by name, which are written as lists if the
            training has an output; `None` if the data are lists already, or not files.
        unlabelled: int. Number of training images without a label, which are left out.
        split: list of str, the part of each image, if the data had to be split; or
            `None`.
        seed: int. Seed of that split and of the choice of held-out images.
        alone: int. Number of training images that are the only one with some label, and
            are therefore not held out.
    """

    train: ImageSet
    held_out: tuple[ImageSet, ImageSet] | None
    evaluation: tuple[ImageSet, ImageSet] | None
    digest: str
    lists: dict[str, ImageSet] | None = None
    unlabelled: int = 0
    split: list[str] | None = None
    seed: int = 0
    alone: int = 0

    def __str__(self) -> str:
        """Describes the training, held-out and evaluation images, in a line each."""
        lines = []
        if self.split is not None:
            lines.append(
                f"The data have no split: they were split by seed {self.seed}, as by "
                f"`datasets.split_images(data, seed={self.seed})`"
            )
        lines.append(f"Training: {self.train}")
        if self.unlabelled:
            lines.append(f"{self.unlabelled} images without a label are left out of it")
        if self.held_out:
            lines.append(_described("Held out", *self.held_out))
        if self.held_out and self.alone:
            alone = count(self.alone, "image")
            lines.append(f"{alone} not held out: the only one with some label")
        if self.evaluation:
            lines.append(_described("Evaluation", *self.evaluation))
        if self.evaluation and self.split is not None:
            searched = self.evaluation[0].labels.any(axis=0)
            without = np.count_nonzero(self.train.labels.any(axis=0) & ~searched)
            if without:
                lines.append(f"{count(without, 'label')} without a query")
        return "\n".join(lines)

    @property
    def held_out_count(self) -> int:
        """The number of images that are held out, as queries or as their database."""
        parts = self.held_out or ()
        return sum(len(part) for part in parts if part is not self.train)


def _described(name: str, query: ImageSet, database: ImageSet) -> str:
    """Describes queries and database, and queries without a relevant image."""
    text = f"{name}: {len(query)} queries against {len(database)}"
    known = query.labels[:, database.labels.any(axis=0)].any(axis=1)
    if not known.all():
        text += (
            f"; {np.count_nonzero(~known)} queries have no label of the database, and "
            "count as an average precision of 0"
        )
    return text


def read_data(options: TrainingOptions) -> TrainingData:
    """Reads and checks all data, so that errors show before the training.

    Raises:
        ValueError: if the data cannot be used, or the share of held-out images is too
            small.
    """
    parts, split = _read_parts(options)
    train = parts["train"]
    digest = _digest(train)
    labelled = train.is_labelled
    if not find_method(options).learns_from_labels(
        options.arguments
    ):  # It learns from images only.
        labelled = np.ones(len(train), bool)
    else:
        _check_labels(train)
    held_out, alone = None, 0
    if not labelled.all():
        train = train.subset(labelled)
    if options.hold_out and "validation" in parts:
        raise ValueError(
            "The data have validation images, which are evaluated on during the "
            f"training: leave out {options.given('hold_out')}."
        )
    if "validation" in parts:
        held_out = parts["validation"], train
    elif options.hold_out:
        alone = int(train.is_alone.sum())
        train, held_out = _hold_out(train, options)
    evaluation = None
    if not options.no_evaluation:
        evaluation = parts["query"], parts["database"]
    kinds = (str, os.PathLike)
    paths = isinstance(train.images, list) and isinstance(train.images[0], kinds)
    return TrainingData(
        train,
        held_out,
        evaluation,
        digest,
        lists=parts if paths and not _is_lists(options.data) else None,
        unlabelled=int((~labelled).sum()),
        split=split,
        seed=options.seed,
        alone=alone,
    )


def hold_queries_out(data: TrainingData, share: float, seed: int) -> TrainingData:
    """Holds out a share of the training images as queries against the others."""
    alone = data.train.is_alone
    train, queries = data.train.hold_out(share, seed, keep=alone)
    held_out = queries, train
    return replace(data, train=train, held_out=held_out, alone=int(alone.sum()))


def _is_lists(data) -> bool:
    is_path = isinstance(data, (str, os.PathLike))
    return is_path and os.path.isdir(data) and holds_lists(data)


def _read_parts(
    options: TrainingOptions,
) -> tuple[dict[str, ImageSet], list[str] | None]:
    """Reads the parts of the data; also returns the split if it had to be made.

    The parts include `"train"`, and unless nothing is evaluated, queries and database.
    """
    data = options.data
    if isinstance(data, Splits):
        parts = {"train": data.train, "query": data.query, "database": data.database}
        check_apart(parts)
        return parts, None
    columns = {name: getattr(options, name) for name in OF_TABLES}
    if _is_lists(data):
        names = ["train"] if options.no_evaluation else ["train", "query", "database"]
        if os.path.isfile(os.path.join(data, "validation.txt")):
            names.append("validation")
        return read_parts_of_lists(data, names, **columns), None
    if not isinstance(data, ImageSet):
        data = read_images(data, **columns, verify_images=False)
    split = None
    if data.split is None and not options.no_evaluation:
        data = split_images(data, seed=options.seed)  # It reads every image.
        split = data.split
    else:
        check_readable(data.images)
    parts = {"train": data} if data.split is None else parts_of(data)
    needed = {"train"} if options.no_evaluation else {"train", "query", "database"}
    if missing := sorted(needed - parts.keys()):
        raise ValueError(
            "The data must have images to train on, queries and a database, such as "
            "folders train and test, or values in the column of the split. "
            f"Received: none for {' and '.join(missing)}. Without queries, give "
            f"`{options.named('no_evaluation')}`."
        )
    return parts, split


def _check_labels(train: ImageSet) -> None:
    if np.count_nonzero(train.labels.any(axis=0)) < 2:
        raise ValueError(
            "Training needs images of at least two labels, to tell them apart. "
            f"Received: {train}. If each class has a folder, give the folder that "
            "holds the class folders."
        )


def _hold_out(
    train: ImageSet, options: TrainingOptions
) -> tuple[ImageSet, tuple[ImageSet, ImageSet]]:
    """Holds images out: returns the other training images, and the held-out ones.

    A fifth of the held-out images are queries, the others are the database.
    """
    try:
        train, images = train.hold_out(
            options.hold_out, options.seed, keep=train.is_alone
        )
        return train, images.hold_out(0.8, options.seed)
    except ValueError:
        raise ValueError(
            f"`{options.named('hold_out')}` must hold out enough for queries and a "
            "database, a few images of each class. "
            f"Received: {options.given('hold_out')}, {len(train)} images."
        ) from None


def _digest(images: ImageSet) -> str:
    """Identifies an image set by its paths below a common folder, pixels and labels."""
    digest = hashlib.sha256()
    if isinstance(images.images, np.ndarray):
        digest.update(np.ascontiguousarray(images.images).tobytes())
    elif all(isinstance(image, (str, os.PathLike)) for image in images.images):
        paths = [os.path.abspath(image) for image in images.images]
        root = os.path.commonpath({os.path.dirname(path) for path in paths})
        names = [os.path.relpath(path, root) for path in paths]
        digest.update("\n".join(names).encode(errors="surrogateescape"))
    else:
        for image in images.images:
            content = image if isinstance(image, bytes) else repr(image).encode()
            digest.update(hashlib.sha256(content).digest())
    digest.update(np.ascontiguousarray(images.labels).tobytes())
    return digest.hexdigest()
