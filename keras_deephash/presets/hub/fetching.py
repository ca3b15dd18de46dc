"""The download of one file of the Hub, whole and checked or not at all."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress

from keras_deephash.presets.errors import HubError
from keras_deephash.presets.hub.digests import Blob
from keras_deephash.presets.hub.explain import is_broken_off
from keras_deephash.presets.hub.reader import HubReader
from keras_deephash.presets.hub.storage import INCOMPLETE, Storage

ATTEMPTS = 3  # Where the connection breaks off; each goes on where the last one ended.
GRACE = 60  # Seconds that a download may take beside those for its bytes.
SLOWEST = 10_000  # Bytes per second, in the mean of a download.


def fetch_file(
    reader: HubReader,
    storage: Storage,
    commit: str,
    name: str,
    blob: Blob,
    progress: Callable[[int], object] = lambda count: None,
) -> None:
    """Fetches a file of a commit, unless its content is there.

    Args:
        reader: `HubReader`.
        storage: `Storage`, locked by the caller.
        commit: str.
        name: str.
        blob: `Blob`, the content that is expected.
        progress: function of the number of bytes that have arrived.

    Raises:
        HubError: if something else arrives, more, or too slowly.
    """
    path = storage.blob(blob.digest)
    if not (os.path.isfile(path) and blob.is_in(path)):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        unfinished = path + INCOMPLETE
        try:
            _arrive(reader, reader.url(commit, name), unfinished, blob, progress)
        except (HubError, OSError) as error:
            if not getattr(error, "unreachable", False):  # What arrived cannot be used.
                with suppress(FileNotFoundError):
                    os.unlink(unfinished)
            raise
        os.replace(unfinished, path)
    storage.put(commit, name, blob)


def _arrive(
    reader: HubReader, url: str, path: str, blob: Blob, progress: Callable
) -> None:
    """Lets a file have the content at an address; goes on with what is there."""
    start = _usable(path, blob)
    progress(start)
    if shutil.disk_usage(os.path.dirname(path)).free < blob.size - start:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    end = time.monotonic() + GRACE + blob.size / SLOWEST
    for attempt in range(ATTEMPTS):
        if start and start == blob.size:
            return  # Interrupted before it had its name: there is no byte to ask for.
        try:
            reader.copy(url, path, blob.size, end - time.monotonic(), progress)
            break
        except Exception as error:
            if attempt == ATTEMPTS - 1 or not is_broken_off(error):
                raise
        start = _usable(path, blob)
    if not blob.is_in(path):
        raise HubError(
            f"A file of `{reader.handle}` arrived damaged and was thrown away. Try "
            "again.",
            temporary=True,
        )


def _usable(path: str, blob: Blob) -> int:
    """How many bytes of a blob are there; what cannot be its first part is removed."""
    size = os.path.getsize(path) if os.path.isfile(path) else 0
    if size and size >= blob.size and not blob.is_in(path):
        os.unlink(path)
        return 0
    return size


@contextmanager
def progress_bar(files: int, blobs: list[Blob]):
    """Shows how much of some blobs has arrived, where the client shows such things."""
    from huggingface_hub.utils import tqdm

    with tqdm(
        total=sum(blob.size for blob in blobs),
        desc=f"Fetching {files} files",
        unit="B",
        unit_scale=True,
        # None: on a terminal alone. The client reads the same variable.
        disable=False if os.environ.get("TQDM_POSITION") == "-1" else None,
    ) as bar:
        yield bar.update
