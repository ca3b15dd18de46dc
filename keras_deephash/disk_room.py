"""Full disks: whether a file has room, and errors that say which file has none."""

import errno
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@contextmanager
def disk_errors(path: str | os.PathLike) -> Iterator[None]:
    """Turns errors of a disk into an OSError of one line that names `path`.

    HDF5 and faiss report a full disk in a RuntimeError of many lines, with the number
    of the system's error in it; Python's own names no file where a write fails.

    Args:
        path: str. What the caller asked to be written.
    """
    try:
        yield
    except Exception as error:
        number = getattr(error, "errno", None)
        named = getattr(error, "filename", None) is not None
        found = re.search(r"errno = (\d+)", str(error))
        if found:
            number = int(found[1])
        elif not isinstance(error, OSError) or number is None or named:
            raise
        raise OSError(number, os.strerror(number), os.fspath(path)) from None


def check_room(path: str | os.PathLike, size: int) -> None:
    """Checks that a new file has room on the disk, before HDF5 writes it.

    HDF5 goes on with a file that it could not write, until the process crashes.

    Args:
        path: str. A file that does not exist; it is made and removed.
        size: int, bytes.

    Raises:
        OSError: if it has no room.
    """
    folder = os.path.dirname(os.path.abspath(path))
    with open(path, "xb") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:  # Some file systems cannot tell.
            if error.errno in _NO_ROOM:
                raise
        finally:
            file.close()
            os.unlink(path)
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def weights_size(variables: list) -> int:
    """The bytes of a weights file at most: numbers, and what HDF5 puts around each."""
    return 2**16 + sum(
        2**13 + math.prod(variable.shape) * _BYTES.get(str(variable.dtype), 8)
        for variable in variables
    )
