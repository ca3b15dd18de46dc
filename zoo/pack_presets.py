"""Takes out of presets the weights that the preset of their backbone holds.

  python zoo/pack_presets.py efficientnet_lite0_imagenet zoo/presets/NAME ...

A packed preset names that of its backbone, with the sha256 of its weights, and loads
as before where it lies with the package or the zoo. Weights that differ stay in it, so
that a backbone with a few trained layers can be shared too. `save_to_preset` writes a
loaded preset whole, and what is published is whole.
"""

import argparse
import os
import shutil
import sys

from keras_deephash.presets import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.shared_weights import split_weights
from keras_deephash.presets.location import locate_preset
from keras_deephash.presets.replacing import replace_directory
from keras_deephash.presets.sharing import write_described


def pack_preset(folder: str | os.PathLike, backbone: str) -> int:
    """Packs a preset directory in place; returns the bytes that it became smaller.

    Args:
        folder: str. A whole preset of a method.
        backbone: str. Name of the preset that holds the weights of its backbone.

    Raises:
        PresetError: if either is no whole preset, or they have no weights in common.
    """
    folder = os.path.realpath(folder)
    whole, shared = _read_whole(folder), locate_preset(backbone)
    known = _read_whole(shared.folder)
    weights = os.path.join(folder, md.WEIGHTS_FILE)
    described = {
        "preset": backbone,
        "sha256": known["files"][md.WEIGHTS_FILE]["sha256"],
    }
    before = os.path.getsize(weights)
    with replace_directory(folder) as packed:
        for name in sorted(set(os.listdir(folder)) - {md.WEIGHTS_FILE}):
            shutil.copyfile(os.path.join(folder, name), os.path.join(packed, name))
        rest = os.path.join(packed, md.WEIGHTS_FILE)
        split_weights(weights, os.path.join(shared.folder, md.WEIGHTS_FILE), rest)
        write_described(packed, {**whole, "backbone": described})
        after = os.path.getsize(rest)
    return before - after


def _read_whole(folder: str) -> dict:
    """The metadata of a preset, whose files are checked."""
    metadata = md.read_metadata(folder)
    md.check_files(folder, metadata)
    if metadata.get("backbone") is not None:
        raise PresetError(f"{folder!r} is packed already. Name a whole preset.")
    return metadata


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backbone", help="name of the preset of the backbone")
    parser.add_argument("folders", nargs="+", help="presets to pack, in place")
    options = parser.parse_args(argv)
    try:
        for folder in options.folders:
            saved = pack_preset(folder, options.backbone)
            print(f"{folder}: {saved / 1e6:.1f} MB smaller")
    except (PresetError, OSError) as error:
        print(f"zoo/pack_presets.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
