"""Files that are whole or absent."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

try:
    import fcntl
except ImportError:  # Windows.
    fcntl = None


@contextmanager
def write_atomically(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """Opens a temporary file that takes the name `path` once it is complete.

    Args:
        path: str. The file to write; its directory is made if need be.

    Yields:
        A binary file. If the block raises, `path` stays as it was.
    """
    path = os.path.abspath(os.fspath(path))
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)  # mkstemp makes the file private.
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def one_at_a_time(folder: str | os.PathLike) -> Iterator[None]:
    """Waits until no other process or thread is in such a block with the directory.

    The lock ends with the process, and leaves no file behind. Where directories have no
    locks - on Windows, on some network file systems - nobody waits.

    Args:
        folder: str. The directory.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
