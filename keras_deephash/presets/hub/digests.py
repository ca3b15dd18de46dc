"""Contents of files on the Hub, named after their digests."""

import hashlib
import os
from dataclasses import dataclass

from keras_deephash.presets.hub.handles import is_digest


@dataclass(frozen=True)
class Blob:
    """The content of a file.

    Attributes:
        size: int, bytes.
        digest: str, the sha256 of a file in LFS, or the id that git gives to any other.
    """

    size: int
    digest: str

    def is_in(self, path: str) -> bool:
        """Whether a file has this content."""
        return os.path.getsize(path) == self.size and self.digest in _digests(
            path, len(self.digest)
        )


def blob_of(size, digest) -> Blob | None:
    """The blob of a size and a digest, or None if these are not valid."""
    whole = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    return Blob(size, digest) if whole and is_digest(digest) else None


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
