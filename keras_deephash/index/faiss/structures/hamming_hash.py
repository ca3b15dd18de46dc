"""Hash codes in hash tables of their parts: multi-index hashing."""

import math
import os

import numpy as np

from keras_deephash.index.columns import SavedFiles
from keras_deephash.index.faiss.files import write_index
from keras_deephash.index.faiss.layouts import check_layout
from keras_deephash.index.faiss.structures.hamming_flat import FILE, HammingStructure
from keras_deephash.index.faiss.structures.padding import pad
from keras_deephash.index.ranking import RangeResult

# Parts of one table that a search looks up at most: more take longer than a comparison
# with all codes.
MAX_LOOKS = 1 << 20


class HammingHash(HammingStructure):
    """Looks up parts of a query in one hash table each, exactly.

    Two codes within radius r, cut into t parts, agree in a part up to r // t bits: so
    the tables find all codes within `reach = t * (flips + 1) - 1`. A query with fewer
    than k codes that near is compared with all codes, as is a larger radius.

    It is faster than `kind="flat"` where codes are spread evenly, k is small and the
    nearest are near: within `reach` bits. Codes of a model of few classes share most
    of their parts, and a search then takes several times as long as `"flat"`, for the
    same neighbours.

    Args:
        spec: `CodeSpec`.
        tables: int, t. Defaults to one for every 16 bits, at least 2.
        flips: int. Bits that may differ in a part. Defaults to `1`.

    References:
        - [Norouzi et al., Fast Search in Hamming Space with Multi-Index Hashing,
          CVPR 2012](https://ieeexplore.ieee.org/document/6248043)
    """

    kind = "hash"
    # Tables are made anew when they are read, which takes no longer. Older indexes
    # have them in the file.
    file_types = ("IBxF", "IBHm")
    format_version = 2
    default_options = {"tables": None, "flips": 1}

    def __init__(self, spec, **options):
        if options.get("tables") is None:
            options["tables"] = max(2, -(-spec.bits // 16))
        super().__init__(spec, **options)

    def new_index(self):
        tables = self.options["tables"]
        part = self.spec.bits // tables
        if not 1 <= part <= 64:
            raise ValueError(
                f"`tables` must cut {self.spec.bits} bits into parts of 1 to 64 bits. "
                f"Received: tables={tables}."
            )
        flips = min(self.options["flips"], part)
        looks = sum(math.comb(part, bits) for bits in range(flips + 1))
        if looks > MAX_LOOKS:
            raise ValueError(
                f"`flips` must let a search look up at most {MAX_LOOKS} parts in a "
                f"table. Received: flips={flips} of {part} bits, {looks} parts."
            )
        index = self.faiss.IndexBinaryMultiHash(self.bits, tables, part)
        index.nflip = flips
        return index

    @property
    def reach(self) -> int:
        """The largest radius within which the tables find every code."""
        return self.options["tables"] * (self.index.nflip + 1) - 1

    @property
    def storage(self):
        return self.index.storage

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        queries = pad(queries)
        distances, positions = self.index.search(queries, k)
        missed = (positions[:, -1] < 0) | (distances[:, -1] > self.reach)
        if missed.any():
            distances[missed], positions[missed] = self.storage.search(
                queries[missed], k
            )
        return distances, positions

    def own(self) -> None:
        """Does nothing: no file is mapped."""

    def write(self, folder: str) -> list[str]:
        write_index(self.storage, os.path.join(folder, FILE))
        return [FILE]

    def read(self, saved: SavedFiles, count: int) -> None:
        path = saved.path(FILE)
        start = check_layout(path, self.file_types, self.bits, count)
        if count:
            shape = count, self.bits // 8
            self.index.add(np.array(np.memmap(path, np.uint8, "r", start, shape)))

    def range_search(self, queries: np.ndarray, radius: float) -> RangeResult:
        if radius > self.reach:
            return super().range_search(queries, radius)
        return self.index.range_search(pad(queries), self.faiss_radius(radius))
