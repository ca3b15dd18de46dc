"""The presets that can be loaded by name."""

import os
import warnings
from dataclasses import dataclass

from keras_deephash.extensions import PRESETS, installed_folders
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.metadata import METADATA_FILE, read_metadata
from keras_deephash.presets.remote_registry import RemotePreset, remote_presets

# Directories of presets besides those here, separated as in PATH.
PRESETS_VARIABLE = "KERAS_DEEPHASH_PRESETS"
EMBEDDED = os.path.join(os.path.dirname(__file__), "embedded")
# In the repository, beside the package.
ZOO = os.path.join("zoo", "presets")
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
        purpose: str or None, what it is for, in a line.
    """

    name: str
    method: str
    dataset: str | None
    bits: int | None
    parameters: int
    size: int
    map: float | None
    purpose: str | None = None


def list_presets(method: str | None = None, remote: bool = False) -> list[PresetInfo]:
    """The presets that load by name.

    They lie in the package; in `zoo/presets` of the repository, where the package runs
    from there or the working directory is there; in installed packages of presets, such
    as keras-deephash-zoo; and in the directories that the environment variable
    `KERAS_DEEPHASH_PRESETS` names.

    Args:
        method: str. Only those of this class, such as `"DCH"`. Defaults to all.
        remote: bool. Those that live on the Hub and are downloaded when they are
            loaded, in place of those that are here. Defaults to `False`.

    Returns:
        List of `PresetInfo`, sorted by name.

    Example:

    >>> [preset.name for preset in keras_deephash.list_presets()]
    """
    if remote:
        infos = [_remote_info(record) for _, record in sorted(remote_presets().items())]
        return [info for info in infos if method is None or info.method == method]
    infos = []
    for name, folder in sorted(preset_folders().items()):
        try:
            infos.append(_info(name, folder))
        except PresetError as error:
            warnings.warn(f"{folder!r} is left out: {error}", stacklevel=2)
    return [info for info in infos if method is None or info.method == method]


def preset_roots() -> list[str]:
    """The directories whose presets load by name, the first ones first."""
    roots = [EMBEDDED, os.path.join(_CHECKOUT, ZOO), *installed_folders(PRESETS)]
    roots.append(os.path.abspath(ZOO))
    roots += filter(None, os.environ.get(PRESETS_VARIABLE, "").split(os.pathsep))
    return roots


def preset_folders() -> dict[str, str]:
    """Names and directories of all presets; of equal names the first counts."""
    folders = {}
    for root in preset_roots():
        for name in os.listdir(root) if os.path.isdir(root) else ():
            folder = os.path.join(root, name)
            if name.startswith("."):  # Of a save that was killed.
                continue
            if os.path.isfile(os.path.join(folder, METADATA_FILE)):
                folders.setdefault(name, folder)
    return folders


def is_embedded(folder: str) -> bool:
    """Whether a directory is that of a preset in the package."""
    return os.path.dirname(os.path.abspath(folder)) == EMBEDDED


def _info(name: str, folder: str) -> PresetInfo:
    metadata = read_metadata(folder)
    size = 0
    for file in (*metadata["files"], METADATA_FILE):
        path = os.path.join(folder, os.path.basename(file))
        size += os.path.getsize(path) if os.path.isfile(path) else 0
    return PresetInfo(
        name=name,
        method=metadata["method"],
        dataset=metadata["dataset"],
        bits=metadata["bits"],
        parameters=metadata["parameters"],
        size=size,
        map=metadata["metrics"].get("map"),
        purpose=metadata.get("purpose"),
    )


def _remote_info(record: RemotePreset) -> PresetInfo:
    return PresetInfo(
        name=record.name,
        method=record.method,
        dataset=record.dataset,
        bits=record.bits,
        parameters=record.parameters,
        size=record.size,
        map=record.metrics.get("map"),
    )
