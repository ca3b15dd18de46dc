"""The records of a collection of pictures, from the last run and from new files."""

import os
import time
from collections.abc import Callable, Sequence

import numpy as np

from keras_deephash.duplicates.cache import load_records, save_records
from keras_deephash.duplicates.network import FeatureNetwork
from keras_deephash.duplicates.records import make_records, record_type
from keras_deephash.images import error_for
from keras_deephash.index.file_stamps import stamp_of
from keras_deephash.progress import Progress

# A long run is saved from time to time, and is resumed after an interruption.
_SAVE_SECONDS = 300
_LONG_WORK = 1000


def collect_records(
    network: FeatureNetwork,
    images: Sequence,
    cache: str | os.PathLike | None = None,
    batch_size: int = 32,
    verbose="auto",
    on_error: Callable[[int, Exception], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the records of images, or reads those of unchanged files from a cache.

    Args:
        network: `FeatureNetwork`.
        images: sequence of paths, PIL images or arrays.
        cache: str. File that is read, and replaced by one with these images and those
            of earlier runs whose files have not changed. Defaults to `None`.
        batch_size, verbose, on_error: as for `find_duplicates`.

    Returns:
        Tuple of records [n], and the numbers of their images, int64 [n], without those
        of unreadable images.
    """
    paths = [_path_of(image) for image in images]
    stamps = [None if path is None else stamp_of(path) for path in paths]
    records = np.zeros(len(images), record_type(network.units))
    known = np.zeros(len(images), bool)
    others, of_others = [], records[:0]
    if cache is not None:
        numbers, old = load_records(cache, network.digest, network.units)
        for row, (path, stamp) in enumerate(zip(paths, stamps, strict=True)):
            number = numbers.get(path)
            if number is None or stamp is None:
                continue
            if (old[number]["bytes"], old[number]["modified_ns"]) == stamp:
                records[row], known[row] = old[number], True
        own = set(paths)
        others = sorted(
            path
            for path, number in numbers.items()
            if path not in own
            and stamp_of(path) == (old[number]["bytes"], old[number]["modified_ns"])
        )
        of_others = old[[numbers[path] for path in others]]
        del old
    new = np.flatnonzero(~known)
    shown = verbose == 1 or (verbose == "auto" and len(new) >= _LONG_WORK)
    progress = Progress(len(new), "image", bool(shown and len(new)))

    def save() -> None:
        rows = [row for row in np.flatnonzero(known) if stamps[row] is not None]
        names = [paths[row] for row in rows]
        made = records if len(rows) == len(records) else records[rows]
        if others:
            made = np.concatenate([made, of_others])
        save_records(cache, network.digest, [*names, *others], made)

    problems, saved = {}, time.monotonic()
    wanted = [images[row] for row in new]
    for number, record in make_records(network, wanted, batch_size):
        row = int(new[number])
        if isinstance(record, Exception):
            problems[row] = record
        else:
            records[row], known[row] = record, True
            if stamps[row] is not None:
                records[row]["bytes"], records[row]["modified_ns"] = stamps[row]
        progress.add(1)
        if cache is not None and time.monotonic() - saved > _SAVE_SECONDS:
            save()
            saved = time.monotonic()
    if cache is not None:
        save()
    if problems and on_error is None:
        raise error_for(problems, len(images))
    for row, error in problems.items():
        on_error(row, error)
    rows = np.flatnonzero(known)
    return (records if len(rows) == len(records) else records[rows]), rows


def _path_of(image) -> str | None:
    """Returns the absolute path of an image in a file, else None."""
    is_path = isinstance(image, (str, os.PathLike))
    return os.path.abspath(os.fspath(image)) if is_path else None
