"""The weights of `reference_pretrain.npy`, AlexNet trained on ImageNet by Caffe."""

import os

import numpy as np
from numpy.lib import format as npy

from keras_deephash.backbones.alexnet import AlexNetBackbone
from keras_deephash.backbones.porting.pickled_data import read_pickled_data
from keras_deephash.backbones.porting.pickled_values import PickledArray

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")


def read_reference_weights(
    path: str | os.PathLike,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reads kernels and biases of AlexNet from a released `.npy` file.

    The file holds a pickled dict, layer name to `[kernel, bias]`, as Python 2 or 3
    wrote it. It is read as data: nothing that it names is imported or run.

    Args:
        path: str. The `.npy` file.

    Returns:
        Dict from `"conv1"` to `"conv5"`, `"fc6"` and `"fc7"` to the kernel (height,
        width, input channels of a group, filters; or inputs, units) and the bias,
        float32. Other layers, such as `"fc8"`, are left out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged, holds anything but arrays, or lacks
            a layer.

    Example:

    >>> weights = read_reference_weights("reference_pretrain.npy")
    >>> kernel, bias = weights["conv2"]
    >>> kernel.shape
    (5, 5, 48, 256)
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        try:
            content = _read_object(file)
        except Exception as error:
            # Damaged and hostile bytes fail in many ways; the user needs one error.
            reason = ascii(str(error) or type(error).__name__)[1:-1][:300]
            raise ValueError(
                f"{path!r} is not a file of AlexNet weights: {reason}. Expected a "
                "`.npy` file of a dict of layer names to [kernel, bias]: download it "
                "again."
            ) from None
    return {name: _layer_weights(content, name, path) for name in LAYERS}


def load_reference_weights(backbone: AlexNetBackbone, path: str | os.PathLike) -> None:
    """Loads a released `.npy` file into an AlexNet of the Caffe form.

    Args:
        backbone: `AlexNetBackbone` with `normalization="lrn"`; the released weights
            fit its default arguments. All weights are set, or none.
        path: str. The `.npy` file, see `read_reference_weights`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not valid or does not fit the backbone.

    Example:

    >>> backbone = keras_deephash.AlexNetBackbone()
    >>> load_reference_weights(backbone, "reference_pretrain.npy")
    """
    if backbone.normalization != "lrn":
        raise ValueError(
            'The released weights need a backbone with `normalization="lrn"`. '
            f"Received: normalization={backbone.normalization!r}."
        )
    weights = read_reference_weights(path)
    for name, arrays in weights.items():
        layer = backbone.get_layer(name)
        for variable, array in zip((layer.kernel, layer.bias), arrays, strict=True):
            if tuple(variable.shape) != array.shape:
                raise ValueError(
                    f"The {variable.name} of `{name}` in {os.fspath(path)!r} does not "
                    f"fit the backbone. Expected: shape {tuple(variable.shape)}. "
                    f"Received: shape {array.shape}."
                )
    for name, (kernel, bias) in weights.items():
        layer = backbone.get_layer(name)
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)


def _read_object(file):
    version = npy.read_magic(file)
    readers = {
        (1, 0): npy.read_array_header_1_0,
        (2, 0): npy.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"its format version {version} is not known")
    shape, _, dtype = readers[version](file)
    if shape != () or dtype != np.dtype("O"):
        raise ValueError(f"it holds an array of shape {shape} and dtype {dtype}")
    content = read_pickled_data(file)
    if isinstance(content, PickledArray) and isinstance(content.values, list):
        # NumPy saves a dict inside an array without dimensions.
        (content,) = content.values
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}")
    return content


def _layer_weights(content, name, path):
    if name not in content:
        found = sorted(str(key)[:20] for key in content)[:20]
        raise ValueError(f"`{name}` is missing in {path!r}. Received: layers {found}.")
    pair = content[name]
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise ValueError(
            f"`{name}` in {path!r} must be [kernel, bias]. "
            f"Received: a {type(pair).__name__}."
        )
    return tuple(
        _check_array(array, f"The {kind} of `{name}` in {path!r}")
        for kind, array in zip(("kernel", "bias"), pair, strict=True)
    )


def _check_array(array, title):
    values = array.values if isinstance(array, PickledArray) else array
    if not isinstance(values, np.ndarray):
        raise ValueError(
            f"{title} must be a float32 array. Received: a {type(values).__name__}."
        )
    if values.dtype.newbyteorder("=") != np.float32:
        raise ValueError(
            f"{title} must have dtype float32. Received: dtype {values.dtype}."
        )
    bad = values.size - np.count_nonzero(np.isfinite(values))
    if bad:
        raise ValueError(
            f"{title} must be finite. Received: {bad} infinite or NaN values of "
            f"{values.size}."
        )
    return np.ascontiguousarray(values, dtype=np.float32)
