"""The presets that load by name and live on the Hub, one record each.

The records are in `registry.json`. `zoo/publish.py` writes them when it publishes.
"""

import os
from dataclasses import asdict, dataclass, fields

from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.paths import preset_file
from keras_deephash.presets.hub.handles import parse_hub_handle

# Another file of records in place of the one here.
REGISTRY_VARIABLE = "KERAS_DEEPHASH_REGISTRY"
REGISTRY = os.path.join(os.path.dirname(__file__), "registry.json")
FILES = (*md.HASHED_FILES, md.METADATA_FILE)


@dataclass(frozen=True)
class RemotePreset:
    """One record of the registry.

    Attributes:
        name: str, as `from_preset` takes it.
        handle: str, `hf://org/name@commit`, pinned to a whole commit.
        method: str, name of the class.
        dataset: str or None, what it was trained on.
        bits: int or None (a backbone has none).
        parameters: int.
        metrics: dict, the measured figures.
        files: dict, the bytes and the sha256 of each of its files, the metadata
            included.
    """

    name: str
    handle: str
    method: str
    dataset: str | None
    bits: int | None
    parameters: int
    metrics: dict
    files: dict

    @property
    def commit(self) -> str:
        return parse_hub_handle(self.handle).commit

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(entry["bytes"] for entry in self.files.values())

    def check(self, folder: str) -> None:
        """Raises PresetError if a directory does not hold the files of the record."""
        for name in FILES:
            if md.describe_file(preset_file(folder, name)) != self.files[name]:
                raise PresetError(
                    f"`{name}` of the preset {self.name!r} is not the file that the "
                    "registry vouches for: its sha256 differs. Upgrade "
                    "keras_deephash, or report it."
                )


def describe_preset(name: str, handle: str, folder: str) -> RemotePreset:
    """The record of a preset directory that has been published at a handle."""
    metadata = md.read_metadata(folder)
    return RemotePreset(
        name=name,
        handle=handle,
        method=metadata["method"],
        dataset=metadata["dataset"],
        bits=metadata["bits"],
        parameters=metadata["parameters"],
        metrics=metadata["metrics"],
        files={
            file: md.describe_file(os.path.join(folder, file)) for file in sorted(FILES)
        },
    )


def remote_presets() -> dict[str, RemotePreset]:
    """The records by name.

    Raises:
        PresetError: if the file of records is damaged.
    """
    path = os.environ.get(REGISTRY_VARIABLE) or REGISTRY
    records = {}
    for name, entry in md.read_json(path).items():
        try:
            record = RemotePreset(name=name, **entry)
            pinned = record.commit is not None
            complete = all(md.is_file_entry(record.files[file]) for file in FILES)
        except (TypeError, KeyError, AttributeError, PresetError):
            pinned = complete = False
        if not (pinned and complete):
            raise PresetError(
                f"The record {name!r} in {path!r} must have a handle pinned to a "
                f"commit, and {', '.join(field.name for field in fields(RemotePreset))}"
                f" with the sha256 of every file. Received: {str(entry)[:80]}."
            )
        records[name] = record
    return records


def record_entry(record: RemotePreset) -> dict:
    """A record as it stands in the file, under its name."""
    entry = asdict(record)
    del entry["name"]
    return entry
