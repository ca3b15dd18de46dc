"""List files, which hold the path and the labels of an image on each line."""

import codecs
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.label_names import MOST_CLASSES
from keras_deephash.images import read_image

# Beside a list: the names of its labels, and where its images lie.
LABELS_FILE, ROOT_FILE = "labels.txt", "root.txt"

_NO_LABEL = "-1"
_MOST_DIGITS = 9  # In a label.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # Before that of UTF-16, which is its beginning.
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_image_list(
    list_file: str | os.PathLike,
    root: str | os.PathLike | None = None,
    label_names: list[str] | None = None,
    classes: int | None = None,
    verify_images: bool = True,
) -> ImageSet:
    """Reads a list file and checks every line of it.

    A line is `relative/path 0 1 0 ...`, one 0 or 1 for each label, or
    `relative/path class_index`: a single number is always the index of a class, and
    -1 is an image without one. Empty lines are left out.

    Args:
        list_file: str. The list, UTF-8 text; UTF-16 with a byte-order mark is read too.
        root: str. The directory that paths are relative to; absolute paths must lie
            below it. Defaults to the directory that `root.txt` beside the list names,
            if there is such a file, else the list's own directory.
        label_names: list of str. Defaults to the lines of `labels.txt` beside the
            list, if there is such a file.
        classes: int. Number of classes, for a list of class indices. Defaults to the
            number of label names, else the largest index + 1.
        verify_images: bool. Whether to decode every image now, so that a damaged
            one is found before the training. Defaults to `True`.

    Returns:
        An `ImageSet` of absolute paths.

    Raises:
        ValueError: for an empty list, a malformed line, a missing or unreadable image,
            labels of unequal length, or a path that occurs twice or leaves the root;
            the error names the file and the line.

    Example:

    >>> train = read_image_list("cifar10/train.txt")
    >>> len(train), train.labels.shape
    (5000, (5000, 10))
    """
    list_file = os.fspath(list_file)
    folder = os.path.dirname(os.path.abspath(list_file))
    root = os.path.abspath(_named_root(folder) if root is None else root)
    if label_names is None:
        label_names = read_label_names(os.path.join(folder, LABELS_FILE))

    paths, rows, lines = [], [], {}
    for number, line in _numbered_lines(list_file):
        where = f"{list_file}, line {number}"
        image, row = split_line(line)
        if not row:
            raise ValueError(
                f"{where}: a line must be a path and its labels, `path 0 1 0` or "
                f"`path 3`. Received: {line[:200]!r}."
            )
        if rows and len(row) != len(rows[0]):
            raise ValueError(
                f"{where}: every line must have as many labels as the first, "
                f"{len(rows[0])}. Received: {len(row)} labels."
            )
        if len(row) > 1 and max(row) > 1:
            raise ValueError(f"{where}: labels must be 0 or 1. Received: {max(row)}.")
        path = _path_below(root, image, where)
        if path in lines:
            raise ValueError(
                f"{where}: the path is already on line {lines[path]}. "
                f"Received: {image!r}."
            )
        lines[path] = number
        paths.append(path)
        rows.append(row)
    if not paths:
        raise ValueError(f"{list_file}: the list must hold at least one image.")

    labels = _to_multi_hot(rows, label_names, classes, list_file, list(lines.values()))
    if verify_images:
        _verify_images(paths, list_file, lines)
    return ImageSet(paths, labels, label_names)


def holds_class_indices(list_file: str | os.PathLike) -> bool:
    """Returns whether a valid list has one class index per line."""
    _, first = next(_numbered_lines(list_file))
    return len(split_line(first)[1]) == 1


def read_label_names(path: str | os.PathLike) -> list[str] | None:
    """Reads the lines of a file of label names; None if there is no such file."""
    if not os.path.isfile(path):
        return None
    return [line for _, line in _numbered_lines(path)]


def _numbered_lines(list_file: str) -> Iterator[tuple[int, str]]:
    try:
        with open(list_file, encoding=_encoding(list_file)) as file:
            for number, line in enumerate(file, start=1):
                if "\0" in line:
                    raise UnicodeError("it holds NUL characters, as UTF-16 does")
                if line.strip():
                    yield number, line.strip()
    except FileNotFoundError:
        raise ValueError(f"There is no such list file: {list_file!r}.") from None
    except (UnicodeError, OSError) as error:
        raise ValueError(
            f"{list_file!r} is not a readable text file: {error}. Save it as UTF-8."
        ) from None


