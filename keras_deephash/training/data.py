"""The image sets of a training."""

import hashlib
import os
from dataclasses import dataclass, replace

import numpy as np

from keras_deephash.datasets import ImageSet, Splits, read_lists, split_images
from keras_deephash.datasets.parts import parts_of
from keras_deephash.datasets.readable import check_readable
from keras_deephash.datasets.sources import holds_lists, read_images
from keras_deephash.training.option_checks import find_method
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
        lists: dict of the parts of the data by name, to be written as lists where the
            training has an output; or `None`, of data that are lists already or no
            files.
        unlabelled: int. Training images without a label, which are left out.
    """

    train: ImageSet
    held_out: tuple[ImageSet, ImageSet] | None
    evaluation: tuple[ImageSet, ImageSet] | None
    digest: str
    lists: dict[str, ImageSet] | None = None
    unlabelled: int = 0

    def __str__(self) -> str:
        """What is learned from, held out and evaluated, a line each."""
        lines = [f"Training: {self.train}"]
        if self.unlabelled:
            lines.append(f"{self.unlabelled} images without a label are left out of it")
        if self.held_out:
            query, database = self.held_out
            lines.append(f"Held out: {len(query)} queries against {len(database)}")
        if self.evaluation:
            query, database = self.evaluation
            lines.append(f"Evaluation: {len(query)} queries against {len(database)}")
        return "\n".join(lines)

    @property
    def held_out_count(self) -> int:
        """Images that are kept out of the training, as queries or as their database."""
        parts = self.held_out or ()
        return sum(len(part) for part in parts if part is not self.train)


def read_data(options: TrainingOptions) -> TrainingData:
    """Reads and checks all data: what is wrong must not show after the training.

    Raises:
        ValueError: for data that cannot be used, and for a share of held-out images
            that is too small.
    """
    parts = _read_parts(options)
    train = parts["train"]
    digest = _digest(train)
    labelled = train.is_labelled
    if find_method(options).is_closed_form:  # It learns from images alone.
        labelled = np.ones(len(train), bool)
    else:
        _check_labels(train)
    held_out = None
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
        train, images = train.hold_out(options.hold_out, options.seed)
        held_out = _split_held_out(images, options)
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
    )


def hold_queries_out(data: TrainingData, share: float, seed: int) -> TrainingData:
    """The data with a share of the training images as queries against the others."""
    train, queries = data.train.hold_out(share, seed)
    return replace(data, train=train, held_out=(queries, train))


def _is_lists(data) -> bool:
    is_path = isinstance(data, (str, os.PathLike))
    return is_path and os.path.isdir(data) and holds_lists(data)


def _read_parts(options: TrainingOptions) -> dict[str, ImageSet]:
    """The parts of the data, `"train"` among them; queries and database too, unless
    nothing is evaluated."""
    data = options.data
    if isinstance(data, Splits):
        return {"train": data.train, "query": data.query, "database": data.database}
    if _is_lists(data):
        names = {"train": "train", "query": "test", "database": "database"}
        if options.no_evaluation:
            names = {"train": "train"}
        if os.path.isfile(os.path.join(data, "validation.txt")):
            names["validation"] = "validation"
        sets = read_lists(data, list(names.values()))
        return dict(zip(names, sets, strict=True))
    if not isinstance(data, ImageSet):
        columns = {
            name: getattr(options, name)
            for name in ("path_column", "label_column", "split_column", "separator")
        }
        data = read_images(data, **columns, verify_images=False)
    if data.split is None and not options.no_evaluation:
        data = split_images(data, seed=options.seed)  # It reads every image.
    else:
        check_readable(data.images)
    parts = {"train": data} if data.split is None else parts_of(data)
    needed = {"train"} if options.no_evaluation else {"train", "query", "database"}
    if missing := sorted(needed - parts.keys()):
        raise ValueError(
            "The data must have images to train on, queries and a database: folders "
            "train and test, say, or values in the column of the split. "
            f"Received: none for {' and '.join(missing)}. Without queries, give "
            f"`{options.named('no_evaluation')}`."
        )
    return parts


def _check_labels(train: ImageSet) -> None:
    count = np.count_nonzero(train.labels.any(axis=0))
    if count < 2:
        raise ValueError(
            "Training needs images of at least two labels, to tell them apart. "
            f"Received: {train}. Where each class has a folder, name the folder that "
            "holds those folders."
        )


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


def _digest(images: ImageSet) -> str:
    """Tells image sets apart: paths below their common folder, or pixels; labels."""
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
