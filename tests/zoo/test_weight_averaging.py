"""The average of the weights that a pretraining keeps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_deephash as kdh

MOMENTUM = 0.8


@pytest.fixture
def model():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="dense")(inputs)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    x = keras.layers.BatchNormalization(name="normalization")(x)
    backbone = keras.Model(inputs, x)
    model = keras.Model(inputs, keras.layers.Dense(2)(backbone(inputs)))
    model.backbone = backbone
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=MOMENTUM)
    model.compile(optimizer, "mse")
    return model


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(40, 4)).astype(np.float32)
    targets = generator.normal(size=(40, 2)).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(8)


def test_average_is_that_of_every_step_with_statistics_of_its_own(
    load_script, model, data
):
    script = load_script("weight_averaging")
    steps = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append([v.numpy() for v in model.trainable_variables])

    model.fit(data, epochs=3, callbacks=[Steps()], verbose=0)
    expected = steps[0]
    for step in steps[1:]:
        pairs = zip(expected, step, strict=True)
        expected = [MOMENTUM * old + (1 - MOMENTUM) * new for old, new in pairs]
    trained = model.get_weights()
    with script.averaged_weights(model, data, batches=3):
        for average, variable in zip(expected, model.trainable_variables, strict=True):
            np.testing.assert_allclose(variable, average, rtol=1e-5, atol=1e-7)
        kernel, bias = model.backbone.get_layer("dense").get_weights()
        normalization = model.backbone.get_layer("normalization")
        outputs = [batch.numpy() @ kernel + bias for batch, _ in data.take(3)]
        means = np.mean([rows.mean(axis=0) for rows in outputs], axis=0)
        variances = np.mean([rows.var(axis=0) for rows in outputs], axis=0)
        np.testing.assert_allclose(normalization.moving_mean, means, atol=1e-5)
        np.testing.assert_allclose(normalization.moving_variance, variances, atol=1e-5)
    assert normalization.momentum == 0.99
    assert model.backbone.get_layer("dropout").rate == 0.5
    for before, after in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_weights_come_back_after_an_error(load_script, model, data):
    script = load_script("weight_averaging")
    model.fit(data, verbose=0)
    trained = model.get_weights()
    with (
        pytest.raises(KeyboardInterrupt),
        script.averaged_weights(model, data, batches=1),
    ):
        raise KeyboardInterrupt
    for before, after in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.usefixtures("eagerly")
def test_pretraining_keeps_the_average_also_after_a_stop(
    pretraining, tiny_images, tmp_path, monkeypatch
):
    script, weights = pretraining, {}
    options = ["--batch-size", "8", "--small-epochs", "0", "--final-epochs", "2"]
    options += ["--limit", "16", "--floor", "0.5", "--color", "0.3", "--seed", "1"]

    def killed(*_arguments):
        raise KeyboardInterrupt

    for name in ("last", "average", "stopped"):
        output = tmp_path / name
        arguments = [tiny_images, str(output), *options]
        if name != "last":
            arguments += ["--average", "0.9"]
        if name == "stopped":
            with monkeypatch.context() as patch:
                patch.setattr(script.os, "remove", killed)  # After the second epoch.
                with pytest.raises(KeyboardInterrupt):
                    script.main(arguments)
        script.main(arguments)
        weights[name] = kdh.from_preset(str(output)).get_weights()
        training = kdh.presets.read_preset_metadata(str(output))["training"]
        assert training["average"] == (None if name == "last" else 0.9)
    for _last, average, stopped in zip(*weights.values(), strict=True):
        np.testing.assert_array_equal(average, stopped)
    assert not np.allclose(weights["last"][0], weights["average"][0], atol=1e-4)


def test_learning_rate_rises_to_the_peak_and_falls_to_the_floor(load_script):
    rate = load_script("pretrain_alexnet").OneCycle(0.1, 100, floor=0.2)
    for step, expected in ((0, 0), (15, 0.05), (30, 0.1), (65, 0.06), (100, 0.02)):
        assert float(rate(step)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "factors, expected",
    [
        ((1, 1, 1), lambda pixels, grey, mean: pixels),
        ((1.2, 1, 1), lambda pixels, grey, mean: 1.2 * pixels),
        ((1, 0.7, 1), lambda pixels, grey, mean: 0.7 * pixels + 0.3 * mean),
        ((1, 1, 0.6), lambda pixels, grey, mean: 0.6 * pixels + 0.4 * grey),
        ((1, 1, 0), lambda pixels, grey, mean: grey),
    ],
)
def test_recolored_views(load_script, factors, expected):
    generator = np.random.default_rng(0)
    views = generator.integers(0, 256, (2, 3, 5, 3), dtype=np.uint8)
    rows = np.tile(np.float32(factors), (2, 1))
    found = load_script("tiny_imagenet").recolored(views, rows)
    assert found.dtype == np.uint8
    for view, new in zip(views.astype(float), found, strict=True):
        grey = view[..., :1] * 0.299 + view[..., 1:2] * 0.587 + view[..., 2:] * 0.114
        pixels = np.clip(expected(view, grey, grey.mean()), 0, 255)
        np.testing.assert_allclose(new, np.broadcast_to(pixels, new.shape), atol=0.51)


def test_views_of_wide_areas_and_other_colors(load_script):
    script = load_script("tiny_imagenet")
    boxes = script.random_boxes(500, 64, np.random.default_rng(0), 0.2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) / 64**2
    assert 0.19 < areas.min() < 0.25 and areas.max() <= 1
    images = np.full((4, 64, 64, 3), 100, np.uint8)
    targets = script.new_targets(np.arange(4))
    ((views, _),) = script.batches(images, targets, 48, 4, 0, color=0.2)
    brightness = np.asarray(views)[:, 0, 0, 0]
    assert len(set(brightness)) > 1 and all(abs(brightness - 100.0) <= 20)
