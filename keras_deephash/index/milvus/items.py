"""Items of a collection, read by their ids or names."""

import json
from collections.abc import Iterator

import numpy as np

from keras_deephash.index.ids import ids_are_missing, ids_are_there
from keras_deephash.index.milvus.connection import MilvusConnection
from keras_deephash.index.milvus.rows import Rows, can_be_name, code_field

# Milvus returns at most 16,384 rows of a query with a limit.
PAGE_ROWS = 10_000
COMPARED_ROWS = 2000  # With their codes.
FIND_NAMES = 500  # Of up to 4,096 bytes each in one condition.


class MilvusItems:
    """Reads rows of a collection, all with consistency level "Strong".

    Args:
        connection: `MilvusConnection`.
        collection: str.
    """

    def __init__(self, connection: MilvusConnection, collection: str):
        self.connection, self.collection = connection, collection

    def query(self, condition: str, fields: list[str], **options) -> list[dict]:
        """Rows for which a condition in Milvus's language holds."""
        return self.connection.call(
            "query",
            self.collection,
            filter=condition,
            output_fields=fields,
            consistency_level="Strong",
            **options,
        )

    def count(self) -> int:
        return int(self.query("", ["count(*)"])[0]["count(*)"])

    def known(self, ids: np.ndarray, fields: list[str]) -> dict[int, dict]:
        """The rows of those ids that are there, by id."""
        rows = {}
        for start in range(0, len(ids), PAGE_ROWS):
            listed = ids[start : start + PAGE_ROWS].tolist()
            for row in self.query(f"id in {listed}", ["id", *fields]):
                rows[row["id"]] = row
        return rows

    def rows_of(self, ids, fields: list[str]) -> list[dict]:
        """The rows of ids, in their order, or a ValueError if one is not there."""
        ids = np.asarray(ids).ravel()
        if ids.size and ids.dtype.kind not in "iu":
            raise ValueError(f"`ids` must be integers. Received: {ids.dtype}.")
        rows = self.known(np.unique(ids), fields)
        missing = [id_ for id_ in ids.tolist() if id_ not in rows]
        if missing:
            raise ids_are_missing(np.array(missing))
        return [rows[id_] for id_ in ids.tolist()]

    def are_new(self, rows: Rows, next_id: int) -> np.ndarray:
        """Which rows are not there yet, a bool mask; all ids there are below `next_id`.

        An item whose id is there must equal the one that is there: so an addition that
        broke may be repeated, and another is refused.
        """
        new = np.ones(len(rows.ids), bool)
        old = np.flatnonzero(rows.ids < next_id)
        fields = [code_field(rows.spec), "label", "name"]
        for start in range(0, len(old), COMPARED_ROWS):
            part = old[start : start + COMPARED_ROWS]
            there = self.known(rows.ids[part], fields)
            if not there:
                continue
            for place, row in zip(part, rows.take(part), strict=True):
                if row["id"] in there:
                    if not rows.is_same(row, there[row["id"]]):
                        raise ids_are_there(rows.ids[[place]])
                    new[place] = False
        return new

    def find(self, names: list[str]) -> np.ndarray:
        """The ids of all items that have one of some names, in rising order."""
        found = [np.empty(0, np.int64)]
        names = [name for name in names if can_be_name(name)]
        for start in range(0, len(names), FIND_NAMES):
            # Milvus reads strings as JSON writes them.
            listed = json.dumps(names[start : start + FIND_NAMES], ensure_ascii=False)
            found += self.pages(f"name in {listed}")
        return np.unique(np.concatenate(found))

    def all_ids(self) -> np.ndarray:
        """All ids, in rising order."""
        return np.concatenate([np.empty(0, np.int64), *self.pages()])

    def pages(self, condition: str = "") -> Iterator[np.ndarray]:
        """All ids in rising order, or those for which a condition holds, in pages."""
        last, condition = -1, f" and {condition}" if condition else ""
        while rows := self.query(f"id > {last}{condition}", ["id"], limit=PAGE_ROWS):
            page = np.sort(np.array([row["id"] for row in rows], np.int64))
            yield page
            last = int(page[-1])

    def next_id(self, at_least: int) -> int:
        """One more than the largest id, and no less than `at_least`.

        Milvus knows no maximum of a field. The number of rows is the answer where the
        ids are 0 to n - 1, as most often; any other is found by halving.
        """
        low, high = max(at_least, self.count()), 2**63 - 1
        step = 1
        while low < high:
            middle = min(low + step - 1, (low + high) // 2)
            if rows := self.query(f"id >= {middle}", ["id"], limit=1):
                low, step = rows[0]["id"] + 1, 2 * step
            else:
                high, step = middle, 1
        return low
