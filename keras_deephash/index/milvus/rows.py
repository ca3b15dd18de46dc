"""Items as Milvus takes and gives them: one dict of fields for each."""

import numpy as np

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.milvus.vectors import new_vectors

# Milvus's own limit is 65,535.
MAX_NAME_BYTES = 4096


class Rows:
    """Items to be added.

    Args:
        spec: `CodeSpec`.
        ids: int64 array [n].
        codes: uint8 array [n, bytes].
        labels: int array [n] or [n, L], or `None`.
        names: list of n str, or `None`.

    Raises:
        ValueError: for names that Milvus cannot keep.
    """

    def __init__(self, spec: CodeSpec, ids, codes, labels, names):
        for name in names or ():
            check_name(name)
        self.spec, self.ids, self.codes = spec, ids, codes
        self.labels, self.names = labels, names
        self.vectors = new_vectors(spec)

    def take(self, positions: np.ndarray) -> list[dict]:
        """The rows at positions."""
        codes = self.codes[positions]
        columns = {
            "id": self.ids[positions].tolist(),
            "vector": self.vectors.of_codes(codes),
            "name": [self.names[i] if self.names else "" for i in positions],
        }
        if self.spec.is_quantizer:
            columns["code"] = [code.tobytes().hex() for code in codes]
        if self.labels is not None:
            columns["label"] = self.labels[positions].tolist()
        return [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]

    def is_same(self, row: dict, other: dict) -> bool:
        """Whether two rows have one code, label and name."""
        return code_bytes(self.spec, row) == code_bytes(self.spec, other) and all(
            row.get(field) == other.get(field) for field in ("label", "name")
        )


def code_field(spec: CodeSpec) -> str:
    """The field that holds the bytes of a code."""
    return "code" if spec.is_quantizer else "vector"


def code_bytes(spec: CodeSpec, row: dict) -> bytes:
    """The code of a row."""
    value = row[code_field(spec)]
    if spec.is_quantizer:
        return bytes.fromhex(value)
    return value[0] if isinstance(value, list) else value


def to_codes(spec: CodeSpec, rows: list[dict]) -> np.ndarray:
    """The codes of rows, uint8 [n, bytes]."""
    joined = b"".join(code_bytes(spec, row) for row in rows)
    return np.frombuffer(joined, np.uint8).reshape(-1, spec.bytes)


def can_be_name(name: str) -> bool:
    """Whether Milvus can keep a name."""
    try:
        check_name(name)
    except ValueError:
        return False
    return True


def check_name(name: str) -> None:
    """Raises ValueError for a name that Milvus cannot keep."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(
            f"`names` must be valid Unicode in Milvus. Received: {name!r}."
        ) from None
    if length > MAX_NAME_BYTES:
        raise ValueError(
            f"`names` must be at most {MAX_NAME_BYTES} bytes long in Milvus. "
            f"Received: {length} bytes, {name[:40]!r}..."
        )
