"""The manifest of a saved index: which version counts, and its files.

Its fields are `format_version`, `keras_deephash_version`, `backend`, `kind`, `codes`
(the fields of `CodeSpec`), `options`, `count`, `next_id`, `version` and `files`: the
length and the sha256 of each.
"""

import json
import os
import re

from keras_deephash.files import describe_file, write_atomically
from keras_deephash.version import __version__

FORMAT_VERSION = 1
MANIFEST = "index.json"
MAX_MANIFEST_BYTES = 1 << 20
VERSION = re.compile(r"v[0-9]{1,9}")
_FILE = re.compile(r"[a-z_]+\.(npy|faiss|faissbinary)")


class IndexFileError(ValueError):
    """A saved index is missing, damaged, too new or none; the text says which."""


def new_manifest(folder: str, version: str, names: list[str], **described) -> dict:
    """The manifest of a version whose files are in a folder."""
    return {
        "format_version": FORMAT_VERSION,
        "keras_deephash_version": __version__,
        **described,
        "version": version,
        "files": {name: describe_file(os.path.join(folder, name)) for name in names},
    }


def write_manifest(path: str, manifest: dict) -> None:
    """Writes the manifest into the directory of an index, in one step."""
    with write_atomically(os.path.join(path, MANIFEST)) as file:
        file.write(json.dumps(manifest, indent=1).encode())


def read_manifest(path: str) -> dict:
    """The manifest in a directory, or an IndexFileError."""
    file = os.path.join(path, MANIFEST)
    if not os.path.isfile(file):
        raise IndexFileError(
            f"There is no saved index in {path!r}: {MANIFEST} is missing."
        )
    try:
        if os.path.getsize(file) > MAX_MANIFEST_BYTES:
            raise ValueError("it is too long")
        with open(file, encoding="utf-8") as stream:
            manifest = json.load(stream)
        version = manifest["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IndexFileError(f"{file!r} is no manifest of an index: {error}.") from None
    if version != FORMAT_VERSION:
        raise IndexFileError(
            f"The index has format {version!r}, this keras_deephash ({__version__}) "
            f"reads format {FORMAT_VERSION}. Upgrade keras_deephash."
        )
    if not _is_whole(manifest):
        raise IndexFileError(f"{file!r} is no manifest of an index: fields are wrong.")
    return manifest


def _is_whole(manifest: dict) -> bool:
    """Whether all fields are there, of the right types, and name no foreign files."""
    try:
        return bool(
            VERSION.fullmatch(manifest["version"])
            and all(_FILE.fullmatch(name) for name in manifest["files"])
            and all(
                isinstance(entry["bytes"], int) and isinstance(entry["sha256"], str)
                for entry in manifest["files"].values()
            )
            and all(isinstance(manifest[n], int) for n in ("count", "next_id"))
            and isinstance(manifest["kind"], str)
            and isinstance(manifest["options"], dict)
            and isinstance(manifest["codes"], dict)
        )
    except (KeyError, TypeError, AttributeError):
        return False


def is_manifest(path: str) -> bool:
    """Whether the manifest in a directory is one of an index, of whatever format."""
    try:
        with open(os.path.join(path, MANIFEST), encoding="utf-8") as file:
            manifest = json.loads(file.read(MAX_MANIFEST_BYTES))
        return {"format_version", "version", "codes", "files"} <= set(manifest)
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def check_files(folder: str, manifest: dict, verify: bool) -> None:
    """Checks that the files in a folder have their lengths, and to verify, sha256."""
    for name, expected in manifest["files"].items():
        file = os.path.join(folder, name)
        if not os.path.isfile(file):
            raise IndexFileError(f"The index is damaged: {file!r} is missing.")
        size = os.path.getsize(file)
        if size != expected["bytes"]:
            raise IndexFileError(
                f"The index is damaged: {file!r} has {size} of {expected['bytes']} "
                "bytes. Build it again, or restore a copy."
            )
        if verify and describe_file(file) != expected:
            raise IndexFileError(
                f"The index is damaged: the sha256 of {file!r} differs. Build it "
                "again, or restore a copy."
            )
