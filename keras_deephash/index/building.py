"""Filling an index from image files: in parts, resumable, past what is unreadable."""

import os
import time
from collections.abc import Sequence

import numpy as np

from keras_deephash.images import read_image
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
    """Adds image files to an index, except those whose paths are there already.

    Args:
        index: `Index` of a model.
        paths: list of str. They become the names.
        labels: array of one row a path. Defaults to `None`. Of a path that is listed
            twice, the first counts.
        save_to: str. Directory that the index is saved in at the end and about every
            minute, so that an interrupted run goes on there. Defaults to `None`.
        batch_size: int. Images a step. Defaults to `32`.
        verbose: 0 or 1, whether to print the progress. Defaults to `1`.

    Returns:
        dict, the paths of unreadable images, which are left out, and why.
    """
    there = set(index.names(index.ids) or [])
    first = {path: row for row, path in reversed(list(enumerate(paths)))}
    wanted = np.array(sorted(first[path] for path in first.keys() - there), int)
    labels = None if labels is None else np.asarray(labels)
    progress = Progress(len(wanted), "image", bool(verbose))
    unreadable, saved = {}, time.monotonic()
    for start in range(0, len(wanted), PART):
        rows = wanted[start : start + PART]
        part = [paths[row] for row in rows]
        try:
            codes = index.encode(part, batch_size)
        except (ValueError, OSError):
            problems = {path: why for path in part if (why := problem(path))}
            if not problems:
                raise  # Not for an image.
            unreadable.update(problems)
            rows = [row for row in rows if paths[row] not in problems]
            part = [paths[row] for row in rows]
            codes = index.encode(part, batch_size)
        index.add(codes, labels=None if labels is None else labels[rows], names=part)
        progress.update(min(start + PART, len(wanted)))
        if save_to is not None and time.monotonic() - saved > SAVE_SECONDS:
            index.save(save_to)
            saved = time.monotonic()
    if save_to is not None:
        index.save(save_to)
    return unreadable


def problem(path: str) -> str | None:
    """Why an image cannot be read, or None."""
    try:
        read_image(path)
    except (ValueError, OSError) as error:
        return str(error)
    return None
