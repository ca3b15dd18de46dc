"""The size of a model, such as before any memory is taken for it."""

import math
import threading
from collections.abc import Callable

import keras


def count_parameters(build: Callable[[], keras.Model]) -> int:
    """The number of kept parameters of a model that is built without its weights.

    Args:
        build: function that builds the model. What it raises is raised here.
    """
    outcome = {}

    def sketch():
        try:
            # In this scope, Keras puts off the values of new variables.
            with keras.StatelessScope(initialize_variables=False):
                outcome["parameters"] = count_kept_parameters(build())
        except BaseException as error:
            outcome["error"] = error

    # Keras keeps its state by thread: the variables that wait for their values, and
    # the numbers in the names of layers, end with this one.
    thread = threading.Thread(target=sketch)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["parameters"]


def count_kept_parameters(model: keras.Model) -> int:
    """The number of parameters that a weights file keeps.

    LoRA's matrices are not kept: Keras writes the kernels that they make.
    """
    adapted = sum(
        math.prod(variable.shape)
        for variable in model.weights
        if variable.name.startswith("lora_")
    )
    return model.count_params() - adapted
