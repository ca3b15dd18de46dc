"""A repository in the Hub's cache, in the layout of the client.

blobs/DIGEST           content, named after itself; .incomplete while it arrives
snapshots/COMMIT/NAME  a link to a blob, or a file where there are no links
refs/BRANCH            the commit that a branch stood for
listings/COMMIT.json   which content the files have, of keras_deephash alone
"""

import os
import shutil
from contextlib import suppress

from keras_deephash.files import write_atomically
from keras_deephash.presets.hub.digests import Blob, blob_of
from keras_deephash.presets.hub.handles import HubHandle, is_digest
from keras_deephash.presets.hub.listing import read_listing, write_listing

INCOMPLETE = ".incomplete"
_LISTINGS = "listings"


class Storage:
    """The directory of a repository in the cache; it need not exist.

    Args:
        cache_dir: str or None, the cache of the Hub.
        repo_id: str.
    """

    def __init__(self, cache_dir: str | os.PathLike | None, repo_id: str):
        name = "--".join(("models", *repo_id.split("/")))
        self.folder = os.path.join(cache_folder(cache_dir), name)

    def blob(self, digest: str) -> str:
        """The path of a content."""
        return os.path.join(self.folder, "blobs", digest)

    def snapshot(self, commit: str) -> str:
        """The directory of a commit."""
        return os.path.join(self.folder, "snapshots", commit)

    def find_commit(self, handle: HubHandle) -> str | None:
        """The commit of a handle as it was last seen."""
        if handle.commit:
            return handle.commit
        try:
            with open(self._ref(handle.revision or "main"), encoding="ascii") as file:
                commit = file.read(100).strip()
        except (OSError, ValueError):
            return None
        return commit if is_digest(commit) else None

    def keep_commit(self, handle: HubHandle, commit: str) -> None:
        """Keeps what a branch or a tag stands for."""
        if handle.commit or self.find_commit(handle) == commit:
            return
        with write_atomically(self._ref(handle.revision or "main")) as file:
            file.write(commit.encode())

    def keep_listing(self, commit: str, blobs: dict[str, Blob]) -> None:
        """Keeps which content the files of a commit have."""
        kept = read_listing(self._listing(commit))
        if blobs.items() - kept.items():
            write_listing(self._listing(commit), {**kept, **blobs})

    def forget_listing(self, commit: str) -> None:
        """Removes what `keep_listing` has kept."""
        with suppress(FileNotFoundError):
            os.unlink(self._listing(commit))

    def listing(self, commit: str) -> dict[str, Blob]:
        """Sizes and digests of the files of a commit, from here or from the client."""
        theirs = read_listing(os.path.join(self.folder, "trees", f"{commit}.json"))
        return {**theirs, **read_listing(self._listing(commit))}

    def holds(self, commit: str, name: str, blob: Blob | None) -> bool:
        """Whether a file of a commit is there, with its content.

        A damaged one is removed.

        Args:
            commit: str.
            name: str.
            blob: `Blob`, the content, or None where nothing but the name of a link
                tells it. Anything else is not believed then.
        """
        path = os.path.join(self.snapshot(commit), name)
        if not os.path.exists(path):
            return False
        if blob is None and os.path.islink(path):
            blob = blob_of(os.path.getsize(path), os.path.basename(os.readlink(path)))
        if blob is None:
            return False
        if not blob.is_in(path):
            self._discard(path)
            return False
        return True

    def put(self, commit: str, name: str, blob: Blob) -> None:
        """Lets a file of a commit have a content that is there."""
        path = os.path.join(self.snapshot(commit), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(path)
        source = self.blob(blob.digest)
        try:
            os.symlink(os.path.relpath(source, os.path.dirname(path)), path)
        except OSError:  # Windows, without the right to make links.
            shutil.copyfile(source, path)

    def incomplete(self) -> list[str]:
        """The files of downloads that broke off, or are under way."""
        folder = os.path.join(self.folder, "blobs")
        names = os.listdir(folder) if os.path.isdir(folder) else ()
        return [
            os.path.join(folder, x) for x in sorted(names) if x.endswith(INCOMPLETE)
        ]

    def is_ours(self) -> bool:
        """Whether a preset of keras_deephash was downloaded, or begun to be."""
        return os.path.isdir(os.path.join(self.folder, _LISTINGS))

    def _ref(self, revision: str) -> str:
        return os.path.join(self.folder, "refs", *revision.split("/"))

    def _listing(self, commit: str) -> str:
        return os.path.join(self.folder, _LISTINGS, f"{commit}.json")

    def _discard(self, path: str) -> None:
        """Removes a file together with its blob."""
        blob = os.path.realpath(path)
        os.unlink(path)
        root = os.path.join(os.path.realpath(self.folder), "")
        if blob.startswith(root):
            with suppress(FileNotFoundError):
                os.unlink(blob)


def cache_folder(cache_dir: str | os.PathLike | None = None) -> str:
    """The directory of the Hub's cache."""
    from huggingface_hub.constants import HF_HUB_CACHE

    path = HF_HUB_CACHE if cache_dir is None else os.fspath(cache_dir)
    return os.path.abspath(os.path.expanduser(path))
