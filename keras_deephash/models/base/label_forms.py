"""The forms of labels that users pass, and their conversion to multi-hot [n, L]."""

import keras
import numpy as np
import tensorflow as tf

from keras_deephash.checks import check_integer
from keras_deephash.datasets.image_set import LABEL_FORMS as FORMS
from keras_deephash.datasets.image_set import is_multi_hot
from keras_deephash.datasets.label_names import MOST_CLASSES, check_label_names
from keras_deephash.text import printable

NO_CLASS_INDICES = "The class indices of a batch are not below the number of classes"
_SHOWN = 5


def known_labels(
    model: keras.Model, x, y, classes: int | None
) -> tuple[list[str] | None, int | None]:
    """Returns the names and the number of the labels given to a model, if known.

    Args:
        model: a method; its `label_names` are used if the data have no names.
        x, y: the arguments of `fit`.
        classes: int or None, the argument of `fit`.

    Raises:
        ValueError: if `classes` is not the number of the names.
    """
    names = _label_names_of(x if y is None else y, model.label_names)
    count = _count_classes(model, x, y, classes, names)
    if names is not None and count != len(names):
        raise ValueError(
            f"`classes` must be the number of the label names, {len(names)}: leave it "
            "out. For other labels, set `model.label_names = None` first. "
            f"Received: classes={count}, names {_listed(names)}."
        )
    return names, count


def check_same_names(names: list[str] | None, of_model: list[str] | None) -> None:
    """Raises ValueError if the names of labels are not those of the model."""
    if None not in (names, of_model) and names != of_model:
        raise ValueError(
            "The `class_names` of an evaluation must be the `label_names` of the "
            "model, in the same order: `image_dataset_from_directory(..., "
            f"class_names=model.label_names)`. Received: {_listed(names)}, and the "
            f"model has {_listed(of_model)}."
        )


def check_order(names: list[str] | None, of_model: list[str] | None) -> None:
    """Raises ValueError if the names are those of the model in another order."""
    if names != of_model and sorted(names or ()) == sorted(of_model or ()):
        raise ValueError(
            "The `class_names` must be in the order of the `label_names` of the model, "
            "which is that of its class vectors: `image_dataset_from_directory(..., "
            f"class_names=model.label_names)`. Received: {_listed(names)}, and the "
            f"model has {_listed(of_model)}."
        )


def _listed(names: list[str]) -> str:
    shown = [repr(printable(name)) for name in names[:_SHOWN]]
    return ", ".join(shown + (["..."] if len(names) > _SHOWN else []))


def _label_names_of(dataset, current: list[str] | None) -> list[str] | None:
    """Returns the `class_names` of a dataset, or else the model's current names.

    The current names count only if there are as many of them as labels.
    """
    names = getattr(dataset, "class_names", None)
    if names is not None:
        return check_label_names(names)
    spec = getattr(dataset, "element_spec", None)
    spec = spec[1] if isinstance(spec, tuple) and len(spec) > 1 else dataset
    shape = getattr(spec, "shape", ())
    if current is not None and len(shape) == 2 and shape[1] not in (1, None):
        return current if shape[1] == len(current) else None
    return current


def _count_classes(
    model: keras.Model, x, y, classes: int | None, names: list[str] | None
) -> int | None:
    """Returns the number of classes of class indices, if it is known.

    Args:
        model: a method, which may have the number as its `classes`.
        x, y: the arguments of `fit`.
        classes: int or None, the argument of `fit`.
        names: list of str, the names of the labels, or None.
    """
    if classes is not None:
        return check_integer("classes", classes, minimum=2, maximum=MOST_CLASSES)
    if names is not None:
        return len(names)
    if isinstance(getattr(model, "classes", None), int):
        return model.classes
    if isinstance(y, (np.ndarray, tf.Tensor, list, tuple)) and len(y):
        y = np.asarray(y)
        if _are_indices(y.shape, y.dtype, None):
            return max(2, int(min(y.max(), MOST_CLASSES)) + 1)
    return None


