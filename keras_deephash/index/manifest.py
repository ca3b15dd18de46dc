"""The manifest of a saved index: its current version, and the files of that.

Its fields are `format_version`, `keras_deephash_version`, `backend`, `kind`, `codes`
(the fields of `CodeSpec`), `options`, `count`, `next_id`, `version`, `files`: the
length and the sha256 of each, and `sha256`: that of all other fields.
"""

import hashlib
import json
import os
import re

from keras_deephash.files import describe_file, write_atomically
from keras_deephash.version import __version__

# 2 has each distinct code once; 1 is still written where no code repeats.
FORMAT_VERSION = 2
FORMAT_VERSIONS = (1, 2)
MANIFEST = "index.json"
MAX_MANIFEST_BYTES = 1 << 20
MAX_VERSION = 10**9 - 1
VERSION = re.compile(r"v[0-9]{1,9}")
_FILE = re.compile(r"[a-z_]+\.(npy|faiss|faissbinary)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class IndexFileError(ValueError):
    """A saved index cannot be opened: the text says why, and what to do.

    It is missing, damaged, too new, or larger than the memory.
    """


class IndexChangedError(RuntimeError):
    """A saved index is not the one that was to be replaced."""


def damaged(why) -> IndexFileError:
    """The error for an index whose files are not as they were saved."""
    return IndexFileError(
        f"The index is damaged: {str(why).rstrip('.')}. Build it again, or restore a "
        "copy."
    )


def new_manifest(folder: str, version: str, names: list[str], **described) -> dict:
    """The manifest of a version whose files are in a folder."""
    manifest = {
        "format_version": 1,
        "keras_deephash_version": __version__,
        **described,
        "version": version,
        "files": {name: describe_file(os.path.join(folder, name)) for name in names},
    }
    return {**manifest, "sha256": manifest_sha256(manifest)}


def manifest_sha256(manifest: dict) -> str:
    """The sha256 of all fields but itself, whatever the layout of the file."""
    fields = {name: value for name, value in manifest.items() if name != "sha256"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
        raise _not_a_manifest(file, str(error)) from None
    if version not in FORMAT_VERSIONS or isinstance(version, (bool, float)):
        raise IndexFileError(
            f"The index has format {version!r}, this keras_deephash ({__version__}) "
            f"reads format {FORMAT_VERSION} and older. Upgrade keras_deephash."
        )
    # Indexes that earlier releases saved have no sum of the manifest.
    if "sha256" in manifest and manifest["sha256"] != manifest_sha256(manifest):
        raise damaged(f"the sha256 of {file!r} differs")
    if not _is_whole(manifest):
        raise _not_a_manifest(file, "fields are wrong")
    return manifest


def _not_a_manifest(file: str, why: str) -> IndexFileError:
    return IndexFileError(f"{file!r} is not a manifest of an index: {why}.")


def _is_whole(manifest: dict) -> bool:
    """Whether all fields are there, of the right types, and name no foreign files."""
    try:
        return bool(
            VERSION.fullmatch(manifest["version"])
            and all(_FILE.fullmatch(name) for name in manifest["files"])
            and all(
                _is_count(entry["bytes"]) and _SHA256.fullmatch(entry["sha256"])
                for entry in manifest["files"].values()
            )
            and all(_is_count(manifest[name]) for name in ("count", "next_id"))
            and isinstance(manifest.get("backend", ""), str)
            and isinstance(manifest["kind"], str)
            and isinstance(manifest["options"], dict)
            and isinstance(manifest["codes"], dict)
        )
    except (KeyError, TypeError, AttributeError):
        return False


def _is_count(value) -> bool:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return is_integer and 0 <= value < 2**63


def check_unchanged(path: str, manifest: dict) -> None:
    """Raises IndexChangedError unless a directory has this manifest."""
    try:
        unchanged = read_manifest(path) == manifest
    except IndexFileError:
        unchanged = False
    if not unchanged:
        raise IndexChangedError(f"Another program has changed the index in {path!r}.")


def is_manifest(path: str) -> bool:
    """Whether the manifest in a directory is one of an index, of whatever format."""
    path = os.path.join(path, MANIFEST)
    if not os.path.isfile(path):  # For example a pipe, which may never end.
        return False
    try:
        with open(path, encoding="utf-8") as file:
            manifest = json.loads(file.read(MAX_MANIFEST_BYTES))
        return {"format_version", "version", "codes", "files"} <= set(manifest)
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def check_files(folder: str, manifest: dict, verify: bool) -> None:
    """Checks that the files in a folder have their lengths, and to verify, sha256."""
    for name, expected in manifest["files"].items():
        file = os.path.join(folder, name)
        if not os.path.isfile(file):
            raise damaged(f"{file!r} is missing")
        size = os.path.getsize(file)
        if size != expected["bytes"]:
            raise damaged(f"{file!r} has {size} of {expected['bytes']} bytes")
        if verify and describe_file(file) != expected:
            raise damaged(f"the sha256 of {file!r} differs")
