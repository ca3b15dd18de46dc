"""ONNX files, run by OpenVINO."""

from threading import Lock

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
        self._lock = Lock()

    def run(self, pixels: np.ndarray) -> np.ndarray:
        # A model that is called has one request, which is busy or given other images
        # while another thread calls it too: threads take turns.
        with self._lock:
            return self._model({IMAGES: pixels})[CONTINUOUS]


class Bfloat16Network(OpenVINONetwork):
    """As `OpenVINONetwork`, in bfloat16: faster, and some bits of codes differ."""

    precision = "bf16"
