"""The presets that can be loaded by name."""

import difflib
import os
import warnings
from dataclasses import dataclass

from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.metadata import (
    HASHED_FILES,
    METADATA_FILE,
    read_metadata,
)

# Directories of presets besides those here, separated as in PATH.
PRESETS_VARIABLE = "KERAS_DEEPHASH_PRESETS"
EMBEDDED = os.path.join(os.path.dirname(__file__), "embedded")
# In the repository, beside the package.
_ZOO = os.path.join("zoo", "presets")
_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


@dataclass(frozen=True)
class PresetInfo:
    """One line of `list_presets()`.

    Attributes:
        name: str, as `from_preset` takes it.
        method: str, name of the class.
        dataset: str or None, what it was trained on.
        bits: int or None (a backbone has none).
        parameters: int.
        size: int, bytes of all its files but the README.
        map: float or None, mean average precision over the full ranking.
    """

    name: str
    method: str
    dataset: str | None
    bits: int | None
    parameters: int
    size: int
    map: float | None


def list_presets(method: str | None = None) -> list[PresetInfo]:
    """The presets that load by name.

    They lie in the package; in `zoo/presets` of the repository, where the package runs
    from there or the working directory is there; and in the directories that the
    environment variable `KERAS_DEEPHASH_PRESETS` names.

    Args:
        method: str. Only those of this class, such as `"DCH"`. Defaults to all.

    Returns:
        List of `PresetInfo`, sorted by name.

    Example:

    >>> [preset.name for preset in keras_deephash.list_presets()]
    """
    infos = []
    for name, folder in sorted(_folders().items()):
        try:
            infos.append(_info(name, folder))
        except PresetError as error:
            warnings.warn(f"{folder!r} is left out: {error}", stacklevel=2)
    return [info for info in infos if method is None or info.method == method]


def find_preset(preset: str | os.PathLike) -> str:
    """The directory of a preset given by name or by directory.

    Raises:
        PresetError: if there is none; names close to the given one are listed.
    """
    name = os.fspath(preset)
    folders = _folders()
    if name in folders:
        return folders[name]
    if os.path.isdir(name):
        return name
    if os.sep in name or name.startswith("."):
        raise PresetError(f"There is no such preset directory. Received: {name!r}.")
    close = difflib.get_close_matches(name, folders, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    raise PresetError(
        f"There is no preset and no directory of this name. {hint}"
        f"`list_presets()` shows all names; presets of the repository's {_ZOO} load by "
        f"name where {PRESETS_VARIABLE} names that directory. Received: {name!r}."
    )


def read_preset_metadata(preset: str | os.PathLike) -> dict:
    """The metadata of a preset given by name or by directory."""
    return read_metadata(find_preset(preset))


def _folders() -> dict[str, str]:
    """Names and directories of all presets; of equal names the first counts."""
    roots = [EMBEDDED, os.path.join(_CHECKOUT, _ZOO), os.path.abspath(_ZOO)]
    roots += filter(None, os.environ.get(PRESETS_VARIABLE, "").split(os.pathsep))
    folders = {}
    for root in roots:
        for name in os.listdir(root) if os.path.isdir(root) else ():
            folder = os.path.join(root, name)
            if name.startswith("."):  # Of a save that was killed.
                continue
            if os.path.isfile(os.path.join(folder, METADATA_FILE)):
                folders.setdefault(name, folder)
    return folders


def _info(name: str, folder: str) -> PresetInfo:
    metadata = read_metadata(folder)
    size = sum(metadata["files"][file]["bytes"] for file in HASHED_FILES)
    return PresetInfo(
        name=name,
        method=metadata["method"],
        dataset=metadata["dataset"],
        bits=metadata["bits"],
        parameters=metadata["parameters"],
        size=size + os.path.getsize(os.path.join(folder, METADATA_FILE)),
        map=metadata["metrics"].get("map"),
    )
