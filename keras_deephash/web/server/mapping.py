"""The map of a collection: its codes laid out in a plane."""

import threading

import numpy as np

from keras_deephash.codebooks.scores import reconstruct
from keras_deephash.plots.layout import lay_out
from keras_deephash.web.server.catalog import label_lists
from keras_deephash.web.server.collection import Collection
from keras_deephash.web.server.records import Map

_MOST = 2000  # t-SNE of more takes long, and shows no more.


class MapMaker:
    """Lays out a sample of a collection; the last map of each method is kept."""

    def __init__(self, collection: Collection):
        self._collection = collection
        self._lock = threading.Lock()  # One at a time: t-SNE takes seconds.
        self._made: dict[str, tuple[int, Map]] = {}

    def map(self, method: str) -> Map:
        """The map by `"pca"` or `"tsne"`."""
        with self._lock:
            version, made = self._made.get(method, (None, None))
            if version != self._collection.version:
                version = self._collection.version
                made = self._make(method)
                self._made[method] = version, made
            return made

    def _make(self, method: str) -> Map:
        collection, spec = self._collection, self._collection.index.spec
        with collection.lock.read():
            ids = collection.index.ids
            total = len(ids)
            if total > _MOST:
                ids = np.random.default_rng(0).choice(ids, _MOST, replace=False)
            codes = collection.index.codes(ids)
            labels = label_lists(collection.index.labels(ids), len(ids))
        if not len(ids):
            return Map("The index is empty", 0, [], [], [], [])
        if spec.is_quantizer:
            vectors = reconstruct(codes, spec.centers)
        else:
            vectors = 2.0 * np.unpackbits(codes, axis=1) - 1.0
        title, points, _ = lay_out(np.asarray(vectors, np.float64), method)
        low, high = points.min(axis=0), points.max(axis=0)
        points = (points - low) / np.where(high > low, high - low, 1)
        x, y = np.round(points, 4).T.tolist()
        first = [each[0] if each else -1 for each in labels]
        return Map(title, total, ids.tolist(), x, y, first)
