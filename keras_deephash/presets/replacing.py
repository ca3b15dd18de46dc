"""The replacement of a preset's directory: at any moment it is the old or the new one.

A new preset is written beside the old one, in `.name-` and eight digits, and takes its
place in one step where the system can exchange names. Elsewhere the old one waits in
`.name-old-` and eight digits while the new one takes the name. What a killed save left
there is found again, or cleared away by the next one.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from keras_deephash.files import (
    exchange,
    take_name_in_turn,
    try_lock,
    write_to_disk,
)
from keras_deephash.presets.format import metadata as md

PRESET_FILES = (*md.HASHED_FILES, md.METADATA_FILE, md.README_FILE, md.INDEX_FILE)
_OLD = "preset"  # In the directory where the old preset waits.
_OURS = {*PRESET_FILES, md.UNFINISHED_FILE, _OLD}
# Where directories have no locks, a save that wrote nothing for this long has ended.
_SILENCE = 24 * 60 * 60  # Seconds.


@contextmanager
def replace_directory(target: str) -> Iterator[str]:
    """A new directory that takes the name `target` once the block is done.

    Args:
        target: str. Absolute path, missing or a preset's directory.

    Yields:
        str, the directory to write to. If the block raises, `target` stays as it was.
    """
    clear_away(target)
    folder, lock = _new_sibling(target)
    try:
        yield folder
        write_to_disk(folder)
        _move_into_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _release(lock)
    clear_away(target)


def find_replaced(target: str) -> str | None:
    """The older preset of a save that was killed before the new one had the name.

    Args:
        target: str. Path that has no preset.
    """
    found = []
    for folder in _siblings(target):
        old = os.path.join(folder, _OLD)
        with suppress(OSError):  # It has its name again by now.
            found.append((os.path.getmtime(os.path.join(old, md.METADATA_FILE)), old))
    return max(found)[1] if found else None


def clear_away(target: str) -> None:
    """Removes what killed saves left; what another process is writing stays."""
    for folder in _siblings(target):
        is_last = os.path.isdir(os.path.join(folder, _OLD))
        if is_last and not os.path.lexists(target):
            continue  # The older preset is all there is.
        with suppress(OSError):  # Another process has the lock, or clears away too.
            lock = try_lock(folder)
            if lock is not None or time.time() - _last_change(folder) > _SILENCE:
                shutil.rmtree(folder, ignore_errors=True)
            _release(lock)


def _move_into_place(folder: str, target: str) -> None:
    if not os.path.lexists(target):
        os.rename(folder, target)
        return
    if exchange(folder, target):
        return
    aside, lock = _new_sibling(target, "old-")
    try:
        # To a new name: Windows renames nothing onto a directory, even an empty one.
        take_name_in_turn(folder, target, os.path.join(aside, _OLD))
    finally:
        if os.path.lexists(target):  # Else the older preset is all there is.
            shutil.rmtree(aside, ignore_errors=True)
        _release(lock)


def _new_sibling(target: str, kind: str = "") -> tuple[str, int | None]:
    """A new directory beside the target, and its lock.

    It has the permissions of any new one.
    """
    parent, name = os.path.split(target)
    while True:
        folder = os.path.join(parent, f".{name}-{kind}{secrets.token_hex(4)}")
        os.mkdir(folder)
        try:
            lock = try_lock(folder)
        except (BlockingIOError, FileNotFoundError):
            continue  # It was new, and another process took it for a dead one.
        if os.path.isdir(folder):
            return folder, lock
        _release(lock)


def _siblings(target: str) -> list[str]:
    """The directories beside a target that saves of it have made."""
    parent, name = os.path.split(os.path.abspath(target))
    made = re.compile(rf"\.{re.escape(name)}-(old-)?[0-9a-f]{{8}}")
    found = []
    with suppress(OSError):
        for entry in os.scandir(parent):
            if made.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    if _OURS.issuperset(os.listdir(entry.path)):
                        found.append(entry.path)
    return found


def _last_change(folder: str) -> float:
    paths = [folder, *(entry.path for entry in os.scandir(folder))]
    return max(os.path.getmtime(path) for path in paths)


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
