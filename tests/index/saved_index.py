"""Saved indexes changed by hand, with sums that fit again."""

import json
from pathlib import Path

import numpy as np

from keras_deephash.files import describe_file
from keras_deephash.index.manifest import manifest_sha256


def read_manifest(path) -> dict:
    return json.loads((Path(path) / "index.json").read_text())


def write_manifest(path, manifest: dict) -> None:
    """Writes a manifest whose own sum fits."""
    manifest["sha256"] = manifest_sha256(manifest)
    (Path(path) / "index.json").write_text(json.dumps(manifest))


def edit_manifest(path, **fields) -> None:
    write_manifest(path, {**read_manifest(path), **fields})


def version_folder(path) -> Path:
    return Path(path) / read_manifest(path)["version"]


def reseal(path) -> None:
    """Has the manifest vouch for the files as they are."""
    manifest, folder = read_manifest(path), version_folder(path)
    manifest["files"] = {
        name: describe_file(folder / name) for name in manifest["files"]
    }
    write_manifest(path, manifest)


def rewrite(path, name, change) -> None:
    """Changes the bytes of a file."""
    file = version_folder(path) / name
    file.write_bytes(change(file.read_bytes()))
    reseal(path)


def rewrite_column(path, name, change) -> None:
    """Changes the array in a file."""
    file = version_folder(path) / name
    np.save(file, change(np.load(file)))
    reseal(path)
