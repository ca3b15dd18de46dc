"""The presets in the cache of the Hub."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass

from keras_deephash.files import one_at_a_time
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.hub.handles import HubHandle
from keras_deephash.presets.hub.storage import Storage, cache_folder


@dataclass(frozen=True)
class CachedPreset:
    """One commit of a repository that is in the cache.

    Attributes:
        handle: `HubHandle`, pinned to the commit.
        refs: list of str, the branches and tags that were last seen at the commit.
        method: str, name of the class, `"damaged"`, or `"incomplete"` for downloads
            that broke off, or are under way, of any commit.
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


def incomplete_downloads(
    cache_dir: str | os.PathLike | None = None,
) -> list[CachedPreset]:
    """The remains of downloads that broke off, one entry for each repository."""
    presets = {preset.handle.repo_id for preset in cached_presets(cache_dir)}
    found = []
    cache = cache_folder(cache_dir)
    for name in sorted(os.listdir(cache)) if os.path.isdir(cache) else ():
        repo_id = name.removeprefix("models--").replace("--", "/")
        storage = Storage(cache, repo_id)
        parts = storage.incomplete() if name.startswith("models--") else []
        if parts and (repo_id in presets or storage.is_ours()):
            size = 0
            for part in parts:
                with suppress(FileNotFoundError):  # It is whole by now.
                    size += os.path.getsize(part)
            found.append(CachedPreset(HubHandle(repo_id), [], "incomplete", size))
    return found


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
            revision is a branch, a tag, or the first digits of a commit. Without one,
            downloads that broke off go too; one that is under way is waited for.
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
    if wanted is None:
        broken_off = incomplete_downloads(cache_dir)
        chosen += [p for p in broken_off if p.handle.repo_id == handle.repo_id]
    if not chosen:
        raise PresetError(
            f"`{handle}` is not in the cache. `keras-deephash cache` lists what is."
        )
    storage = Storage(cache_dir, handle.repo_id)
    with one_at_a_time(storage.folder):
        if wanted is None and storage.is_ours():
            shutil.rmtree(storage.folder)
            return chosen
        commits = [preset.handle.commit for preset in chosen if preset.handle.commit]
        _scan(cache_dir).delete_revisions(*commits).execute()
        for commit in commits:
            storage.forget_listing(commit)
        for part in storage.incomplete() if wanted is None else ():
            os.unlink(part)
    return chosen


def _scan(cache_dir):
    from huggingface_hub import scan_cache_dir

    return scan_cache_dir(cache_folder(cache_dir))


def _exists(cache_dir) -> bool:
    return os.path.isdir(cache_folder(cache_dir))
