"""A folder of images with one sub-folder for each class."""

import os
import warnings
from collections import Counter

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.label_names import multi_hot_of_names
from keras_deephash.datasets.readable import check_readable
from keras_deephash.datasets.split_names import known_names, part_of
from keras_deephash.images import EXTENSIONS, describe_others, list_folder
from keras_deephash.text import printable

# Folders that macOS adds to archives.
_IGNORED = {"__MACOSX"}
_SHOWN = 5


def from_folder(folder: str | os.PathLike, verify_images: bool = True) -> ImageSet:
    """Lists the images of a folder, with its sub-folders as labels.

    A sub-folder is a class, and all images below it belong to that class, at any
    depth. Alternatively, the sub-folders are the parts of the data set, and each holds
    the folders of the classes:

    - `train` or `training`;
    - `val`, `valid`, `validation` or `dev`;
    - `test`, `query` or `queries`: the queries;
    - `database` or `gallery`. Without it, the queries search the training images.

    Links to files and folders are followed. Folders whose names begin with a dot are
    skipped; files that are not images are reported in a warning.

    Args:
        folder: str.
        verify_images: bool. Whether to decode every image now, so that a damaged
            one is found before the training. Defaults to `True`.

    Returns:
        An `ImageSet` of absolute paths; its `label_names` are the names of the
        classes, sorted, and its `split` is None if there are no folders of parts.

    Raises:
        ValueError: if there is no class folder, if images lie beside class folders, if
            a class has no images, if names differ only in case, or if images cannot be
            read.

    Example:

    >>> data = from_folder("birds")
    >>> data.label_names
    ['robin', 'wren']
    """
    folder = os.path.abspath(os.fspath(folder))
    if not os.path.isdir(folder):
        raise ValueError(f"There is no such folder. Received: {folder!r}.")
    others: Counter = Counter()
    # A part may lack a class, but not all parts.
    empty: dict[str, str] = {}
    paths, rows, split = [], [], []
    for part, place in _parts(folder).items():
        for name, found in _classes(place, others, empty).items():
            paths += found
            rows += [[name]] * len(found)
            split += [part] * len(found)
    names = {name for (name,) in rows}
    if without := [name for name in empty if name not in names]:
        raise ValueError(
            f"Every class must have an image, and {_listed(without)} have none: add "
            f"images, or remove the folder. {empty[without[0]]}"
        )
    labels, names = multi_hot_of_names(rows)
    if others:
        warnings.warn(f"{folder}: {describe_others(others)}", stacklevel=2)
    if verify_images:
        check_readable(paths)
    # If there are only training images, there is no split yet.
    has_split = not {None, "train"}.issuperset(split)
    return ImageSet(paths, labels, names, split if has_split else None)


def _parts(folder: str) -> dict[str | None, str]:
    """Returns the folders of the parts of a data set.

    Without parts, returns the folder of the classes under the key None.
    """
    folders = _sub_folders(folder)
    named = {name: part for name in folders if (part := part_of(name))}
    deep = [
        name
        for name in named
        if _sub_folders(folders[name]) and not _images_in(folders[name])
    ]
    if not deep:
        if len(named) > 1 and len(named) == len(folders):
            raise ValueError(
                "A folder of a part of a data set must hold one folder for each class. "
                f"Received: {folder!r}, where {_listed(named)} have none."
            )
        return {None: folder}
    strange = [name for name in folders if name not in named]
    if strange:
        raise ValueError(
            f"The folders in {folder!r} must be parts of a data set or classes, not "
            f"both. Received: {_listed(named)} and {_listed(strange)}. The names of "
            f"parts are {known_names()}."
        )
    twice = [part for part, count in Counter(named.values()).items() if count > 1]
    if twice:
        which = [name for name, part in named.items() if part == twice[0]]
        raise ValueError(
            "Two folders must not be the same part of a data set. "
            f"Received: {folder!r}, where {_listed(which)} are the {twice[0]} images."
        )
    if beside := _images_in(folder):
        raise ValueError(_mixed(folder, beside))
    return {part: folders[name] for name, part in named.items()}


def _classes(
    folder: str, others: Counter, empty: dict[str, str]
) -> dict[str, list[str]]:
    """Returns the images of each class folder.

    Counts other files in `others`, and adds errors of classes without images to
    `empty`.
    """
    folders = _sub_folders(folder)
    beside = _images_in(folder)
    if not folders:
        has = f"{len(beside)} images, but no folder" if beside else "no folder"
        raise ValueError(
            "A folder must hold one folder for each class, `birds/robin/1.jpg`. "
            f"Received: {folder!r}, which holds {has}. If the labels are in a table, "
            "use `from_table`."
        )
    if beside:
        raise ValueError(_mixed(folder, beside))
    classes = {}
    for name, path in folders.items():
        try:
            classes[name], found = list_folder(path)
        except ValueError as error:  # It holds no image.
            empty[name] = str(error)
        else:
            others.update(found)
    return classes


def _mixed(folder: str, beside: list[str]) -> str:
    return (
        "Images must lie in the folder of their class. Received: "
        f"{len(beside)} images beside the folders in {folder!r}, such as "
        f"{printable(beside[0])!r}. Move them into one of the folders, or elsewhere."
    )


def _sub_folders(folder: str) -> dict[str, str]:
    """Returns name and path of the folders in a folder, links to folders included."""
    return {
        name: os.path.join(folder, name)
        for name in sorted(os.listdir(folder))
        if not name.startswith(".")
        and name not in _IGNORED
        and os.path.isdir(os.path.join(folder, name))
    }


def _images_in(folder: str) -> list[str]:
    """Returns the names of the images directly in a folder."""
    return [
        name
        for name in sorted(os.listdir(folder))
        if name.lower().endswith(EXTENSIONS)
        and not name.startswith("._")
        and os.path.isfile(os.path.join(folder, name))
    ]


def _listed(names) -> str:
    names = [repr(printable(name)) for name in names]
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join(names[:_SHOWN] + more)
