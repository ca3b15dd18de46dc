"""Files of the Hub's cache, which are named after their content."""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable

_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_intact(folder: str, name: str) -> bool:
    """Whether a file of a snapshot has the content that its blob is named after.

    A blob has the name of its ETag: the sha256 of a file in LFS, or the id that git
    gives to any other. Where the cache has no links, or the endpoint other ETags,
    nothing can be told.
    """
    path = os.path.join(folder, name)
    if not os.path.islink(path):
        return True
    expected = os.path.basename(os.readlink(path))
    if not _DIGEST.fullmatch(expected):
        return True
    return expected in _digests(path, len(expected))


def discard(folder: str, names: Iterable[str]) -> None:
    """Removes files of a snapshot together with their blobs."""
    # CACHE/models--org--name/snapshots/COMMIT
    cache = os.path.realpath(os.path.join(folder, os.pardir, os.pardir, os.pardir))
    for name in names:
        path = os.path.join(folder, name)
        blob = os.path.realpath(path)
        os.unlink(path)
        if blob.startswith(os.path.join(cache, "")):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(blob)


def _digests(path: str, length: int) -> list[str]:
    size = os.path.getsize(path)
    if length == 64:
        hashes = [hashlib.sha256()]
    else:  # Some mirrors give the plain sha1 in place of git's.
        hashes = [hashlib.sha1(b"blob %d\0" % size), hashlib.sha1()]
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            for each in hashes:
                each.update(block)
    return [each.hexdigest() for each in hashes]
