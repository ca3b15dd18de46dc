"""The rows of tables: CSV, JSON-lines and Parquet files."""

import csv
import json
import math
import os
from collections.abc import Callable, Iterator

# The place of a row in its file, for errors, and its values by column.
Row = tuple[str, dict]


def read_rows(path: str | os.PathLike) -> tuple[list[str], list[Row]]:
    """Reads the columns and the rows of a table.

    Args:
        path: str, of a `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.parquet` file.

    Returns:
        Tuple of the names of the columns, and the rows. Each row is a pair of its place
        in the file, for errors, and a dict of columns to values. A missing value is
        None.

    Raises:
        ValueError: if the file has another type, is damaged, or has no rows.
        ImportError: for Parquet, if neither pyarrow nor pandas is installed.
    """
    path = os.fspath(path)
    reader = _reader_of(path)
    if reader is None:
        raise ValueError(
            f"A table must be a file {', '.join(_READERS)}. Received: {path!r}."
        )
    if not os.path.isfile(path):
        raise ValueError(f"There is no such table: {path!r}.")
    try:
        rows = list(reader(path))
    except (ValueError, csv.Error, RecursionError, OSError) as error:
        if isinstance(error, _WrongLine):
            raise
        hint = " Save it as UTF-8." if isinstance(error, UnicodeError) else ""
        raise ValueError(
            f"The table cannot be read: {path!r} ({error}).{hint}"
        ) from None
    if not rows:
        raise ValueError(f"A table must have at least one row. Received: {path!r}.")
    return list(dict.fromkeys(key for _, row in rows for key in row)), rows


def is_table(path: str | os.PathLike) -> bool:
    """Returns whether a path has the ending of a table."""
    return _reader_of(os.fspath(path)) is not None


class _WrongLine(ValueError):
    """An error whose message names the line."""


def _rows_of_csv(path: str, delimiter: str | None = None) -> Iterator[Row]:
    # Spreadsheets write a byte-order mark.
    with open(path, encoding="utf-8-sig", newline="") as file:
        if delimiter is None:
            head = file.readline()
            file.seek(0)
            # In locales with a decimal comma, spreadsheets write semicolons.
            delimiter = ";" if head.count(";") > head.count(",") else ","
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        twice = {n for n in reader.fieldnames or () if reader.fieldnames.count(n) > 1}
        if twice:
            raise ValueError(f"two columns are called {twice.pop()!r}")
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise _WrongLine(
                    f"{where}: a line must have a value for each of the "
                    f"{len(reader.fieldnames)} columns. Quote values that hold "
                    f"{delimiter!r}."
                )
            yield where, {key: value.strip() or None for key, value in row.items()}


def _rows_of_tsv(path: str) -> Iterator[Row]:
    return _rows_of_csv(path, "\t")


def _rows_of_json_lines(path: str) -> Iterator[Row]:
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            where = f"{path}, line {number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _WrongLine(f"{where}: {error}") from None
            if not isinstance(row, dict):
                raise _WrongLine(f"{where}: a line must be a JSON object.")
            yield where, {key: _plain(value) for key, value in row.items()}


def _rows_of_parquet(path: str) -> Iterator[Row]:
    try:
        from pyarrow import parquet
    except ImportError:
        table = _read_by_pandas(path)
    else:
        try:
            table = parquet.read_table(path).to_pylist()
        except Exception as error:  # Arrow has error classes of its own.
            raise ValueError(error) from None
    for number, row in enumerate(table, start=1):
        yield f"{path}, row {number}", {k: _plain(v) for k, v in row.items()}


def _read_by_pandas(path: str) -> list[dict]:
    try:
        import pandas

        return pandas.read_parquet(path).to_dict("records")
    except ImportError:
        raise ImportError(
            "Parquet files need pyarrow, or pandas with fastparquet: "
            'pip install "keras-deephash[parquet]"'
        ) from None


def _plain(value):
    """Turns empty texts and NaN into None, and whole floats into ints.

    A column of ints holds floats if a value is missing.
    """
    if hasattr(value, "tolist"):  # Lists of pandas and numbers of NumPy.
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return value.strip() or None
    return value


_READERS: dict[str, Callable[[str], Iterator[Row]]] = {
    ".csv": _rows_of_csv,
    ".tsv": _rows_of_tsv,
    ".jsonl": _rows_of_json_lines,
    ".ndjson": _rows_of_json_lines,
    ".parquet": _rows_of_parquet,
}


def _reader_of(path: str):
    return _READERS.get(os.path.splitext(path)[1].lower())
