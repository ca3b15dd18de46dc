"""Files and directories that are whole or absent."""

import ctypes
import errno
import hashlib
import os
import secrets
import stat
import sys
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
        path: str. The file to write; its directory is made if need be. A link stays,
            and what it points to is replaced; a pipe or a device is written to.

    Yields:
        A binary file. If the block raises, `path` stays as it was.
    """
    path = os.fspath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    path = os.path.realpath(path)
    mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.isfile(path) else None
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".{name}-{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            _sync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):  # It has its name by now.
            os.unlink(temporary)
        raise


def write_to_disk(folder: str | os.PathLike) -> None:
    """Returns when a directory and its files are on the disk, safe from a power cut.

    As far as the system tells: Windows has no such call for directories.
    """
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "r+b") as file:
                _sync(file.fileno())
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:  # Some file systems have none; a lost write is an error.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
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


def try_lock(folder: str | os.PathLike) -> int | None:
    """Takes the lock of a directory, without waiting for it.

    Args:
        folder: str. The directory.

    Returns:
        int, a handle; the lock ends when it is closed, or with the process. `None`
        where directories have no locks, as in `one_at_a_time`.

    Raises:
        BlockingIOError: if another process or thread has the lock.
    """
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle


def exchange(first: str, second: str) -> bool:
    """Lets two paths change places in one step, so that neither name is ever missing.

    Returns:
        bool. `False` where the system or the file system cannot do it: then nothing
        has changed.
    """
    paths = os.fsencode(first), os.fsencode(second)
    try:
        libc = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return libc.renamex_np(*paths, 2) == 0  # RENAME_SWAP
        here = -100  # AT_FDCWD
        return libc.renameat2(here, paths[0], here, paths[1], 2) == 0  # RENAME_EXCHANGE
    except (AttributeError, OSError, TypeError):  # Windows, an old C library.
        return False


def take_name(made: str, path: str, aside: str) -> None:
    """Gives a new file or directory its name, also if an older one has it.

    Args:
        made: str. The new one, complete, on the file system of `path`.
        path: str. The name, of an older one or of none.
        aside: str. A path of nothing. The older one is then here, or has the name
            `made`.

    Raises:
        OSError, KeyboardInterrupt: `path` is whole then too, the older or the new one.
    """
    if not os.path.lexists(path):
        os.rename(made, path)
    elif not exchange(made, path):
        take_name_in_turn(made, path, aside)


def take_name_in_turn(made: str, path: str, aside: str) -> None:
    """As `take_name`, of an older one, where the system cannot exchange names."""
    try:
        os.rename(path, aside)
        os.rename(made, path)
    except BaseException:  # Ctrl-C too, at any point.
        if not os.path.lexists(path):
            os.rename(aside, path)
        raise


def is_network_path(path: str) -> bool:
    """Whether Windows would ask another computer for a path, `//host/share/file`.

    Windows sends the user's name and a digest of the password along, so a path that
    somebody's file names must not be looked at. Other systems treat such a path alike:
    what a file can bring about should not depend on the system.
    """
    slashes = path.replace("/", "\\")
    return slashes.startswith(("\\\\", "\\??\\"))


def describe_file(path: str) -> dict:
    """The length in bytes and the sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {"bytes": os.path.getsize(path), "sha256": digest.hexdigest()}
