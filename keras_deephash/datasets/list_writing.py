"""Writing image sets as list files."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.list_file import LABELS_FILE, ROOT_FILE, split_line
from keras_deephash.datasets.split_names import PARTS
from keras_deephash.files import write_atomically
from keras_deephash.text import printable

LIST_FILES = tuple(f"{name}.txt" for name in PARTS.values())
INDEX_FILES = tuple(f"{part}_indices.txt" for part in PARTS)


def write_lists(
    parts: Mapping[str, ImageSet],
    directory: str | os.PathLike,
    root: str | os.PathLike | None = None,
) -> None:
    """Writes the lists of the parts of a data set, and the names of its labels.

    Lists of an earlier call are replaced, and those of other parts removed. If the
    images do not lie in `directory`, `root.txt` in it names their directory.

    Args:
        parts: dict of `"train"`, `"validation"`, `"query"` or `"database"` to an
            `ImageSet` of paths. The queries are `test.txt`.
        directory: str. Created if it does not exist.
        root: str. The directory that the paths in the lists are relative to. Defaults
            to the images' common directory.

    Raises:
        ValueError: if images are not files, or if a path cannot be written in a list.

    Example:

    >>> write_lists({"train": train, "query": query, "database": database}, "lists")
    """
    paths = [image for images in parts.values() for image in images.images]
    if not all(isinstance(path, (str, os.PathLike)) for path in paths):
        raise ValueError(
            "Lists hold paths, and these images are not files: save the images, or "
            "keep the seed of the split."
        )
    directory = os.path.abspath(directory)
    root = _common_folder(paths) if root is None else os.path.abspath(root)
    single = all((x.labels.sum(axis=1) <= 1).all() for x in parts.values())
    # All contents are checked before any file is written.
    contents = {
        f"{PARTS[part]}.txt": _lines(images, root, single)
        for part, images in parts.items()
    }
    names = next(iter(parts.values())).label_names
    contents[LABELS_FILE] = names
    contents[ROOT_FILE] = None if root == directory else [_place_of(root, directory)]
    _write(directory, contents)


def write_indices(split: Sequence[str], directory: str | os.PathLike) -> None:
    """Writes the indices of the images of each part, for images that are not files.

    `PART_indices.txt` has the index of an image on each line, from 0. Lists of an
    earlier call are removed.

    Args:
        split: list of str, the part of each image, as `ImageSet.split`.
        directory: str. Created if it does not exist.

    Example:

    >>> write_indices(split_images(data).split, "lists")
    >>> data.subset(np.loadtxt("lists/query_indices.txt", int))
    """
    contents: dict[str, list] = {}
    for number, part in enumerate(split):
        contents.setdefault(f"{part}_indices.txt", []).append(number)
    _write(os.path.abspath(directory), contents)


def _write(directory: str, contents: Mapping[str, list | None]) -> None:
    """Writes the lines of files, and removes those of an earlier call."""
    for name in (*LIST_FILES, *INDEX_FILES, LABELS_FILE, ROOT_FILE):
        path = os.path.join(directory, name)
        if contents.get(name) is not None:
            with write_atomically(path) as file:
                file.write("".join(f"{line}\n" for line in contents[name]).encode())
        elif os.path.isfile(path):
            os.remove(path)


def _lines(images: ImageSet, root: str, single: bool) -> list[str]:
    if single:
        classes = np.argmax(images.labels, axis=1)
        words = np.where(images.is_labelled, classes, -1).astype(str)
    else:
        words = [" ".join(row) for row in images.labels.astype(int).astype(str)]
    lines = []
    for path, labels in zip(images.images, words, strict=True):
        name = os.path.relpath(path, root).replace(os.sep, "/")
        line = f"{name} {labels}"
        plain = len(line.splitlines()) == 1 and printable(name) == name
        if not plain or split_line(line.strip())[0] != name:
            raise ValueError(
                "A line of a list cannot hold the path of this image: rename it. "
                f"Received: {printable(os.fspath(path))!r}."
            )
        lines.append(line)
    return lines


def _common_folder(paths: list) -> str:
    folders = {os.path.dirname(os.path.abspath(path)) for path in paths}
    try:
        return os.path.commonpath(folders)
    except ValueError:
        raise ValueError(
            "The images must lie below one directory. Received: several drives."
        ) from None


def _place_of(root: str, directory: str) -> str:
    """Returns a relative path if both may be moved together, else the absolute one."""
    parent = os.path.dirname(directory)
    with suppress(ValueError):  # Of different drives.
        if os.path.commonpath([parent, root]) in (parent, root):
            return os.path.relpath(root, directory)
    return root
