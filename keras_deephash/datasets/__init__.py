"""Labelled images: list files, protocols and the input pipeline."""

from keras_deephash.datasets import word_vectors
from keras_deephash.datasets.cifar10 import (
    cifar10,
    read_lists,
    read_splits,
    split_by_class,
)
from keras_deephash.datasets.feature_dataset import feature_dataset
from keras_deephash.datasets.image_set import ImageSet, Splits
from keras_deephash.datasets.list_file import read_image_list, read_label_names
from keras_deephash.datasets.pipeline import image_dataset
from keras_deephash.datasets.splits import SplitReport, check_splits

__all__ = [
    "ImageSet",
    "SplitReport",
    "Splits",
    "check_splits",
    "cifar10",
    "feature_dataset",
    "image_dataset",
    "read_image_list",
    "read_label_names",
    "read_lists",
    "read_splits",
    "split_by_class",
    "word_vectors",
]
