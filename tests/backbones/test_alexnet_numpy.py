"""Every stage of a narrow Caffe form against an independent NumPy one."""

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

GROUPS = {"conv2": 2, "conv4": 2, "conv5": 2}
PADDING = {"conv2": 2, "conv3": 1, "conv4": 1, "conv5": 1}


def convolve(x, kernel, bias, strides, padding, groups):
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    size = kernel.shape[:2]
    windows = sliding_window_view(x, size, axis=(1, 2))[:, ::strides, ::strides]
    parts = [
        np.einsum("nhwcij,ijcf->nhwf", window, part)
        for window, part in zip(
            np.split(windows, groups, axis=3),
            np.split(kernel, groups, axis=3),
            strict=True,
        )
    ]
    return np.concatenate(parts, axis=3) + bias


def pool(x):
    return sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max((4, 5))


def normalize(x):
    channels = x.shape[-1]
    squares = np.pad(x**2, ((0, 0),) * 3 + ((2, 2),))
    total = sum(squares[..., i : i + channels] for i in range(5))
    return x / (1 + 1e-4 / 5 * total) ** 0.75


def stages(x, weights):
    """Yields the name and the output of every stage, in float64."""
    for number in range(1, 6):
        name = f"conv{number}"
        x = convolve(
            x,
            *weights[name],
            strides=4 if number == 1 else 1,
            padding=PADDING.get(name, 0),
            groups=GROUPS.get(name, 1),
        )
        yield name, x
        x = np.maximum(x, 0)
        yield f"relu{number}", x
        if number in (1, 2, 5):
            x = pool(x)
            yield f"pool{number}", x
        if number in (1, 2):
            x = normalize(x)
            yield f"norm{number}", x
    x = x.reshape(len(x), -1)
    for number in (6, 7):
        kernel, bias = weights[f"fc{number}"]
        x = x @ kernel + bias
        yield f"fc{number}", x
        x = np.maximum(x, 0)
        yield f"relu{number}", x


@pytest.mark.parametrize("size", [67, 99])
def test_every_stage(size, narrow_backbone):
    backbone = narrow_backbone(image_shape=(size, size, 3))
    weights = {
        layer.name: [w.numpy().astype("float64") for w in (layer.kernel, layer.bias)]
        for layer in backbone.layers
        if layer.weights
    }
    x = np.random.default_rng(1).uniform(-120, 130, (2, size, size, 3))
    expected = dict(stages(x, weights))
    model = keras.Model(
        backbone.input, {name: backbone.get_layer(name).output for name in expected}
    )
    found = model(x.astype("float32"), training=False)
    assert len(expected) == 19
    for name, values in expected.items():
        assert found[name].shape == values.shape, name
        difference = np.abs(np.asarray(found[name]) - values).max()
        assert difference <= 1e-5 * np.abs(values).max(), name
    np.testing.assert_array_equal(backbone(x.astype("float32")), found["relu7"])


def test_normalization_matters_here():
    # With values as small as 1 the stage would be the identity, and prove nothing.
    x = np.full((1, 1, 1, 6), 100.0)
    assert normalize(x)[0, 0, 0, 2] < 0.7 * x[0, 0, 0, 2]
