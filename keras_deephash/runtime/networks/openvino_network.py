"""ONNX files, run by OpenVINO."""

import numpy as np

from keras_deephash.runtime.networks.network import CONTINUOUS, IMAGES, Network


class OpenVINONetwork(Network):
    """The network of an ONNX file in OpenVINO, in float32.

    OpenVINO itself would take bfloat16 where the processor has it.
    """

    precision = "f32"

    def open(self, content: bytes, threads: int | None) -> None:
        try:
            import openvino
        except ImportError as error:
            raise ImportError(
                f'`runtime="openvino"` needs OpenVINO ({error}): pip install openvino'
            ) from None
        settings = {"INFERENCE_PRECISION_HINT": self.precision}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = openvino.Core()
        self._model = core.compile_model(core.read_model(content), "CPU", settings)

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return self._model({IMAGES: pixels})[CONTINUOUS]


class Bfloat16Network(OpenVINONetwork):
    """As `OpenVINONetwork`, in bfloat16: faster, and some bits of codes differ."""

    precision = "bf16"
