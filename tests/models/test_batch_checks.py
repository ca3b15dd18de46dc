"""Datasets whose labels are no labels, and whose images are not pixels."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

LABELS = np.eye(3, dtype="float32")[np.arange(8) % 3]
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    model = kdh.DCH(TinyBackbone(), bits=8)
    model.compile("sgd")
    return model


def dataset(images, labels):
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)


@pytest.mark.parametrize("verb", ["fit", "evaluate"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("width", [2, 5])
def test_labels_of_other_classes_stop_the_step(verb, known, width):
    """Also where a dataset does not tell their number, or validates a training."""
    model = kdh.CSQ(TinyBackbone(), bits=8, classes=3)
    model.compile("sgd")
    labels = np.eye(width, dtype="float32")[np.arange(8) % width]
    batches = dataset(PIXELS, labels)
    if not known:
        shapes = tf.TensorSpec((4, 32, 32, 3)), tf.TensorSpec((4, None))
        batches = tf.data.Dataset.from_generator(
            lambda: dataset(np.float32(PIXELS), labels), output_signature=shapes
        )
    message = "not match the classes of the model: .*|vectors of 3 classes"
    with pytest.raises(ValueError, match=message):
        getattr(model, verb)(batches, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.fit(PIXELS, LABELS, validation_data=batches, verbose=0)
    model.fit(dataset(PIXELS, LABELS), verbose=0)


def unlabelled(labels):
    labels = labels.copy()
    labels[5:] = 0
    return labels


@pytest.mark.parametrize(
    "images, labels, message",
    [
        (PIXELS, 2 * LABELS, "(not|be) multi-hot"),
        (PIXELS, LABELS * np.nan, "(not|be) multi-hot"),
        (PIXELS, np.array(list("abcdefgh")), "must be class indices.*or multi-hot"),
        (PIXELS, np.arange(8) / 2, "[Cc]lass indices"),
        (PIXELS, np.arange(8) - 3, "[Cc]lass indices"),
        (np.float32(PIXELS) / 255, LABELS, "not pixels: .*scaled to 0 to 1"),
        (np.float32(PIXELS) - 128, LABELS, "not pixels: .*between 0 and 255"),
        (PIXELS * np.float32("nan"), LABELS, "not pixels"),
    ],
)
@pytest.mark.parametrize("verb", ["fit", "evaluate"])
def test_what_is_none_stops_the_step(model, verb, images, labels, message):
    model.fit(PIXELS, LABELS, verbose=0, classes=10)
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(ValueError, match=message):
        getattr(model, verb)(dataset(images, labels), classes=10, verbose=0)
    if verb == "evaluate":
        with pytest.raises(ValueError, match=message):
            model.evaluate(images, labels, batch_size=4, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "images, labels",
    [
        (PIXELS, LABELS > 0),
        (PIXELS, LABELS.astype(int)),
        (PIXELS, LABELS[:, :1]),
        (PIXELS, unlabelled(LABELS)),
        (np.float32(PIXELS), LABELS),
        (np.zeros_like(PIXELS, "float32"), LABELS),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_the_unusual_is_no_error(model, images, labels):
    for verb in ("evaluate", "fit"):
        getattr(model, verb)(dataset(images, labels), verbose=0)
