"""ONNX files, by tf2onnx."""

import os
import tempfile

from keras_deephash.checks import check_integer
from keras_deephash.export.description import KEY, Description
from keras_deephash.export.network import (
    CODES,
    CONTINUOUS,
    check_can_export,
    code_function,
    image_spec,
    need,
)
from keras_deephash.files import write_atomically

OPSET = 18
OLDEST_OPSET = 13  # Of older ones, some files of quantizers cannot be run.


def export_onnx(
    model,
    path: str | os.PathLike,
    input_signature=None,
    opset_version: int | None = None,
    quantize: str | None = None,
    label_names: list[str] | None = None,
) -> None:
    """Writes a model as an ONNX file with the outputs `codes` and `continuous`.

    Args:
        model: a method that can encode.
        path: str. The file.
        input_signature: as for `image_spec`.
        opset_version: int, from 13 to the newest of tf2onnx. Defaults to `None`, 18.
        quantize: `"int8"`: weights of 8 bits, by onnxruntime. Defaults to `None`.
        label_names: list of str, as of `Description.of`. Defaults to `None`.
    """
    tf2onnx = need("tf2onnx", 'format="onnx"')
    onnx = need("onnx", 'format="onnx"')
    import tensorflow as tf

    check_can_export(model)
    newest = max(tf2onnx.constants.OPSET_TO_IR_VERSION)
    opset = OPSET if opset_version is None else opset_version
    opset = check_integer("opset_version", opset, OLDEST_OPSET, newest)
    function = code_function(model)

    def outputs(images):  # In an order, which the file keeps.
        found = function(images)
        return found[CODES], found[CONTINUOUS]

    content, _ = tf2onnx.convert.from_function(
        tf.function(outputs, autograph=False),
        [image_spec(model, input_signature)],
        opset=opset,
    )
    _name_outputs(content.graph, (CODES, CONTINUOUS))
    if quantize is not None:
        content = _quantized(content)
    network, description = content.SerializeToString(), onnx.ModelProto()
    text = Description.of(model, quantize, label_names).to_json(network)
    onnx.helper.set_model_props(description, {KEY: text})
    with write_atomically(path) as file:
        # Messages of protocol buffers end to end are one.
        file.write(network + description.SerializeToString())


def _name_outputs(graph, names: tuple[str, ...]) -> None:
    """Gives the outputs of an ONNX graph their names; the inputs have theirs."""
    renamed = {
        output.name: name for output, name in zip(graph.output, names, strict=True)
    }
    for output in graph.output:
        output.name = renamed[output.name]
    for node in graph.node:
        for values in (node.input, node.output):
            for number, value in enumerate(values):
                if value in renamed:
                    values[number] = renamed[value]


def _quantized(content):
    """The ONNX model with weights of 8 bits, and activations quantized as they come."""
    quantization = need("onnxruntime.quantization", 'quantize="int8"')
    onnx = need("onnx", 'quantize="int8"')
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "int8.onnx")
        # The codebook stays: a rounded centre is another one.
        quantization.quantize_dynamic(
            content,
            path,
            weight_type=quantization.QuantType.QUInt8,
            nodes_to_quantize=_network_nodes(content.graph),
        )
        return onnx.load(path)


def _network_nodes(graph) -> list[str]:
    """The names of the nodes that the continuous codes are made of."""
    made_by = {output: node for node in graph.node for output in node.output}
    names, waiting = set(), [CONTINUOUS]
    while waiting:
        node = made_by.get(waiting.pop())
        if node is not None and node.name not in names:
            names.add(node.name)
            waiting += node.input
    return sorted(names)
