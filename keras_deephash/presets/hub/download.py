"""Presets of the Hugging Face Hub in the local cache.

The cache is that of `huggingface_hub`: a snapshot is a directory named by its commit,
whose files are links to blobs named by their content.
"""

import os
import time
import warnings
from dataclasses import dataclass

from keras_deephash.presets.errors import HubError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.index_file import INDEX_FILE
from keras_deephash.presets.hub.blobs import discard, is_intact
from keras_deephash.presets.hub.explain import explain
from keras_deephash.presets.hub.handles import HubHandle
from keras_deephash.presets.hub.timeouts import LIBRARY, limit_waits

# All that a preset needs: the README and whatever else is there stays where it is.
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
        return (*FILES, INDEX_FILE) if self.load_index else FILES


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
        if wait is None or not failure.passing:
            break
        if failure.unreachable and time.monotonic() - start > PATIENCE:
            break  # The client itself has tried for long enough.
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
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            handle.repo_id,
            revision=handle.revision,
            cache_dir=options.cache_dir,
            allow_patterns=list(options.files),
            local_files_only=True,
        )
    except (OSError, ValueError):
        return None
    missing = _missing(folder, options.files)
    return None if missing or _damaged(folder, options.files) else folder


def _download(handle: HubHandle, options: HubOptions) -> str:
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    # Asked apart, since the client's downloads wait for an answer without end.
    api = HfApi(endpoint=options.endpoint, token=options.token, library_name=LIBRARY)
    revision = handle.revision or "main"
    api.model_info(handle.repo_id, revision=revision, timeout=TIMEOUT)
    where = {
        "repo_id": handle.repo_id,
        "cache_dir": options.cache_dir,
        "token": options.token,
        "endpoint": options.endpoint,
        "etag_timeout": TIMEOUT,
        "library_name": LIBRARY,
    }
    with limit_waits(handle, _silence()):
        folder = snapshot_download(
            revision=revision, allow_patterns=list(options.files), **where
        )
        for name in _missing(folder, options.files):
            # The client keeps the listing of a commit, even one that came back empty,
            # so what is not in it is asked for by name.
            try:
                hf_hub_download(
                    filename=name, revision=os.path.basename(folder), **where
                )
            except LocalEntryNotFoundError:  # An outage, although of the kind below.
                raise
            except EntryNotFoundError:
                raise _no_such_file(handle, name) from None
    if _damaged(folder, options.files):
        raise HubError(
            f"A file of `{handle}` arrived damaged and was thrown away. Try again.",
            passing=True,
        )
    return folder


def _silence() -> float:
    """How long a connection may be silent; the client makes a request seven times."""
    from huggingface_hub import constants

    chosen = constants.HF_HUB_DOWNLOAD_TIMEOUT
    return SILENCE if chosen == constants.DEFAULT_DOWNLOAD_TIMEOUT else chosen


def _no_such_file(handle: HubHandle, name: str) -> HubError:
    if name == INDEX_FILE:
        return HubError(
            f"`{handle}` has no index of a database. Load it without `load_index`."
        )
    return HubError(
        f"`{handle}` is no preset of keras_deephash: it has no `{name}`. "
        "Check the name and the revision."
    )


def _missing(folder: str, files: tuple[str, ...]) -> list[str]:
    return [name for name in files if not os.path.exists(os.path.join(folder, name))]


def _damaged(folder: str, files: tuple[str, ...]) -> bool:
    """Whether files are not what their blobs are named after; they are removed."""
    damaged = [name for name in files if not is_intact(folder, name)]
    if damaged:
        discard(folder, damaged)
    return bool(damaged)
