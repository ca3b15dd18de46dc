"""Released weights: every form of the file gives the same network."""

import os
import pickle

import keras
import numpy as np
import pytest

from keras_deephash import AlexNetBackbone
from keras_deephash.backbones.porting import (
    load_reference_weights,
    read_reference_weights,
)
from keras_deephash.backbones.porting.reference_weights import LAYERS


def weights_of(backbone):
    layers = {name: backbone.get_layer(name) for name in LAYERS}
    return {
        name: [layer.kernel.numpy(), layer.bias.numpy()]
        for name, layer in layers.items()
    }


@pytest.fixture
def source(narrow_backbone):
    return narrow_backbone(seed=1)


@pytest.fixture
def weights(source):
    released = weights_of(source)
    released["fc8"] = [np.ones((16, 10), "float32"), np.ones(10, "float32")]
    return released


def check_ported(path, source, target):
    before = weights_of(target)
    load_reference_weights(target, path)
    for name, arrays in weights_of(source).items():
        for found, expected, old in zip(
            weights_of(target)[name], arrays, before[name], strict=True
        ):
            np.testing.assert_array_equal(found, expected)
            assert not np.array_equal(found, old)
    images = np.random.default_rng(0).normal(0, 50, (2, 67, 67, 3)).astype("float32")
    np.testing.assert_array_equal(target(images), source(images))


def test_ports_a_file_of_python_2(
    source, weights, narrow_backbone, write_npy, python2_pickle
):
    path = write_npy(python2_pickle(weights))
    assert list(read_reference_weights(path)) == list(LAYERS)
    check_ported(path, source, narrow_backbone(seed=2))


def test_the_released_format_is_what_numpy_reads(weights, write_npy, python2_pickle):
    # The bytes that the tests craft are checked against NumPy's own reader.
    path = write_npy(python2_pickle(weights))
    content = np.load(path, allow_pickle=True, encoding="latin1").item()
    assert list(content) == list(weights)
    for name, arrays in weights.items():
        for found, expected in zip(content[name], arrays, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_ports_a_file_of_python_3(source, weights, narrow_backbone, tmp_path):
    path = tmp_path / "weights.npy"
    np.save(path, weights, allow_pickle=True)
    check_ported(path, source, narrow_backbone(seed=2))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_ports_a_plain_dict(protocol, source, weights, narrow_backbone, write_npy):
    path = write_npy(pickle.dumps(weights, protocol=protocol))
    check_ported(path, source, narrow_backbone(seed=2))


def test_byte_and_memory_order(
    source, weights, narrow_backbone, write_npy, python2_pickle
):
    weights["conv2"][0] = weights["conv2"][0].astype(">f4")
    weights["conv3"][0] = np.asfortranarray(weights["conv3"][0])
    path = write_npy(python2_pickle(weights))
    read = read_reference_weights(path)
    assert all(a.dtype == np.dtype("float32") for pair in read.values() for a in pair)
    check_ported(path, source, narrow_backbone(seed=2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("conv3"), "`conv3` is missing in .*Received: layers"),
        (lambda w: w.update(fc6=[]), r"`fc6` in .* must be \[kernel, bias\]"),
        (lambda w: w.update(fc6=5), "`fc6` in .*Received: a int"),
        (
            lambda w: w["fc7"].__setitem__(0, "text"),
            "The kernel of `fc7` .*Received: a str",
        ),
        (
            lambda w: w["conv1"].__setitem__(1, np.zeros(6)),
            "The bias of `conv1` .* dtype float32. Received: dtype float64",
        ),
        (
            lambda w: w["conv5"][0].__setitem__((0, 0, 0, 0), np.nan),
            "The kernel of `conv5` .*must be finite. Received: 1 infinite or NaN",
        ),
    ],
)
def test_wrong_content(change, message, weights, tmp_path):
    change(weights)
    np.save(tmp_path / "weights.npy", weights, allow_pickle=True)
    with pytest.raises(ValueError, match=message) as error:
        read_reference_weights(tmp_path / "weights.npy")
    assert "weights.npy" in str(error.value)


def test_wrong_shape_changes_nothing(weights, narrow_backbone, tmp_path):
    weights["fc7"][1] = np.zeros(17, "float32")
    np.save(tmp_path / "weights.npy", weights, allow_pickle=True)
    backbone = narrow_backbone(seed=2)
    before = weights_of(backbone)
    message = r"bias of `fc7` .* Expected: shape \(16,\). Received: shape \(17,\)"
    with pytest.raises(ValueError, match=message):
        load_reference_weights(backbone, tmp_path / "weights.npy")
    for name, arrays in weights_of(backbone).items():
        for found, expected in zip(arrays, before[name], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_needs_the_caffe_form():
    backbone = AlexNetBackbone.small(filters=(4, 4, 4, 4, 4), hidden_dim=4)
    with pytest.raises(ValueError, match="Received: normalization='batch'"):
        load_reference_weights(backbone, "weights.npy")


def test_missing_file(narrow_backbone):
    with pytest.raises(FileNotFoundError):
        load_reference_weights(narrow_backbone(), os.path.join("no", "weights.npy"))


def test_layers_are_those_of_the_backbone(source):
    with_weights = [layer.name for layer in source.layers if layer.weights]
    assert with_weights == list(LAYERS)
    assert isinstance(source.get_layer("fc6"), keras.layers.Dense)
