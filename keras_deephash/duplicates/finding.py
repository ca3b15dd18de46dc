"""Finding pictures that are copies of each other."""

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

# Number of nearest images of an index that are compared with each image.
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
    """Finds groups of pictures that are copies of each other.

    Copies may be resized, compressed again, cropped or turned a little, brightened or
    darkened, or have a watermark. Mirrored pictures and quarter turns are not found.
    Nothing is deleted.

    Pictures are candidates if their perceptual hashes or the codes of their features
    are near; features and hashes together decide. The scores were calibrated on other
    pictures.

    Args:
        images: a folder, or a list of paths.
        model: the name of a preset, a method or a backbone, whose features compare
            pictures. Defaults to the model of the package's calibration.
        against: `Index` with a model and with the paths of its images as names, to find
            copies there too. Each image is compared with the 20 nearest images of the
            index, whose files are read. Defaults to `None`.
        false_positive_rate: float. The share of pairs of different pictures that may
            be taken for copies. Defaults to one such pair per thousand pictures, and at
            most `1e-4`.
        calibration: `Calibration` of another model, made by `calibrate`. Defaults to
            the package's.
        cache: str. A file that keeps what was computed for each image: the next run
            reads only files that are new, or whose size or time has changed. Defaults
            to `None`: nothing is kept.
        batch_size: int. Images per step of the network. Defaults to `32`.
        verbose: `"auto"`, 0 or 1. Whether to show a progress bar. Defaults to
            `"auto"`, for long work.
        on_error: function that is called for each image that cannot be read, with its
            number and the exception; the image is left out. Defaults to `None`: an
            error is raised that names all unreadable images.

    Returns:
        List of `DuplicateGroup`, with at least two pictures each.

    Raises:
        FileNotFoundError: if a path does not exist.
        ValueError: for a folder without images, a file that is not an image, or a model
            without calibration.

    Example:

    >>> for group in kdh.find_duplicates("photos", cache="photos.duplicates"):
    ...     print("keep", group.paths[0], "of", group.paths)
    """
    images = _list_of(images)
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    # Errors must show before the work.
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
    """Finds groups of images, with the name and the source of each image."""
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
    """Returns the numbers of images, without repeated files and links to them."""
    first: dict[tuple, int] = {}
    for number, (image, source) in enumerate(zip(images, sources, strict=True)):
        first.setdefault((source, _file_of(image) or number), number)
    return list(first.values())


def _file_of(image) -> str | None:
    """Returns the file of an image, following links; None if it is in memory."""
    is_path = isinstance(image, (str, os.PathLike))
    return os.path.realpath(os.fspath(image)) if is_path else None


def _list_of(images) -> Sequence:
    images = image_paths(images)
    if isinstance(images, np.ndarray) and images.ndim == 1:
        images = images.tolist()  # For example an array of paths.
    if not isinstance(images, (list, tuple)):
        raise ValueError(
            f"`images` must be a folder or a list of paths. Received: {type(images)}."
        )
    return list(images)


def _name_of(image, number: int) -> str:
    is_path = isinstance(image, (str, os.PathLike))
    return os.fspath(image) if is_path else f"image {number}"


def _near_names(index: Index, images: Sequence, batch_size: int, verbose) -> set[str]:
    """Returns the paths of those images of the index that are nearest to the images."""
    if not isinstance(index, Index):
        raise ValueError(
            f"`against` must be an `Index`: `Index.load(path, model)`. "
            f"Received: against={index!r}."
        )
    # Unreadable images are reported when their features are computed.
    codes = index.encode(images, batch_size, verbose, on_error=lambda *_: None)
    if not len(codes) or not len(index):
        return set()
    _, ids = index.search(codes, k=_NEAREST)
    names = index.names(np.unique(ids[ids >= 0]))
    if names is None or "" in names:
        raise ValueError(
            "`against` must have the paths of its images as names: create it with "
            "`keras-deephash index`, or give `names` to `add`."
        )
    # The index may name another computer, which must not learn of this user.
    near = {name for name in names if not is_network_path(name)}
    if len(near) < len(names):
        warnings.warn(
            f"{len(names) - len(near)} of the files that the index names are on a "
            "network share, and are not opened: copies of them are not found.",
            stacklevel=3,
        )
    return {os.path.realpath(name) for name in near}


def _tell(
    unread: dict[int, Exception], count: int, names: Sequence[str], on_error
) -> None:
    """Reports unreadable images to `on_error`, and files of the index by a warning."""
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
