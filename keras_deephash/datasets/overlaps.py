"""Images that train, query and database share."""

import hashlib
import os
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.images import read_image


@dataclass(frozen=True)
class Overlap:
    """Images that two splits share.

    Attributes:
        splits: tuple of two names, such as `("query", "database")`.
        by: `"path"` or `"content"`.
        pairs: list of pairs of image names, one from each split.
    """

    splits: tuple[str, str]
    by: str
    pairs: list[tuple[str, str]]


@dataclass(frozen=True)
class SplitReport:
    """The findings of `check_splits`.

    Attributes:
        overlaps: list of `Overlap`; empty if the splits are disjoint.
        splits: tuple of the names of the splits that were compared.
    """

    overlaps: list[Overlap] = field(default_factory=list)
    splits: tuple[str, ...] = ("train", "query", "database")

    @property
    def ok(self) -> bool:
        """Whether no image is in two splits."""
        return not self.overlaps

    def __str__(self) -> str:
        if self.ok:
            *first, last = self.splits
            return f"{', '.join(first)} and {last} are disjoint"
        return "\n".join(
            f"{overlap.splits[0]} and {overlap.splits[1]} share "
            f"{len(overlap.pairs)} images by {overlap.by}, such as "
            f"{overlap.pairs[0][0]} and {overlap.pairs[0][1]}"
            for overlap in self.overlaps
        )


def check_splits(
    train: ImageSet | None = None,
    query: ImageSet | None = None,
    database: ImageSet | None = None,
) -> SplitReport:
    """Looks for images that are in two of train, query and database.

    Args:
        train: `ImageSet`. Defaults to `None`, not checked, like the other two.
        query: `ImageSet`.
        database: `ImageSet`. In some protocols the training images are a part of
            the database: leave `train` out then.

    Returns:
        A `SplitReport` of overlaps by path and by content (equal pixels, whatever
        the file is called); `report.ok` is True if there are none.

    Raises:
        ValueError: for fewer than two sets.

    Example:

    >>> print(check_splits(*cifar10("data/cifar10")))
    train, query and database are disjoint
    """
    sets = {"train": train, "query": query, "database": database}
    sets = {name: images for name, images in sets.items() if images is not None}
    if len(sets) < 2:
        raise ValueError(
            "Give at least two of `train`, `query` and `database`. "
            f"Received: {len(sets)}."
        )
    overlaps = []
    for by, keys_of in (("path", real_paths), ("content", _digests)):
        keys = {name: keys_of(images) for name, images in sets.items()}
        for one, other in combinations(sets, 2):
            pairs = shared(sets[one], keys[one], sets[other], keys[other])
            if pairs:
                overlaps.append(Overlap((one, other), by, pairs))
    return SplitReport(overlaps, tuple(sets))


def shared(
    one: ImageSet,
    keys: Sequence[Hashable],
    other: ImageSet,
    other_keys: Sequence[Hashable],
) -> list[tuple[str, str]]:
    """Returns the names of the images of two sets that have the same key.

    Args:
        one, other: `ImageSet`.
        keys, other_keys: lists of keys of their images; a key of None matches nothing.

    Returns:
        list of pairs of names, one of each set.
    """
    first: dict = {}
    for number, key in enumerate(keys):
        first.setdefault(key, number)
    return [
        (one.name_of(first[key]), other.name_of(number))
        for number, key in enumerate(other_keys)
        if key is not None and key in first
    ]


def real_paths(images: ImageSet) -> list[str | None]:
    """Returns the files of images, following links; None for an image in memory."""
    return [
        os.path.realpath(image) if isinstance(image, (str, os.PathLike)) else None
        for image in images.images
    ]


def _digests(images: ImageSet) -> list[bytes]:
    def digest(image):
        pixels = read_image(image)
        return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()

    with ThreadPoolExecutor() as readers:
        return list(readers.map(digest, images.images, chunksize=64))
