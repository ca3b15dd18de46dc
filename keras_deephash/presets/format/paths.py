"""The files of a preset, which must lie in it."""

import os
import re
import stat

from keras_deephash.presets.errors import PresetError

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def is_file_name(name: str) -> bool:
    """Whether a string is a file's name alone, without a path."""
    return isinstance(name, str) and bool(_FILE_NAME.fullmatch(name))


def preset_file(folder: str, name: str) -> str:
    """The path of a file of a preset, checked to be a file that lies in it.

    A snapshot in the cache of the Hub consists of links into that cache, which are
    followed; other links must not leave the directory.

    Raises:
        PresetError: if there is no such file, or it is a link to somewhere else.
    """
    path = os.path.join(folder, name)
    try:
        mode = os.stat(path).st_mode
    except OSError:
        mode = 0
    if not stat.S_ISREG(mode):
        raise PresetError(f"The preset has no `{name}`: {path!r} is missing.")
    if os.path.islink(path):
        root = os.path.join(os.path.realpath(_root(folder)), "")
        if not os.path.realpath(path).startswith(root):
            raise PresetError(
                f"{path!r} is a link that leads out of the preset. Replace it by the "
                "file itself."
            )
    return path


def _root(folder: str) -> str:
    """Where the links of a preset may lead: its directory, or the Hub's cache."""
    # CACHE/models--org--name/snapshots/COMMIT
    snapshots, commit = os.path.split(os.path.abspath(folder))
    storage, kind = os.path.split(snapshots)
    is_snapshot = (
        kind == "snapshots"
        and os.path.basename(storage).startswith("models--")
        and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit)
    )
    return os.path.dirname(storage) if is_snapshot else folder
