"""The files of a store of faiss: written, read, mapped and checked."""

import os
from typing import Self

import numpy as np

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.growing_array import GrowingArray
from keras_deephash.index.faiss.id_column import IdColumn
from keras_deephash.index.faiss.name_column import NameColumn
from keras_deephash.index.faiss.threads import load_faiss
from keras_deephash.index.ids import MAX_ID
from keras_deephash.index.manifest import IndexFileError, damaged


class StoreFilesMixin:
    """Writes and reads a store of a `spec` and a `kind`.

    Its parts are a `structure`, `ids`, `labels` and `names`, under a `lock`.
    """

    file_names = {
        "codes.faiss",
        "codes.faissbinary",
        "codes.npy",
        "fast.faiss",
        "ids.npy",
        "item_ends.npy",
        "items.npy",
        "labels.npy",
        "lists.npy",
        "name_ends.npy",
        "names.npy",
    }
    # Whether the arrays are mapped from files.
    mapped = False

    def write(self, folder: str) -> tuple[list[str], dict]:
        """Writes all of the store; returns the files, and what the manifest says."""
        with self.lock.read():
            arrays = {"ids.npy": self.ids.ids}
            if self.labels is not None:
                arrays["labels.npy"] = self.labels.rows
            if self.names is not None:
                arrays["names.npy"], arrays["name_ends.npy"] = self.names.arrays
            for name, array in arrays.items():
                np.save(os.path.join(folder, name), array)
            described = {
                "format_version": self.structure.format_version,
                "options": self.structure.options,
                "count": len(self),
                "next_id": self.ids.next_id,
            }
            return [*arrays, *self.structure.write(folder)], described

    @classmethod
    def open(
        cls, spec: CodeSpec, manifest: dict, folder: str, mmap: bool, **options
    ) -> Self:
        """Reads what `write` wrote; an IndexFileError for what is damaged."""
        if options:
            raise ValueError(
                "A saved faiss index is opened with no options of Milvus. "
                f"Received: {sorted(options)}."
            )
        load_faiss()
        saved = SavedFiles(folder, frozenset(manifest["files"]), mmap)
        try:
            store = cls(spec, manifest["kind"], **manifest["options"])
            store._read(saved, manifest["count"], manifest["next_id"])
            store.mapped = mmap
            if not mmap:
                store._check()
        except IndexFileError:
            raise
        except MemoryError:
            raise IndexFileError(
                f"The index in {folder!r} does not fit into the memory that is free. "
                "Open it with `mmap=True`, or on a larger machine."
            ) from None
        except (ValueError, TypeError, OverflowError, OSError, RuntimeError) as error:
            raise damaged(f"{folder!r}: {error}") from None
        return store

    def _read(self, saved: SavedFiles, count: int, next_id: int) -> None:
        """Takes the content of files.

        The files of an index may come from a stranger. Checked here, mapped or not, are
        the dtypes, shapes and lengths of files, the layout of faiss's files, and the
        links of a graph, which faiss follows without checking bounds. The rest are
        values, which `_check` reads entirely: at once, or where files are mapped before
        the first change. Until then, each value is checked as it is used: positions and
        names are within bounds, ids are unique once all were read.
        """
        self.structure.read(saved, count)
        if not count <= next_id <= MAX_ID + 1:
            raise ValueError(f"next_id {next_id} does not fit {count} ids")
        ids = saved.column("ids.npy", np.int64, (count,))
        self.ids = IdColumn(ids, next_id, checked=False)
        if "labels.npy" in saved.names:
            self.labels = GrowingArray(_read_labels(saved, count))
        if "names.npy" in saved.names:
            text = saved.column("names.npy", np.uint8, (None,))
            ends = saved.column("name_ends.npy", np.int64, (count,))
            self.names = NameColumn(text, ends)

    def _check(self) -> None:
        """Reads all that was in files; an IndexFileError where it does not fit."""
        try:
            self.structure.check()
            labels = None if self.labels is None else self.labels.rows
            if labels is not None and labels.ndim == 2 and (labels > 1).any():
                raise ValueError("its multi-hot labels are not 0 or 1")
        except ValueError as error:
            raise damaged(error) from None
        self.ids.check()
        if self.names is not None:
            self.names.check()

    def _own(self) -> None:
        """Reads what was mapped, before a change."""
        if self.mapped:
            self.structure.own()
            self._check()
            self.mapped = False


def _read_labels(saved: SavedFiles, count: int) -> np.ndarray:
    """Classes, int64 [n], or multi-hot labels, uint8 [n, L]."""
    try:
        return saved.column("labels.npy", np.int64, (count,))
    except IndexFileError:
        return saved.column("labels.npy", np.uint8, (count, None))
