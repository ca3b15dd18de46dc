"""The size of a model, found without allocating its weights."""

import math
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def measure_model(build: Callable[[], "keras.Model"]) -> tuple[int, int]:
    """The size of a model that is built without its weights.

    Args:
        build: function that builds the model. What it raises is raised here.

    Returns:
        Tuple of the number of parameters, and of the values in the largest output that
        a layer has for one image.
    """

    def measure():
        model = build()
        return count_kept_parameters(model), _largest_output(model)

    return sketch(measure)


def count_kept_parameters(model: "keras.Model") -> int:
    """The number of parameters that a weights file keeps.

    LoRA's matrices are not kept: Keras writes the kernels that they make.
    """
    adapted = sum(
        math.prod(variable.shape)
        for variable in model.weights
        if variable.name.startswith("lora_")
    )
    return model.count_params() - adapted


def sketch(compute: Callable):
    """The result of a function that builds a model, without memory for its weights.

    Args:
        compute: function without arguments. It must not return the model, whose weights
            have no values. What it raises is raised here.
    """
    import keras

    outcome = {}
    drawn = random.getstate()  # Keras draws the seeds of initializers from there.

    def run():
        try:
            # In this scope, Keras puts off the values of new variables.
            with keras.StatelessScope(initialize_variables=False):
                outcome["result"] = compute()
        except BaseException as error:
            outcome["error"] = error

    # Keras keeps its state by thread: the variables that wait for their values, and
    # the numbers in the names of layers, end with this one.
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    random.setstate(drawn)
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


def _largest_output(model: "keras.Model") -> int:
    import keras

    sizes = [0]
    for layer in model._flatten_layers():
        with suppress(AttributeError, ValueError):  # Called in no graph, or in several.
            outputs = keras.tree.flatten(layer.output)
            sizes += [math.prod(filter(None, tensor.shape[1:])) for tensor in outputs]
    return max(sizes)
