"""LiteRT files, run by ai-edge-litert."""

from threading import Lock

import numpy as np

from keras_deephash.runtime.networks.network import CONTINUOUS, IMAGES, Network


class LiteRTNetwork(Network):
    """The network of a LiteRT file."""

    def open(self, content: bytes, threads: int | None) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ImportError(
                f"Files of LiteRT need ai-edge-litert ({error}): "
                "pip install ai-edge-litert"
            ) from None
        interpreter = Interpreter(model_content=content, num_threads=threads)
        self._run = interpreter.get_signature_runner("encode")
        self._lock = Lock()

    def run(self, pixels: np.ndarray) -> np.ndarray:
        # An interpreter has one place for its inputs and outputs: threads take turns.
        # The runner copies what it returns.
        with self._lock:
            return self._run(**{IMAGES: pixels})[CONTINUOUS]
