"""Every stage of the Caffe form against PyTorch's functions."""

import keras
import numpy as np
import pytest

from keras_deephash import AlexNetBackbone

torch = pytest.importorskip("torch", reason="PyTorch checks need `torch`.")
F = torch.nn.functional

STAGES = {
    "conv1": dict(stride=4),
    "conv2": dict(padding=2, groups=2),
    "conv3": dict(padding=1),
    "conv4": dict(padding=1, groups=2),
    "conv5": dict(padding=1, groups=2),
}


def stages(x, backbone):
    """Yields the name and the output of every stage, channels last."""

    def weights(name):
        layer = backbone.get_layer(name)
        kernel, bias = (torch.from_numpy(w.numpy()) for w in (layer.kernel, layer.bias))
        # Torch keeps the outputs first, then the inputs, then height and width.
        order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        return kernel.permute(order).contiguous(), bias

    def channels_last(x):
        return x.permute(0, 2, 3, 1).numpy()

    x = torch.from_numpy(x).permute(0, 3, 1, 2)
    for number, (name, arguments) in enumerate(STAGES.items(), start=1):
        x = F.conv2d(x, *weights(name), **arguments)
        yield name, channels_last(x)
        x = F.relu(x)
        yield f"relu{number}", channels_last(x)
        if number in (1, 2, 5):
            x = F.max_pool2d(x, 3, 2)
            yield f"pool{number}", channels_last(x)
        if number in (1, 2):
            x = F.local_response_norm(x, size=5, alpha=1e-4, beta=0.75, k=1.0)
            yield f"norm{number}", channels_last(x)
    x = x.permute(0, 2, 3, 1).reshape(len(x), -1)
    for number in (6, 7):
        x = F.linear(x, *weights(f"fc{number}"))
        yield f"fc{number}", x.numpy()
        x = F.relu(x)
        yield f"relu{number}", x.numpy()


def test_every_stage():
    backbone = AlexNetBackbone()
    rng = np.random.default_rng(0)
    for layer in backbone.layers:
        if layer.weights:
            layer.bias.assign(rng.normal(0, 1, layer.bias.shape))
    x = rng.uniform(-120, 130, (1, 227, 227, 3)).astype("float32")
    with torch.no_grad():
        expected = dict(stages(x, backbone))
    model = keras.Model(
        backbone.input, {name: backbone.get_layer(name).output for name in expected}
    )
    found = model(x, training=False)
    assert len(expected) == 19
    for name, values in expected.items():
        assert found[name].shape == values.shape, name
        difference = np.abs(np.asarray(found[name]) - values).max()
        assert difference <= 1e-5 * np.abs(values).max(), name
