"""Encoding with the variables as constants: the same codes, and never old ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.models.base import inference


@pytest.fixture(autouse=True)
def fold_at_once(monkeypatch):
    monkeypatch.setattr(inference, "FOLD_AFTER", 24)


def is_folded(model) -> bool:
    return model._code_inference._folded is not None


def fold(model, images) -> np.ndarray:
    """Encodes until the graph is folded; returns the last continuous codes."""
    plain = model.continuous_codes(images)
    assert not is_folded(model)
    folded = model.continuous_codes(images)
    assert is_folded(model)
    np.testing.assert_allclose(folded, plain, atol=2.5e-6)
    return folded


def reload(model, images, labels, path):
    model.save_weights(path)
    model.hash_layer.kernel.assign(model.hash_layer.kernel * 0)
    model.continuous_codes(images)
    model.load_weights(path)
    model.backbone.get_layer("conv1").bias.assign_add(np.full(8, 30.0))


def freeze(model, images, labels, path):
    model.freeze_backbone("pool1")
    model.fit(images, labels, epochs=2, verbose=0)
    model.backbone.trainable = False
    model.backbone.trainable = True
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(images, labels, verbose=0)


CHANGES = {
    "fit": lambda model, images, labels, path: model.fit(
        images, labels, epochs=2, verbose=0
    ),
    "fit without tf.function": lambda model, images, labels, path: (
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True),
        model.fit(images, labels, verbose=0),
        model.compile(keras.optimizers.SGD(0.1)),
    ),
    "fit, compiled by XLA": lambda model, images, labels, path: (
        model.compile(keras.optimizers.SGD(0.1), jit_compile=True),
        model.fit(images, labels, verbose=0),
    ),
    "load_weights": reload,
    "set_weights": lambda model, images, labels, path: model.set_weights(
        [weight * 1.5 for weight in model.get_weights()]
    ),
    "assign": lambda model, images, labels, path: model.hash_layer.kernel.assign(
        model.hash_layer.kernel * 1.01
    ),
    "assign to TensorFlow's variable": lambda model, images, labels, path: (
        model.hash_layer.kernel.value.assign_add(np.full((16, 16), 0.1, "float32"))
    ),
    "scatter": lambda model, images, labels, path: (
        model.hash_layer.kernel.value.scatter_nd_update(
            [[3]], np.full((1, 16), 2.0, "float32")
        )
    ),
    "one moving mean": lambda model, images, labels, path: model.backbone.get_layer(
        "bn1"
    ).moving_mean.assign(np.full(8, 5.0)),
    "quantize": lambda model, images, labels, path: model.quantize("int8"),
    "lora": lambda model, images, labels, path: (
        model.hash_layer.enable_lora(2),
        model.hash_layer.lora_kernel_b.assign(np.full((2, 16), 0.5)),
    ),
    "freeze": freeze,
}


@pytest.mark.filterwarnings("ignore:.*`quantize` method")
@pytest.mark.parametrize("change", CHANGES)
def test_codes_follow_every_change(change, make_model, images, labels, tmp_path):
    model = make_model()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(images, labels, verbose=0)
    before = fold(model, images)
    CHANGES[change](model, images, labels, tmp_path / "all.weights.h5")
    after = model.continuous_codes(images)
    assert np.abs(after - before).max() > 1e-4
    expected = model(tf.constant(images), training=False)
    np.testing.assert_allclose(after, expected, atol=1e-5)
    # Folded again, once enough images have come.
    for _ in range(2):
        again = model.continuous_codes(images)
    assert is_folded(model)
    np.testing.assert_allclose(again, expected, atol=1e-5)


def test_a_change_between_two_batches_counts_at_once(make_model, images):
    model = make_model()
    for _ in range(2):
        model.features(images)
    batches = model.feature_batches(np.concatenate([images, images]), batch_size=24)
    first = next(batches)
    model.backbone.get_layer("fc6").kernel.assign(
        model.backbone.get_layer("fc6").kernel * 2
    )
    second = next(batches)
    assert np.abs(second - first).max() > 0.1
    np.testing.assert_allclose(second, model.features(images), atol=1e-5)


def test_bits_near_zero_are_those_of_the_plain_graph(make_model, images):
    model = make_model()
    model.hash_layer.kernel.assign(model.hash_layer.kernel * 1e-6)
    plain = model.encode(images)
    codes = [model.encode(images, crops=crops) for crops in (1, 1, 1)]
    assert is_folded(model)
    for found in codes:
        np.testing.assert_array_equal(found, plain)


def test_not_folded_under_replicas_eagerly_or_where_weights_are_many(
    make_model, images, monkeypatch, two_replicas
):
    with two_replicas.scope():
        model = make_model()
    eager, large = make_model(), make_model()
    eager.compile(run_eagerly=True)
    for one in (model, eager):
        for _ in range(3):
            one.continuous_codes(images)
        assert not is_folded(one)
    monkeypatch.setattr(inference, "MOST_BYTES", 100)
    for _ in range(3):
        large.continuous_codes(images)
    assert not is_folded(large)


def test_nan_in_the_weights_is_still_refused(make_model, images):
    model = make_model()
    fold(model, images)
    model.hash_layer.kernel.assign(np.full((16, 16), np.nan))
    for _ in range(3):
        with pytest.raises(ValueError, match="not finite"):
            model.encode(images)
