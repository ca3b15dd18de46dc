"""Splitting a data set into training images, queries and database."""

import numpy as np

from keras_deephash.checks import check_integer, check_number
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.near_duplicates import group_near_duplicates


def split_images(
    images: ImageSet, query: float = 0.1, database: float = 0.2, seed: int = 0
) -> ImageSet:
    """Assigns every image of a set to training, queries or database.

    The shares are the same for each label; an image with several labels counts for the
    first. Images that are nearly the same stay together. If a label has only two
    different images, one is for training and one for the database; a single one is for
    training, and so are images without a label.

    Args:
        images: `ImageSet`.
        query: float. Share of the queries. Defaults to `0.1`.
        database: float. Share of the database. Defaults to `0.2`; what is left is
            for training.
        seed: int, >= 0. Defaults to `0`.

    Returns:
        The `ImageSet` with its `split`.

    Raises:
        ValueError: if the shares leave no images for training, if images cannot be
            read, or if no label has three different images.

    Example:

    >>> data = split_images(from_folder("birds"))
    >>> data.split.count("query")
    30
    """
    shares = (
        check_number("query", query, True),
        check_number("database", database, True),
    )
    if sum(shares) >= 1:
        raise ValueError(
            "`query` and `database` must leave images to train on. "
            f"Received: query={query}, database={database}."
        )
    generator = np.random.default_rng(check_integer("seed", seed, minimum=0))
    groups = group_near_duplicates(images.images)
    labels = np.where(images.is_labelled, images.labels.argmax(axis=1), -1)
    # A group with several labels counts for the label of its first image.
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    sizes = np.bincount(group_of, minlength=len(first))
    parts = np.full(len(first), "train", object)
    for label in np.unique(labels[labels >= 0]):
        members = np.flatnonzero(labels[first] == label)
        for part, chosen in _share_out(members, sizes, shares, generator).items():
            parts[chosen] = part
    split = parts[group_of].tolist()
    if not {"query", "database"} <= set(split):
        raise ValueError(
            "A split needs a label with at least three different images, one each for "
            f"training, queries and database. Received: {images}. Add images, or split "
            "them yourself into folders train, test and database."
        )
    return ImageSet(images.images, images.labels, images.label_names, split)


def _share_out(
    members: np.ndarray, sizes: np.ndarray, shares: tuple[float, float], generator
) -> dict[str, np.ndarray]:
    """Returns the groups of a label for the queries and for the database.

    Args:
        members: ints, the numbers of the label's groups.
        sizes: ints, the number of images of every group.
    """
    members = generator.permutation(members)
    # Large groups last, for training: one could exceed the shares of the other parts.
    members = members[np.argsort(sizes[members], kind="stable")]
    count, total = len(members), sizes[members].sum()
    if count < 3:
        return {"database": members[: count - 1]}
    ends = np.cumsum(sizes[members])
    wanted_query, wanted_database = (max(1, round(share * total)) for share in shares)
    queries = 1 + int(np.searchsorted(ends, wanted_query))
    queries = min(queries, count - 2)
    items = 1 + int(np.searchsorted(ends, ends[queries - 1] + wanted_database))
    items = min(max(items, queries + 1), count - 1)
    return {"query": members[:queries], "database": members[queries:items]}
