"""The parts of a data set, and the images that two of them must not share."""

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.overlaps import real_paths, shared
from keras_deephash.datasets.split_names import PARTS
from keras_deephash.text import count, printable

# Parts that must not share images: the training images may be in the database.
_APART = (
    ("train", "query"),
    ("query", "database"),
    ("train", "validation"),
    ("validation", "query"),
    ("validation", "database"),
)
_SHOWN = 3


def parts_of(images: ImageSet) -> dict[str, ImageSet]:
    """Returns the parts of a set by its `split`.

    Without queries the validation images are the queries, and without a database the
    training images are the database.

    Args:
        images: `ImageSet` with a `split`.

    Returns:
        dict of `"train"`, `"validation"`, `"query"` and `"database"`, if they exist, to
        an `ImageSet`.

    Raises:
        ValueError: as for `check_apart`.
    """
    rows: dict[str, list[int]] = {}
    for number, part in enumerate(images.split):
        rows.setdefault(part, []).append(number)
    if "query" not in rows and "validation" in rows:
        rows["query"] = rows.pop("validation")
    found = {part: images.subset(rows[part]) for part in PARTS if part in rows}
    found = {part: replace(images, split=None) for part, images in found.items()}
    check_apart(found)
    if "train" in found:
        found.setdefault("database", found["train"])
    return found


def check_apart(parts: Mapping[str, ImageSet]) -> None:
    """Looks for images that two parts share, which would make the figures too good.

    The training images may be a part of the database. Files are compared by their
    bytes; `check_splits` compares pixels.

    Args:
        parts: dict of `"train"`, `"validation"`, `"query"` and `"database"`, if they
            exist, to an `ImageSet`.

    Raises:
        ValueError: if a file is in two parts. Equal contents of two files, or of images
            in memory, give a warning.
    """
    parts = dict(parts)
    if parts.get("database") is parts.get("train"):  # Compared once.
        parts.pop("database", None)
    pairs = [pair for pair in _APART if parts.keys() >= set(pair)]
    paths = {name: real_paths(images) for name, images in parts.items()}
    for one, other in pairs:
        found = shared(parts[one], paths[one], parts[other], paths[other])
        if found:
            raise ValueError(
                f"An image must not be in {one} and {other}: take it out of one of "
                f"them. Received: {len(found)} in both, {_listed(found, one, other)}."
            )
    contents = _contents(parts)
    for one, other in pairs:
        found = shared(parts[one], contents[one], parts[other], contents[other])
        if found:
            warnings.warn(
                f"{one} and {other} share {count(len(found), 'image')}, copies of one "
                f"another: {_listed(found, one, other)}. The figures of an evaluation "
                "will be too good. Nothing is left out.",
                stacklevel=3,
            )


def _listed(pairs: list[tuple[str, str]], one: str, other: str) -> str:
    """Lists the first pairs of names; an image in memory by number and part."""

    def named(name: str, part: str) -> str:
        in_memory = name.startswith("image ") and name[6:].isdecimal()
        return f"{name} of {part}" if in_memory else repr(printable(name))

    shown = [
        " and ".join(dict.fromkeys([named(first, one), named(second, other)]))
        for first, second in pairs[:_SHOWN]
    ]
    more = [f"{len(pairs) - _SHOWN} more"] if len(pairs) > _SHOWN else []
    return ", ".join(shown + more)


def _contents(parts: Mapping[str, ImageSet]) -> dict[str, list]:
    """Returns a key for each image of each part: a digest of its content, or its path.

    Only files that have the size of another file are read.
    """
    keys = {
        name: [os.fspath(i) if _is_path(i) else _digest(i) for i in each.images]
        for name, each in parts.items()
    }
    paths = {key for each in keys.values() for key in each if isinstance(key, str)}
    sizes = {path: os.path.getsize(path) for path in paths}
    files = Counter(sizes.values())
    contents = {path: _digest(path) for path in paths if files[sizes[path]] > 1}
    return {
        name: [contents.get(key, key) for key in each] for name, each in keys.items()
    }


def _is_path(image) -> bool:
    return isinstance(image, (str, os.PathLike))


def _digest(image) -> bytes:
    """Returns a digest of the bytes of a file, or the pixels of an image in memory."""
    if _is_path(image):
        with open(image, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    if not isinstance(image, bytes):
        pixels = np.asarray(image)
        image = f"{pixels.dtype}{pixels.shape}".encode() + pixels.tobytes()
    return hashlib.sha256(image).digest()
