"""ONNX files, run by onnxruntime."""

import numpy as np

from keras_deephash.runtime.networks.network import CONTINUOUS, IMAGES, Network


class OnnxNetwork(Network):
    """The network of an ONNX file in onnxruntime."""

    def open(self, content: bytes, threads: int | None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                f"`Encoder` needs onnxruntime ({error}): "
                'pip install "keras-deephash[runtime]"'
            ) from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # Errors; others are of the machine.
        # Else it would guess, and another format was not looked through for files.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return self._session.run([CONTINUOUS], {IMAGES: pixels})[0]
