"""The location of a preset: the package, a directory or the Hub's cache."""

import difflib
import os
import warnings
from dataclasses import dataclass

from keras_deephash.presets import registry
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.hub.download import HubOptions, fetch_preset
from keras_deephash.presets.hub.handles import is_hub_handle, parse_hub_handle
from keras_deephash.presets.known_names import explain_absence, zoo_names
from keras_deephash.presets.remote_registry import RemotePreset, remote_presets
from keras_deephash.presets.replacing import find_replaced

DEFAULTS = HubOptions()


@dataclass(frozen=True)
class PresetLocation:
    """The directory of a preset.

    Attributes:
        name: str, as the user gave it.
        folder: str.
        trusted: bool. Whether it comes with the package or from a directory of the
            user; a preset of the Hub is not.
        record: `RemotePreset` or None, what the registry knows about it.
    """

    name: str
    folder: str
    trusted: bool = True
    record: RemotePreset | None = None

    def read_metadata(self) -> dict:
        """The metadata, checked against the registry, if the preset is in it."""
        metadata = md.read_metadata(self.folder)
        if self.record is not None:
            self.record.check(self.folder)
        return metadata


def locate_preset(
    preset: str | os.PathLike,
    revision: str | None = None,
    options: HubOptions = DEFAULTS,
) -> PresetLocation:
    """Finds a preset by name, directory or handle; downloads it if need be.

    Args:
        preset: str.
        revision: str. Branch, tag or commit of the Hub. Defaults to `main`.
        options: `HubOptions`, how to reach the Hub.

    Raises:
        PresetError: if there is none; names close to the given one are listed.
    """
    if not isinstance(preset, (str, os.PathLike)):
        raise PresetError(
            "`preset` must be a name, a directory or a handle, hf://org/name. "
            f"Received: {preset!r}."
        )
    name = os.fspath(preset)
    if is_hub_handle(name):
        folder = fetch_preset(parse_hub_handle(name, revision), options)
        return PresetLocation(name, folder, trusted=False)
    folders, remote = registry.preset_folders(), remote_presets()
    _check_unambiguous(name, folders, remote)
    record = None if name in folders else remote.get(name)
    if record is not None:
        if revision not in (None, record.commit):
            # The registry vouches for one commit.
            return locate_preset(record.handle.partition("@")[0], revision, options)
        folder = fetch_preset(parse_hub_handle(record.handle), options)
        return PresetLocation(name, folder, trusted=False, record=record)
    if revision is not None:
        raise PresetError(
            "`revision` is for presets of the Hub, hf://org/name. "
            f"Received: {name!r}, revision={revision!r}."
        )
    if name in folders or os.path.isdir(name):
        return PresetLocation(name, folders.get(name, name))
    replaced = find_replaced(name)
    if replaced is not None:
        warnings.warn(
            f"A save of {name!r} was killed: the older preset is loaded, from "
            f"{replaced!r}. Save it again.",
            stacklevel=2,
        )
        return PresetLocation(name, replaced)
    if os.sep in name or name.startswith("."):
        raise PresetError(
            "There is no such preset directory; a preset of the Hub is named "
            f"hf://org/name. Received: {name!r}."
        )
    names = [*folders, *remote, *zoo_names()]
    close = difflib.get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    raise PresetError(
        explain_absence(name)
        or f"There is no preset and no directory of this name. {hint}"
        "`list_presets()` shows all names; presets of a directory of yours load by "
        f"name where {registry.PRESETS_VARIABLE} names that directory. "
        f"Received: {name!r}."
    )


def _check_unambiguous(name: str, folders: dict, remote: dict) -> None:
    """Refuses the name of a preset that is also that of a preset directory here."""
    if not os.path.isfile(os.path.join(name, md.METADATA_FILE)):
        return
    known = folders.get(name)
    if name in remote or (known is not None and not os.path.samefile(known, name)):
        place = known if known is not None else remote[name].handle
        raise PresetError(
            f"Two presets have this name: the directory here, './{name}', and the one "
            f"in {place!r}. Write out which is meant. Received: {name!r}."
        )


def read_preset_metadata(
    preset: str | os.PathLike, revision: str | None = None, **options
) -> dict:
    """The metadata of a preset given by name, directory or handle.

    Args:
        preset: str.
        revision: str. As for `from_preset`.
        **options: `token`, `cache_dir` and so on, as for `from_preset`.
    """
    return locate_preset(preset, revision, HubOptions(**options)).read_metadata()
