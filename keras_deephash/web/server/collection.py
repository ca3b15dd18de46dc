"""The index that is served: searched, browsed and changed by many threads."""

import os

import numpy as np

from keras_deephash.index import Index
from keras_deephash.index.faiss.read_write_lock import ReadWriteLock
from keras_deephash.web.server.batching import Batcher
from keras_deephash.web.server.catalog import Catalog, label_lists, shown_names
from keras_deephash.web.server.pictures import Thumbnails, read_upload, save_upload
from keras_deephash.web.server.records import Expected, Item, Items, Neighbor, Neighbors
from keras_deephash.web.server.saving import Changes, IndexSaver

_IMAGES_AT_ONCE, _CHANGES_AT_ONCE = 32, 1 << 16


class UnknownItem(LookupError):
    """There is no item of that id."""


class Collection:
    """An index with its model, for a server of many threads.

    A change is answered when it is on the disk: nothing that was answered is lost when
    the process ends, and a change that cannot be saved is taken back.

    Args:
        path: str, the directory of the saved index.
        model: the model of its codes, or an `Encoder`.
        uploads: str. Directory for pictures that clients add; it is made when it is
            needed. Defaults to the path with `.added` at its end.
        label_names: list of str. Defaults to `None`, the numbers.
        **options: of `Index.load`.
    """

    def __init__(self, path: str, model, uploads=None, label_names=None, **options):
        self.path = os.path.abspath(path)
        self.uploads = os.path.abspath(uploads or f"{self.path}.added")
        if os.path.exists(self.uploads) and not os.path.isdir(self.uploads):
            raise NotADirectoryError(
                "`uploads` must be a directory, for the pictures that are added. "
                f"Received: the file {self.uploads!r}."
            )
        self.saver = IndexSaver(self.path)
        self.index = Index.load(path, model, **options)
        self.model = model
        self.label_names = label_names
        self.lock = ReadWriteLock()
        self.version = 0  # Grows with each change.
        self._catalog: tuple[int, Catalog] = (-1, None)
        self._thumbnails = Thumbnails()
        self._encode = Batcher(self._codes, _IMAGES_AT_ONCE)
        self._features = Batcher(self._continuous, _IMAGES_AT_ONCE)
        self._change = Batcher(self._change_and_save, _CHANGES_AT_ONCE)

    # === Search ===

    def search_picture(self, data: bytes, **how) -> Neighbors:
        """The items nearest to a picture; `how` as for `_search`."""
        pixels = self.model.preprocessor.center_crop(read_upload(data))
        encode = self._features if self.index.spec.is_quantizer else self._encode
        query = encode(pixels)[None]
        with self.lock.read():
            return self._search(query, **how)

    def search_item(self, number: int, k: int, **how) -> Neighbors:
        """The items nearest to an item, without itself."""
        with self.lock.read():
            self._check(number)
            query = self.index.codes(np.array([number]))
            found = self._search(query, k=k + 1, **how)
        others = [each for each in found.neighbors if each.id != number]
        return Neighbors(others[:k], found.expected)

    def _search(
        self,
        query: np.ndarray,
        k: int,
        radius: float | None = None,
        name: str = "",
        label: int | None = None,
    ) -> Neighbors:
        if name or label is not None:
            chosen = self.catalog().matching(name, label)
            distances, ids = self.index.rerank(query, chosen[None], k=k)
            near = distances[0] <= (np.inf if radius is None else radius)
            distances, ids = distances[0][near], ids[0][near]
        else:
            found = self.index.search(query, k=k, radius=radius)
            distances, ids = found[0][0], found[1][0]
        alike = self.index.similarities(query, ids[None])[0]
        rows = zip(self._items(ids), distances, alike, strict=True)
        neighbors = [
            Neighbor(
                item.id, item.name, item.labels, float(distance), float(similarity)
            )
            for item, distance, similarity in rows
        ]
        return Neighbors(neighbors, None if radius is None else self.expected(radius))

    def expected(self, radius: float) -> Expected | None:
        """What the radius table expects of a search within a radius."""
        table = self.radius_table
        return None if table is None else Expected(radius, **table.expected(radius))

    @property
    def radius_table(self):
        """The radius table of whole codes, or None."""
        spec = self.index.spec
        if self.model.bits != spec.bits:
            return None
        return getattr(self.model, "radius_table", None) or spec.radius_table

    # === Items ===

    def items(self, offset: int, limit: int, name: str, label: int | None) -> Items:
        """A part of the items, in the order of their addition."""
        with self.lock.read():
            chosen = self.index.ids
            if name or label is not None:
                chosen = self.catalog().matching(name, label)
            return Items(len(chosen), self._items(chosen[offset : offset + limit]))

    def item(self, number: int) -> Item:
        with self.lock.read():
            self._check(number)
            return self._items(np.array([number]))[0]

    def thumbnail(self, number: int, size: int) -> bytes:
        """The JPEG of an item's file; a FileNotFoundError where there is none."""
        with self.lock.read():
            self._check(number)
            names = self.index.names(np.array([number]))
        if not names or not names[0]:
            raise FileNotFoundError("The index has no name for this item.")
        return self._thumbnails.jpeg(names[0], size)

    def catalog(self) -> Catalog:
        """All names and labels as they are now; the caller holds the lock."""
        version, catalog = self._catalog
        if version != self.version:
            catalog = Catalog.of(self.index)
            self._catalog = self.version, catalog
        return catalog

    def existing(self, ids: np.ndarray) -> list[Item]:
        """Those of some items that are still there."""
        with self.lock.read():
            return self._items(ids[np.isin(ids, self.index.ids)])

    def _items(self, ids: np.ndarray) -> list[Item]:
        names = shown_names(self.index.names(ids), len(ids))
        labels = label_lists(self.index.labels(ids), len(ids))
        return [Item(*row) for row in zip(ids.tolist(), names, labels, strict=True)]

    def _check(self, number: int) -> None:
        try:
            self.index.labels(np.array([number], np.int64))
        except (ValueError, OverflowError):
            raise UnknownItem(f"There is no item {number} in the index.") from None

    # === Change ===

    def add_picture(self, data: bytes, name: str, labels: list[int]) -> Item:
        """Adds a picture that a client sent, when it is saved."""
        pixels = self.model.preprocessor.center_crop(read_upload(data))
        code = self._encode(pixels)[None]
        path = save_upload(self.uploads, data, name)

        def add(_changes: Changes) -> Item:
            row = self._label_row(labels)
            ids = self.index.add(code, labels=row, names=[path], verbose=0)
            return self._items(ids)[0]

        try:
            return self._change(add)
        except BaseException:
            os.unlink(path)
            raise

    def _label_row(self, labels: list[int]) -> np.ndarray | None:
        """Labels in the form of those that are there, [1] or [1, L]."""
        there = self.index.labels(self.index.ids[:1])
        if there is None:
            if labels:
                raise ValueError("This index has no labels: leave `label` out.")
            return None
        if there.ndim == 1:
            if len(labels) != 1:
                raise ValueError(
                    "Each item of this index has one label: give one `label`. "
                    f"Received: {len(labels)}."
                )
            return np.array(labels)
        wrong = [label for label in labels if not 0 <= label < there.shape[1]]
        if wrong:
            raise ValueError(
                f"`label` must be from 0 to {there.shape[1] - 1}. Received: {wrong[0]}."
            )
        row = np.zeros((1, there.shape[1]), np.uint8)
        row[0, labels] = 1
        return row

    def remove(self, number: int) -> int:
        """Removes an item from the index, when that is saved; its file stays."""

        def remove(changes: Changes) -> int:
            self._check(number)
            return changes.remove(number)

        return self._change(remove)

    # === What the batchers call ===

    def _codes(self, pixels: list[np.ndarray]) -> np.ndarray:
        return self.index.encode(np.stack(pixels))

    def _continuous(self, pixels: list[np.ndarray]) -> np.ndarray:
        return self.model.continuous_codes(np.stack(pixels), verbose=0)

    def _change_and_save(self, changes: list) -> list:
        """Makes changes and saves them: one thread does, so no others are between."""
        with self.lock.write():
            made = Changes(self.index)
            results = made.make(changes)
            self.version += 1
        if all(isinstance(result, Exception) for result in results):
            return results
        try:
            self.saver.save(self.index)
        except Exception as error:
            with self.lock.write():
                made.take_back()
                self.version += 1
            return [each if isinstance(each, Exception) else error for each in results]
        return results
