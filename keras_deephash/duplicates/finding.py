"""Finds pictures that are copies of each other."""

import os
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.duplicates.calibration import (
    Calibration,
    calibration_for,
    lowest_score,
)
from keras_deephash.duplicates.collection import collect_records
from keras_deephash.duplicates.duplicate_group import DuplicateGroup, make_groups
from keras_deephash.duplicates.grouping import group_records
from keras_deephash.duplicates.network import DEFAULT_MODEL, FeatureNetwork
from keras_deephash.files import is_network_path
from keras_deephash.images import error_for, image_paths
from keras_deephash.index import Index

# Of an index, as many of the nearest to each image are compared with it.
_NEAREST = 20

OnError = Callable[[int, Exception], None]


def find_duplicates(
    images: str | os.PathLike | Sequence,
    model=DEFAULT_MODEL,
    against: Index | None = None,
    false_positive_rate: float | None = None,
    calibration: Calibration | None = None,
    cache: str | os.PathLike | None = None,
    batch_size: int = 32,
    verbose="auto",
    on_error: OnError | None = None,
) -> list[DuplicateGroup]:
    """Groups of pictures that are copies of each other.

    Copies are resized, compressed again, cropped or turned a little, brightened or
    darkened, or have a watermark. Mirrored pictures, and quarter turns, are not found.
    Nothing is deleted.

    Pictures are candidates where their perceptual hashes or the codes of their features
    are near; features and hashes together decide. What counts as alike was measured on
    other pictures.

    Args:
        images: a folder, or a list of paths.
        model: the name of a preset, a method or a backbone, whose features compare
            pictures. Defaults to the model that the package's calibration is of.
        against: `Index` with a model and with the paths of its images as names, to
            find copies there too, and groups of both. Of each image the 20 nearest in
            the index are compared with it, and their files are read. Defaults to
            `None`.
        false_positive_rate: float. The share of pairs of different pictures that may
            be taken for copies. Defaults to one such pair to a thousand pictures, and
            to `1e-4` at most.
        calibration: `Calibration` of another model, made by `calibrate`. Defaults to
            the package's.
        cache: str. A file that keeps what was computed of each image: the next run
            reads only files that are new, or changed by size or time. Defaults to
            `None`, none.
        batch_size: int. Images that the network sees at a time. Defaults to `32`.
        verbose: `"auto"`, 0 or 1. Whether to show a progress bar. Defaults to
            `"auto"`, for long work.
        on_error: function of the number of an image and an exception, called for each
            image that cannot be read, which is then left out. Defaults to `None`: an
            error that names all of them.

    Returns:
        List of `DuplicateGroup`, of two pictures or more each.

    Raises:
        FileNotFoundError: for a path that names no file.
        ValueError: for a folder without images, what is no image, and for a model
            without calibration.

    Example:

    >>> for group in kdh.find_duplicates("photos", cache="photos.duplicates"):
    ...     print("keep", group.paths[0], "of", group.paths)
    """
    images = _list_of(images)
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    # What is wrong must not show after the work.
    lowest = lowest_score(len(images), false_positive_rate)
    network = FeatureNetwork(model)
    calibration = calibration_for(network.digest, calibration)
    names = [_name_of(image, number) for number, image in enumerate(images)]
    sources = ["images"] * len(images)
    compared = images
    if against is not None:
        known = _near_names(against, images, batch_size, verbose)
        known = sorted(known - set(map(_file_of, images)))
        compared = [*images, *known]
        names, sources = [*names, *known], [*sources, *(["index"] * len(known))]
    unread: dict[int, Exception] = {}
    groups = find_groups(
        compared,
        names,
        sources,
        network,
        10**-lowest,
        calibration,
        cache,
        batch_size,
        verbose,
        on_error if against is None else unread.__setitem__,
    )
    if against is None:
        return groups
    _tell(unread, len(images), names, on_error)
    return [group for group in groups if "images" in group.sources]


def find_groups(
    images: Sequence,
    names: Sequence[str],
    sources: Sequence[str],
    model,
    false_positive_rate: float | None,
    calibration: Calibration | None,
    cache,
    batch_size: int,
    verbose,
    on_error: OnError | None,
) -> list[DuplicateGroup]:
    """The groups of images with their names, and where each comes from."""
    lowest = lowest_score(len(images), false_positive_rate)
    network = model if isinstance(model, FeatureNetwork) else FeatureNetwork(model)
    calibration = calibration_for(network.digest, calibration)  # Before the work.
    records, rows = collect_records(
        network, images, cache, batch_size, verbose, on_error
    )
    kept = _once([images[row] for row in rows], [sources[row] for row in rows])
    if len(kept) < len(rows):
        records, rows = records[kept], rows[kept]
    labels = group_records(records, calibration, lowest)
    names, sources = [names[row] for row in rows], [sources[row] for row in rows]
    return make_groups(records, labels, calibration, names, sources)


def _once(images: Sequence, sources: Sequence[str]) -> list[int]:
    """The numbers of images, without those that a list or a link names once more."""
    first: dict[tuple, int] = {}
    for number, (image, source) in enumerate(zip(images, sources, strict=True)):
        first.setdefault((source, _file_of(image) or number), number)
    return list(first.values())


def _file_of(image) -> str | None:
    """The file of an image, whatever links lead to it."""
    is_path = isinstance(image, (str, os.PathLike))
    return os.path.realpath(os.fspath(image)) if is_path else None


def _list_of(images) -> Sequence:
    images = image_paths(images)
    if isinstance(images, np.ndarray) and images.ndim == 1:
        images = images.tolist()  # Of paths, say.
    if not isinstance(images, (list, tuple)):
        raise ValueError(
            f"`images` must be a folder or a list of paths. Received: {type(images)}."
        )
    return list(images)


def _name_of(image, number: int) -> str:
    is_path = isinstance(image, (str, os.PathLike))
    return os.fspath(image) if is_path else f"image {number}"


def _near_names(index: Index, images: Sequence, batch_size: int, verbose) -> set[str]:
    """The paths of the index's images that are nearest to some of the images."""
    if not isinstance(index, Index):
        raise ValueError(
            f"`against` must be an `Index`: `Index.load(path, model)`. "
            f"Received: against={index!r}."
        )
    # Images that cannot be read are told of when their features are computed.
    codes = index.encode(images, batch_size, verbose, on_error=lambda *_: None)
    if not len(codes) or not len(index):
        return set()
    _, ids = index.search(codes, k=_NEAREST)
    names = index.names(np.unique(ids[ids >= 0]))
    if names is None or "" in names:
        raise ValueError(
            "`against` must have the paths of its images as names: make it with "
            "`keras-deephash index`, or give `names` to `add`."
        )
    # Whoever made the index may have named a computer, which asking would tell of us.
    near = {name for name in names if not is_network_path(name)}
    if len(near) < len(names):
        warnings.warn(
            f"{len(names) - len(near)} of the files that the index names are on a "
            "network share, and are not looked at: copies of them are not found.",
            stacklevel=3,
        )
    return {os.path.realpath(name) for name in near}


def _tell(
    unread: dict[int, Exception], count: int, names: Sequence[str], on_error
) -> None:
    """Unreadable images as `on_error` says, and files of the index in a warning."""
    own = {number: error for number, error in unread.items() if number < count}
    if own and on_error is None:
        raise error_for(own, count)
    for number, error in own.items():
        on_error(number, error)
    others = [names[number] for number in unread if number >= count]
    if others:
        warnings.warn(
            f"{len(others)} of the files that the index names cannot be read, such as "
            f"{others[0]!r}: copies of them are not found.",
            stacklevel=3,
        )
