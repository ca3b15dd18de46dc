"""Publishes every preset of the zoo on the Hugging Face Hub.

  python zoo/publish.py --organization ORG
  python zoo/publish.py --organization ORG --send --registry registry.json

Without --send nothing is sent: each preset is loaded, its figures are checked against
the tables of results in zoo/README.md, and what would be sent is printed. With --send,
--registry adds a record pinned to the commit for each preset to a JSON file; that of
the package is keras_deephash/presets/registry.json.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import results_table

from keras_deephash.files import write_atomically
from keras_deephash.presets import PresetError, upload_preset
from keras_deephash.presets.format.metadata import read_json
from keras_deephash.presets.hub.card import is_unedited
from keras_deephash.presets.hub.handles import parse_hub_handle
from keras_deephash.presets.location import locate_preset
from keras_deephash.presets.remote_registry import describe_preset, record_entry
from keras_deephash.presets.sharing import whole_preset
from keras_deephash.presets.upload_files import prepare_upload


def check_table(preset: dict, readme: str) -> None:
    """Raises PresetError if the tables of results do not state a preset's figures."""
    is_method = "backbone" in preset["config"]
    own_tables = results_table.METHOD_TABLES
    lines = readme.splitlines()
    for cells in own_tables if is_method else (results_table.backbone_cells,):
        row = results_table.table([cells(preset)]).splitlines()[-1]
        if row not in lines:
            raise PresetError(
                f"The metadata of {preset['name']!r} and the tables of results differ: "
                "run zoo/results_table.py, and look at what it changes. Expected the "
                f"row {row!r}."
            )


def check_all(presets: list[dict], readme: str) -> None:
    """Raises PresetError if the tables of results are not those of the presets."""
    for preset in presets:
        check_table(preset, readme)
    if results_table.results(presets) not in readme:
        raise PresetError(
            f"{results_table.README} is out of date: run zoo/results_table.py, and "
            "look at what it changes."
        )


def publish_all(
    organization: str,
    send: bool,
    registry: str | None = None,
    private: bool = False,
    license: str = "apache-2.0",
    endpoint: str | None = None,
    report: Callable[[str], None] = print,
) -> dict[str, str]:
    """Checks all presets, then publishes them; returns the handles, name to handle."""
    with ExitStack() as stack:  # Those that share weights are published whole.
        folders = {
            path.parent.name: stack.enter_context(
                whole_preset(locate_preset(path.parent))
            ).folder
            for folder in results_table.FOLDERS
            for path in Path(folder).glob("[!.]*/metadata.json")
        }
        return _publish_folders(
            folders, organization, send, registry, private, license, endpoint, report
        )


def _publish_folders(
    folders: dict[str, str],
    organization: str,
    send: bool,
    registry: str | None,
    private: bool,
    license: str,
    endpoint: str | None,
    report: Callable[[str], None],
) -> dict[str, str]:
    readme = results_table.README.read_text(encoding="utf-8")
    presets = results_table.read_presets(results_table.FOLDERS)
    check_all(presets, readme)
    for preset in presets:  # All of them, before the first one is sent.
        name = preset["name"]
        handle = parse_hub_handle(f"hf://{organization}/{name}")
        files, card = prepare_upload(handle, folders[name])
        if not is_unedited(card):  # Its figures might be others.
            raise PresetError(
                f"The README.md of {name!r} was not made from its metadata. Remove it, "
                "or save the preset again."
            )
        if not all(isinstance(path, str) for path in files.values()):
            raise PresetError(
                f"The preset {name!r} names files of this computer, see its metadata. "
                "Save it with relative paths: its record is of the files as they are."
            )
        size = sum(os.path.getsize(path) for path in files.values())
        figure = preset["metrics"].get("map")
        report(
            f"{handle}: {len(files)} files of {size / 1e6:.1f} MB, "
            f"{'no MAP' if figure is None else f'MAP {figure:.4f}'}"
        )
    handles = {}
    if not send:
        report("Nothing was sent: add --send.")
        return handles
    for preset in presets:
        name = preset["name"]
        uri = f"hf://{organization}/{name}"
        commit = upload_preset(
            uri, folders[name], private=private, license=license, endpoint=endpoint
        )
        handles[name] = f"{uri}@{commit}"
        report(handles[name])
        if registry:  # At once, so that what is published is also known.
            add_record(registry, name, handles[name], folders[name])
    return handles


def add_record(registry: str, name: str, handle: str, folder: str) -> None:
    """Puts the record of a published preset into a file of records."""
    records = read_json(os.path.abspath(registry)) if os.path.exists(registry) else {}
    records[name] = record_entry(describe_preset(name, handle, folder))
    with write_atomically(registry) as file:
        text = json.dumps(records, indent=2, sort_keys=True)
        file.write((text + "\n").encode())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--organization", required=True, help="user or organization on the Hub")
    add("--send", action="store_true", help="publish; without it, check alone")
    add("--registry", metavar="FILE", help="JSON file to add the records to")
    add("--private", action="store_true", help="new repositories are private")
    add("--license", default="apache-2.0", help="of the weights (default: apache-2.0)")
    add("--endpoint", metavar="URL", help="of the Hub (default: HF_ENDPOINT)")
    options = parser.parse_args(argv)
    try:
        publish_all(**vars(options))
    except (PresetError, OSError) as error:
        print(f"zoo/publish.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
