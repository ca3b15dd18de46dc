"""Codes, ids, labels and names in a Milvus server."""

import threading

import numpy as np

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.ids import check_ids
from keras_deephash.index.labels import check_labels
from keras_deephash.index.manifest import IndexFileError
from keras_deephash.index.milvus.connection import MilvusConnection, MilvusError
from keras_deephash.index.milvus.items import MilvusItems
from keras_deephash.index.milvus.options import check_options
from keras_deephash.index.milvus.rows import Rows, code_field, to_codes
from keras_deephash.index.milvus.schema import open_collection
from keras_deephash.index.milvus.search import MilvusSearch
from keras_deephash.index.ranking import (
    RangeResult,
    candidate_distances,
    nearest_candidates,
)
from keras_deephash.progress import Progress

INSERT_ROWS = 2000
_LONG_WORK = 20_000


class MilvusStore:
    """The store of `Index` with `backend="milvus"`: the twin of `FaissStore`.

    All is read with consistency level "Strong", so a search sees what was added before
    it, also by other processes. Searches may run in many threads while one adds; they
    see the batches of an addition that have arrived. One process may add at a time.

    Args:
        spec: `CodeSpec`.
        kind: `"flat"`, all codes are compared, or `"ivf"`, those in some lists.
        token: str. `"user:password"` or an API key. Never saved. Defaults to `None`.
        create: bool. Whether to make the collection where there is none.
            Defaults to `True`.
        next_id: int. The least id that the next item gets by default.
            Defaults to `0`.
        **options: `uri`, `collection`, `lists`, `probes` and `retry_seconds`: see
            `options.py`.

    Raises:
        ImportError: without pymilvus.
        MilvusError: if the server cannot be reached.
        ValueError: for a collection with the codes of another model.
    """

    backend = "milvus"
    file_names: set[str] = set()

    def __init__(
        self,
        spec: CodeSpec,
        kind: str,
        token: str | None = None,
        create: bool = True,
        next_id: int = 0,
        **options,
    ):
        self.spec, self.kind = spec, kind
        self.options = check_options(kind, options)
        self.connection = MilvusConnection(
            self.options["uri"], token, self.options["retry_seconds"]
        )
        open_collection(self.connection, spec, kind, self.options, create)
        self.items = MilvusItems(self.connection, self.options["collection"])
        self.searcher = MilvusSearch(
            self.items, spec, self.options["lists"], self.options["probes"]
        )
        self.next_id = self.items.next_id(next_id)
        self._adding = threading.Lock()
        # What is known of the collection and need not be asked for again.
        self._label_form: tuple | None = None
        self._has_names = False

    def __len__(self) -> int:
        return self.items.count()

    # === Change ===

    def add(self, codes, ids, labels, names, verbose="auto") -> np.ndarray:
        """Adds codes [n, bytes] and returns their ids."""
        count = len(codes)
        with self._adding:
            # Another process may have added since.
            first = self.next_id = self.items.next_id(self.next_id)
            ids = check_ids(
                np.arange(first, first + count) if ids is None else ids, count
            )
            labels = check_labels(labels, count, *self._form())
            rows = Rows(self.spec, ids, codes, labels, names)
            new = self.items.are_new(rows, self.next_id)
            if count:
                self.next_id = max(first, int(ids.max()) + 1)
            progress = None
            if verbose == 1 or (verbose == "auto" and count >= _LONG_WORK):
                progress = Progress(count, "code")
            for start in range(0, count, INSERT_ROWS):
                part = np.arange(start, min(start + INSERT_ROWS, count))
                try:
                    self._insert(rows.take(part[new[part]]))
                except MilvusError as error:
                    raise MilvusError(
                        f"{start} of {count} codes are added for certain. To add the "
                        "rest, repeat this `add` with `ids=error.ids`: nothing is "
                        f"added twice. {error}",
                        ids,
                    ) from None
                if progress:
                    progress.update(int(part[-1]) + 1)
        return ids

    def _insert(self, rows: list[dict]) -> None:
        if rows:
            # Not `insert`: where the connection breaks before the answer comes, the
            # rows are sent again, and must not be there twice.
            self.connection.call("upsert", self.items.collection, rows)

    def _form(self) -> tuple[tuple | None, bool]:
        """The form of the labels that are there, and whether there are no items."""
        if self._label_form is not None:
            return self._label_form, False
        rows = self.items.query("id >= 0", ["label"], limit=1)
        label = rows[0].get("label") if rows else None
        if label is not None:
            self._label_form = np.shape(label)
        return self._label_form, not rows

    def remove(self, ids) -> int:
        """Drops items and returns how many."""
        ids = np.unique(np.asarray(ids).ravel())
        self.items.rows_of(ids, [])
        for start in range(0, len(ids), INSERT_ROWS):
            listed = ids[start : start + INSERT_ROWS].tolist()
            self.connection.call("delete", self.items.collection, ids=listed)
        self._label_form, self._has_names = None, False  # They may have been the last.
        return len(ids)

    def optimize(self) -> None:
        """Has the server merge its segments and index them anew."""
        self.connection.call("flush", self.items.collection)
        self.connection.call("compact", self.items.collection)

    # === Search ===

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and ids [queries, min(k, n)], nearest first."""
        return self.searcher.nearest(queries, k)

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        """Limits, distances and ids of all within the radius, in any order."""
        return self.searcher.within(queries, radius)

    def rerank(self, queries: np.ndarray, candidates: np.ndarray, k: int):
        """The k nearest of candidates, ids [q, c], by exact distances."""
        distances = candidate_distances(self.spec, queries, self.codes_of(candidates))
        return nearest_candidates(distances, candidates, k)

    # === Items ===

    def codes_of(self, ids) -> np.ndarray:
        rows = self.items.rows_of(ids, [code_field(self.spec)])
        return to_codes(self.spec, rows).reshape(*np.shape(ids), self.spec.bytes)

    def labels_of(self, ids) -> np.ndarray | None:
        form, _ = self._form()
        rows = self.items.rows_of(ids, ["label"])
        if form is None:
            return None
        labels = np.array(
            [row["label"] for row in rows], np.uint8 if form else np.int64
        )
        return labels.reshape(*np.shape(ids), *form)

    def names_of(self, ids) -> list[str] | None:
        rows = self.items.rows_of(ids, ["name"])
        if not self._has_names:
            self._has_names = bool(self.items.query('name != ""', ["id"], limit=1))
        return [row["name"] for row in rows] if self._has_names else None

    def find(self, names: list[str]) -> np.ndarray:
        """The ids of all items that have one of some names, in rising order."""
        return self.items.find(names)

    def all_ids(self) -> np.ndarray:
        """All ids, in rising order."""
        return self.items.all_ids()

    def stats(self) -> dict:
        options = {key: value for key, value in self.options.items() if value}
        return {"exact": self.kind == "flat", **options}

    def describe(self) -> str:
        """Where its items are, in a few words; the server is not asked how many."""
        return (
            f"collection {self.options['collection']!r} in Milvus at "
            f"{self.options['uri']!r}"
        )

    def arrays(self) -> dict:
        raise ValueError(
            "Only an index of faiss is given out as arrays: one in Milvus may be "
            f"larger than any memory. Received: backend={self.backend!r}."
        )

    # === Files ===

    def write(self, folder: str) -> tuple[list[str], dict]:
        """Writes no file: the manifest says where the collection is, but no token."""
        described = {
            "options": self.options,
            "count": len(self),
            "next_id": self.next_id,
        }
        return [], described

    @classmethod
    def open(
        cls, spec: CodeSpec, manifest: dict, folder: str, mmap: bool, **options
    ) -> "MilvusStore":
        """Connects to the collection that `write` described, at `uri` of the caller.

        Raises:
            ValueError: without `uri`. The file names an address, but only the caller
                decides where to connect and send a token.
        """
        kind, saved = manifest["kind"], manifest["options"]
        if options.get("uri") is None:
            raise ValueError(
                f"The index in {folder!r} is on a Milvus server, and its file names "
                f"the address {saved.get('uri')!r}. Nothing was connected to. Give the "
                "address of a server that you trust: `uri=` of `Index.load`, --uri of "
                "a command."
            )
        given = {name: value for name, value in options.items() if name != "token"}
        try:
            check_options(kind, {**saved, **given})
        except (ValueError, TypeError) as error:
            raise IndexFileError(
                f"The index in {folder!r} cannot be opened: {error}"
            ) from None
        return cls(
            spec,
            kind,
            create=False,
            next_id=manifest["next_id"],
            **{**saved, **options},
        )
