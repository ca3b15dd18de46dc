"""Files that are whole or absent."""

import errno
import hashlib
import os
import secrets
import stat
import unicodedata
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


def describe_file(path: str) -> dict:
    """The length in bytes and the sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {"bytes": os.path.getsize(path), "sha256": digest.hexdigest()}


def printable(text: str) -> str:
    """A name from outside for a terminal or a line of text.

    Control characters and line ends, which a file name may hold, become escapes such as
    `\\n`; bytes that are not UTF-8 become the replacement character.
    """
    return "".join(_printable_character(char) for char in text)


def _printable_character(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    if category in ("Cc", "Zl", "Zp"):
        return char.encode("unicode_escape").decode()
    return char
