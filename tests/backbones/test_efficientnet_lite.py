"""EfficientNetLiteBackbone: the form of Lite0, the ported preset, every error."""

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import EfficientNetLiteBackbone

NARROW = dict(
    image_shape=(32, 32, 3),
    stem_filters=4,
    stage_filters=(4, 4, 6, 6, 8, 8, 8),
    stage_repeats=(1, 2, 1, 1, 1, 2, 1),
    hidden_dim=12,
)


def test_the_defaults_are_lite0():
    backbone = EfficientNetLiteBackbone()
    assert backbone.count_params() == 3_413_024
    assert backbone.output_shape == (None, 1280)
    for name, shape in {
        "stem_relu": (112, 112, 32),
        "block1a_out": (112, 112, 16),
        "block2b_out": (56, 56, 24),
        "block3b_out": (28, 28, 40),
        "block4c_out": (14, 14, 80),
        "block5c_out": (14, 14, 112),
        "block6d_out": (7, 7, 192),
        "block7a_out": (7, 7, 320),
    }.items():
        assert backbone.get_layer(name).output.shape == (None, *shape), name
    depthwise = [x for x in backbone.layers if x.name.endswith("depthwise_conv")]
    assert len(depthwise) == 16


def test_config_round_trip():
    backbone = EfficientNetLiteBackbone(**NARROW, dropout=0.3)
    again = EfficientNetLiteBackbone.from_config(backbone.get_config())
    assert again.get_config() == backbone.get_config()
    again.set_weights(backbone.get_weights())
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(again(images), backbone(images))


def test_a_block_is_the_naive_one():
    """block2b of the narrow form, by the definition of its three convolutions."""
    backbone = EfficientNetLiteBackbone(**NARROW)
    rng = np.random.default_rng(1)
    for layer in backbone.layers:
        for variable in layer.weights:
            low = 0.5 if "variance" in variable.path else -1
            variable.assign(rng.uniform(low, 1.5, variable.shape))
    names = ["block2a_out", "block2b_out"]
    outputs = [backbone.get_layer(name).output for name in names]
    images = rng.normal(size=(1, 32, 32, 3)).astype("float32")
    start, end = map(np.asarray, keras.Model(backbone.inputs, outputs)(images))

    def normalize(x, name):
        gamma, beta, mean, variance = backbone.get_layer(name).get_weights()
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    x = start @ backbone.get_layer("block2b_expand_conv").get_weights()[0][0, 0]
    x = np.clip(normalize(x, "block2b_expand_bn"), 0, 6)
    kernel = backbone.get_layer("block2b_depthwise_conv").get_weights()[0][..., 0]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    x = sum(
        kernel[i, j] * padded[:, i : i + height, j : j + width]
        for i in range(3)
        for j in range(3)
    )
    x = np.clip(normalize(x, "block2b_depthwise_bn"), 0, 6)
    x = x @ backbone.get_layer("block2b_project_conv").get_weights()[0][0, 0]
    x = normalize(x, "block2b_project_bn") + start
    np.testing.assert_allclose(end, x, rtol=1e-4, atol=1e-4)


def test_trains_and_saves_in_a_method(tmp_path):
    model = kdh.DCH(EfficientNetLiteBackbone(**NARROW), bits=8)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    labels = np.eye(2)[np.arange(8) % 2]
    # Eagerly: to trace the gradients of so many layers takes a minute.
    model.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    history = model.fit(images, labels, batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(again.encode(images), model.encode(images))


def test_another_image_size_by_one_argument(tmp_path):
    backbone = EfficientNetLiteBackbone(**NARROW)
    backbone.preprocessor = kdh.Preprocessor(32, 40, mean=(1, 2, 3), scale=0.5)
    backbone.save_to_preset(tmp_path / "backbone")
    model = kdh.DCH.from_preset(tmp_path / "backbone", bits=8, image_size=64)
    assert model.backbone.input_shape == (None, 64, 64, 3)
    assert model.preprocessor.get_config() == {
        **backbone.preprocessor.get_config(),
        "image_size": 64,
        "resize_size": 80,
    }
    for ours, theirs in zip(
        model.backbone.get_weights(), backbone.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    same = kdh.from_preset(tmp_path / "backbone", image_size=None)
    assert same.preprocessor.image_size == 32


def test_weights_that_fit_one_size_only_refuse_another():
    with pytest.raises(kdh.PresetError, match="do not fit with image_size overridden"):
        kdh.from_preset("dch_cifar10_48", image_size=64)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"image_shape": (16, 16, 3)}, "`image_shape` must be"),
        ({"image_shape": (64, 64)}, "`image_shape` must be"),
        ({"stage_filters": (8, 8)}, "`stage_filters` must hold 7 numbers"),
        ({"stage_repeats": (1, 1, 1, 1, 1, 1, 0)}, "`stage_repeats` must hold 7"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        EfficientNetLiteBackbone(**arguments)
