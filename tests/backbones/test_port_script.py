"""zoo/port_alexnet.py, on a narrow network; the whole one is slow."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import keras_deephash
from keras_deephash import AlexNetBackbone, Preprocessor
from keras_deephash.backbones.porting.reference_weights import LAYERS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "zoo", "port_alexnet.py")


@pytest.fixture
def script(load_script):
    return load_script("port_alexnet")


def released_weights(backbone):
    layers = [backbone.get_layer(name) for name in LAYERS]
    return {x.name: [x.kernel.numpy(), x.bias.numpy()] for x in layers}


@pytest.mark.parametrize("weights_dtype", ["float32", "float16"])
def test_port(
    weights_dtype, script, tmp_path, narrow_backbone, write_npy, python2_pickle
):
    source = narrow_backbone(seed=1)
    path = write_npy(python2_pickle(released_weights(source)))
    preset_dir = str(tmp_path / "preset")
    preprocessor = Preprocessor(
        67, channel_order="bgr", mean=(103.939, 116.779, 123.68), scale=1.0
    )
    differences = script.port(
        path, preset_dir, narrow_backbone(seed=2), preprocessor, weights_dtype
    )
    assert differences["preprocessing"] == 0
    assert differences["largest feature"] > 0
    bound = {"float32": 0, "float16": 0.01}[weights_dtype]
    assert differences["features"] <= bound * differences["largest feature"]

    loaded = keras_deephash.from_preset(preset_dir)
    assert loaded.preprocessor.get_config() == preprocessor.get_config()
    if weights_dtype == "float32":
        for found, expected in zip(loaded.weights, source.weights, strict=True):
            np.testing.assert_array_equal(found.numpy(), expected.numpy())
    with open(os.path.join(preset_dir, "metadata.json"), encoding="utf-8") as file:
        metadata = json.load(file)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    assert metadata["weights_dtype"] == weights_dtype
    assert metadata["training"] == {
        "source_file": "weights.npy",
        "source_sha256": digest,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: weights, preset_dir"),
        (["a", "b", "--channel-order", "gbr"], "invalid choice: 'gbr'"),
        (["a", "b", "--mean", "1"], "expected 3 arguments"),
    ],
)
def test_wrong_command_lines(arguments, message, script, capsys):
    with pytest.raises(SystemExit) as exit_:
        script.main(arguments)
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.npy", "out"], "no.npy"),
        (["bad.npy", "out"], "'bad.npy' is not a file of AlexNet weights"),
        (["bad.npy", "out", "--image-size", "300"], "`image_size` must be"),
    ],
)
def test_errors_of_the_user(arguments, message, script, tmp_path, monkeypatch, capsys):
    class Narrow(AlexNetBackbone):
        def __init__(self, image_shape):
            super().__init__(image_shape, filters=(2, 2, 2, 2, 2), hidden_dim=2)

    monkeypatch.setattr(keras_deephash, "AlexNetBackbone", Narrow)
    monkeypatch.chdir(tmp_path)
    with open("bad.npy", "wb") as file:
        file.write(b"bad")
    assert script.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not os.path.exists("out")


def test_help_names_every_option():
    command = [sys.executable, SCRIPT, "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for option in (
        "weights",
        "--channel-order",
        "--mean",
        "--resize-size",
        "--float16",
    ):
        assert option in text


@pytest.mark.slow
def test_whole_network(tmp_path, write_npy, python2_pickle):
    source = AlexNetBackbone()
    path = write_npy(python2_pickle(released_weights(source)))
    command = [sys.executable, SCRIPT, path, str(tmp_path / "preset"), "--float16"]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "largest difference of the features" in result.stdout
    loaded = keras_deephash.from_preset(str(tmp_path / "preset"))
    assert loaded.count_params() == 56_868_224
    assert loaded.preprocessor.channel_order == "bgr"
