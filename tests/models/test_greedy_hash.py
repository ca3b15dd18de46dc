"""GreedyHash with labels: a classifier of binary codes."""

import keras
import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.callbacks import TrainingBackup


def made(**arguments):
    return kdh.GreedyHash(TinyBackbone(), 16, **arguments)


def test_gradients_pass_the_signs(images):
    """One step of SGD, of a classifier of two classes and one image."""
    model = made(quantization_weight=0.0, classes=2, seed=3)
    model.know_classes(2)
    features = model.features(images[:1])[0]
    kernel = np.asarray(model.hash_layer.kernel)
    bias = np.asarray(model.hash_layer.bias)
    vectors = np.asarray(model.vectors_for(model.output))
    code = np.where(features @ kernel + bias >= 0, 1.0, -1.0)
    model.compile(keras.optimizers.SGD(0.1))
    model.freeze_backbone("fc6")
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(images[:1], np.float32([[0, 1]]), verbose=0)

    logits = vectors @ code
    share = np.exp(logits) / np.exp(logits).sum() - [0, 1]
    of_code = share @ vectors
    for found, before, gradient in (
        (model.hash_layer.kernel, kernel, np.outer(features, of_code)),
        (model.hash_layer.bias, bias, of_code),
        (model.class_vectors[0].vectors, vectors, np.outer(share, code)),
    ):
        expected = before - 0.1 * gradient
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_codes_of_classes_are_the_signs_of_the_classifier(images):
    numbers = np.arange(24) % 3
    images = images // 4 + 180 * np.eye(3, dtype=np.uint8)[numbers][:, None, None]
    model = made()
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(images, numbers, batch_size=24, epochs=60, verbose=0)
    vectors = np.asarray(model.class_vectors[0].vectors)
    np.testing.assert_array_equal(
        model.class_codes(), np.packbits(vectors >= 0, axis=1)
    )
    metrics = kdh.evaluate_retrieval(
        model.class_codes([0, 1, 2]), np.arange(3), model.encode(images), numbers
    )
    assert metrics.map > 0.95


def test_the_published_recipe_without_labels():
    model = made(supervised=False)
    model.compile()
    assert type(model.optimizer) is keras.optimizers.SGD
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-4)
    assert model.learning_rate_multipliers is None
    model.compile("sgd")
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-2)


@pytest.mark.parametrize("value", ["false", None, 2])
def test_flags_are_true_or_false(value):
    with pytest.raises(ValueError, match="`supervised` must be one of True, False"):
        made(supervised=value)
    with pytest.raises(ValueError, match="`orthogonal` must be one of True, False"):
        kdh.SDC(TinyBackbone(), 16, orthogonal=value)


def test_a_preset_with_labels_becomes_none_without(tmp_path):
    made(classes=4).save_to_preset(tmp_path / "mine")
    with pytest.raises(kdh.PresetError, match="from labels cannot be loaded as an"):
        kdh.from_preset(tmp_path / "mine", supervised=False)


def test_a_seed_gives_the_same_classifier():
    def vectors(seed):
        model = made(seed=seed)
        model.know_classes(5)
        return np.asarray(model.class_vectors[0].vectors)

    np.testing.assert_array_equal(vectors(1), vectors(1))
    assert (vectors(1) != vectors(2)).any()
    assert np.abs(vectors(1)).max() <= 0.25  # 1 / sqrt(bits).


def test_classes_are_added(images):
    model = made()
    model.fit(images, np.arange(24) % 3, batch_size=8, verbose=0)
    before = np.asarray(model.class_vectors[0].vectors)
    model.add_classes(2)
    after = np.asarray(model.class_vectors[0].vectors)
    np.testing.assert_array_equal(after[:3], before)
    assert after.shape == (5, 16) and after[3:].any(axis=1).all()
    model.fit(images, np.arange(24) % 5, batch_size=8, verbose=0)
    assert (np.asarray(model.class_vectors[0].vectors) != after).any()


def test_a_backup_holds_the_classifier(images, labels, tmp_path):
    first, backup = made(), TrainingBackup(tmp_path)
    first.compile()
    first.fit(images, labels, batch_size=8, verbose=0, callbacks=[backup])
    second = made(classes=4)
    second.compile()
    assert TrainingBackup(tmp_path).restore(second) == 1
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count", [2, 5])
def test_other_labels_are_refused(images, count):
    model = made(classes=4)
    with pytest.raises(ValueError, match=f"of 4 classes. Received: labels of {count}"):
        model.fit(images, np.eye(count)[np.arange(24) % count], verbose=0)
