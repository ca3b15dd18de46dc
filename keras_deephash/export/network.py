"""The graph that is exported: pixels to packed codes and continuous codes."""

from collections.abc import Callable
from importlib import import_module

import keras

CODES, CONTINUOUS, IMAGES = "codes", "continuous", "images"


def code_function(model: keras.Model) -> Callable:
    """A function of images, a tensor, to a dict of `codes` and `continuous`."""

    def encode(images):
        outputs = model(images, training=False)
        return {CODES: model.code_tensor(outputs), CONTINUOUS: outputs}

    return encode


def image_spec(model: keras.Model, input_signature=None):
    """The `tf.TensorSpec` of the images that an exported graph takes.

    Args:
        model: a method.
        input_signature: list of one `keras.InputSpec` or the like. Defaults to any
            number of uint8 images at the network's input size.
    """
    import tensorflow as tf

    if input_signature is None:
        return tf.TensorSpec(model.input_shape, tf.uint8, name=IMAGES)
    try:
        (spec,) = keras.tree.flatten(input_signature)
        return tf.TensorSpec(spec.shape, spec.dtype or "float32", name=IMAGES)
    except (TypeError, ValueError, AttributeError):
        raise ValueError(
            "`input_signature` must be a list of one `keras.InputSpec`, the images. "
            f"Received: {input_signature!r}."
        ) from None


def check_can_export(model: keras.Model) -> None:
    """Raises ValueError for a model without codes, or of layers that do not convert."""
    model.check_can_encode()
    for layer in model._flatten_layers():
        policy = layer.dtype_policy
        if layer.weights and (
            policy.compute_dtype != "float32" or policy.quantization_mode is not None
        ):
            raise ValueError(
                "ONNX and LiteRT files are made of float32 layers. Received: the layer "
                f"{layer.name!r} of {policy.name!r}. Load the preset with "
                '`dtype="float32"`, and without `model.quantize`: '
                '`export(..., quantize="int8")` makes the weights of the file small.'
            )


def need(module: str, what: str):
    """An optional module, or an ImportError with the command that installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{what} needs {module.partition('.')[0]} ({error}): "
            'pip install "keras-deephash[export]"'
        ) from None
