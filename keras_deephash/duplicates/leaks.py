"""Finding copies of pictures across training, query and database images."""

import os

from keras_deephash.checks import check_integer
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.duplicates.calibration import Calibration
from keras_deephash.duplicates.duplicate_group import DuplicateGroup
from keras_deephash.duplicates.finding import OnError, find_groups
from keras_deephash.duplicates.network import DEFAULT_MODEL


def find_leaks(
    train: ImageSet | None = None,
    query: ImageSet | None = None,
    database: ImageSet | None = None,
    model=DEFAULT_MODEL,
    false_positive_rate: float | None = None,
    calibration: Calibration | None = None,
    cache: str | os.PathLike | None = None,
    batch_size: int = 32,
    verbose="auto",
    on_error: OnError | None = None,
) -> list[DuplicateGroup]:
    """Finds groups of copies that are in two of train, query and database, or in all.

    `datasets.check_splits` finds equal pixels; this finds changed copies as well.

    Args:
        train: `ImageSet`. Defaults to `None`, not compared, like the other two.
        query: `ImageSet`.
        database: `ImageSet`. In some protocols the training images are a part of the
            database: leave `train` out then.
        model, false_positive_rate, calibration, cache, batch_size, verbose, on_error:
            as for `find_duplicates`; the images are numbered through all sets.

    Returns:
        List of `DuplicateGroup`, whose `sources` are the names of the sets.

    Raises:
        ValueError: for fewer than two sets.

    Example:

    >>> for group in find_leaks(*kdh.datasets.cifar10("data/cifar10")):
    ...     print(list(zip(group.sources, group.paths)))
    """
    sets = {"train": train, "query": query, "database": database}
    sets = {name: images for name, images in sets.items() if images is not None}
    if len(sets) < 2:
        raise ValueError(
            "Give at least two of `train`, `query` and `database`. "
            f"Received: {len(sets)}."
        )
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    images, names, sources = [], [], []
    for source, image_set in sets.items():
        images.extend(image_set.images)
        names.extend(map(image_set.name_of, range(len(image_set))))
        sources.extend([source] * len(image_set))
    groups = find_groups(
        images,
        names,
        sources,
        model,
        false_positive_rate,
        calibration,
        cache,
        batch_size,
        verbose,
        on_error,
    )
    return [group for group in groups if len(set(group.sources)) > 1]
