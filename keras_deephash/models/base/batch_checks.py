"""Checks of images and labels: whole arrays at once, datasets batch by batch."""

import keras
import numpy as np
import tensorflow as tf

from keras_deephash.images import check_pixels
from keras_deephash.models.base.label_forms import (
    FORMS,
    NO_CLASS_INDICES,
    check_labels,
)

NOT_MULTI_HOT = "The labels of a batch are not multi-hot"
NOT_PIXELS = "The images of a batch are not pixels"
NOT_THE_CLASSES = "The labels of a batch do not match the classes of the model"
# What the user can do when one of them has stopped a training.
EXPLANATIONS = {
    NOT_MULTI_HOT: f"two-dimensional labels must be 0 or 1. {FORMS}",
    NO_CLASS_INDICES: "pass the right number as `classes=`, or look for a wrong "
    f"label. {FORMS}",
    NOT_THE_CLASSES: "they must have `model.classes` columns, one for each class "
    "vector: add new classes with `add_classes`, or start with a new model",
    NOT_PIXELS: "they must lie between 0 and 255, and not be scaled to 0 to 1: undo "
    "any normalization, because the model normalizes images itself",
}


def check_arrays(
    images, labels, labels_name: str, are_features, classes: int | None = None
) -> None:
    """Raises ValueError for images that are not pixels, and labels of no known form.

    Args:
        images: array [n, h, w, c], or anything else, which is not checked.
        labels: array [n] or [n, L], or anything else.
        labels_name: str. Name of the argument that holds the labels.
        are_features: function that takes an array and returns whether it holds frozen
            features.
        classes: int, the number of classes, if it is known. Defaults to `None`.
    """
    check_labels(labels, labels_name, classes)
    if isinstance(images, (np.ndarray, tf.Tensor)) and not are_features(images):
        check_pixels(np.asarray(images))


def images_and_labels(data, needs_labels: bool = True):
    """Splits a batch into images and labels; unneeded labels become [n, 0].

    Raises:
        ValueError: for sample weights, missing labels, or images of unknown rank.
    """
    images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if sample_weight is not None:
        raise ValueError(
            "The loss is over pairs of images, so `sample_weight` and "
            "`class_weight` have no meaning here: leave them out."
        )
    if not needs_labels:
        labels = tf.zeros((tf.shape(images)[0], 0))
    elif labels is None:
        raise ValueError(
            "Training needs labels: give `fit` a dataset of (images, labels) or "
            "`y`. Received: images only."
        )
    if images.shape.rank is None:
        raise ValueError(
            "The images of a dataset must have a known number of axes: give "
            "`from_generator` an `output_signature`, or call `tf.ensure_shape`."
        )
    return images, labels


def checked_batch(
    images: tf.Tensor, labels: tf.Tensor, pixels: bool, classes: int | None = None
) -> tuple:
    """Returns images and labels [n, L], with checks of their values in the graph.

    Args:
        images: pixels [n, h, w, c], or frozen features, which are not checked.
        labels: multi-hot labels.
        pixels: bool. Whether `images` are pixels.
        classes: int, the number of columns that labels must have. Defaults to `None`,
            any number.
    """
    if labels.shape.rank not in (2, None):
        raise ValueError(f"{FORMS}. Received: shape {tuple(labels.shape)}.")
    checks = [tf.debugging.Assert(_are_multi_hot(labels), [NOT_MULTI_HOT])]
    if classes is not None:
        if labels.shape.rank == 2 and labels.shape[1] not in (None, classes):
            raise ValueError(
                f"{NOT_THE_CLASSES}: {EXPLANATIONS[NOT_THE_CLASSES]}. "
                f"Expected: {classes} columns. Received: {labels.shape[1]}."
            )
        fit = tf.equal(tf.shape(labels)[-1], classes)
        checks.append(tf.debugging.Assert(fit, [NOT_THE_CLASSES]))
    if pixels and images.dtype.is_floating:
        checks.append(tf.debugging.Assert(_are_pixels(images), [NOT_PIXELS]))
    # The checks run first, because a forward pass changes batch statistics.
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(images), tf.ensure_shape(tf.identity(labels), (None, None))


def check_values(images) -> None:
    """Raises ValueError for a tensor whose values are not pixels.

    In a graph or a symbolic call there are no values yet, and nothing is checked.
    """
    known = isinstance(images, tf.Tensor) and not tf.is_symbolic_tensor(images)
    if known and images.dtype.is_floating and not _are_pixels(images):
        raise ValueError(f"{NOT_PIXELS}: {EXPLANATIONS[NOT_PIXELS]}.")


def checked_pixels(images: tf.Tensor) -> tf.Tensor:
    """Returns images, with a check in the graph that they are pixels."""
    if not images.dtype.is_floating:
        return images
    check = tf.debugging.Assert(_are_pixels(images), [NOT_PIXELS])
    # In eager execution the check has already run.
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(images)


def _are_multi_hot(labels: tf.Tensor) -> tf.Tensor:
    is_matrix = tf.equal(tf.rank(labels), 2)
    if labels.dtype == tf.bool:
        return is_matrix
    rounded = tf.cast(tf.cast(labels, tf.bool), labels.dtype)
    return is_matrix & tf.reduce_all(labels == rounded)


def _are_pixels(images: tf.Tensor) -> tf.Tensor:
    low, high = tf.reduce_min(images), tf.reduce_max(images)
    # NaN fails; the bounds of an empty batch are infinite, and pass.
    return (low >= 0) & (high <= 255) & ((high > 1) | (high <= 0))