def _encoding(list_file: str) -> str:
    """Returns the encoding by its byte-order mark: PowerShell writes UTF-16."""
    with open(list_file, "rb") as file:
        start = file.read(4)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    return "utf-8"


def _named_root(folder: str) -> str:
    """Returns the directory that `root.txt` names, by default that of the lists."""
    path = os.path.join(folder, ROOT_FILE)
    lines = [line for _, line in _numbered_lines(path)] if os.path.isfile(path) else []
    if len(lines) > 1 or any(names_server(line) for line in lines):
        raise ValueError(
            f"{path!r} must name the one directory of the images. "
            f"Received: {lines[0][:200]!r}."
        )
    return os.path.join(folder, *lines)


def names_server(path: str) -> bool:
    """Returns whether a path is on another machine, which must not be contacted."""
    return path.replace("\\", "/").startswith("//")


def split_line(line: str) -> tuple[str, list[int]]:
    """Splits a line into its path, which may hold spaces, and the numbers after it."""
    words = line.split()
    if len(words) > 1 and words[-1] == _NO_LABEL and not words[-2].isdecimal():
        return line.rsplit(None, 1)[0], [-1]
    count = 0
    for word in reversed(words[1:]):  # The first is a path, even if it is a number.
        if not word.isdecimal() or len(word) > _MOST_DIGITS:
            break
        count += 1
    return line.rsplit(None, count)[0], [
        int(word) for word in words[len(words) - count :]
    ]


def _path_below(root: str, given: str, where: str) -> str:
    path = os.path.normpath(os.path.join(root, given))
    # Links below the root are the user's own, so the text of the path decides. An
    # absolute path may reach the root by another way.
    if not _is_below(root, path) and not (
        os.path.isabs(given)
        and _is_below(os.path.realpath(root), os.path.realpath(path))
    ):
        raise ValueError(
            f"{where}: a path must be relative to the root {root!r}, or absolute, and "
            f"lie below it. Received: {given!r}."
        )
    if not os.path.isfile(path):
        raise ValueError(f"{where}: there is no such image file: {path!r}.")
    return path


def _is_below(root: str, path: str) -> bool:
    try:
        return os.path.commonpath([root, path]) == root
    except ValueError:  # Of different drives.
        return False


def _to_multi_hot(rows, label_names, classes, list_file, lines) -> np.ndarray:
    labels = np.asarray(rows, dtype=np.int64)
    if labels.shape[1] == 1:  # Class indices.
        indices = labels[:, 0]
        worst = int(np.argmax(indices))
        if indices[worst] >= MOST_CLASSES:
            raise ValueError(
                f"{list_file}, line {lines[worst]}: a class index must be less than "
                f"{MOST_CLASSES:,}. Received: {indices[worst]}."
            )
        if classes is None:
            classes = len(label_names) if label_names else int(indices.max()) + 1
        if indices[worst] >= classes:
            raise ValueError(
                f"{list_file}, line {lines[worst]}: a class index must be less than "
                f"the number of classes, {classes}. Received: {indices[worst]}. A "
                "single number is a class index; labels of 0 or 1 need two columns "
                "or more."
            )
        # Only ones are written: pages of untouched zeros take no memory.
        labels = np.zeros((len(indices), classes), np.uint8)
        rows = np.flatnonzero(indices >= 0)
        labels[rows, indices[rows]] = 1
    width = len(label_names) if label_names else classes
    if width is not None and labels.shape[1] != width:
        raise ValueError(
            f"{list_file}, line {lines[0]}: a line must have one label for each of "
            f"the {width} label names or classes. Received: {labels.shape[1]} labels."
        )
    return labels.astype(np.uint8, copy=False)


def _verify_images(paths: list[str], list_file: str, lines: dict[str, int]) -> None:
    def problem(path):
        try:
            read_image(path)
        except (OSError, ValueError) as error:
            return f"{list_file}, line {lines[path]}: {error}"
        return None

    with ThreadPoolExecutor() as readers:
        for message in readers.map(problem, paths, chunksize=64):
            if message:
                readers.shutdown(cancel_futures=True)
                raise ValueError(message)
