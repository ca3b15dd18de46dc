"""Presets of the Hugging Face Hub in the local cache.

The commit is asked for once; its list of files, and each file, are then those of that
commit, compared with the digests of the list before they have a name in the cache.
"""

import os
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass

from keras_deephash.files import one_at_a_time
from keras_deephash.presets.errors import HubError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.hub.explain import explain
from keras_deephash.presets.hub.fetching import fetch_file, progress_bar
from keras_deephash.presets.hub.handles import HubHandle
from keras_deephash.presets.hub.listing import fetch_listing
from keras_deephash.presets.hub.reader import HubReader
from keras_deephash.presets.hub.storage import Storage

# All that a preset needs: the README and other files are not downloaded.
FILES = (*md.HASHED_FILES, md.METADATA_FILE)
WAITS = (0.5, 1.5)  # Seconds between the attempts.
TIMEOUT = 10  # Seconds for the first answer.
SILENCE = 5  # Seconds within a download, where the user did not set other ones.
PATIENCE = 20  # Seconds, after which there are no more attempts.


@dataclass(frozen=True)
class HubOptions:
    """How to reach the Hub; the arguments are those of `from_preset`."""

    token: str | bool | None = None
    cache_dir: str | os.PathLike | None = None
    local_files_only: bool = False
    endpoint: str | None = None
    load_index: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The files to fetch."""
        return (*FILES, md.INDEX_FILE) if self.load_index else FILES


def fetch_preset(handle: HubHandle, options: HubOptions) -> str:
    """The directory of a preset of the Hub, downloaded if need be.

    A commit that is in the cache needs no network. The revision that a branch or a tag
    stands for is asked for every time, and taken from the cache, with a warning, where
    the Hub gives no answer.

    Raises:
        HubError: if it is not in the cache and cannot be downloaded.
    """
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if handle.commit or options.local_files_only or HF_HUB_OFFLINE:
        folder = find_cached(handle, options)
        if folder is not None:
            return folder
    if options.local_files_only:
        raise HubError(
            f"`{handle}` is not in the cache, and `local_files_only` forbids to fetch "
            "it. Load it once without."
        )
    start = time.monotonic()
    for wait in (*WAITS, None):
        try:
            return _download(handle, options)
        except Exception as error:
            failure = explain(error, handle)
        if wait is None or not failure.temporary:
            break
        if failure.unreachable and time.monotonic() - start > PATIENCE:
            break  # The client itself has already retried.
        time.sleep(wait)
    folder = find_cached(handle, options) if failure.unreachable else None
    if folder is None:
        raise failure from None
    warnings.warn(
        f"The Hub gives no answer about `{handle}`: the commit of the cache is used, "
        f"{os.path.basename(folder)}.",
        stacklevel=2,
    )
    return folder


def find_cached(handle: HubHandle, options: HubOptions) -> str | None:
    """The directory of a preset that is whole in the cache, without any request."""
    storage = Storage(options.cache_dir, handle.repo_id)
    commit = storage.find_commit(handle)
    return commit and _find_snapshot(storage, commit, options.files)


def _find_snapshot(storage: Storage, commit: str, names: tuple[str, ...]) -> str | None:
    blobs = storage.listing(commit)
    # Each of them is read, so that every damaged one is removed.
    held = [storage.holds(commit, name, blobs.get(name)) for name in names]
    return storage.snapshot(commit) if all(held) else None


def _download(handle: HubHandle, options: HubOptions) -> str:
    reader = HubReader(handle, options.token, options.endpoint, _silence())
    commit = reader.commit(handle.revision or "main", silence=TIMEOUT)
    storage = Storage(options.cache_dir, handle.repo_id)
    folder = _find_snapshot(storage, commit, options.files)
    if folder is None:
        os.makedirs(storage.folder, exist_ok=True)
        with one_at_a_time(storage.folder):
            folder = _find_snapshot(storage, commit, options.files)  # Another's.
            if folder is None:
                folder = _fetch(reader, storage, commit, options.files)
    with suppress(OSError):  # A read-only cache is enough.
        storage.keep_commit(handle, commit)
    return folder


def _fetch(
    reader: HubReader, storage: Storage, commit: str, names: tuple[str, ...]
) -> str:
    """Fetches what is missing of a commit; returns its directory."""
    from huggingface_hub.errors import EntryNotFoundError

    blobs = fetch_listing(reader, commit, names)
    for name in names:
        if name not in blobs:
            raise _no_such_file(reader.handle, name)
        if name.endswith(".json") and blobs[name].size > md.MAX_JSON_BYTES:
            raise HubError(
                f"`{name}` of `{reader.handle}` is longer than any file of a preset, "
                f"{md.MAX_JSON_BYTES:,} bytes. Check the name and the revision."
            )
    storage.keep_listing(commit, blobs)
    missing = [name for name in names if not storage.holds(commit, name, blobs[name])]
    with progress_bar(len(names), [blobs[name] for name in missing]) as progress:
        for name in missing:
            try:
                fetch_file(reader, storage, commit, name, blobs[name], progress)
            except EntryNotFoundError:
                raise _no_such_file(reader.handle, name) from None
    return storage.snapshot(commit)


def _silence() -> float:
    """How long a connection may be silent."""
    from huggingface_hub import constants

    chosen = constants.HF_HUB_DOWNLOAD_TIMEOUT
    return SILENCE if chosen == constants.DEFAULT_DOWNLOAD_TIMEOUT else chosen


def _no_such_file(handle: HubHandle, name: str) -> HubError:
    if name == md.INDEX_FILE:
        return HubError(
            f"`{handle}` has no index of a database. Load it without `load_index`."
        )
    return HubError(
        f"`{handle}` is not a preset of keras_deephash: it has no `{name}`. "
        "Check the name and the revision."
    )
