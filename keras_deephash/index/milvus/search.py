"""Searches in a collection: the k nearest, and all within a radius."""

import numpy as np

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.milvus.items import MilvusItems
from keras_deephash.index.milvus.rows import to_codes
from keras_deephash.index.milvus.vectors import new_vectors
from keras_deephash.index.ranking import RangeResult, candidate_distances

# Milvus returns at most 16,384 neighbours of a query.
MAX_NEIGHBOURS = 16_384
_HITS_OF_A_CALL = 1 << 18
_MAX_QUERIES = 1000


class MilvusSearch:
    """Searches a collection, with consistency level "Strong".

    Args:
        items: `MilvusItems` of the collection.
        spec: `CodeSpec`.
        lists: int. Of an `"ivf"` collection; `None` for `"flat"`.
        probes: int. Lists a search looks into.
    """

    def __init__(
        self,
        items: MilvusItems,
        spec: CodeSpec,
        lists: int | None = None,
        probes: int | None = None,
    ):
        self.items, self.spec = items, spec
        self.lists, self.probes = lists, probes
        self.vectors = new_vectors(spec)

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and ids [queries, min(k, n)], nearest first."""
        if k > MAX_NEIGHBOURS:
            raise ValueError(
                f"`k` must be at most {MAX_NEIGHBOURS} in Milvus. Received: k={k}."
            )
        found = []
        for part in self._parts(queries, k):
            hits = self._hits(part, k, self.probes)
            short = [i for i, row in enumerate(hits) if len(row) < k]
            if short and self.lists:
                # The lists looked into hold fewer than k: look into all.
                for i, row in zip(
                    short, self._hits(part[short], k, self.lists), strict=True
                ):
                    hits[i] = row
            found += [self._distances(*pair) for pair in zip(part, hits, strict=True)]
        # All rows have one length, unless another process adds or removes meanwhile.
        width = min((len(ids) for _, ids in found), default=0)
        kind = np.float32 if self.spec.is_quantizer else np.int32
        distances = np.empty((len(queries), width), kind)
        ids = np.empty((len(queries), width), np.int64)
        for i, (row_distances, row_ids) in enumerate(found):
            order = np.argsort(row_distances, kind="stable")[:width]
            distances[i], ids[i] = row_distances[order], row_ids[order]
        return distances, ids

    def within(self, queries: np.ndarray, radius: float) -> RangeResult:
        """Limits, distances and ids of all within the radius, in any order."""
        limits, distances, ids = [0], [], []
        if self.spec.is_quantizer or radius >= 0:
            found = [
                self._distances(*pair)
                for part in self._parts(queries, MAX_NEIGHBOURS)
                for pair in zip(part, self._all_hits(part, radius), strict=True)
            ]
        else:
            found = [(np.empty(0, np.int32), np.empty(0, np.int64))] * len(queries)
        for row_distances, row_ids in found:
            kept = row_distances <= radius
            distances.append(row_distances[kept].astype(np.float32))
            ids.append(row_ids[kept])
            limits.append(limits[-1] + int(kept.sum()))
        return (
            np.array(limits),
            np.concatenate([np.empty(0, np.float32), *distances]),
            np.concatenate([np.empty(0, np.int64), *ids]),
        )

    def _parts(self, queries: np.ndarray, hits: int):
        """Queries in calls whose answers are not too long."""
        size = min(_MAX_QUERIES, max(1, _HITS_OF_A_CALL // hits))
        for start in range(0, len(queries), size):
            yield queries[start : start + size]

    def _hits(self, queries, k: int, probes: int | None, condition="", params=None):
        """Milvus's answer, a list of hits per query."""
        params = dict(params or {})
        if probes:
            params["nprobe"] = probes
        answer = self.items.connection.call(
            "search",
            self.items.collection,
            self.vectors.of_queries(queries),
            filter=condition,
            limit=k,
            output_fields=["code"] if self.spec.is_quantizer else [],
            search_params={"metric_type": self.vectors.metric, "params": params},
            consistency_level="Strong",
        )
        return list(answer)

    def _all_hits(self, queries, radius: float, low: int = 0, high: int = 2**63 - 1):
        """As `_hits`, of all within a radius that have an id from low to high - 1.

        A query with as many hits as Milvus returns may have more: then the items of
        either half of the ids are searched.
        """
        hits = self._hits(
            queries,
            MAX_NEIGHBOURS,
            self.lists,  # All lists: a radius leaves out nothing.
            f"id >= {low} and id < {high}" if (low, high) != (0, 2**63 - 1) else "",
            self.vectors.range_params(radius, queries),
        )
        full = [i for i, row in enumerate(hits) if len(row) == MAX_NEIGHBOURS]
        if not full:
            return hits
        ids = sorted(hit["id"] for i in full for hit in hits[i])
        middle = ids[len(ids) // 2]
        halves = [
            self._all_hits(queries[full], radius, *bounds)
            for bounds in ((low, middle), (middle, high))
        ]
        for i, first, second in zip(full, *halves, strict=True):
            hits[i] = [*first, *second]
        return hits

    def _distances(self, query: np.ndarray, hits) -> tuple[np.ndarray, np.ndarray]:
        """Distances and ids of a query's hits; of a quantizer by AQD of the codes."""
        ids = np.array([hit["id"] for hit in hits], np.int64)
        if not self.spec.is_quantizer:
            return np.array([hit["distance"] for hit in hits], np.int32), ids
        codes = to_codes(self.spec, [hit["entity"] for hit in hits])
        distances = candidate_distances(self.spec, query[None], codes[None])[0]
        return distances.astype(np.float32), ids
