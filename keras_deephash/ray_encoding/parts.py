"""Image paths in parts: each part is read, encoded and written as one file.

A part is a Parquet file of the input, or some thousands of the images of a directory.
The parts are recorded before the work begins, so that a resumed run finds the same
ones; images that were added since become new parts.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from keras_deephash.datasets import read_image_list
from keras_deephash.files import write_atomically
from keras_deephash.images import find_images, is_image_file
from keras_deephash.index.ids import check_ids

PARTS_FILE = "parts.json"
IMAGES_PER_PART = 10_000


@dataclass(frozen=True)
class Part:
    """One part: its name, where its paths are, and the id of its first image."""

    name: str
    source: str
    count: int
    first_id: int


class Parts:
    """The parts of an output directory.

    Args:
        folder: str. The output directory.
        images: str. A directory of images, or an image list; or a Parquet file, or a
            directory of such files, with a column `path` and, in all or none, `id`.
    """

    def __init__(self, folder: str, images: str):
        self.folder, self.images = os.path.abspath(folder), os.path.abspath(images)
        self.file = os.path.join(self.folder, PARTS_FILE)
        self.known: list[Part] = []
        if os.path.exists(self.file):
            with open(self.file, encoding="utf-8") as file:
                content = json.load(file)
            if content["images"] != self.images:
                raise ValueError(
                    f"{folder!r} has the codes of {content['images']!r}. Received: "
                    f"images={images!r}. Choose another output directory."
                )
            self.known = [
                Part(**{**part, "source": os.path.join(self.folder, part["source"])})
                for part in content["parts"]
            ]

    def refresh(self) -> None:
        """Adds parts for new images of the input, and records all parts."""
        files = parquet_files(self.images)
        if files:
            there = {part.source for part in self.known}
            counts = {path: count_rows(path) for path in files if path not in there}
            # The file of a part that was encoded may be gone.
            earlier = [p for p in there - {*files} if p.endswith(".parquet")]
            _check_ids([*filter(os.path.exists, earlier), *files])
            for path, count in counts.items():
                stem = os.path.splitext(os.path.basename(path))[0]
                self._append(stem, path, count)
        else:
            there = {path for part in self.known for path in read_paths(part)[0]}
            paths = [os.path.abspath(path) for path in self._paths()]
            new = [path for path in paths if path not in there]
            _check_names(new)
            for start in range(0, len(new), IMAGES_PER_PART):
                self._append_images(new[start : start + IMAGES_PER_PART])
        content = {
            "images": self.images,
            "parts": [self._described(part) for part in self.known],
        }
        with write_atomically(self.file) as file:
            file.write(json.dumps(content, indent=1).encode())

    def _paths(self) -> list[str]:
        if os.path.isdir(self.images):
            return find_images(self.images)
        if is_image_file(self.images):
            return [self.images]
        return read_image_list(self.images, verify_images=False).images

    def _described(self, part: Part) -> dict:
        """A part as it is recorded, with a relative path if it is in the folder."""
        source = part.source
        if source.startswith(self.folder + os.sep):
            source = os.path.relpath(source, self.folder)
        return {**part.__dict__, "source": source}

    def _append_images(self, paths: list[str]) -> None:
        name = f"part-{len(self.known):05}"
        source = os.path.join(self.folder, "paths", f"{name}.json")
        with write_atomically(source) as file:
            file.write(json.dumps(paths).encode())
        self._append(name, source, len(paths))

    def _append(self, name: str, source: str, count: int) -> None:
        if any(part.name == name for part in self.known):
            raise ValueError(
                f"Input files must have different names. Received: {name!r} twice."
            )
        first_id = sum(part.count for part in self.known)
        self.known.append(Part(name, source, count, first_id))

    def codes_file(self, part: Part) -> str:
        return os.path.join(self.folder, "codes", f"{part.name}.parquet")

    def pending(self) -> Iterator[Part]:
        """The parts without codes."""
        return (p for p in self.known if not os.path.exists(self.codes_file(p)))


def parquet_files(path: str) -> list[str]:
    """Returns the Parquet file at a path, or those in a directory."""
    if os.path.isfile(path):
        return [path] if path.endswith(".parquet") else []
    if not os.path.isdir(path):
        raise FileNotFoundError(f"There is no file or directory {path!r}.")
    names = sorted(name for name in os.listdir(path) if name.endswith(".parquet"))
    return [os.path.join(path, name) for name in names]


def count_rows(path: str) -> int:
    """Checks the columns of a Parquet file, and returns its number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path!r} is not a Parquet file: {error}") from None
    with file:
        names = file.schema_arrow.names
        if "path" not in names:
            raise ValueError(
                f"{path!r} must have a column `path`. Received: the columns {names}."
            )
        for name in {"path", "id"} & set(names):
            column = file.read(columns=[name])[name]
            if column.null_count:
                raise ValueError(
                    f"{path!r} must have a `{name}` in every row. "
                    f"Received: {column.null_count} rows without."
                )
            if name == "id" and not pa.types.is_integer(column.type):
                raise ValueError(
                    f"{path!r} must have ints in its column `id`. "
                    f"Received: {column.type}."
                )
        return file.metadata.num_rows


def _check_ids(paths: list[str]) -> None:
    """Raises ValueError unless ids are valid for an index, and unique in all files."""
    import pyarrow.parquet as pq

    having = [path for path in paths if "id" in pq.read_schema(path).names]
    if having and len(having) < len(paths):
        (without, *_) = sorted(set(paths) - set(having))
        raise ValueError(
            "All Parquet files must have a column `id`, or none of them. "
            f"Received: {having[0]!r} with it, {without!r} without."
        )
    every = [np.empty(0, np.int64)]
    for path in having:
        column = pq.read_table(path, columns=["id"])["id"].to_numpy()
        try:
            every.append(check_ids(column, len(column)))
        except ValueError as error:
            raise ValueError(f"The column `id` of {path!r}: {error}") from None
    ids = np.concatenate(every)
    check_ids(ids, len(ids))


def _check_names(paths: list[str]) -> None:
    """Raises ValueError for names that are not text, which Parquet cannot hold."""
    for path in paths:
        if not path.isascii() and path != path.encode("utf-8", "ignore").decode():
            raise ValueError(
                f"File names must be UTF-8, to be stored beside their codes. "
                f"Rename {path!r}."
            )


def read_paths(part: Part) -> tuple[list[str], np.ndarray]:
    """Returns the paths of a part, and their ids."""
    ids = part.first_id + np.arange(part.count)
    if part.source.endswith(".json"):
        with open(part.source, encoding="utf-8") as file:
            return json.load(file), ids
    import pyarrow.parquet as pq

    table = pq.read_table(part.source)
    if table.num_rows != part.count:
        raise ValueError(
            f"{part.source!r} has changed: {table.num_rows} paths instead of "
            f"{part.count}. Give new images in a new file."
        )
    if "id" in table.column_names:
        ids = table["id"].to_numpy()
    return table["path"].to_pylist(), ids
