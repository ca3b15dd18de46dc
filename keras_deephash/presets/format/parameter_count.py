"""What is known of a model before any memory is taken for it."""

import random
import threading
from collections.abc import Callable

import keras


def count_parameters(build: Callable[[], keras.Model]) -> int:
    """The number of parameters of a model that is built without its weights.

    Args:
        build: function that builds the model. What it raises is raised here.
    """
    return sketch(lambda: build().count_params())


def sketch(compute: Callable):
    """What a function returns that builds a model, without memory for its weights.

    Args:
        compute: function without arguments. It must not return the model, whose weights
            have no values. What it raises is raised here.
    """
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
