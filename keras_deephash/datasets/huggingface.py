"""Data sets of Hugging Face's `datasets`, whose images are decoded when needed.

This module does not import `datasets`: a caller who has such a data set has done so.
"""

import os
import sys
from collections.abc import Sequence

import numpy as np

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.label_names import check_different, multi_hot_of_names
from keras_deephash.datasets.split_names import known_names, part_of


def from_huggingface(dataset, image: str = "image", label: str = "label") -> ImageSet:
    """Returns the images and labels of a data set of Hugging Face's `datasets`.

    Nothing is decoded now: an image is read when it is needed.

    Args:
        dataset: `datasets.Dataset`, or a `DatasetDict` of its splits, whose names are
            those of `from_folder`: `train`, `validation`, `test` and so on.
        image: str. Name of the column of the images: of the type `Image`, or paths.
            Defaults to `"image"`.
        label: str. Name of the column of the labels: `ClassLabel`, ints or strings, or
            lists of them for several labels; -1, None and an empty list are an image
            without a label. Defaults to `"label"`.

    Returns:
        An `ImageSet`; its `label_names` are those of the data set.

    Raises:
        ImportError: if `datasets` is not installed.
        ValueError: if `dataset` is anything else, or if a column does not exist or has
            another type.

    Example:

    >>> data = from_huggingface(datasets.load_dataset("beans"), label="labels")
    >>> model = keras_deephash.train(data, method="DCH", bits=48)
    """
    library = sys.modules.get("datasets")
    if library is None or not hasattr(library, "DatasetDict"):
        try:
            import datasets as library
        except ImportError:
            raise ImportError(
                "Data sets of Hugging Face need their library: "
                'pip install "keras-deephash[datasets]"'
            ) from None
    parts, split = {None: dataset}, None
    if isinstance(dataset, library.DatasetDict):
        parts = {part_of(str(name)) or str(name): d for name, d in dataset.items()}
        unknown = [name for name in dataset if part_of(str(name)) is None]
        if unknown or len(parts) < len(dataset):
            raise ValueError(
                "Every split must be a different part of the data set; the names are "
                f"{known_names()}. Received: {list(dataset)}. Select those you want, "
                '`DatasetDict(train=d["train"], test=d["test"])`.'
            )
        split = [part for part, each in parts.items() for _ in range(len(each))]
        dataset = library.concatenate_datasets(list(parts.values()))
    if not isinstance(dataset, library.Dataset):
        raise ValueError(
            "`dataset` must be a `datasets.Dataset` or `DatasetDict`; one that is "
            "streamed has no length, so load it without `streaming`. "
            f"Received: {type(dataset).__name__}."
        )
    for argument, name in (("image", image), ("label", label)):
        if name not in dataset.features:
            raise ValueError(
                f"`{argument}` must be a column of the data set. Received: {name!r}, "
                f"and it has {', '.join(map(repr, dataset.features))}."
            )
    images = HuggingFaceImages(dataset, image)
    labels, names = _labels(dataset, label)
    if split is not None and set(split) == {"train"}:
        split = None
    return ImageSet(images, labels, names, split)


class HuggingFaceImages(Sequence):
    """The images of a column: each the bytes of its file, or its path.

    Args:
        dataset: `datasets.Dataset`.
        column: str.
    """

    def __init__(self, dataset, column: str):
        import datasets

        self.column = column
        dataset = dataset.select_columns([column]).with_format(None)
        feature = dataset.features[column]
        if isinstance(feature, datasets.Image):
            dataset = dataset.cast_column(column, datasets.Image(decode=False))
        elif getattr(feature, "dtype", None) not in ("string", "large_string"):
            raise ValueError(
                "The column of the images must be of the type `datasets.Image`, or of "
                f"paths. Received: {column!r} of the type {feature}."
            )
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> bytes | str:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        value = self.dataset[int(index)][self.column]
        if isinstance(value, dict) and value["bytes"] is not None:
            return value["bytes"]
        path = value["path"] if isinstance(value, dict) else value
        # Never an address, whatever the data set says.
        return os.fspath(path) if path is not None else b""

    def take(self, indices) -> "HuggingFaceImages":
        """Returns the images at the given indices."""
        return HuggingFaceImages(self.dataset.select(indices), self.column)


def images_of(value):
    """Returns the images of a data set or of its column; other values unchanged."""
    library = sys.modules.get("datasets")
    if library is None or not hasattr(library, "Dataset"):
        return value
    if isinstance(value, library.DatasetDict):
        raise ValueError(
            f"Encode one split of the data set: {', '.join(map(repr, value))}. "
            "Received: a DatasetDict."
        )
    if isinstance(value, library.Dataset):
        found = [n for n, f in value.features.items() if isinstance(f, library.Image)]
        if len(found) != 1:
            raise ValueError(
                "The data set must have one column of the type `datasets.Image`; of "
                'several, name one, `encode(dataset["image"])`. '
                f"Received: {found or 'none'}, of {list(value.features)}."
            )
        return HuggingFaceImages(value, found[0])
    source = getattr(value, "source", None)
    if isinstance(source, library.Dataset) and hasattr(value, "column_name"):
        return HuggingFaceImages(source, value.column_name)
    return value


def _labels(dataset, column: str) -> tuple[np.ndarray, list[str]]:
    """Returns multi-hot labels and their names."""
    feature = dataset.features[column]
    inner = getattr(feature, "feature", feature)  # Of a list.
    names = getattr(inner, "names", None)
    values = dataset.select_columns([column]).with_format(None)[column]
    rows = [_names(value, column, names) for value in values]
    if not any(rows):
        raise ValueError(
            "At least one image must have a label. Received: the column "
            f"{column!r}, without any."
        )
    return multi_hot_of_names(rows, names)


def _names(value, column: str, names: list[str] | None) -> list[str]:
    values = value if isinstance(value, list) else [value]
    found = []
    for each in values:
        if not isinstance(each, (int, str, type(None))):
            raise ValueError(
                "The column of the labels must hold ints or strings, or lists of them. "
                f"Received: {column!r}, with {str(each)[:80]!r}."
            )
        if each is None or str(each).strip() in ("", "-1"):
            continue  # The label is not known.
        named = names is not None and isinstance(each, int)
        found.append((names[each] if named else str(each)).strip())
    check_different(f"the column {column!r}", found)
    return found
