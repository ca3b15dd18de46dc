"""Labelled images: list files, protocols and the input pipeline."""

from typing import TYPE_CHECKING

from keras_deephash.datasets import word_vectors
from keras_deephash.datasets.cifar10 import cifar10
from keras_deephash.datasets.drawings import drawings
from keras_deephash.datasets.folder import from_folder
from keras_deephash.datasets.huggingface import from_huggingface
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.datasets.list_file import read_image_list, read_label_names
from keras_deephash.datasets.list_writing import write_lists
from keras_deephash.datasets.near_duplicates import group_near_duplicates
from keras_deephash.datasets.overlaps import SplitReport, check_splits
from keras_deephash.datasets.protocol import (
    Splits,
    read_lists,
    read_splits,
    split_by_class,
)
from keras_deephash.datasets.splitting import split_images
from keras_deephash.datasets.table import from_table
from keras_deephash.lazy_imports import lazy_names

# Reading lists needs no TensorFlow: the modules that make batches are imported late.
if TYPE_CHECKING:
    from keras_deephash.datasets.feature_pipeline import feature_dataset
    from keras_deephash.datasets.pipeline import image_dataset
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {"feature_dataset": "feature_pipeline", "image_dataset": "pipeline"},
        need_keras=True,
    )

__all__ = [
    "ImageSet",
    "SplitReport",
    "Splits",
    "check_splits",
    "cifar10",
    "drawings",
    "feature_dataset",
    "from_folder",
    "from_huggingface",
    "from_table",
    "group_near_duplicates",
    "image_dataset",
    "read_image_list",
    "read_label_names",
    "read_lists",
    "read_splits",
    "split_by_class",
    "split_images",
    "word_vectors",
    "write_lists",
]
