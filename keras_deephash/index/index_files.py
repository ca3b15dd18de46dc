"""An index on disk: a manifest, and one directory a saved version.

  index.json   what the files are, their lengths and sha256, which version counts
  v3/          codes.faissbinary, ids.npy, ... of that version

Of an index in Milvus the manifest says where its collection is, and the directory of
the version holds the centres of a quantizer alone.

A new version is written beside the old one, then the manifest is replaced in one step,
then the old version goes: whenever it is interrupted, be it by a power cut, the
manifest names whole files.
One process saves at a time.
"""

import os
import shutil
from contextlib import suppress

import numpy as np

from keras_deephash.files import one_at_a_time, write_to_disk
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.faiss_store import FaissStore
from keras_deephash.index.id_column import IdColumn
from keras_deephash.index.manifest import (
    MANIFEST,
    VERSION,
    IndexFileError,
    check_files,
    is_manifest,
    is_version,
    new_manifest,
    read_manifest,
    write_manifest,
)
from keras_deephash.index.milvus_store import MilvusStore
from keras_deephash.index.name_column import NameColumn
from keras_deephash.index.structures.growing_array import GrowingArray


def save_store(store: FaissStore | MilvusStore, path: str | os.PathLike) -> None:
    """Writes a store into a directory, whole or not at all."""
    path = os.path.abspath(os.fspath(path))
    if os.path.exists(path) and not _is_index(path):
        raise FileExistsError(
            f"{path!r} exists and is no saved index. Choose another directory, or "
            "remove it."
        )
    os.makedirs(path, exist_ok=True)
    with one_at_a_time(path):
        _save_version(store, path)


def _save_version(store: FaissStore | MilvusStore, path: str) -> None:
    versions = [name for name in os.listdir(path) if VERSION.fullmatch(name)]
    version = f"v{1 + max((int(name[1:]) for name in versions), default=0)}"
    folder = os.path.join(path, version)
    os.mkdir(folder)
    try:
        write = _write_reference if store.backend == "milvus" else _write_arrays
        names, described = write(store, folder)
        manifest = new_manifest(
            folder,
            version,
            names,
            backend=store.backend,
            kind=store.kind,
            codes=store.spec.to_json(),
            **described,
        )
        write_to_disk(folder)
        write_manifest(path, manifest)
    except BaseException:
        if not _counts(path, version):  # Ctrl-C may come when the save is done.
            shutil.rmtree(folder, ignore_errors=True)
        raise
    write_to_disk(path)
    for name in versions:
        if is_version(path, name):
            shutil.rmtree(os.path.join(path, name), ignore_errors=True)
    for name in filter(_is_unfinished_manifest, os.listdir(path)):
        with suppress(OSError):  # The save is done; another one may clear away too.
            os.remove(os.path.join(path, name))


def load_store(
    path: str | os.PathLike, mmap: bool, verify: bool, **options
) -> FaissStore | MilvusStore:
    """Reads a store from a directory, or connects to the one that it names.

    Raises:
        IndexFileError: if it is no index, or damaged.
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
        if "centers.npy" in manifest["files"]:
            centers = np.load(os.path.join(folder, "centers.npy"))
        spec = CodeSpec(centers=centers, **manifest["codes"])
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise IndexFileError(f"The index in {folder!r} is damaged: {error}") from None
    if manifest.get("backend") == "milvus":
        return MilvusStore(
            spec,
            manifest["kind"],
            create=False,
            next_id=manifest["next_id"],
            **{**manifest["options"], **options},
        )
    if options:
        raise ValueError(
            "A saved faiss index is opened with no options of Milvus. "
            f"Received: {sorted(options)}."
        )
    try:
        store = FaissStore(spec, manifest["kind"], **manifest["options"])
        _read_arrays(store, manifest, folder, mmap)
    except (ValueError, TypeError, KeyError, RuntimeError, OSError, EOFError) as error:
        raise IndexFileError(f"The index in {folder!r} is damaged: {error}") from None
    store.mapped = mmap
    return store


def _write_arrays(store: FaissStore, folder: str) -> tuple[list[str], dict]:
    """Writes all of a store; returns the files, and what the manifest says."""
    with store.lock.read():
        arrays = {"ids.npy": store.ids.ids}
        if store.labels is not None:
            arrays["labels.npy"] = store.labels.rows
        if store.names is not None:
            arrays["names.npy"], arrays["name_ends.npy"] = store.names.arrays
        names = _write_centers(store, folder)
        for name, array in arrays.items():
            np.save(os.path.join(folder, name), array)
        described = {
            "options": store.structure.options,
            "count": len(store),
            "next_id": store.ids.next_id,
        }
        return [*names, *arrays, *store.structure.write(folder)], described


def _write_reference(store: MilvusStore, folder: str) -> tuple[list[str], dict]:
    """Writes where a collection is, and the centres of its codes; no token."""
    described = {
        "options": store.options,
        "count": len(store),
        "next_id": store.next_id,
    }
    return _write_centers(store, folder), described


def _write_centers(store, folder: str) -> list[str]:
    if not store.spec.is_quantizer:
        return []
    np.save(os.path.join(folder, "centers.npy"), store.spec.centers)
    return ["centers.npy"]


def _read_arrays(store: FaissStore, manifest: dict, folder: str, mmap: bool) -> None:
    def read(name):
        path = os.path.join(folder, name)
        if not os.path.getsize(path):
            raise IndexFileError(f"{path!r} is empty.")
        return np.load(path, mmap_mode="r" if mmap else None)

    store.structure.read(folder, mmap)
    ids = read("ids.npy")
    files, count = manifest["files"], manifest["count"]
    store.ids = IdColumn(ids, manifest["next_id"])
    if "labels.npy" in files:
        store.labels = GrowingArray(read("labels.npy"))
    if "names.npy" in files:
        store.names = NameColumn(read("names.npy"), read("name_ends.npy"))
    parts = [store.structure, store.ids, store.labels, store.names]
    lengths = {len(part) for part in parts if part is not None}
    if lengths != {count}:
        raise IndexFileError(
            f"The index in {folder!r} is damaged: it should hold {count} codes, its "
            f"files hold {sorted(lengths)}."
        )


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
