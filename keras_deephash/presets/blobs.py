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


def discard(folder: str, names: Iterable[str] = ()) -> None:
    """Removes files of a snapshot with their blobs, and the listing of its commit.

    What a broken answer left in the cache would otherwise be believed for ever.
    """
    storage = os.path.dirname(os.path.dirname(folder))
    listing = os.path.join(storage, "trees", f"{os.path.basename(folder)}.json")
    paths = [os.path.join(folder, name) for name in names]
    blobs = [os.path.realpath(path) for path in paths if os.path.islink(path)]
    cache = os.path.join(os.path.realpath(os.path.dirname(storage)), "")
    blobs = [blob for blob in blobs if blob.startswith(cache)]
    for path in (*paths, *blobs, listing):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


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
