"""A set of labelled images, in files or in memory."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_deephash.datasets.label_names import check_label_names
from keras_deephash.datasets.split_names import PARTS
from keras_deephash.text import printable

# The accepted forms of labels, which every error about them quotes.
LABEL_FORMS = (
    "Labels must be class indices, ints [n], such as [2, 0] (-1: no label); or "
    "one-hot, [n, L], such as [[0, 0, 1], [1, 0, 0]]; or multi-hot, [n, L], such as "
    "[[0, 1, 1], [0, 0, 0]]"
)
_OF_IMAGE_SETS = (
    f"{LABEL_FORMS}. An `ImageSet` takes the last two; `keras.utils.to_categorical` "
    "makes class indices one-hot"
)
_LABELS_SHOWN = 8


def is_multi_hot(labels: np.ndarray) -> bool:
    """Returns whether labels are only 0 and 1."""
    if labels.dtype.kind in "iu" and labels.size:
        # `np.isin` would take a dozen times the memory of the labels.
        return bool(labels.min() >= 0 and labels.max() <= 1)
    return bool(np.isin(labels, (0, 1)).all())


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and their multi-hot labels.

    Attributes:
        images: list of paths, or uint8 array [n, h, w, 3]; or a sequence of items that
            `read_image` accepts, with a method `take(indices)`.
        labels: array [n, L], multi-hot, usually uint8; a row of zeros means no label.
        label_names: list of L strings, or None.
        split: list of n strings, the part of each image: `"train"`, `"validation"`,
            `"query"` or `"database"`; or None.

    Example:

    >>> images = read_image_list("cifar10/train.txt")
    >>> model.encode(images.images), images.labels
    """

    images: list[str] | np.ndarray | Sequence
    labels: np.ndarray
    label_names: list[str] | None = None
    split: list[str] | None = None

    def __post_init__(self):
        if len(self.images) != len(self.labels):
            raise ValueError(
                "`images` and `labels` must have the same length. "
                f"Received: {len(self.images)} images, {len(self.labels)} labels."
            )
        labels = np.asarray(self.labels)
        if labels.ndim != 2 or labels.dtype.kind not in "biuf":
            raise ValueError(
                f"`labels` must be multi-hot numbers, [n, L]. {_OF_IMAGE_SETS}. "
                f"Received: {labels.dtype} of shape {labels.shape}."
            )
        object.__setattr__(self, "labels", labels)
        # Floats may be other targets.
        if labels.dtype.kind in "biu" and not is_multi_hot(labels):
            raise ValueError(
                f"`labels` must be multi-hot, with only 0 and 1. {_OF_IMAGE_SETS}. "
                f"Received: values from {labels.min()} to {labels.max()}."
            )
        names = self.label_names
        if names is not None and len(names) != labels.shape[1]:
            raise ValueError(
                "`label_names` must name every column of `labels`. "
                f"Received: {len(names)} names, {labels.shape[1]} columns."
            )
        if names is not None:
            object.__setattr__(self, "label_names", check_label_names(names))
        if self.split is not None:
            split = [str(part) for part in self.split]
            unknown = sorted(set(split) - PARTS.keys())
            if unknown or len(split) != len(labels):
                raise ValueError(
                    f"`split` must be one of {', '.join(PARTS)} for each image. "
                    f"Received: {unknown[0] if unknown else f'{len(split)} values'!r}."
                )
            object.__setattr__(self, "split", split)

    def __len__(self) -> int:
        return len(self.images)

    def __str__(self) -> str:
        """Describes the number of images, and of those of each label and part."""
        columns = self.labels.shape[1]
        counts = np.count_nonzero(self.labels, axis=0)
        names = self.label_names or [f"label {n}" for n in range(columns)]
        shown = [
            f"{printable(name)} {count}"
            for name, count in zip(names[:_LABELS_SHOWN], counts, strict=False)
        ]
        shown += ["..."] if columns > len(shown) else []
        text = f"{len(self)} images, {columns} labels ({', '.join(shown)})"
        if without := len(self) - int(self.is_labelled.sum()):
            text += (
                f"; {without} have no label: they are similar to no other image, and "
                "`keras_deephash.train` leaves them out if the method needs labels"
            )
        if self.split is not None:
            parts = [
                f"{part} {self.split.count(part)}"
                for part in PARTS
                if part in self.split
            ]
            text += f"; split: {', '.join(parts)}"
        return text

    @property
    def is_labelled(self) -> np.ndarray:
        """Bools [n], True for images with a label."""
        return self.labels.any(axis=1)

    @property
    def is_alone(self) -> np.ndarray:
        """Bools [n], True for images with a label that no other image has."""
        labels = self.labels.astype(bool, copy=False)
        return labels[:, np.count_nonzero(labels, axis=0) == 1].any(axis=1)

    def subset(self, indices) -> "ImageSet":
        """Returns the images at the given indices, in that order, or of a mask.

        Args:
            indices: ints [k] from -n to n - 1, or bools [n].

        Returns:
            `ImageSet`.
        """
        indices = np.asarray(indices)
        if indices.dtype == bool and indices.shape == (len(self),):
            indices = np.flatnonzero(indices)
        if indices.ndim != 1 or (indices.dtype.kind not in "iu" and indices.size):
            raise ValueError(
                f"`indices` must be ints, or bools of length {len(self)}. "
                f"Received: {indices.dtype} of shape {indices.shape}."
            )
        if indices.size and not -len(self) <= indices.min() <= indices.max() < len(
            self
        ):
            raise ValueError(
                f"`indices` must be indices of {len(self)} images. Received: "
                f"indices from {indices.min()} to {indices.max()}."
            )
        indices = indices.astype(np.int64)
        if isinstance(self.images, np.ndarray):
            images = self.images[indices]
        elif hasattr(self.images, "take"):  # Otherwise all would be decoded now.
            images = self.images.take(indices)
        else:
            images = [self.images[i] for i in indices]
        split = self.split and [self.split[i] for i in indices]
        return ImageSet(images, self.labels[indices], self.label_names, split)

    def hold_out(
        self, share: float, seed: int = 0, keep: np.ndarray | None = None
    ) -> tuple["ImageSet", "ImageSet"]:
        """Splits off a random share of the images, for example to choose settings.

        The same share is drawn from the images of each first label. If that is not a
        whole number of images, random labels give one image more.

        Args:
            share: float between 0 and 1.
            seed: int. Defaults to `0`.
            keep: bools [n], True for images that must not be drawn, such as `is_alone`.
                Defaults to `None`: any image may be drawn.

        Returns:
            Tuple of two `ImageSet`s: what is left, and what was held out.
        """
        if not 0 < share < 1:
            raise ValueError(
                f"`share` must lie between 0 and 1. Received: share={share}."
            )
        generator = np.random.default_rng(seed)
        first_labels = np.argmax(self.labels, axis=1)
        if keep is not None:
            first_labels = np.where(keep, -1, first_labels)
        members = [
            generator.permutation(np.flatnonzero(first_labels == label))
            for label in np.unique(first_labels[first_labels >= 0])
        ]
        counts = _whole_shares(share, [len(m) for m in members], generator)
        chosen = [m[:count] for m, count in zip(members, counts, strict=True)]
        held = np.sort(np.concatenate([np.empty(0, np.int64), *chosen]))
        rest = np.setdiff1d(np.arange(len(self)), held)
        if not (len(held) and len(rest)):
            raise ValueError(
                "`share` must leave images on both sides: choose another, or take "
                f"more images. Received: share={share}, {len(held)} of {len(self)} "
                "images held out."
            )
        return self.subset(rest), self.subset(held)

    def name_of(self, index: int) -> str:
        """Returns a name of an image for messages: its path, or its index."""
        image = self.images[index]
        is_path = isinstance(image, (str, os.PathLike))
        return os.fspath(image) if is_path else f"image {index}"


def _whole_shares(share: float, sizes: list[int], generator) -> np.ndarray:
    """Returns whole shares of each size, which add up to the share of their sum."""
    exact = share * np.asarray(sizes, np.float64)
    # The tolerance is for rounding errors of whole numbers.
    counts = np.floor(exact + 1e-9).astype(np.int64)
    missing = round(share * sum(sizes)) - counts.sum()
    order = generator.permutation(len(sizes))
    largest_first = order[np.argsort(-(exact - counts)[order], kind="stable")]
    counts[largest_first[:missing]] += 1
    return counts
