"""The parts of a data set whose images say which part they are given to."""

import hashlib
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.split_names import PARTS
from keras_deephash.text import printable

# What must not share images: the training images may be a part of the database.
_APART = (("train", "query"), ("query", "database"), ("train", "validation"))


def parts_of(images: ImageSet) -> dict[str, ImageSet]:
    """The parts of a set by its `split`.

    Without queries the validation images are the queries, and without a database the
    training images are searched.

    Args:
        images: `ImageSet` with a `split`.

    Returns:
        dict of `"train"`, `"validation"`, `"query"`, `"database"`, those there are.

    Raises:
        ValueError: for a file that is in two parts. Equal contents in two files are a
            warning.
    """
    rows: dict[str, list[int]] = {}
    for number, part in enumerate(images.split):
        rows.setdefault(part, []).append(number)
    if "query" not in rows and "validation" in rows:
        rows["query"] = rows.pop("validation")
    found = {part: images.subset(rows[part]) for part in PARTS if part in rows}
    for one, other in _APART:
        if one in found and other in found:
            _check_apart(one, found[one].images, other, found[other].images)
    if "train" in found:
        found.setdefault("database", found["train"])
    return {part: replace(images, split=None) for part, images in found.items()}


def _check_apart(one: str, images: Sequence, other: str, others: Sequence) -> None:
    if not (_are_paths(images) and _are_paths(others)):
        return  # Images in memory: `check_splits` compares pixels.
    for same, keys_of in ((True, _real_paths), (False, _contents)):
        keys = keys_of([*images, *others])
        first = dict(zip(keys, images, strict=False))
        pairs = [
            (first[key], path)
            for key, path in zip(keys[len(images) :], others, strict=True)
            if key in first
        ]
        if not pairs:
            continue
        shown = " and ".join(repr(printable(os.fspath(path))) for path in pairs[0])
        if same:
            raise ValueError(
                f"An image must not be in {one} and {other}. "
                f"Received: {len(pairs)} that are, such as {shown}."
            )
        warnings.warn(
            f"{len(pairs)} images of {other} are copies of images of {one}, such as "
            f"{shown}: the figures of an evaluation will be better than they should. "
            "They stay where they are.",
            stacklevel=3,
        )


def _are_paths(images: Sequence) -> bool:
    kinds = (str, os.PathLike)
    return isinstance(images, list) and all(isinstance(each, kinds) for each in images)


def _real_paths(paths: list[str]) -> list[str]:
    return [os.path.realpath(path) for path in paths]


def _contents(paths: list[str]) -> list:
    """The contents of files, of those alone that are as long as another one."""
    sizes = [os.path.getsize(path) for path in paths]
    seen, twice = set(), set()
    for size in sizes:
        (twice if size in seen else seen).add(size)
    return [
        _digest(path) if size in twice else path
        for path, size in zip(paths, sizes, strict=True)
    ]


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
