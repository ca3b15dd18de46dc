"""The files of a preset as they are published."""

import os
import warnings

from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.paths import preset_file
from keras_deephash.presets.format.readme import is_rendered
from keras_deephash.presets.hub.card import is_unedited, render_hub_card
from keras_deephash.presets.hub.download import FILES
from keras_deephash.presets.hub.handles import HubHandle, is_hub_handle
from keras_deephash.presets.loading import load_preset
from keras_deephash.presets.location import PresetLocation, locate_preset
from keras_deephash.presets.private_paths import describe_paths, without_paths
from keras_deephash.presets.sharing import whole_preset


def prepare_upload(
    handle: HubHandle,
    preset: str | os.PathLike,
    license: str | None = None,
    keep_paths: bool = False,
) -> tuple[dict[str, str | bytes], str]:
    """The files that would be sent, after a check that they load; no request is made.

    Warns of the names on this computer that are in it.

    Returns:
        Tuple of its files by name, and the model card. A file is the path of one of the
        preset, or bytes in place of one with absolute paths.
    """
    if is_hub_handle(os.fspath(preset)):
        raise PresetError(
            f"`preset` must be a directory or a name. Received: {os.fspath(preset)!r}."
        )
    found = locate_preset(preset)
    with whole_preset(found) as whole:
        files, card = _prepare(handle, whole, license, keep_paths)
        if whole is not found:  # Its files are gone after this block.
            files = {name: _content(file) for name, file in files.items()}
    return files, card


def _prepare(
    handle: HubHandle, found: PresetLocation, license: str | None, keep_paths: bool
) -> tuple[dict[str, str | bytes], str]:
    # As it will be loaded: a preset of the Hub is not trusted.
    location = PresetLocation(found.name, found.folder, trusted=False)
    metadata = location.read_metadata()
    has_index = md.INDEX_FILE in metadata["files"]
    model = load_preset(location, True, {}, load_index=has_index)
    names = (*FILES, md.INDEX_FILE) if has_index else FILES
    files = {name: preset_file(location.folder, name) for name in names}
    own = _own_card(location.folder, metadata)
    if own is not None and license is not None:
        path = os.path.join(location.folder, md.README_FILE)
        raise PresetError(
            f"The card {path!r} was edited, and is sent as it is: write the license in "
            f"it, and leave `license` out. Received: license={license!r}."
        )
    files, metadata, indexed = without_paths(files, metadata, keep_paths)
    card = own
    if card is None:
        card = render_hub_card(handle, metadata, model.preprocessor, license)
    told = describe_paths(metadata, indexed, card)
    if told:
        warnings.warn(
            f"What is published names files of this computer: {'; '.join(told)}.",
            stacklevel=3,
        )
    return files, card


def _content(file: str | bytes) -> bytes:
    if isinstance(file, bytes):
        return file
    with open(file, "rb") as opened:
        return opened.read()


def _own_card(folder: str, metadata: dict) -> str | None:
    """The README of a directory, if it was edited."""
    if not os.path.lexists(os.path.join(folder, md.README_FILE)):
        return None
    path = preset_file(folder, md.README_FILE)
    try:
        with open(path, encoding="utf-8", newline="") as file:
            own = file.read()
    except UnicodeDecodeError:
        raise PresetError(
            f"{path!r} is not text in UTF-8. Write it so, or remove it to have a card "
            "made."
        ) from None
    return None if is_rendered(own, metadata) or is_unedited(own) else own
