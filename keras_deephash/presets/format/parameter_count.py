"""The size of a model, known before any memory is taken for it."""

import math
import threading
from collections.abc import Callable
from contextlib import suppress

import keras


def measure_model(build: Callable[[], keras.Model]) -> tuple[int, int]:
    """The size of a model that is built without its weights.

    Args:
        build: function that builds the model. What it raises is raised here.

    Returns:
        Tuple of the number of parameters, and of the values in the largest output that
        a layer has for one image.
    """
    outcome = {}

    def sketch():
        try:
            # In this scope, Keras puts off the values of new variables.
            with keras.StatelessScope(initialize_variables=False):
                model = build()
                outcome["size"] = model.count_params(), _largest_output(model)
        except BaseException as error:
            outcome["error"] = error

    # Keras keeps its state by thread: the variables that wait for their values, and
    # the numbers in the names of layers, end with this one.
    thread = threading.Thread(target=sketch)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["size"]


def _largest_output(model: keras.Model) -> int:
    sizes = [0]
    for layer in model._flatten_layers():
        with suppress(AttributeError, ValueError):  # Called in no graph, or in several.
            outputs = keras.tree.flatten(layer.output)
            sizes += [math.prod(filter(None, tensor.shape[1:])) for tensor in outputs]
    return max(sizes)
