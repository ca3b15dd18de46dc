"""The file that keeps the records of pictures from one run to the next.

It consists of a line of text with its type, a line of JSON, the records, and the paths
as UTF-8 with their lengths. Nothing in it is run, and a sha256 shows any damage.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Sequence

import numpy as np

from keras_deephash.duplicates.records import record_type
from keras_deephash.files import write_atomically

_FIRST_LINE = b"keras_deephash records of pictures 1\n"
_LONGEST_HEADER = 4096
_BLOCK = 1 << 20


def save_records(
    path: str | os.PathLike, network_digest: str, paths: Sequence[str], records
) -> None:
    """Writes records and the paths of their pictures, completely or not at all.

    Args:
        path: str. The cache file.
        network_digest: str, digest of the network that computed the features.
        paths: sequence of str.
        records: array [n] of `record_type`.
    """
    names = [name.encode("utf-8", "surrogateescape") for name in paths]
    lengths = np.array([len(name) for name in names], "<i4")
    parts = [records, lengths, b"".join(names)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(memoryview(part).cast("B") if len(part) else b"")
    header = {
        "network": network_digest,
        "count": len(names),
        "units": records.dtype["features"].shape[0],
        "name_bytes": int(lengths.sum()),
        "sha256": digest.hexdigest(),
    }
    with write_atomically(path) as file:
        file.write(_FIRST_LINE + json.dumps(header).encode() + b"\n")
        for part in parts:
            file.write(memoryview(part).cast("B") if len(part) else b"")


def load_records(
    path: str | os.PathLike, network_digest: str, units: int
) -> tuple[dict[str, int], np.ndarray]:
    """Reads the records of a cache.

    There are none if the file does not exist, or is of another network. A damaged file
    gives a warning and no records: all pictures are then read again.

    Args:
        path: str. The cache file.
        network_digest: str, digest of the present network.
        units: int. Length of its features.

    Returns:
        Tuple of a dict of paths to numbers, and records [n] by these numbers.
    """
    nothing = {}, np.empty(0, record_type(units))
    try:
        with open(path, "rb") as file:
            header = _read_header(file)
            if header["network"] != network_digest or header["units"] != units:
                return nothing
            return _read_body(file, header)
    except FileNotFoundError:
        return nothing
    except _Damaged as error:
        warnings.warn(
            f"The cache {os.fspath(path)!r} cannot be used: {error}. All images are "
            "read again.",
            stacklevel=2,
        )
        return nothing


class _Damaged(Exception):
    """The error for a cache that cannot be used."""


def _read_header(file) -> dict:
    if file.read(len(_FIRST_LINE)) != _FIRST_LINE:
        raise _Damaged("it is not a cache of pictures of this version")
    try:
        header = json.loads(file.readline(_LONGEST_HEADER))
    except (ValueError, RecursionError):
        raise _Damaged("its header is damaged") from None
    kinds = {"network": str, "count": int, "units": int, "name_bytes": int}
    kinds["sha256"] = str
    if not isinstance(header, dict) or any(
        type(header.get(key)) is not kind for key, kind in kinds.items()
    ):
        raise _Damaged("its header is damaged")
    return header


def _read_body(file, header: dict) -> tuple[dict[str, int], np.ndarray]:
    count, kind = header["count"], record_type(header["units"])
    # The size is checked before memory is allocated for the sizes in the header.
    there = os.fstat(file.fileno()).st_size - file.tell()
    if count < 0 or there != count * (kind.itemsize + 4) + header["name_bytes"]:
        raise _Damaged("it is shorter or longer than its header says")
    records, lengths = np.empty(count, kind), np.empty(count, "<i4")
    digest = hashlib.sha256()
    for array in (records, lengths):
        _read_into(file, memoryview(array).cast("B") if count else b"", digest)
    names = file.read()
    digest.update(names)
    if digest.hexdigest() != header["sha256"]:
        raise _Damaged("its content has changed since it was written")
    ends = np.cumsum(lengths, dtype=np.int64)
    paths = {
        names[end - length : end].decode("utf-8", "surrogateescape"): number
        for number, (end, length) in enumerate(zip(ends, lengths, strict=True))
    }
    return paths, records


def _read_into(file, memory, digest) -> None:
    for start in range(0, len(memory), _BLOCK):
        block = memory[start : start + _BLOCK]
        if file.readinto(block) != len(block):
            raise _Damaged("it ends too early")
        digest.update(block)
