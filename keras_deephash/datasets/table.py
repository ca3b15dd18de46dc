"""Tables of images: a row has a path, labels, and maybe a part of the data set."""

import os
from collections.abc import Iterable, Sequence

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.label_names import check_different, multi_hot_of_names
from keras_deephash.datasets.list_file import names_server
from keras_deephash.datasets.readable import check_readable
from keras_deephash.datasets.split_names import known_names, part_of
from keras_deephash.datasets.table_rows import Row, read_rows
from keras_deephash.text import printable

_PATH_COLUMNS = (
    *("path", "image", "file", "filename", "filepath", "imagepath", "imagefile"),
    *("img", "imgpath"),
)
_LABEL_COLUMNS = (
    *("label", "labels", "class", "classes", "category", "categories", "tag", "tags"),
    "target",
)
_SPLIT_COLUMNS = ("split", "subset", "part", "partition")
_NO_SPLIT = "none"
_SHOWN = 5


def from_table(
    table: str | os.PathLike,
    root: str | os.PathLike | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    separator: str = "|",
    label_names: Sequence[str] | None = None,
    verify_images: bool = True,
) -> ImageSet:
    """Reads a CSV, JSON-lines or Parquet file that lists images.

    A row has the path of an image and its label or labels: in a CSV file with
    separators, `cat|dog`, in other files also as a list. An image may have no label.
    Names of columns are compared without case, spaces, `_` and `-`.

    Args:
        table: str. A `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.parquet` file.
        root: str. Directory that the paths are relative to. Defaults to the table's.
        path_column: str. Defaults to the column called `path`, `image`, `file`,
            `filename`, `image_path` or similar.
        label_column: str. Defaults to the column called `label`, `class`, `category`,
            `tag`, `target`, or the plural.
        split_column: str. Defaults to the column called `split`, `subset`, `part` or
            `partition`, if there is one. Its values are those of the folders of
            `from_folder`: `train`, `val`, `test` and so on. `"none"` means that no
            column is a split.
        separator: str. Separator between labels in one text. Defaults to `"|"`.
        label_names: list of str, the order of the labels. Defaults to `None`: all that
            occur, sorted.
        verify_images: bool. Whether to decode every image now. Defaults to `True`.

    Returns:
        An `ImageSet` of absolute paths.

    Raises:
        ValueError: for a column that does not exist, a file that does not exist, an
            image that occurs twice, names that differ only in case, and images that
            cannot be read; the error names the file and the line.
        ImportError: for Parquet, if no package that reads it is installed.

    Example:

    >>> data = from_table("birds.csv", label_column="species")
    """
    if not isinstance(separator, str) or not separator:
        raise ValueError(
            f"`separator` must be a text. Received: separator={separator!r}."
        )
    table = os.fspath(table)
    columns, rows = read_rows(table)
    path_column = _find("path_column", path_column, _PATH_COLUMNS, columns, table)
    label_column = _find("label_column", label_column, _LABEL_COLUMNS, columns, table)
    if split_column == _NO_SPLIT:
        split_column = None
    else:
        split_column = _find(
            "split_column", split_column, _SPLIT_COLUMNS, columns, table, needed=False
        )
    folder = os.path.dirname(table) if root is None else os.fspath(root)
    split = split_column and [
        _part(where, row.get(split_column), split_column) for where, row in rows
    ]
    paths = _paths(rows, path_column, os.path.abspath(folder), split)
    names = [_names(where, row.get(label_column), separator) for where, row in rows]
    if not any(names):
        raise ValueError(
            f"At least one image must have a label. Received: {table}, whose column "
            f"{label_column!r} is empty."
        )
    labels, names = multi_hot_of_names(names, label_names)
    if verify_images:
        check_readable(paths)
    if split is not None and set(split) == {"train"}:
        split = None
    return ImageSet(paths, labels, names, split)


def _find(
    argument: str,
    given: str | None,
    known: tuple[str, ...],
    columns: list[str],
    table: str,
    needed: bool = True,
) -> str | None:
    """Returns the name of a column, as it is written in the table."""
    there = f"{table} has {', '.join(repr(printable(str(c))) for c in columns)}"
    if given is not None:
        if given in columns:
            return given
        raise ValueError(
            f"{named_option(argument)} must be a column of the table. "
            f"Received: {given!r}, and {there}."
        )
    found = [c for c in columns if _simple(c) in known]
    if len(found) > 1 or (needed and not found):
        what = f"{len(found)} columns have" if found else "no column has"
        none = "" if needed else f' If no column is a split, give "{_NO_SPLIT}".'
        raise ValueError(
            f"Name the column by {named_option(argument)}: {what} one of the names "
            f"{', '.join(known)}. Received: {there}.{none}"
        )
    return found[0] if found else None


def named_option(argument: str, value: str | None = None) -> str:
    """Names an argument as in Python and on the command line."""
    option = f"--{argument.replace('_', '-')}"
    if value is None:
        return f"`{argument}` or {option}"
    return f'`{argument}="{value}"` or {option} {value}'


def _simple(column) -> str:
    text = str(column).casefold()
    return "".join(letter for letter in text if letter not in " _-")


def _paths(
    rows: list[Row], column: str, root: str, split: list[str] | None
) -> list[str]:
    """Returns the absolute paths of the files, which must exist."""
    paths, seen, missing = [], {}, []
    for number, (where, row) in enumerate(rows):
        given = row.get(column)
        if not isinstance(given, str) or "\0" in given:
            raise ValueError(
                f"{where}: the column {column!r} must hold the path of an image. "
                f"Received: {printable(repr(given))[:80]}."
            )
        path = os.path.normpath(os.path.join(root, given))
        if names_server(given) or not os.path.isfile(path):
            missing.append(f"{where}: there is no such image file: {path!r}")
        part = split and split[number]
        # As in the protocols whose training images are a part of the database.
        first, others = seen.setdefault(path, (where, set()))
        if others and (part in others or others | {part} != {"train", "database"}):
            raise ValueError(
                f"{where}: the image is already in {first}; write several labels into "
                f"one row. Received: {given!r}."
            )
        others.add(part)
        paths.append(path)
    if missing:
        more = [f"... and {len(missing) - _SHOWN} more"]
        more = more if len(missing) > _SHOWN else []
        raise ValueError("\n".join(missing[:_SHOWN] + more))
    return paths


def _names(where: str, value, separator: str) -> list[str]:
    """Returns the names of a row's labels."""
    if value is None:
        return []
    if isinstance(value, str):
        values = value.split(separator)
    else:
        is_list = isinstance(value, Iterable) and not isinstance(value, (dict, bytes))
        values = list(value) if is_list else [value]
    if not all(isinstance(each, (str, int, float)) for each in values):
        raise ValueError(
            f"{where}: a label must be a name or a number, or a list of them. "
            f"Received: {printable(repr(value))[:80]}."
        )
    # Empty texts and -1 mean that a label is not known.
    found = [t for each in values if (t := str(each).strip()) not in ("", "-1")]
    check_different(where, found)
    return found


def _part(where: str, value, column: str) -> str:
    part = part_of(value) if isinstance(value, str) else None
    if part is None:
        raise ValueError(
            f"{where}: the part of the data set must be named: {known_names()}. "
            f"Received: {printable(repr(value))[:80]}, in the column {column!r}. If it "
            f"is not a split, give {named_option('split_column', _NO_SPLIT)}."
        )
    return part
