"""GroupedConv2D and LocalResponseNormalization against naive loops."""

import keras
import numpy as np
import pytest

from keras_deephash.backbones import GroupedConv2D, LocalResponseNormalization


def naive_convolution(x, kernel, bias, strides, padding, groups):
    size, filters = kernel.shape[0], kernel.shape[-1]
    if padding == "same":
        # TensorFlow's rule: an odd pixel of padding goes to the bottom right.
        pads = []
        for n in x.shape[1:3]:
            total = max((-(-n // strides) - 1) * strides + size - n, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, ((0, 0), *pads, (0, 0)))
    rows, columns = ((n - size) // strides + 1 for n in x.shape[1:3])
    inputs_of_group, filters_of_group = x.shape[-1] // groups, filters // groups
    y = np.zeros((len(x), rows, columns, filters))
    for image, row, column, f in np.ndindex(y.shape):
        group = f // filters_of_group
        total = float(bias[f])
        for i, j, c in np.ndindex(size, size, inputs_of_group):
            pixel = x[
                image,
                row * strides + i,
                column * strides + j,
                group * inputs_of_group + c,
            ]
            total += float(pixel) * float(kernel[i, j, c, f])
        y[image, row, column, f] = total
    return y


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("groups", "size", "strides"), [(1, 3, 1), (2, 3, 1), (2, 2, 2), (3, 5, 3)]
)
def test_grouped_convolution(groups, size, strides, padding):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, 8, 6)).astype("float32")
    layer = GroupedConv2D(12, size, strides, padding, groups)
    layer.build(x.shape)
    layer.bias.assign(rng.normal(size=12))
    y = np.asarray(layer(x))
    kernel, bias = (np.asarray(w) for w in (layer.kernel, layer.bias))
    assert kernel.shape == (size, size, 6 // groups, 12)
    expected = naive_convolution(x, kernel, bias, strides, padding, groups)
    assert y.shape == expected.shape
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer.compute_output_shape((None, None, None, 6)) == (None, None, None, 12)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_groups_do_not_mix():
    layer = GroupedConv2D(4, 3, groups=2)
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 6)).astype("float32")
    before = np.asarray(layer(x))
    x[..., 3:] += 1  # The second group's channels.
    after = np.asarray(layer(x))
    np.testing.assert_array_equal(before[..., :2], after[..., :2])
    assert not np.array_equal(before[..., 2:], after[..., 2:])


@pytest.mark.parametrize("channels", [1, 2, 5, 9])
@pytest.mark.parametrize("radius", [0, 1, 2])
def test_local_response_normalization(channels, radius):
    x = np.random.default_rng(0).normal(0, 30, (2, 3, 3, channels)).astype("float32")
    layer = LocalResponseNormalization(radius=radius, alpha=1e-3, beta=0.6, k=1.5)
    y = np.asarray(layer(x))
    expected = np.zeros(x.shape)
    for image, row, column, c in np.ndindex(x.shape):
        total = 0.0
        for other in range(max(0, c - radius), min(channels, c + radius + 1)):
            total += float(x[image, row, column, other]) ** 2
        expected[image, row, column, c] = (
            float(x[image, row, column, c]) / (1.5 + 1e-3 * total) ** 0.6
        )
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    assert layer.compute_output_shape(x.shape) == x.shape


def test_the_usual_exponent_of_the_normalization_agrees_with_a_power():
    x = np.random.default_rng(0).normal(0, 300, (4, 5, 5, 96)).astype("float32")
    y = np.asarray(LocalResponseNormalization()(x))
    channels = np.arange(96)
    near = np.abs(channels[:, None] - channels) <= 2
    expected = x / (1 + 2e-5 * (np.float64(x) ** 2 @ near)) ** 0.75
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        GroupedConv2D(8, 3, 2, "valid", 2, kernel_initializer="ones", name="conv"),
        LocalResponseNormalization(1, 0.1, 0.5, 2.0, dtype="bfloat16", name="norm"),
    ],
)
def test_configs_round_trip(layer):
    config = layer.get_config()
    copy = type(layer).from_config(config)
    assert copy.get_config() == config
    whole = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert type(whole) is type(layer) and whole.get_config() == config
    x = np.random.default_rng(0).normal(size=(1, 7, 7, 4)).astype("float32")
    np.testing.assert_array_equal(keras.ops.cast(copy(x) - layer(x), "float32"), 0)


def test_mixed_precision_keeps_float32_weights():
    layer = GroupedConv2D(4, 3, groups=2, dtype="mixed_bfloat16")
    y = LocalResponseNormalization(dtype="mixed_bfloat16")(layer(np.ones((1, 5, 5, 4))))
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert layer.kernel.dtype == layer.bias.dtype == "float32"
    assert np.isfinite(keras.ops.cast(y, "float32")).all()


def test_errors():
    message = "`groups` must divide `filters`. Received: filters=5, groups=2"
    with pytest.raises(ValueError, match=message):
        GroupedConv2D(5, 3, groups=2)
    message = "must be divisible by `groups`. Received: channels=3, groups=2"
    with pytest.raises(ValueError, match=message):
        GroupedConv2D(4, 3, groups=2)(np.ones((1, 5, 5, 3)))
