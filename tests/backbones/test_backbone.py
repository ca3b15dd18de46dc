"""Backbones of the user's own, under any name."""

import json

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import Backbone


@keras.saving.register_keras_serializable(package="backbone_tests")
class TinyNet(Backbone):
    """One convolution and an average."""

    def __init__(self, image_size=32, filters=(6,), dtype=None, **kwargs):
        inputs = keras.Input((image_size, image_size, 3))
        x = keras.layers.Conv2D(filters[0], 3, strides=2, dtype=dtype, name="conv")(
            inputs
        )
        x = keras.layers.ReLU(dtype=dtype, name="relu")(x)
        x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
        x = keras.layers.Dense(5, dtype=dtype, name="dense")(x)
        arguments = {"image_size": image_size, "filters": filters}
        super().__init__(inputs, x, arguments, dtype=dtype, **kwargs)


@pytest.fixture
def backbone():
    backbone = TinyNet(filters=(4,), name="tiny")
    backbone.preprocessor = kdh.Preprocessor(32, 40, channel_order="bgr")
    return backbone


def test_the_configuration_is_that_of_the_constructor(backbone):
    config = {
        "name": "tiny",
        "trainable": True,
        "dtype": "float32",
        "image_size": 32,
        "filters": [4],
    }
    assert backbone.get_config() == config
    assert json.loads(json.dumps(config)) == config
    again = TinyNet.from_config(config)
    assert type(again) is TinyNet and again.get_config() == config
    assert backbone.filters == (4,) and backbone.image_size == 32
    low = TinyNet(dtype="mixed_bfloat16")
    assert low.get_config()["dtype"] == low.dtype_name == "mixed_bfloat16"
    assert TinyNet.from_config(low.get_config()).layers[1].compute_dtype == "bfloat16"


def test_presets_of_the_backbone(backbone, tmp_path):
    backbone.save_to_preset(tmp_path / "tiny")
    for load in (TinyNet.from_preset, Backbone.from_preset, kdh.from_preset):
        again = load(tmp_path / "tiny")
        assert type(again) is TinyNet
        assert again.get_config() == backbone.get_config()
        assert again.preprocessor.channel_order == "bgr"
        for one, two in zip(again.get_weights(), backbone.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
    model = kdh.DCH.from_preset(tmp_path / "tiny", bits=8)
    assert model.preprocessor.channel_order == "bgr"
    assert type(kdh.DCH(str(tmp_path / "tiny"), bits=8).backbone) is TinyNet


def test_a_method_on_it(backbone, images, labels, tmp_path):
    model = kdh.DCH(backbone, bits=16)
    model.compile("sgd")
    model.fit(images, labels, batch_size=24, verbose=0)
    codes = model.encode(images)
    model.save_to_preset(tmp_path / "dch")
    model.save(tmp_path / "dch.keras")
    for again in (
        kdh.from_preset(tmp_path / "dch"),
        kdh.DeepHashing.from_preset(tmp_path / "dch"),
        keras.models.load_model(tmp_path / "dch.keras"),
    ):
        assert type(again) is kdh.DCH and type(again.backbone) is TinyNet
        np.testing.assert_array_equal(again.encode(images), codes)
    part = TinyNet.from_preset(tmp_path / "dch")
    assert type(part) is TinyNet
    assert part.preprocessor.get_config() == model.preprocessor.get_config()
    np.testing.assert_array_equal(part.get_weights()[0], backbone.get_weights()[0])
    model.freeze_backbone("relu")
    assert not backbone.get_layer("conv").trainable


def test_an_older_kind_of_class_still_serves(images, tmp_path):
    """A registered subclass of `keras.Model` alone, with a configuration of its own."""

    @keras.saving.register_keras_serializable(package="backbone_tests")
    class Plain(keras.Model):
        def __init__(self, units=4, **kwargs):
            inputs = keras.Input((32, 32, 3))
            x = keras.layers.GlobalMaxPooling2D()(inputs)
            super().__init__(inputs, keras.layers.Dense(units)(x), **kwargs)
            self.units = units

        def get_config(self):
            return {"name": self.name, "units": self.units}

    model = kdh.DCH(Plain(), bits=8)
    model.save_to_preset(tmp_path / "plain")
    again = kdh.from_preset(tmp_path / "plain")
    assert type(again.backbone) is Plain
    np.testing.assert_array_equal(again.encode(images), model.encode(images))


def test_arguments_must_not_be_attributes_of_keras_models():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(inputs)
    with pytest.raises(ValueError, match="another name. Received: 'weights'"):
        Backbone(inputs, x, {"weights": None})


@pytest.mark.parametrize(
    "layer_dtypes",
    [[["dense"]], [["dense", "float16"]], 3, [[1, "float7"]], [[99, "float16"]]],
)
def test_dtypes_of_layers_are_places_and_names(layer_dtypes):
    config = {**TinyNet().get_config(), "layer_dtypes": layer_dtypes}
    with pytest.raises(ValueError, match="`layer_dtypes` must be pairs"):
        TinyNet.from_config(config)


def test_a_layer_keeps_a_dtype_of_its_own(backbone):
    backbone.get_layer("dense").dtype_policy = "mixed_bfloat16"
    config = backbone.get_config()
    assert [name for _, name in config["layer_dtypes"]] == ["mixed_bfloat16"]
    again = TinyNet.from_config(config)
    assert again.get_layer("dense").compute_dtype == "bfloat16"
    assert again.get_layer("conv").compute_dtype == "float32"
    assert again.get_config() == config


def test_the_example_of_the_documentation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = Backbone.__doc__.partition("Example:")[2].splitlines()
    code = [line.strip()[4:] for line in lines if line.strip()[:3] in (">>>", "...")]
    names = {"__name__": "example", "keras": keras, "keras_deephash": kdh}
    exec("\n".join(code), names)
    assert kdh.from_preset("my_dch").backbone.get_config()["filters"] == 16
