"""What the runtimes have in common: pixels to continuous codes, checked."""

import numpy as np

from keras_deephash.export.description import Description
from keras_deephash.export.errors import ExportFileError

IMAGES, CONTINUOUS = "images", "continuous"


class Network:
    """The network of an exported file.

    A runtime is a subclass that opens the file in `open` and runs it in `run`.

    Args:
        content: bytes of the file.
        description: `Description`.
        threads: int, or None for as many as the runtime chooses.
    """

    def __init__(self, content: bytes, description: Description, threads: int | None):
        self._units = description.units
        # Activations are quantized by the largest of a batch: one image at a time has
        # the same codes in every batch.
        self._at_once = None if description.quantized is None else 1
        try:
            self.open(content, threads)
        except ImportError:
            raise
        except Exception as error:  # Each runtime has errors of its own.
            raise ExportFileError(
                "The exported file cannot be opened by this runtime: "
                f"{' '.join(str(error).split())[:300]}. Export the model again."
            ) from None

    def open(self, content: bytes, threads: int | None) -> None:
        """Loads the network."""
        raise NotImplementedError

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """The output `continuous` of pixels, uint8 [n, size, size, 3]."""
        raise NotImplementedError

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Continuous codes, float32 [n, units], of pixels, uint8 [n, size, size, 3]."""
        try:
            step = self._at_once or max(len(pixels), 1)
            starts = range(0, len(pixels), step)
            codes = np.concatenate([self.run(pixels[n : n + step]) for n in starts])
        except Exception as error:
            raise ExportFileError(
                "The exported file cannot be run: "
                f"{' '.join(str(error).split())[:300]}. It must take any number of "
                "uint8 images: export it without `input_signature`."
            ) from None
        if codes.shape != (len(pixels), self._units) or codes.dtype != np.float32:
            raise ExportFileError(
                "The exported file gives other continuous codes than it says. "
                f"Expected: float32 of shape {(len(pixels), self._units)}. Received: "
                f"{codes.dtype} of shape {codes.shape}. Export the model again."
            )
        return codes
