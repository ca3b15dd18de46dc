"""The check of Keras's backend: what needs Keras here needs TensorFlow under it.

Importing this module is the check, and raises an ImportError. Packages of nothing but
Keras's classes import it in their first line, before they import Keras.
"""

import os
import sys

# Whose absence Keras reports as that of any other module.
_BACKENDS = ("jax", "openvino", "tensorflow", "torch")


def _backend() -> str:
    """The backend that Keras has, or will have."""
    wanted = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if "keras" not in sys.modules and wanted != "tensorflow":
        return wanted  # It need not be installed to be refused.
    try:
        import keras
    except ModuleNotFoundError as error:
        if error.name not in _BACKENDS or error.name == wanted:
            raise
        return error.name  # Of Keras's file of settings.
    return keras.config.backend()


if (_found := _backend()) != "tensorflow":
    raise ImportError(
        "keras_deephash needs Keras to run on TensorFlow. Received: the backend "
        f"{_found!r}. Set the environment variable KERAS_BACKEND=tensorflow before "
        "Keras is imported."
    )
