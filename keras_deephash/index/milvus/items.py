"""Items of a collection, read by their ids."""

from collections.abc import Iterator

import numpy as np

from keras_deephash.index.milvus.connection import MilvusConnection

# Milvus returns at most 16,384 rows of a query with a limit.
PAGE_ROWS = 10_000


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
