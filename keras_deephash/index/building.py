"""The building of an index from image files: in parts, and resumable."""

import os
import time
from collections.abc import Sequence

import numpy as np

from keras_deephash.files import is_network_path
from keras_deephash.images import ImageErrors
from keras_deephash.index.file_stamps import FileStamps, stamp_of
from keras_deephash.index.index import Index
from keras_deephash.progress import Progress

PART = 1024  # Images that are encoded and added at once.
SAVE_SECONDS = 60


def index_files(
    index: Index,
    paths: Sequence[str],
    labels=None,
    save_to: str | os.PathLike | None = None,
    batch_size: int = 32,
    verbose: int = 1,
) -> dict[str, str]:
    """Adds image files to an index, as `IndexBuilder.add`; returns the unreadable."""
    builder = IndexBuilder(index, save_to, batch_size, verbose)
    builder.add(paths, labels)
    return builder.unreadable


class IndexBuilder:
    """Keeps an index in step with image files, whose paths are its names.

    Args:
        index: `Index` of a model.
        save_to: str. Directory that the index is saved in at the end and about every
            minute, so that an interrupted run goes on there. It also keeps the sizes
            and times of the files, by which changed ones are noticed. Defaults to
            `None`: nothing is saved, and a path that is there stays as it is.
        batch_size: int. Images per step. Defaults to `32`.
        verbose: 0 or 1, whether to print the progress. Defaults to `1`.
        strict: bool. Whether an unreadable image is an error. Defaults to `False`:
            it is left out.

    Attributes:
        added, updated: ints, the files that were new and that had changed.
        unreadable: dict, the paths of images that were left out, and why.

    Example:

    >>> builder = IndexBuilder(index, "photos.index")
    >>> builder.add(find_images("photos"))
    >>> builder.remove_gone()
    """

    def __init__(
        self,
        index: Index,
        save_to: str | os.PathLike | None = None,
        batch_size: int = 32,
        verbose: int = 1,
        strict: bool = False,
    ):
        self.index = index
        self.added = self.updated = 0
        self.unreadable: dict[str, str] = {}
        self._save_to = save_to
        self._batch_size, self._verbose, self._strict = batch_size, verbose, strict
        self._stamps = FileStamps(save_to)
        self._saved = time.monotonic()

    def add(self, paths: Sequence[str], labels=None) -> None:
        """Adds the files that are new, and encodes those again that have changed.

        A changed file keeps its id. One that cannot be read any more is removed.

        Args:
            paths: list of str. Of a path that is listed twice, the first counts.
            labels: array of one row for each path. Defaults to `None`.
        """
        labels = None if labels is None else np.asarray(labels)
        known = self._ids_by_name()
        stamps = {path: stamp_of(path) for path in paths}
        first = {path: row for row, path in reversed(list(enumerate(paths)))}
        wanted = sorted(
            row
            for path, row in first.items()
            if path not in known
            or not self._stamps.is_current(known[path], stamps[path])
        )
        progress = Progress(len(wanted), "image", bool(self._verbose))
        for start in range(0, len(wanted), PART):
            rows = np.array(wanted[start : start + PART])
            part = [paths[row] for row in rows]
            codes, readable = self._encode(part)
            # What has changed goes, and comes back as it is now.
            self._remove([known[path] for path in part if path in known])
            is_new = np.array([path not in known for path in part])
            for chosen in (readable & ~is_new, readable & is_new):
                names = [paths[row] for row in rows[chosen]]
                if not names:
                    continue
                ids = self.index.add(
                    codes[chosen],
                    ids=[known[name] for name in names if name in known] or None,
                    labels=None if labels is None else labels[rows[chosen]],
                    names=names,
                )
                self._stamps.set(ids, [stamps[name] for name in names])
            self.added += int((readable & is_new).sum())
            self.updated += int((readable & ~is_new).sum())
            progress.update(min(start + PART, len(wanted)))
            if time.monotonic() - self._saved > SAVE_SECONDS:
                self._save()
        self._save()

    def gone(self) -> dict[int, str]:
        """The ids and names of files that are no longer there, of absolute paths.

        Names on a network share are not looked at: see `files.is_network_path`.
        """
        names = self.index.names(self.index.ids) or []
        return {
            int(number): name
            for number, name in zip(self.index.ids, names, strict=bool(names))
            if os.path.isabs(name)
            and not is_network_path(name)
            and not os.path.exists(name)
        }

    def remove_gone(self) -> int:
        """Removes the files that are no longer there; returns how many."""
        count = self._remove(list(self.gone()))
        if count:
            self._save()
        return count

    def _ids_by_name(self) -> dict[str, int]:
        ids = self.index.ids
        return dict(zip(self.index.names(ids) or [], ids.tolist(), strict=False))

    def _encode(self, part: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Codes [n, bytes], and a bool [n]: of which images."""
        errors = ImageErrors(part, self._strict)
        codes = self.index.encode(part, self._batch_size, on_error=errors.on_error)
        self.unreadable |= errors.unreadable
        readable = np.array([path not in errors.unreadable for path in part])
        every = np.zeros((len(part), codes.shape[1]), np.uint8)
        every[readable] = codes
        return every, readable

    def _remove(self, ids: list[int]) -> int:
        return self.index.remove(ids) if ids else 0

    def _save(self) -> None:
        if self._save_to is not None:
            self.index.save(self._save_to)
            self._stamps.save(self.index.ids)
            self._saved = time.monotonic()
