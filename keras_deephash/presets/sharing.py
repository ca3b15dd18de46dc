"""Presets of the package and of the zoo that share the weights of a backbone.

Their metadata name the preset that holds them, with the sha256 of its weights file:

    "backbone": {"preset": "efficientnet_lite0_imagenet", "sha256": "577e0234..."}

Only where presets load by name may they do so. A preset from elsewhere is whole, and
has no other one loaded.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.paths import preset_file
from keras_deephash.presets.format.shared_weights import join_weights
from keras_deephash.presets.format.weights_check import refuse_damage
from keras_deephash.presets.location import PresetLocation
from keras_deephash.presets.registry import preset_roots


@contextmanager
def whole_weights(location: PresetLocation, metadata: dict) -> Iterator[str]:
    """The path of a file with all weights of a preset, for the time of a block.

    Raises:
        PresetError: if the preset shares a backbone and may not, or it is not here.
    """
    path = os.path.join(location.folder, md.WEIGHTS_FILE)
    if metadata.get("backbone") is None:
        yield path
        return
    backbone = _find_backbone(location, metadata["backbone"])
    with tempfile.TemporaryDirectory() as folder:
        whole = os.path.join(folder, md.WEIGHTS_FILE)
        with refuse_damage(path):
            join_weights(path, backbone, whole)
        yield whole


@contextmanager
def whole_preset(location: PresetLocation) -> Iterator[PresetLocation]:
    """A preset that holds all its weights, for the time of a block.

    Yields:
        `PresetLocation`, the one given if it is whole, or that of a copy.
    """
    metadata = location.read_metadata()
    if metadata.get("backbone") is None:
        yield location
        return
    md.check_files(location.folder, metadata)
    copied = [n for n in (*md.HASHED_FILES, md.INDEX_FILE) if n in metadata["files"]]
    if os.path.lexists(os.path.join(location.folder, md.README_FILE)):
        copied.append(md.README_FILE)
    with (
        whole_weights(location, metadata) as weights,
        tempfile.TemporaryDirectory() as folder,
    ):
        for name in copied:
            shutil.copyfile(
                preset_file(location.folder, name), os.path.join(folder, name)
            )
        shutil.copyfile(weights, os.path.join(folder, md.WEIGHTS_FILE))
        write_described(folder, {k: v for k, v in metadata.items() if k != "backbone"})
        yield replace(location, folder=folder)


def write_described(folder: str, metadata: dict) -> None:
    """Writes the metadata of a preset directory with its files as they are."""
    files = {
        name: md.describe_file(os.path.join(folder, name)) for name in metadata["files"]
    }
    with open(os.path.join(folder, md.METADATA_FILE), "w", encoding="utf-8") as file:
        file.write(json.dumps({**metadata, "files": files}, indent=2) + "\n")


def _find_backbone(location: PresetLocation, shared: dict) -> str:
    """The weights file of the preset that another one names."""
    roots = preset_roots()
    parent = os.path.dirname(os.path.realpath(location.folder))
    if not location.trusted or parent not in map(os.path.realpath, roots):
        raise PresetError(
            f"The preset {location.name!r} lacks the weights of its backbone, which "
            f"are those of {shared['preset']!r}: presets of the package and the zoo "
            "alone may share. Load it there by its name, and `save_to_preset` writes "
            "it whole."
        )
    for root in roots:
        folder = os.path.join(root, shared["preset"])
        if not os.path.isfile(os.path.join(folder, md.METADATA_FILE)):
            continue
        metadata = md.read_metadata(folder)
        if metadata["files"][md.WEIGHTS_FILE]["sha256"] == shared["sha256"]:
            if metadata.get("backbone") is not None:
                raise PresetError(
                    f"The backbone of the preset {location.name!r} must be a whole "
                    f"one: {folder!r} shares that of another. Install the zoo again."
                )
            md.check_file(folder, md.WEIGHTS_FILE, metadata)
            return os.path.join(folder, md.WEIGHTS_FILE)
    raise PresetError(
        f"The preset {location.name!r} needs the weights of {shared['preset']!r} whose "
        f"sha256 is {shared['sha256']}, which are not here. Upgrade keras_deephash and "
        "keras-deephash-zoo together."
    )
