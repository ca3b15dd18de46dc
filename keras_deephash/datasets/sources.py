"""The forms of `--data`: a directory of lists, a folder of classes, or a table."""

import os
from collections.abc import Sequence

from keras_deephash.datasets.folder import from_folder
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.list_writing import LIST_FILES
from keras_deephash.datasets.parts import check_apart, parts_of
from keras_deephash.datasets.protocol import read_lists
from keras_deephash.datasets.split_names import PARTS
from keras_deephash.datasets.table import from_table, named_option
from keras_deephash.datasets.table_rows import is_table


def holds_lists(data: str | os.PathLike) -> bool:
    """Returns whether a directory holds a list of a data set."""
    return any(os.path.isfile(os.path.join(data, name)) for name in LIST_FILES)


def read_images(
    data: str | os.PathLike,
    path_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    separator: str | None = None,
    verify_images: bool = True,
) -> ImageSet:
    """Reads the images of a folder of classes or of a table.

    Args:
        data: str.
        path_column, label_column, split_column: as for `from_table`.
        separator: str, as for `from_table`. Defaults to `None`, `"|"`.
        verify_images: bool. Defaults to `True`.

    Raises:
        ValueError: if `data` is neither, or if columns are given for a folder.
    """
    columns = {
        "path_column": path_column,
        "label_column": label_column,
        "split_column": split_column,
        "separator": separator,
    }
    if is_table(data) and not os.path.isdir(data):
        columns = {name: value for name, value in columns.items() if value is not None}
        return from_table(data, **columns, verify_images=verify_images)
    if not os.path.isdir(data):
        exists = os.path.exists(data)
        there = "a file of another kind" if exists else "which does not exist"
        raise ValueError(
            "The data must be a folder with one folder for each class, a directory "
            "with train.txt, test.txt and database.txt, or a table, .csv, .tsv, "
            f".jsonl or .parquet. Received: {os.fspath(data)!r}, {there}."
        )
    _check_no_columns(data, columns)
    return from_folder(data, verify_images)


def read_parts_of_lists(
    data: str | os.PathLike,
    parts: Sequence[str],
    verify_images: bool = True,
    **columns,
) -> dict[str, ImageSet]:
    """Reads the parts of a directory of lists, which must not share images.

    Args:
        data: str, a directory that `holds_lists`.
        parts: list of `"train"`, `"validation"`, `"query"` and `"database"`.
        verify_images: bool. Defaults to `True`.
        **columns: options for tables, which must be None.

    Raises:
        ValueError: as for `read_lists` and `check_apart`, or if a column is given.
    """
    _check_no_columns(data, columns)
    names = [PARTS[part] for part in parts]
    found = dict(zip(parts, read_lists(data, names, verify_images), strict=True))
    check_apart(found)
    return found


def read_query_and_database(
    data: str | os.PathLike, verify_images: bool = False, **columns
) -> tuple[ImageSet, ImageSet]:
    """Reads the queries and the database of lists, or of data with a split.

    Args:
        data: str.
        verify_images: bool. Defaults to `False`.
        **columns: as for `read_images`.

    Raises:
        ValueError: if there are no queries or no database, or if they share images.
    """
    if os.path.isdir(data) and holds_lists(data):
        parts = "query", "database"
        found = read_parts_of_lists(data, parts, verify_images, **columns)
        return found["query"], found["database"]
    images = read_images(data, **columns, verify_images=verify_images)
    parts = {} if images.split is None else parts_of(images)
    if not {"query", "database"} <= parts.keys():
        raise ValueError(
            "An evaluation needs queries and a database, but these images have no such "
            "split. Give the lists that the training wrote, OUTPUT.lists, or write "
            f"lists with `keras-deephash lists`. Received: {os.fspath(data)!r}."
        )
    return parts["query"], parts["database"]


def _check_no_columns(data: str | os.PathLike, columns: dict) -> None:
    given = [name for name, value in columns.items() if value is not None]
    if given:
        raise ValueError(
            f"{named_option(given[0])} is for a table, .csv, .tsv, .jsonl or .parquet: "
            f"leave it out. Received: {columns[given[0]]!r}, for {os.fspath(data)!r}, "
            "a folder."
        )
