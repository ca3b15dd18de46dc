"""The layout of faiss's files, read before faiss opens one.

faiss trusts a file: it allocates as much as a header claims, and a part of an index may
name another file, which faiss opens. So each file is walked through first. It must have
one of the layouts that a structure writes, in every part, and end where they end.
"""

import os
import struct
from typing import IO


def check_layout(
    path: str, types: tuple[str, ...], dim: int, count: int, columns: int = 0
) -> int | None:
    """Walks through a file of faiss.

    Args:
        path: str.
        types: the types of index that it may hold, as faiss writes them in four
            letters: keys of `LAYOUTS`.
        dim: int. Dimensions of the index.
        count: int. Codes that it must hold.
        columns: int. Sub-quantizers that a product quantizer must have.

    Returns:
        Where the codes of a binary index begin in the file, or `None`.

    Raises:
        ValueError: if it is laid out in another way.
    """
    with open(path, "rb") as file:
        walk = _Walk(file, dim, count, columns)
        start = LAYOUTS[walk.type(*types)](walk)
        walk.equal("bytes behind the end", 0, walk.left)
    return start


class _Walk:
    """Walks through a file from part to part, never beyond its end."""

    def __init__(self, file: IO[bytes], dim: int, count: int, columns: int):
        self._file = file
        self.left = os.fstat(file.fileno()).st_size
        self.dim, self.count, self.columns = dim, count, columns

    def take(self, count: int) -> bytes:
        self._use(count)
        return self._file.read(count)

    def skip(self, count: int) -> int:
        """Passes over bytes and returns where they begin."""
        self._use(count)
        start = self._file.tell()
        self._file.seek(count, os.SEEK_CUR)
        return start

    def _use(self, count: int) -> None:
        if count > self.left:
            raise ValueError(f"it should be {count - self.left} bytes longer")
        self.left -= count

    def number(self, form: str = "Q") -> int:
        """A little-endian number of a format of `struct`, by default of 8 bytes."""
        form = f"<{form}"
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def vector(self, width: int) -> int:
        """Passes over a vector, its length before it; returns the length."""
        length = self.number()
        self.skip(length * width)
        return length

    def type(self, *expected: str) -> str:
        """The four letters that stand for a type."""
        found = self.take(4)
        if found.decode("latin-1") not in expected:
            raise ValueError(f"expected one of {expected}, found {found!r}")
        return found.decode()

    def equal(self, what: str, expected: int, found: int) -> None:
        if expected != found:
            raise ValueError(f"{what} should be {expected}. Received: {found}")

    # === Parts ===

    def codes(self, expected: int) -> None:
        """A number of codes."""
        if expected != (found := self.number()):
            raise ValueError(f"it should hold {expected} codes. Received: {found}")

    def binary_header(self, count: int) -> None:
        self.equal("dimensions", self.dim, self.number("i"))
        self.equal("bytes of a code", self.dim // 8, self.number("i"))
        self.codes(count)
        self.take(5)  # Whether it is trained, the metric.

    def float_header(self, count: int) -> None:
        self.equal("dimensions", self.dim, self.number("i"))
        self.codes(count)
        self.take(17)  # Two unused numbers, whether it is trained.
        self.equal("metric", 0, self.number("i"))  # The inner product.

    def flat_codes(self, count: int) -> int:
        """Reads the fields of an `IndexBinaryFlat`; where its codes begin."""
        self.binary_header(count)
        size = self.dim // 8 * count
        self.equal("bytes of codes", size, self.number())
        return self.skip(size)

    def quantizer(self, bits: int) -> None:
        """A `ProductQuantizer`."""
        for what, expected in (("d", self.dim), ("M", self.columns), ("bits", bits)):
            self.equal(what, expected, self.number())
        self.equal("centres", self.dim << bits, self.vector(4))

    def no_direct_map(self) -> None:
        self.equal("direct map", 0, self.number("B"))
        self.equal("direct map", 0, self.vector(8))

    def lists(self, lists: int, code_size: int) -> None:
        """`ArrayInvertedLists`, which lie in this file."""
        self.type("ilar")
        self.equal("lists", lists, self.number())
        self.equal("bytes of a code", code_size, self.number())
        # All sizes, or pairs of a list and its size.
        full = self.type("full", "sprs") == "full"
        length = self.number()
        sizes = struct.unpack(f"<{length}Q", self.take(8 * length))
        if not full:
            named, sizes = sizes[::2], sizes[1::2]
            if length % 2 or len(set(named)) < len(named) or max(named) >= lists:
                raise ValueError("its lists are not there once")
        elif length != lists:
            raise ValueError("its lists do not all have a size")
        self.equal("codes in lists", self.count, sum(sizes))
        self.skip(self.count * (code_size + 8))


def _binary_flat(walk: _Walk) -> int:
    return walk.flat_codes(walk.count)


def _multi_hash(walk: _Walk) -> int:
    walk.binary_header(walk.count)
    walk.type("IBxF")
    start = walk.flat_codes(walk.count)
    walk.skip(walk.left)  # The tables, which are not read but made anew.
    return start


def _binary_hnsw(walk: _Walk) -> int:
    walk.binary_header(walk.count)
    walk.vector(8)  # How likely each level is.
    walk.vector(4)  # Neighbours up to each level.
    walk.equal("levels", walk.count, walk.vector(4))
    walk.equal("offsets", walk.count + 1, walk.vector(8))
    walk.vector(4)  # The neighbours.
    walk.take(20)  # Where to begin, the highest level, widths of searches.
    walk.type("IBxF")
    return walk.flat_codes(walk.count)


def _binary_ivf(walk: _Walk) -> None:
    walk.binary_header(walk.count)
    lists = walk.number()
    walk.number()  # Probes.
    walk.type("IBxF")
    walk.flat_codes(lists)
    walk.no_direct_map()
    walk.lists(lists, walk.dim // 8)


def _pq(walk: _Walk) -> None:
    walk.float_header(walk.count)
    walk.quantizer(8)
    walk.equal("bytes of codes", walk.columns * walk.count, walk.vector(1))
    walk.take(9)  # How to search.


def _ivfpq(walk: _Walk) -> None:
    walk.float_header(walk.count)
    lists = walk.number()
    walk.number()  # Probes.
    walk.type("IxFI")  # Of list centres, which lie elsewhere.
    walk.float_header(0)
    walk.equal("list centres", 0, walk.vector(4))
    walk.no_direct_map()
    walk.equal("residuals", 0, walk.number("B"))
    walk.equal("bytes of a code", walk.columns, walk.number())
    walk.quantizer(8)
    walk.lists(lists, walk.columns)


def _fast_scan(walk: _Walk) -> None:
    walk.float_header(walk.count)
    walk.quantizer(4)
    walk.number("i")  # How to search.
    walk.equal("rows of a block", 32, walk.number("i"))
    walk.number("i")
    # Rows and columns are filled up to whole blocks.
    rows, columns = -(-walk.count // 32) * 32, walk.columns + walk.columns % 2
    walk.equal("rows", rows, walk.number())
    walk.equal("columns", columns, walk.number())
    walk.equal("bytes of codes", rows * columns // 2, walk.vector(1))


LAYOUTS = {
    "IBxF": _binary_flat,  # IndexBinaryFlat
    "IBHm": _multi_hash,  # IndexBinaryMultiHash
    "IBHf": _binary_hnsw,  # IndexBinaryHNSW
    "IBwF": _binary_ivf,  # IndexBinaryIVF
    "IxPq": _pq,  # IndexPQ, of 256 centres per column
    "IwPQ": _ivfpq,  # IndexIVFPQ, of 256 centres per column
    "IPfs": _fast_scan,  # IndexPQFastScan, of 16 centres per column
}
