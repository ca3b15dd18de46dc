"""A network of Keras's own layers as text, which cannot run code.

Only layers and operations named here are built, from plain values: none of them reads
a file, holds code or fetches anything.
"""

import json
import math

import keras

from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.config_check import MAX_INTEGER

_LAYERS = """
    InputLayer Functional Sequential
    Conv2D Conv2DTranspose DepthwiseConv2D SeparableConv2D Dense EinsumDense
    BatchNormalization LayerNormalization GroupNormalization RMSNormalization
    UnitNormalization Normalization Rescaling
    Activation ReLU LeakyReLU PReLU ELU Softmax
    MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D
    GlobalAveragePooling1D GlobalMaxPooling1D
    ZeroPadding2D Cropping2D UpSampling2D
    Flatten Reshape Permute
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot
    Dropout SpatialDropout2D GaussianDropout GaussianNoise AlphaDropout
    MultiHeadAttention
    """
_OPERATIONS = """
    Add Subtract Multiply Divide TrueDivide Maximum Minimum Mean Max Sum Square Sqrt
    Concatenate Reshape Transpose Relu Relu6 Sigmoid Silu HardSigmoid HardSilu Gelu
    Tanh Softmax Normalize
    """
_OWN = ("keras_deephash>GroupedConv2D", "keras_deephash>LocalResponseNormalization")
_LAYER_MODULES = ("keras.layers", "keras", "keras.src.models.functional")
_OPERATION_MODULES = ("keras.src.ops.numpy", "keras.src.ops.nn")
_DTYPES = """
    DTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy Int4DTypePolicy
    """
_VALUES = ("keras.initializers", "keras.regularizers", "keras.constraints")
_TOLD_ELSEWHERE = (
    "build_config",
    "lora_alpha",
    "lora_rank",
    "quantization_config",
    "shared_object_id",
)
_UNBOUNDED = ("seed", "target_shape")
_MAX_DEPTH = 64
_MAX_LENGTH = 2**22  # Five times that of NASNetMobile, of 771 layers.
# Values of one image in one tensor of the network; those of AlexNet are 290,400.
_MAX_VALUES = 2**27


def describe_graph(network: keras.Model) -> str:
    """The layers of a functional network as text, without their weights.

    Args:
        network: functional `keras.Model` with one input and one output, or a
            `keras.Sequential`.

    Raises:
        PresetError: if it has layers that would not be built again, naming one.
    """
    _check_sharing(network)
    # A new model of the same layers: that of a subclass would give its arguments.
    network = keras.Model(network.inputs[0], network.outputs[0])
    try:
        # Through JSON: what has no such form cannot be kept.
        config = json.loads(json.dumps(network.get_config(), allow_nan=False))
    except Exception as error:  # Layers of the user may raise anything.
        raise PresetError(
            f"A layer of the network cannot be written as text: {str(error)[:300]}"
        ) from None
    config["name"] = "network"
    _tidy(config)
    _check(config, "the network", 0)
    text = json.dumps(config)
    _check_length(text)
    return text


def build_graph(text: str) -> keras.Model:
    """The network that `describe_graph` described, with new weights.

    Raises:
        PresetError: if the text describes anything else.
    """
    _check_length(text)
    try:
        config = json.loads(text, parse_constant=_refuse_constant)
        _check(config, "the network", 0)
        network = keras.Model.from_config(config)
        _check_sizes(network)
    except PresetError:
        raise
    except Exception as error:  # The text may hold anything.
        raise PresetError(
            f"The layers of the network are not valid: {str(error)[:300]}"
        ) from None
    return network


def _check_length(text: str) -> None:
    if len(text) > _MAX_LENGTH:
        raise PresetError(
            f"The layers of the network take {len(text):,} letters, the most are "
            f"{_MAX_LENGTH:,}."
        )


def _refuse_constant(name: str):
    raise ValueError(f"{name} is not JSON")


def _tidy(value) -> None:
    """Removes what weights, dtype policies and the layers themselves say."""
    if isinstance(value, dict):
        for key in _TOLD_ELSEWHERE:
            value.pop(key, None)
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _tidy(item)


def _check(value, key: str, depth: int) -> None:
    """Raises PresetError for objects other than those named above."""
    if depth > _MAX_DEPTH:
        raise PresetError("The layers of the network are nested too deeply.")
    if isinstance(value, list):
        for item in value:
            _check(item, key, depth + 1)
    elif isinstance(value, dict):
        if "class_name" in value:
            if value["class_name"] == "__keras_tensor__":
                return _check_plain(value)
            _check_class(value)
        elif "module" in value or "registered_name" in value:
            raise PresetError(f"`{key}` of the network is not an object of Keras.")
        for name, item in value.items():
            _check(item, name, depth + 1)
    elif isinstance(value, str) and ">" in value and value not in _OWN:
        raise PresetError(
            f"`{key}` of the network names {value[:80]!r}, which is not a part of "
            "Keras."
        )
    elif isinstance(value, int) and abs(value) > MAX_INTEGER and key not in _UNBOUNDED:
        raise PresetError(
            f"`{key}` of the network is beyond all sizes, the largest is "
            f"{MAX_INTEGER}. Received: {value if abs(value) < 10**20 else 'more'}."
        )


def _check_class(value: dict) -> None:
    module, name = value.get("module"), value["class_name"]
    registered = value.get("registered_name")
    if registered in _OWN and registered.endswith(f">{name}"):
        return
    is_keras = registered in (None, name) and isinstance(name, str)
    if not is_keras or not (
        (module in _LAYER_MODULES and name in _LAYERS.split())
        or (module in _OPERATION_MODULES and name in _OPERATIONS.split())
        or (module in ("keras", "keras.dtype_policies") and name in _DTYPES.split())
        or (module in _VALUES and name[:1].isupper())
    ):
        raise PresetError(
            f"The network has a `{str(name)[:80]}`, which is not among the layers of "
            "Keras that a preset keeps."
        )


def _check_plain(value: dict) -> None:
    """Raises PresetError for a place in the graph that holds objects of its own."""
    parts = [value]
    for part in parts:
        for item in part.values() if isinstance(part, dict) else part:
            if isinstance(item, (list, dict)):
                parts.append(item)
            if isinstance(item, dict) and item is not value.get("config"):
                raise PresetError("A tensor of the network is not valid.")


def _check_sharing(network: keras.Model) -> None:
    """Raises PresetError for a layer in two inner networks, which would become two."""
    inner = [layer for layer in network.layers if hasattr(layer, "layers")]
    if sum(layer.count_params() for layer in network.layers) > network.count_params():
        raise PresetError("Inner networks share a layer, which a preset does not keep.")
    for layer in inner:
        _check_sharing(layer)


def _check_sizes(network: keras.Model) -> None:
    """Raises PresetError for tensors that would fill the memory."""
    for layer in network._flatten_layers():
        for node in layer._inbound_nodes:
            for tensor in keras.tree.flatten(node.outputs):
                size = math.prod(n or 1 for n in tensor.shape)
                if size > _MAX_VALUES:
                    raise PresetError(
                        f"`{layer.name}` of the network makes {size:,} values of an "
                        f"image, the most are {_MAX_VALUES:,}."
                    )
