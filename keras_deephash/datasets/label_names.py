"""Checks of label names, and multi-hot labels from names."""

from collections.abc import Iterable, Sequence

import numpy as np

from keras_deephash.text import printable

MOST_CLASSES = 100_000

_SHOWN = 5


def check_label_names(names: Iterable) -> list[str]:
    """Returns names in the form that data sets, models and presets share.

    Args:
        names: names of labels, in the order of the columns.

    Returns:
        list of str: each fits on a line of `labels.txt`, and no two differ only in
        case.

    Raises:
        ValueError: for what is not a list of names, an empty name, one of several
            lines, or two that differ only in case.

    Example:

    >>> check_label_names(["cat", "traffic light"])
    ['cat', 'traffic light']
    """
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise ValueError(
            "The names of labels must be a list of str, in the order of the labels. "
            f"Received: {printable(repr(names))[:80]}."
        )
    names = [str(name).strip() for name in names]
    for name in names:
        if not name or len(name.splitlines()) > 1:
            raise ValueError(
                "A label's name must be one line of text. "
                f"Received: {printable(name)[:80]!r}."
            )
    if len(names) > MOST_CLASSES:
        raise ValueError(
            f"There may be at most {MOST_CLASSES:,} labels. Received: {len(names):,}: "
            "is it the right column or folder?"
        )
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    pairs = [each for each in alike.values() if len(each) > 1]
    if pairs:
        shown = ", ".join(
            " and ".join(repr(printable(name)) for name in each)
            for each in pairs[:_SHOWN]
        )
        raise ValueError(
            "The names of labels must differ in more than their case. "
            f"Received: {shown}. Spell them alike if they mean the same, or rename "
            "one."
        )
    return names


def names_in(rows: Iterable[Sequence[str]]) -> list[str]:
    """Returns all names in rows, sorted; whole numbers are sorted by value."""
    names = {name for row in rows for name in row}
    if all(name.isdecimal() and len(name) < 10 for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def check_different(where: str, names: list[str]) -> None:
    """Raises ValueError for a row that names a label twice.

    Such rows are often multi-hot vectors.
    """
    if len(set(names)) < len(names):
        raise ValueError(
            f"{where}: a row must name each label once. For multi-hot vectors of 0 and "
            "1, use an `ImageSet` or an image list. "
            f"Received: {printable(str(names))[:80]}."
        )


def multi_hot_of_names(
    rows: Sequence[Sequence[str]], label_names: Sequence[str] | None = None
) -> tuple[np.ndarray, list[str]]:
    """Converts the names of images' labels to multi-hot labels.

    Args:
        rows: list of n lists of names; an empty one is an image without a label.
        label_names: list of L names. Defaults to `None`, all that occur, sorted.

    Returns:
        Tuple of the labels, uint8 [n, L], and the L names.

    Raises:
        ValueError: if a name is not in `label_names`, or cannot be a label's name.
    """
    given = label_names is not None
    names = check_label_names(label_names if given else names_in(rows))
    column = {name: number for number, name in enumerate(names)}
    unknown = [name for name in names_in(rows) if name not in column]
    if unknown:
        raise ValueError(
            "Every label must be one of `label_names`. Received: "
            f"{', '.join(repr(printable(name)) for name in unknown[:_SHOWN])}."
        )
    # Only ones are written: pages of untouched zeros take no memory.
    labels = np.zeros((len(rows), len(names)), np.uint8)
    for number, row in enumerate(rows):
        labels[number, [column[name] for name in row]] = 1
    return labels, names
