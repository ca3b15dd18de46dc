"""The presets in the cache of the Hub."""

import os
from dataclasses import dataclass

from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.hub.handles import HubHandle


@dataclass(frozen=True)
class CachedPreset:
    """One commit of a repository that is in the cache.

    Attributes:
        handle: `HubHandle`, pinned to the commit.
        refs: list of str, the branches and tags that were last seen at the commit.
        method: str, name of the class, or `"damaged"`.
        size: int, bytes on the disk.
    """

    handle: HubHandle
    refs: list[str]
    method: str
    size: int


def cached_presets(cache_dir: str | os.PathLike | None = None) -> list[CachedPreset]:
    """The presets in the cache, sorted by repository; other models stay out."""
    found = []
    for repository in _scan(cache_dir).repos if _exists(cache_dir) else ():
        for revision in repository.revisions:
            folder = str(revision.snapshot_path)
            names = {file.file_name for file in revision.files}
            if repository.repo_type != "model" or not {*md.HASHED_FILES} & names:
                continue
            if md.METADATA_FILE not in names:
                continue
            method = _method(folder)
            if method is None:
                continue
            found.append(
                CachedPreset(
                    HubHandle(repository.repo_id, revision.commit_hash),
                    sorted(revision.refs),
                    method,
                    revision.size_on_disk,
                )
            )
    return sorted(found, key=lambda preset: str(preset.handle))


def _method(folder: str) -> str | None:
    """The class of a preset, `"damaged"`, or None for what other projects wrote."""
    try:
        # KerasHub's repositories have files of the same names.
        if "keras_deephash_version" not in md.read_json(
            os.path.join(folder, md.METADATA_FILE)
        ):
            return None
        return md.read_metadata(folder)["method"]
    except PresetError:
        return "damaged"


def remove_cached(
    handle: HubHandle, cache_dir: str | os.PathLike | None = None
) -> list[CachedPreset]:
    """Removes a preset from the cache.

    Args:
        handle: `HubHandle`. Without a revision, all commits of the repository; a
            revision is a branch, a tag, or the first digits of a commit.
        cache_dir: str. Defaults to the Hub's cache.

    Returns:
        list of `CachedPreset`, what was removed.

    Raises:
        PresetError: if no such preset is in the cache.
    """
    wanted = handle.revision
    chosen = [
        preset
        for preset in cached_presets(cache_dir)
        if preset.handle.repo_id == handle.repo_id
        and (
            wanted is None
            or wanted in preset.refs
            or (len(wanted) >= 6 and preset.handle.commit.startswith(wanted))
        )
    ]
    if not chosen:
        raise PresetError(
            f"`{handle}` is not in the cache. `keras-deephash cache` lists what is."
        )
    commits = [preset.handle.commit for preset in chosen]
    _scan(cache_dir).delete_revisions(*commits).execute()
    return chosen


def _scan(cache_dir):
    from huggingface_hub import scan_cache_dir

    return scan_cache_dir(cache_dir)


def _exists(cache_dir) -> bool:
    from huggingface_hub.constants import HF_HUB_CACHE

    return os.path.isdir(HF_HUB_CACHE if cache_dir is None else cache_dir)
