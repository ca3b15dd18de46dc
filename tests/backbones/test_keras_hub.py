"""Networks of KerasHub as backbones. Where keras-hub is missing, what says so."""

import importlib.util
import json

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.files import describe_file

IS_THERE = importlib.util.find_spec("keras_hub") is not None
needs_keras_hub = pytest.mark.skipif(not IS_THERE, reason="needs keras-hub")


def make_vit():
    import keras_hub

    return keras_hub.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=8,
    )


def make_vgg():
    import keras_hub

    return keras_hub.models.VGGBackbone(
        stackwise_num_repeats=[1, 1], stackwise_num_filters=[4, 8]
    )


@needs_keras_hub
@pytest.mark.parametrize("make", [make_vit, make_vgg])
def test_a_network_as_argument_and_in_presets(make, images, labels, tmp_path):
    network = make()
    model = kdh.DCH(network, bits=16, preprocessor=kdh.Preprocessor(32))
    assert type(model.backbone) is kdh.KerasHubBackbone
    assert model.backbone.image_shape == (32, 32, 3)
    x = model.preprocessor.normalize(images)
    features = np.asarray(network(x))
    features = features.reshape(24, -1, features.shape[-1]).mean(axis=1)
    np.testing.assert_allclose(model.backbone(x), features, atol=1e-5)

    model.compile("sgd")
    model.fit(images, labels, batch_size=24, verbose=0)
    codes = model.encode(images)
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "model.keras")
    for again in (
        kdh.from_preset(tmp_path / "preset"),
        keras.models.load_model(tmp_path / "model.keras"),
    ):
        assert again.get_config() == model.get_config()
        np.testing.assert_array_equal(again.encode(images), codes)
    low = kdh.from_preset(tmp_path / "preset", dtype="mixed_bfloat16")
    assert {layer.compute_dtype for layer in low.backbone.layers[1:]} == {"bfloat16"}
    backbone = kdh.KerasHubBackbone.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(backbone(x), model.backbone(x), atol=1e-6)


@needs_keras_hub
def test_sizes_of_images():
    vgg = make_vgg()
    assert kdh.DCH(vgg, bits=8).preprocessor.image_size == 224
    assert kdh.KerasHubBackbone(vgg, (48, 48, 3)).input_shape == (None, 48, 48, 3)
    model = kdh.DCH(vgg, bits=8, preprocessor=kdh.Preprocessor(40))
    assert model.input_shape == (None, 40, 40, 3)
    assert kdh.DCH(make_vit(), bits=8).preprocessor.image_size == 32
    with pytest.raises(ValueError, match=r"do not fit images of shape \(64, 64, 3\)"):
        kdh.KerasHubBackbone(make_vit(), (64, 64, 3))


@needs_keras_hub
def test_a_quantized_network_in_a_preset(images, tmp_path):
    model = kdh.DCH(make_vit(), bits=16)
    with pytest.warns(UserWarning, match="`quantize` method"):
        model.quantize("int8")
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(again.encode(images), model.encode(images))


@needs_keras_hub
def test_networks_of_something_else_are_refused():
    import keras_hub

    text = keras_hub.models.BartBackbone(50, 1, 2, 8, 16)
    for network, message in (
        (text, "must take images. Received: a `BartBackbone`"),
        ("ImageClassifier", "must be a backbone of `keras_hub.models`"),
        ("__name__", "must be a backbone of `keras_hub.models`"),
    ):
        with pytest.raises(ValueError, match=message):
            kdh.KerasHubBackbone(network)
    encoder = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        use_pre_activation=False,
    )
    pyramid = keras_hub.models.RetinaNetBackbone(
        image_encoder=encoder, min_level=2, max_level=3, use_p5=False
    )
    with pytest.raises(ValueError, match="arguments are numbers and strings"):
        kdh.KerasHubBackbone(pyramid)


@pytest.mark.skipif(IS_THERE, reason="keras-hub is installed")
def test_the_missing_package_is_named(make_model, tmp_path):
    with pytest.raises(ImportError, match="pip install keras-hub"):
        kdh.KerasHubBackbone("VGGBackbone", (32, 32, 3))
    make_model().save_to_preset(tmp_path / "preset")
    path = tmp_path / "preset" / "config.json"
    entry = json.loads(path.read_text())
    entry["backbone"] = {
        "class": "keras_deephash>KerasHubBackbone",
        "config": {"network": "VGGBackbone", "image_shape": [32, 32, 3]},
    }
    path.write_text(json.dumps(entry))
    metadata_path = tmp_path / "preset" / "metadata.json"
    metadata = json.loads(metadata_path.read_text())
    metadata["files"]["config.json"] = describe_file(path)
    metadata_path.write_text(json.dumps(metadata))
    with pytest.raises(kdh.PresetError, match="pip install keras-hub"):
        kdh.from_preset(tmp_path / "preset")
