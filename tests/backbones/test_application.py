"""ApplicationBackbone: networks and preprocessing of Keras Applications."""

import inspect

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import ApplicationBackbone
from keras_deephash.backbones.application import own_preprocessor

APPLICATIONS = [name for name in dir(keras.applications) if name[0].isupper()]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_own_preprocessing(name):
    module = inspect.getmodule(getattr(keras.applications, name))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), np.uint8)
    expected = module.preprocess_input(pixels.astype("float32"))
    found = own_preprocessor(name, 224).normalize(pixels)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.usefixtures("eagerly")
def test_the_same_features_as_kerass_network(tmp_path):
    backbone = ApplicationBackbone("MobileNet", (32, 32, 3), weights=None)
    network = keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg"
    )
    network.set_weights(backbone.get_weights())
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    expected = network(keras.applications.mobilenet.preprocess_input(1.0 * pixels))
    model = kdh.DCH(backbone, bits=16)
    found = model.backbone(model.preprocessor.normalize(pixels))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    model.compile(keras.optimizers.SGD(1e-3))
    model.fit(pixels, np.eye(2), batch_size=2, verbose=0)
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    assert again.backbone.get_config() == model.backbone.get_config()
    np.testing.assert_array_equal(again.encode(pixels), model.encode(pixels))


EFFICIENTNET = dict(include_top=False, input_shape=(32, 32, 3), pooling="avg")
EFFICIENTNET_MODULE = inspect.getmodule(keras.applications.EfficientNetB0)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A weights file as Keras downloads it, and the features of Keras's network."""
    random = keras.applications.EfficientNetB0(weights=None, **EFFICIENTNET)
    (normalization,) = (
        n for n in random.layers if isinstance(n, keras.layers.Normalization)
    )
    # As in the file that Keras downloads.
    mean, deviation = np.float32([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    normalization.set_weights([mean, deviation, *normalization.get_weights()[2:]])
    folder = tmp_path_factory.mktemp("imagenet")
    path = str(folder / "efficientnetb0_notop.weights.h5")
    random.save_weights(path)
    with pytest.MonkeyPatch.context() as patch:
        files = EFFICIENTNET_MODULE.file_utils
        patch.setattr(files, "get_file", lambda *_, **__: path)
        network = keras.applications.EfficientNetB0(weights="imagenet", **EFFICIENTNET)
    return path, np.asarray(network(1.0 * PIXELS))


@pytest.mark.parametrize("by_path", [False, True])
def test_efficientnet_is_kerass_after_a_preset_too(
    by_path, imagenet, tmp_path, monkeypatch
):
    """Keras builds it of other layers with ImageNet weights than without."""
    path, expected = imagenet
    files = EFFICIENTNET_MODULE.file_utils
    monkeypatch.setattr(files, "get_file", lambda *_, **__: path)
    weights = path if by_path else "imagenet"
    backbone = ApplicationBackbone("EfficientNetB0", (32, 32, 3), weights=weights)
    scale = abs(expected).max()
    np.testing.assert_allclose(backbone(1.0 * PIXELS), expected, atol=1e-4 * scale)
    if by_path:  # The same network by now.
        return
    backbone.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(again(1.0 * PIXELS), expected, atol=1e-4 * scale)


def test_efficientnet_of_the_users_own_training(tmp_path):
    network = keras.applications.EfficientNetB0(weights=None, **EFFICIENTNET)
    path = str(tmp_path / "own.weights.h5")
    network.save_weights(path)
    backbone = ApplicationBackbone("EfficientNetB0", (32, 32, 3), weights=path)
    expected = network(1.0 * PIXELS)
    scale = abs(np.asarray(expected)).max()
    np.testing.assert_allclose(backbone(1.0 * PIXELS), expected, atol=1e-4 * scale)


def test_by_a_string_with_the_users_weights(tmp_path, monkeypatch):
    """The weights that Keras would download, here from a file of the same form."""
    network = keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(224, 224, 3)
    )
    path = str(tmp_path / "mobilenet.weights.h5")
    network.save_weights(path)
    backbone = ApplicationBackbone("MobileNet", weights=path)
    for ours, theirs in zip(backbone.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)

    # Keras looks into its cache before it asks the network.
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", _no_network)
    with pytest.raises(ValueError, match="`weights=None` for random weights"):
        kdh.DCH("keras:MobileNetV2", bits=16)


def _no_network(*arguments, **options):
    raise OSError("no network")


def test_dtype_is_the_backbones_alone():
    backbone = ApplicationBackbone(
        "MobileNet", (32, 32, 3), weights=None, dtype="mixed_float16"
    )
    assert backbone.get_layer("conv1").compute_dtype == "float16"
    assert keras.config.dtype_policy().name == "float32"
    assert backbone.get_config()["dtype"] == "mixed_float16"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("AlexNet",), "`application` must be a name of Keras Applications: Conv"),
        (("MobileNet", (32, 48, 3)), "of equal height and width"),
        (("MobileNet", (8, 8, 3), None), "cannot be built"),
        (("MobileNet", (32, 32, 3), "no_such_file"), "cannot be built"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ApplicationBackbone(*arguments)


def test_methods_take_the_name_of_a_preset():
    model = kdh.DHN("dch_cifar10_48", bits=16)
    start = kdh.from_preset("dch_cifar10_48")
    assert model.preprocessor.get_config() == start.preprocessor.get_config()
    np.testing.assert_array_equal(
        model.backbone.get_weights()[0], start.backbone.get_weights()[0]
    )
    with pytest.raises(kdh.PresetError, match="no preset and no directory"):
        kdh.DHN("no_such_backbone", bits=16)
