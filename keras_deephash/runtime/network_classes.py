"""The runtimes by name."""

from importlib import import_module

# Name: the format of the files that it runs, the module below networks, the class.
RUNTIMES = {
    "onnxruntime": ("onnx", "onnx_network", "OnnxNetwork"),
    "openvino": ("onnx", "openvino_network", "OpenVINONetwork"),
    "openvino-bfloat16": ("onnx", "openvino_network", "Bfloat16Network"),
    "litert": ("litert", "litert_network", "LiteRTNetwork"),
}
_DEFAULTS = {"onnx": "onnxruntime", "litert": "litert"}


def network_class(format: str, runtime: str | None) -> type:
    """The class of the networks of a runtime, of one that runs files of a format.

    Args:
        format: `"onnx"` or `"litert"`.
        runtime: str, one of `RUNTIMES`, or None for the default of the format.
    """
    runtime = runtime or _DEFAULTS[format]
    runs, module, name = RUNTIMES[runtime]
    if runs != format:
        raise ValueError(
            f'`runtime="{runtime}"` runs files of the format {runs!r}. Received: one '
            f"of {format!r}. Export the model with format={runs!r}."
        )
    return getattr(import_module(f"keras_deephash.runtime.networks.{module}"), name)
