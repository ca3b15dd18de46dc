"""Configurations of strangers: they describe a model, and never name one."""

import json
import zipfile

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.presets.format.constructor import constructor_parameters


@pytest.fixture
def change_keras_file(tmp_path):
    """A function that changes the configuration in a `.keras` file."""

    def change(path, **values):
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(contents["config.json"])
        config["config"].update(values)
        contents["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(tmp_path / "changed.keras", "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return tmp_path / "changed.keras"

    return change


@pytest.mark.parametrize("name", ["DCH", "DTQ"])
def test_names_of_backbones_are_not_followed(
    name, make_model, make_quantizer, change_keras_file, tmp_path
):
    model = make_model() if name == "DCH" else make_quantizer(name)
    # It would load: the constructor takes it.
    local = str(tmp_path / "preset")
    model.backbone.save_to_preset(local)
    assert type(model)(local, **own_arguments(model)).count_params()
    model.save(tmp_path / "model.keras")
    for backbone in (
        local,
        "hf://stranger/model",
        "hf://stranger/model@" + "0" * 40,
        "keras:MobileNetV2",
        "dch_cifar10_48",
        ["a"],
        3,
        {"class_name": "__bytes__", "config": {"value": "hf://stranger/model"}},
        {"module": "builtins", "class_name": "str", "config": local},
    ):
        path = change_keras_file(tmp_path / "model.keras", backbone=backbone)
        with pytest.raises((ValueError, TypeError)) as raised:
            keras.models.load_model(path)
        assert "Hub" not in str(raised.value)
    with pytest.raises(ValueError, match="must be a configuration itself; names of"):
        type(model).from_config({**model.get_config(), "backbone": local})
    with pytest.raises(ValueError, match="`preprocessor` in a configuration must"):
        type(model).from_config({**model.get_config(), "preprocessor": "224"})


def own_arguments(model):
    taken = constructor_parameters(type(model)).keys() - {"backbone", "preprocessor"}
    return {k: v for k, v in model.get_config().items() if k in taken}


def test_weights_are_not_fetched(change_keras_file, tmp_path):
    backbone = kdh.ApplicationBackbone("MobileNet", (32, 32, 3), weights=None)
    weights = str(tmp_path / "it.weights.h5")
    keras.Model(backbone.inputs[0], backbone.layers[-2].output).save_weights(weights)
    assert kdh.ApplicationBackbone("MobileNet", (32, 32, 3), weights=weights)
    kdh.DCH(backbone, bits=8).save(tmp_path / "model.keras")
    for value in (weights, "imagenet"):
        strange = keras.saving.serialize_keras_object(backbone)
        strange["config"]["weights"] = value
        path = change_keras_file(tmp_path / "model.keras", backbone=strange)
        with pytest.raises(ValueError, match="`weights` in a configuration must be N"):
            keras.models.load_model(path)
    # Left out, they are none, and not the default of the constructor.
    config = backbone.get_config()
    del config["weights"]
    again = kdh.ApplicationBackbone.from_config(config)
    assert not np.array_equal(again.get_weights()[0], backbone.get_weights()[0])


def test_copies_by_configuration_still_work(make_model, images):
    model = make_model()
    again = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.encode(images), model.encode(images))