def count_labels(x, y, classes: int | None) -> int | None:
    """Returns the number of columns of the multi-hot labels, or None.

    Args:
        x, y: the arguments of `fit`.
        classes: int or None, as returned by `known_labels`.
    """
    labels = y
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        labels = spec[1] if isinstance(spec, tuple) and len(spec) > 1 else None
    shape = getattr(labels, "shape", np.shape(labels) if labels is not None else None)
    if shape is None or shape.__class__ is tf.TensorShape and shape.rank is None:
        return classes
    one_hot = len(shape) == 2 and shape[1] not in (1, None)
    return int(shape[1]) if one_hot else classes


def check_labels(labels, name: str, classes: int | None) -> None:
    """Raises ValueError for an array that has no known form of labels.

    Args:
        labels: array, or anything else, which is not checked.
        name: str. Name of the argument that holds it.
        classes: int or None, as returned by `known_labels`.
    """
    if not isinstance(labels, (np.ndarray, tf.Tensor)):
        return
    labels = np.asarray(labels)
    kind = f"{labels.dtype} of shape {labels.shape}"
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"{FORMS}. Received: `{name}`, {kind}.")
    if not _are_indices(labels.shape, labels.dtype, classes):
        if labels.ndim != 2:
            raise ValueError(f"{FORMS}. Received: `{name}`, {kind}.")
        if not is_multi_hot(labels):
            raise ValueError(
                f"`{name}` must be multi-hot, with only 0 and 1. {FORMS}. "
                f"Received: values from {labels.min()} to {labels.max()}."
            )
    elif labels.size and not (
        np.all(labels == np.floor(labels))
        and labels.min() >= -1
        and labels.max() < (classes or MOST_CLASSES)
    ):
        raise ValueError(
            f"Class indices in `{name}` must be whole numbers from -1 (no label) to "
            f"{(classes or MOST_CLASSES) - 1}. Received: values from {labels.min()} to "
            f"{labels.max()}. If there are more classes, pass `classes=`."
        )


def to_multi_hot(labels: tf.Tensor, classes: int | None) -> tf.Tensor:
    """Converts the class indices of a batch to one-hot; keeps other labels as they are.

    Args:
        labels: tensor [n], [n, 1] or [n, L].
        classes: int, the number of classes, or None if it is not known.
    """
    if labels.dtype == tf.string:
        raise ValueError(f"{FORMS}. Received: strings.")
    if not _are_indices(labels.shape, labels.dtype.as_numpy_dtype, classes):
        return labels
    if classes is None:
        raise ValueError(
            "Class indices need the number of classes: pass `classes=`, as in "
            "`model.fit(dataset, classes=10)`. Only a dataset that still has its "
            "`class_names`, as `image_dataset_from_directory` returns it, needs none. "
            f"{FORMS}."
        )
    given = tf.reshape(labels, [-1])
    indices = tf.cast(given, tf.int32)
    fits = (
        (indices >= -1) & (indices < classes) & (tf.cast(indices, given.dtype) == given)
    )
    check = tf.debugging.Assert(tf.reduce_all(fits), [NO_CLASS_INDICES])
    with tf.control_dependencies([] if check is None else [check]):
        return tf.one_hot(indices, classes)


def _are_indices(shape, dtype, classes: int | None) -> bool:
    """Returns whether labels of this shape and dtype are class indices.

    A single column of ints is, as in Keras's data sets. A single column of floats is
    if there is more than one class, as in
    `image_dataset_from_directory(label_mode="binary")`.
    """
    dtype = np.dtype(dtype)
    rank = getattr(shape, "rank", None) if hasattr(shape, "rank") else len(shape)
    if dtype.kind not in "iuf" or rank not in (1, 2):
        return False
    if rank == 1:
        return True
    return shape[1] == 1 and (dtype.kind in "iu" or (classes or 0) > 1)
