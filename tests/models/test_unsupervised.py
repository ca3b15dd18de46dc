"""Methods that learn by gradients without labels."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.datasets import image_dataset
from keras_deephash.training.data import read_data

METHODS = {
    "BiHalf": lambda **arguments: kdh.BiHalf(TinyBackbone(**arguments), 16),
    "GreedyHash": lambda **arguments: kdh.GreedyHash(
        TinyBackbone(**arguments), 16, supervised=False
    ),
    "SDC": lambda **arguments: kdh.SDC(TinyBackbone(**arguments), 16),
}


@pytest.fixture(params=METHODS)
def make(request):
    return METHODS[request.param]


@pytest.fixture
def pictures():
    """40 images whose colours differ."""
    generator = np.random.default_rng(0)
    colors = generator.integers(0, 200, (40, 1, 1, 3))
    return (colors + generator.integers(0, 56, (40, 32, 32, 3))).astype(np.uint8)


@pytest.mark.usefixtures("eagerly")
def test_labels_are_not_looked_at(make, images, labels):
    model = make()
    start = model.get_weights()

    def weights_after(x, y=None, **arguments):
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(1e-2))
        if isinstance(x, np.ndarray):
            arguments |= {"batch_size": 8, "shuffle": False}
        model.fit(x, y, verbose=0, **arguments)
        return model.get_weights()

    expected = weights_after(images)
    assert any((a != b).any() for a, b in zip(expected, start, strict=True))
    words = np.array(["no", "labels"] * 12)
    dataset = tf.data.Dataset.from_tensor_slices
    for found in (
        weights_after(images, labels),
        weights_after(images, words),
        weights_after(images, validation_data=(images, words)),
        weights_after(dataset(images).batch(8)),
        weights_after(dataset((images, labels)).batch(8)),
        weights_after(dataset((images, words)).batch(8)),
    ):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("eagerly")
def test_image_sets_by_their_pipeline(make, images, labels):
    model = make()
    data = kdh.datasets.ImageSet(images, labels.astype("uint8"))
    dataset = image_dataset(data, model.preprocessor, batch_size=8, training=True)
    model.compile()
    history = model.fit(dataset, epochs=2, validation_data=dataset, verbose=0).history
    assert np.isfinite(history["val_loss"]).all()


def test_evaluate_takes_images_alone(make, images, labels):
    model = make()
    model.compile()
    alone = model.evaluate(images, batch_size=24, return_dict=True, verbose=0)
    again = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    assert alone == again
    assert {"loss", "similarity_loss", "quantization_loss"} <= alone.keys()


def test_the_backbone_stays_as_it_is(make, images):
    model = make(dropout=0.5)
    before = model.backbone.get_weights()
    model.compile(keras.optimizers.AdamW(1e-2, weight_decay=0.1))
    kernel = np.asarray(model.hash_layer.kernel)
    model.fit(images, batch_size=8, epochs=2, verbose=0)
    for one, other in zip(model.backbone.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.abs(np.asarray(model.hash_layer.kernel) - kernel).max() > 1e-3
    # It is as trainable as it was, for other methods.
    assert model.backbone.trainable_variables


def test_frozen_features_train_as_images_do(make, images):
    model = make()
    start = model.get_weights()
    model.compile(keras.optimizers.SGD(1e-2))
    model.fit(images, batch_size=8, shuffle=False, verbose=0)
    expected = model.get_weights()
    model.set_weights(start)
    model.freeze_backbone("fc6")
    model.compile(keras.optimizers.SGD(1e-2))
    data = kdh.datasets.ImageSet(images, np.zeros((24, 2), "uint8"))
    features = model.frozen_features(data, verbose=0).images
    model.fit(features, batch_size=8, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)  # They are float16.


def test_codes_become_as_similar_as_features(make, pictures):
    model = make()
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 200))
    )
    dataset = tf.data.Dataset.from_tensor_slices(pictures).shuffle(40, seed=0)
    history = model.fit(dataset.batch(20).repeat(10), epochs=10, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    features = model.features(pictures)
    features = features - features.mean(axis=0)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    codes = np.where(model.continuous_codes(pictures) >= 0, 1, -1)
    pairs = np.triu_indices(40, 1)
    wanted = (features @ features.T)[pairs]
    found = (codes @ codes.T)[pairs]
    assert np.corrcoef(wanted, found)[0, 1] > 0.7


def test_labels_that_are_needed_are_missed(images):
    model = kdh.GreedyHash(TinyBackbone(), 16)
    model.compile()
    with pytest.raises(ValueError, match="Training needs labels"):
        model.fit(tf.data.Dataset.from_tensor_slices(images).batch(8), classes=4)


def test_greedy_hash_without_labels_has_no_vectors(images, tmp_path):
    model = METHODS["GreedyHash"]()
    model.fit(images, np.arange(24) % 4, batch_size=8, verbose=0)
    assert model.classes is None
    with pytest.raises(ValueError, match="has no vectors of classes"):
        model.class_codes()


def test_images_without_a_label_are_trained_on(images):
    # 12 images of two classes, and 12 of none.
    labels = np.zeros((24, 2), "uint8")
    labels[np.arange(12), np.arange(12) % 2] = 1
    options = kdh.TrainingOptions(
        kdh.datasets.ImageSet(images, labels), method="SDC", no_evaluation=True
    )
    assert len(read_data(options).train) == 24
    options = copy.copy(options)
    options.method = "DCH"
    assert len(read_data(options).train) == 12
