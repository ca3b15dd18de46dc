"""An index on disk: a manifest, and one directory for each saved version.

  index.json   the current version, its files, their lengths and sha256
  v3/          codes.faissbinary, ids.npy, ... of that version

Where codes repeat, each lies there once, and items.npy and item_ends.npy say which
items have it.

Of an index in Milvus the manifest says where its collection is, and the directory of
the version holds the centres of a quantizer alone.

A new version is written beside the old one, then the manifest is replaced in one step,
then the old version is removed. Interrupted at any point, even by a power cut, the
manifest names whole files.
One process saves at a time.
"""

import errno
import itertools
import os
import shutil
from contextlib import suppress

import numpy as np

from keras_deephash.files import one_at_a_time, write_to_disk
from keras_deephash.index.backends import FILES, open_store
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.columns import read_column
from keras_deephash.index.manifest import (
    MANIFEST,
    MAX_VERSION,
    VERSION,
    IndexFileError,
    check_files,
    check_unchanged,
    damaged,
    is_manifest,
    new_manifest,
    read_manifest,
    write_manifest,
)

CENTERS_FILE = "centers.npy"


def save_store(store, path: str | os.PathLike, replaces: dict | None = None) -> dict:
    """Writes a store into a directory, whole or not at all.

    `replaces` is as for `Index.save`. Returns the manifest that was written.
    """
    path = os.path.abspath(os.fspath(path))
    if os.path.exists(path) and not _is_index(path):
        raise FileExistsError(
            f"{path!r} exists and is not a saved index. Choose another directory, or "
            "remove it."
        )
    os.makedirs(path, exist_ok=True)
    try:
        with one_at_a_time(path):
            if replaces is not None:
                check_unchanged(path, replaces)
            _save_version(store, path)
            return read_manifest(path)
    except MemoryError:
        raise _not_saved(path, errno.ENOMEM, os.strerror(errno.ENOMEM)) from None
    except OSError as error:
        if type(error) is not OSError:  # It has a name of its own, and a file's.
            raise
        # NumPy says how much of an array was written, and not why that was all.
        full = error.errno or errno.ENOSPC
        raise _not_saved(path, full, os.strerror(full)) from None


def _not_saved(path: str, number: int, why: str) -> OSError:
    before = " What was saved there before is whole." if is_manifest(path) else ""
    return OSError(number, f"{why}: the index cannot be saved in {path!r}.{before}")


def _save_version(store, path: str) -> None:
    versions = [name for name in os.listdir(path) if VERSION.fullmatch(name)]
    version = _next_version(versions)
    folder = os.path.join(path, version)
    os.mkdir(folder)
    try:
        names, described = store.write(folder)
        if store.spec.is_quantizer:
            np.save(os.path.join(folder, CENTERS_FILE), store.spec.centers)
            names = [CENTERS_FILE, *names]
        manifest = new_manifest(
            folder,
            version,
            names,
            backend=store.backend,
            kind=store.kind,
            codes=_described(store.spec),
            **described,
        )
        write_to_disk(folder)
        write_manifest(path, manifest)
    except BaseException:
        if not _counts(path, version):  # Ctrl-C may arrive after the save is complete.
            shutil.rmtree(folder, ignore_errors=True)
        raise
    write_to_disk(path)
    for name in versions:
        if is_version(path, name):
            shutil.rmtree(os.path.join(path, name), ignore_errors=True)
    for name in filter(_is_unfinished_manifest, os.listdir(path)):
        with suppress(OSError):  # The save is complete; another one may clear away too.
            os.remove(os.path.join(path, name))


def _described(spec: CodeSpec) -> dict:
    table = spec.radius_table
    return spec.to_json() | ({} if table is None else {"radius_table": table.to_json()})


def _next_version(versions: list[str]) -> str:
    """The name of a new version: one more than the highest, or one that is free."""
    taken = {int(name[1:]) for name in versions}
    number = 1 + max(taken, default=0)
    if number > MAX_VERSION:
        number = next(n for n in itertools.count(1) if n not in taken)
    return f"v{number}"


def load_store(path: str | os.PathLike, mmap: bool, verify: bool, **options):
    """Reads a store from a directory, or connects to the one that it names.

    Raises:
        IndexFileError: if it is not an index, or damaged.
    """
    path = os.path.abspath(os.fspath(path))
    while True:
        manifest = read_manifest(path)
        folder = os.path.join(path, manifest["version"])
        try:
            return _load_version(manifest, folder, mmap, verify, options)
        except IndexFileError:
            # Someone may have saved in between, and removed the version we read.
            if read_manifest(path) == manifest:
                raise


def _load_version(manifest, folder: str, mmap: bool, verify: bool, options: dict):
    try:
        check_files(folder, manifest, verify)
        centers = None
        if CENTERS_FILE in manifest["files"]:
            file = os.path.join(folder, CENTERS_FILE)
            centers = read_column(file, np.float32, (None, None, None))
        spec = CodeSpec.from_json(manifest["codes"], centers)
    except IndexFileError:
        raise
    except (ValueError, TypeError, OSError) as error:
        raise damaged(f"{folder!r}: {error}") from None
    return open_store(spec, manifest, folder, mmap, **options)


def _is_index(path: str) -> bool:
    """Whether a directory is a saved index, an interrupted first save, or empty."""
    if not os.path.isdir(path):
        return False
    names = os.listdir(path)
    if MANIFEST in names:
        return is_manifest(path)
    return all(
        _is_unfinished_manifest(name) or is_version(path, name) for name in names
    )


def _counts(path: str, version: str) -> bool:
    """Whether the manifest of a directory names a version, or cannot be read now."""
    try:
        return read_manifest(path)["version"] == version
    except IndexFileError:
        return False
    except OSError:  # The next save clears away.
        return True


def _is_unfinished_manifest(name: str) -> bool:
    """Whether a file is what a kill left of a manifest that was being written."""
    return name.startswith(f".{MANIFEST}-")


def is_version(path: str, name: str) -> bool:
    """Whether an entry of a directory is a version of an index: of its files alone."""
    folder = os.path.join(path, name)
    return bool(
        VERSION.fullmatch(name)
        and os.path.isdir(folder)
        and not os.path.islink(folder)
        and {CENTERS_FILE, *FILES}.issuperset(os.listdir(folder))
    )
